import { createElement } from 'lwc';
import List from 'shell/list';
import { ask } from 'shell/server';

jest.mock('shell/server', () => ({ ask: jest.fn(), context: {} }));

const CONTACTS = {
    name: 'Contact',
    labelPlural: 'Contacts',
    nameField: 'Name',
    canCreate: true,
    listViews: [{ name: 'All', label: 'All' }]
};
const columns = [{ field: 'Name', label: 'Name', type: 'string' }];
const rows = (count) =>
    Array.from({ length: count }, (_none, index) => ({
        id: `003${index}`,
        object: 'Contact',
        values: { Name: { value: `Name ${index}`, display: `Name ${index}` } }
    }));

async function show(...answers) {
    ask.mockReset();
    for (const answer of answers) {
        ask.mockImplementationOnce(answer);
    }
    const element = createElement('shell-list', { is: List });
    element.object = 'Contact';
    document.body.appendChild(element);
    for (let turn = 0; turn < 10; turn++) {
        await Promise.resolve();
    }
    return element.shadowRoot;
}

describe('shell-list', () => {
    afterEach(() => document.body.replaceChildren());

    it('says that it is loading', async () => {
        const page = await show(() => new Promise(() => {}));
        expect(page.querySelector('lightning-spinner')).not.toBeNull();
        expect(page.querySelector('table')).toBeNull();
    });

    it('says that there is nothing', async () => {
        const page = await show(async () => CONTACTS, async () => ({ columns, rows: [], hasMore: false }));
        expect(page.textContent).toContain('Nothing to see here');
        expect(page.querySelector('table')).toBeNull();
    });

    it('says that a page is not there where the org says no', async () => {
        const page = await show(() => Promise.reject(new Error('no')));
        expect(page.querySelector('shell-not-found')).not.toBeNull();
        expect(page.querySelector('lightning-spinner')).toBeNull();
    });

    it('shows many rows with their links, and how many more there are', async () => {
        const page = await show(async () => CONTACTS, async () => ({ columns, rows: rows(50), hasMore: true }));
        expect(page.querySelectorAll('tbody tr')).toHaveLength(50);
        expect(page.querySelector('tbody a').getAttribute('href')).toBe('/lightning/r/Contact/0030/view');
        expect(page.querySelector('[role="status"]').textContent).toBe('50 items, more below');
    });
});
