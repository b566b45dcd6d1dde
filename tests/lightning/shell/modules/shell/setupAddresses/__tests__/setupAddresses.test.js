import { createElement } from 'lwc';
import SetupAddresses from 'shell/setupAddresses';
import { ask } from 'shell/server';

jest.mock('shell/server', () => ({ ask: jest.fn(), context: {} }));

async function settle() {
    for (let turn = 0; turn < 10; turn++) {
        await Promise.resolve();
    }
}

async function show(kind, ...answers) {
    ask.mockReset();
    for (const answer of answers) {
        ask.mockImplementationOnce(answer);
    }
    const element = createElement('shell-setup-addresses', { is: SetupAddresses });
    element.kind = kind;
    document.body.appendChild(element);
    await settle();
    return element.shadowRoot;
}

describe('shell-setup-addresses', () => {
    afterEach(() => document.body.replaceChildren());

    it('says that there are none yet', async () => {
        const page = await show('remote-sites', async () => []);
        expect(page.textContent).toContain('There are none yet.');
    });

    it('lists what there is', async () => {
        const site = { name: 'Gateway', url: 'https://gateway.example', isActive: true };
        const page = await show('remote-sites', async () => [site]);
        expect(page.querySelector('tbody').textContent).toContain('https://gateway.example');
    });

    it('says what the org says no to', async () => {
        const site = { name: 'Gateway', url: 'https://gateway.example', isActive: true };
        const page = await show(
            'trusted-urls',
            async () => [site],
            () => Promise.reject(new Error('It is in use.'))
        );
        page.querySelector('[data-name="Gateway"]').click();
        await settle();
        expect(page.querySelector('[role="alert"]').textContent).toBe('It is in use.');
        expect(page.querySelector('tbody').textContent).toContain('https://gateway.example');
    });
});
