import { createElement } from 'lwc';
import Notice from 'c/notice';

function show(properties) {
    const element = createElement('c-notice', { is: Notice });
    Object.assign(element, properties);
    document.body.appendChild(element);
    return element;
}

describe('c-notice', () => {
    afterEach(() => document.body.replaceChildren());

    it('is announced, with its next step', async () => {
        const element = show({ message: 'Away.', nextStep: 'Wait.' });
        expect(element.shadowRoot.querySelector('[role="alert"]').textContent).toContain('Away.');
        expect(element.shadowRoot.querySelector('[data-id="next-step"]').textContent).toContain('Wait.');
        expect(element.shadowRoot.querySelector('lightning-button')).toBeNull();
        await expect(element).toBeAccessible();
    });

    it('lets one try again', () => {
        const element = show({ message: 'Away.', canRetry: true });
        const retried = jest.fn();
        element.addEventListener('retry', retried);
        element.shadowRoot.querySelector('lightning-button').click();
        expect(retried).toHaveBeenCalledTimes(1);
        expect(element.shadowRoot.querySelector('[data-id="next-step"]')).toBeNull();
    });
});
