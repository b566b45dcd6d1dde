import { createElement } from 'lwc';
import SyncChart from 'c/syncChart';

function show(points) {
    const element = createElement('c-sync-chart', { is: SyncChart });
    Object.assign(element, { heading: 'Records per hour', points });
    document.body.appendChild(element);
    return element;
}

const points = (count) =>
    Array.from({ length: count }, (_none, index) => ({
        key: `${index}`,
        at: '2026-11-22T10:00:00Z',
        value: index * 10
    }));

describe('c-sync-chart', () => {
    afterEach(() => document.body.replaceChildren());

    it.each([[[]], [undefined], [null]])('says so where there is nothing: %p', async (nothing) => {
        const element = show(nothing);
        expect(element.shadowRoot.querySelector('[data-id="empty"]')).not.toBeNull();
        expect(element.shadowRoot.querySelector('svg')).toBeNull();
        await expect(element).toBeAccessible();
    });

    it('draws bars, with the numbers in a table', async () => {
        const element = show(points(3));
        const bars = [...element.shadowRoot.querySelectorAll('rect')];
        expect(bars.map((bar) => Number(bar.getAttribute('height')))).toEqual([0, 60, 120]);
        expect(bars.map((bar) => Number(bar.getAttribute('y')))).toEqual([120, 60, 0]);
        expect(element.shadowRoot.querySelectorAll('tbody tr')).toHaveLength(3);
        expect(element.shadowRoot.querySelector('svg').getAttribute('aria-label')).toBe('c.Sync_Chart_Summary');
        await expect(element).toBeAccessible();
    });

    it('says how high the bars are, and from when to when they reach', async () => {
        const element = show(points(3));
        const one = (id) => element.shadowRoot.querySelector(`[data-id="${id}"]`);
        expect(one('highest').textContent).toBe('c.Sync_Chart_Highest');
        expect(one('times').querySelectorAll('lightning-formatted-date-time')).toHaveLength(2);
        await expect(element).toBeAccessible();
    });

    it('keeps many bars within its width', () => {
        const bars = [...show(points(200)).shadowRoot.querySelectorAll('rect')];
        const last = bars[bars.length - 1];
        expect(Number(last.getAttribute('x')) + Number(last.getAttribute('width'))).toBeLessThanOrEqual(480);
    });

    it('says that there is nothing where all is zero', () => {
        const element = show([{ key: 'a', at: '2026-11-22T10:00:00Z', value: 0 }]);
        expect(element.shadowRoot.querySelector('[data-id="empty"]')).not.toBeNull();
        expect(element.shadowRoot.querySelector('svg')).toBeNull();
    });
});
