import { createElement } from 'lwc';
import ConnectionSettings from 'c/connectionSettings';
import readSettings from '@salesforce/apex/ConnectionSettingsController.read';
import saveSettings from '@salesforce/apex/ConnectionSettingsController.save';
import pairOrg from '@salesforce/apex/ConnectionSettingsController.pair';
import testConnection from '@salesforce/apex/ConnectionSettingsController.test';
import openTestPage from '@salesforce/apex/ConnectionSettingsController.openTestPage';

jest.mock('@salesforce/apex/ConnectionSettingsController.read', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/ConnectionSettingsController.save', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/ConnectionSettingsController.pair', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/ConnectionSettingsController.test', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/ConnectionSettingsController.openTestPage', () => ({ default: jest.fn() }), {
    virtual: true
});

const EMPTY = { values: { secretIsSet: false }, packageVersion: '1.0', isOutOfDate: false };
const CONNECTED = {
    values: {
        endpoint: 'https://gateway.example.com',
        clientId: 'org-7',
        audience: null,
        dataOwner: 'desk@partner.example.com',
        accountName: 'Ng and Sons',
        microSiteKey: 'site-1',
        iFrameName: 'Our partner',
        secretIsSet: true,
        secretSetAt: '2026-11-22T10:00:00.000Z'
    },
    connectionName: 'Partner of Ng',
    packageVersion: '1.0',
    latestVersion: '1.1',
    isOutOfDate: true,
    supportEmail: 'help@partner.example.com',
    supportPhone: '+49 30 123456'
};

const settle = async () => {
    for (let turn = 0; turn < 5; turn++) {
        // eslint-disable-next-line no-await-in-loop
        await Promise.resolve();
    }
};
const refusal = (told) => ({ body: { message: JSON.stringify(told) } });

async function open(settings = CONNECTED) {
    readSettings.mockResolvedValue(settings);
    const element = createElement('c-connection-settings', { is: ConnectionSettings });
    document.body.appendChild(element);
    await settle();
    for (const input of element.shadowRoot.querySelectorAll('[data-field]')) {
        input.setCustomValidity = jest.fn();
        input.reportValidity = jest.fn();
        input.focus = jest.fn();
    }
    return {
        element,
        one: (selector) => element.shadowRoot.querySelector(selector),
        all: (selector) => [...element.shadowRoot.querySelectorAll(selector)],
        field: (name) => element.shadowRoot.querySelector(`[data-field="${name}"]`),
        type(name, value) {
            this.field(name).dispatchEvent(new CustomEvent('change', { detail: { value } }));
        },
        async press(id) {
            this.one(`lightning-button[data-id="${id}"]`).click();
            await settle();
        }
    };
}

const GATEWAY = 'https://gateway.example.com';
const TEST_PAGE = `${GATEWAY}/embed/open/code-1`;
const LOOK = [{ name: 'Frame', state: 'look', nextStep: 'Look.', setupPath: '/setup', address: GATEWAY }];
const tell = (data, origin = GATEWAY) => window.dispatchEvent(new MessageEvent('message', { data, origin }));

describe('c-connection-settings', () => {
    beforeEach(() => {
        openTestPage.mockRejectedValue(refusal({ message: 'Away.' }));
    });

    afterEach(() => {
        document.body.replaceChildren();
        jest.resetAllMocks();
        jest.useRealTimers();
    });

    it('says that it loads', () => {
        readSettings.mockReturnValue(new Promise(() => {}));
        const element = createElement('c-connection-settings', { is: ConnectionSettings });
        document.body.appendChild(element);
        expect(element.shadowRoot.querySelector('lightning-spinner').alternativeText).toBe('c.Page_Loading');
        expect(element.shadowRoot.querySelector('lightning-input')).toBeNull();
    });

    it('says what to do where nothing is set yet', async () => {
        const page = await open(EMPTY);
        expect(page.one('[data-id="state"]').textContent).toBe('c.Connection_Not_Paired');
        expect(page.one('[data-id="secret-state"]').textContent).toContain('c.Connection_Secret_Not_Set');
        expect(page.one('[data-id="account-warning"]')).not.toBeNull();
        expect(page.one('[data-id="no-support"]').textContent).toBe('c.Connection_Support_None');
        expect(page.one('[data-id="out-of-date"]')).toBeNull();
        await expect(page.element).toBeAccessible();
    });

    it('shows the settings and never a secret', async () => {
        const page = await open();
        expect(page.field('endpoint').value).toBe('https://gateway.example.com');
        expect(page.field('secret').value).toBe('');
        expect(page.field('secret').type).toBe('password');
        expect(page.one('[data-id="secret-state"] lightning-formatted-date-time').value).toBe(
            CONNECTED.values.secretSetAt
        );
        expect(page.one('[data-id="account-warning"]')).toBeNull();
        expect(page.one('[data-id="out-of-date"]').textContent).toContain('c.Connection_Out_Of_Date');
        expect(page.one('[data-id="out-of-date"]').textContent).toContain('c.Connection_Install_Ask');
        expect(page.one('[data-id="install"]')).toBeNull();
        expect(page.one('lightning-formatted-email').value).toBe(CONNECTED.supportEmail);
        expect(page.one('lightning-formatted-phone').value).toBe(CONNECTED.supportPhone);
        expect(page.field('dataOwner').value).toBe('desk@partner.example.com');
        await expect(page.element).toBeAccessible();
    });

    it('says why it cannot load, and loads again', async () => {
        readSettings.mockRejectedValueOnce(refusal({ message: 'Away.', nextStep: 'Wait.' }));
        const page = await open();
        expect(page.one('c-notice').message).toBe('Away.');
        expect(page.one('[data-id="save"]')).toBeNull();
        page.one('c-notice').dispatchEvent(new CustomEvent('retry'));
        await settle();
        expect(page.one('c-notice')).toBeNull();
        expect(page.field('clientId').value).toBe('org-7');
    });

    it('saves nothing before Save Settings is pressed', async () => {
        const page = await open();
        page.type('accountName', ' ');
        await settle();
        page.element.click();
        page.field('accountName').dispatchEvent(new CustomEvent('blur'));
        expect(page.one('[data-id="unsaved"]')).not.toBeNull();
        expect(page.one('[data-id="account-warning"]')).not.toBeNull();
        expect(saveSettings).not.toHaveBeenCalled();
        await page.press('undo');
        expect(page.field('accountName').value).toBe('Ng and Sons');
        expect(page.one('[data-id="unsaved"]')).toBeNull();
    });

    it('saves all together, confirms, and forgets the secret', async () => {
        saveSettings.mockResolvedValue(null);
        const page = await open();
        page.type('iFrameName', '');
        page.type('secret', 'a secret of more than 32 characters');
        await page.press('save');
        expect(saveSettings).toHaveBeenCalledWith({
            values: {
                endpoint: 'https://gateway.example.com',
                clientId: 'org-7',
                audience: null,
                dataOwner: 'desk@partner.example.com',
                accountName: 'Ng and Sons',
                microSiteKey: 'site-1',
                iFrameName: null
            },
            secret: 'a secret of more than 32 characters'
        });
        expect(page.one('[data-id="result"]').textContent).toContain('c.Connection_Saved');
        expect(page.field('secret').value).toBe('');
    });

    it('shows an error at the field that is wrong', async () => {
        saveSettings.mockRejectedValue(refusal({ field: 'endpoint', message: 'No https.' }));
        const page = await open();
        page.type('endpoint', 'http://gateway.example.com');
        await page.press('save');
        expect(page.field('endpoint').setCustomValidity).toHaveBeenLastCalledWith('No https.');
        expect(page.field('endpoint').focus).toHaveBeenCalled();
        expect(page.one('[data-id="action-error"]').message).toBe('c.Connection_Nothing_Saved');
        expect(page.one('[data-id="unsaved"]')).not.toBeNull();
    });

    it('shows an error of no field by itself', async () => {
        saveSettings.mockRejectedValue(new Error('Network'));
        const page = await open();
        await page.press('save');
        expect(page.one('[data-id="action-error"]').message).toBe('c.Page_Failed');
    });

    it('tells what is not right though it is saved', async () => {
        saveSettings.mockResolvedValue('Not scheduled.');
        const page = await open();
        await page.press('save');
        expect(page.one('[data-id="warning"]').textContent).toContain('Not scheduled.');
    });

    it('pairs by a code', async () => {
        pairOrg.mockResolvedValue(null);
        const page = await open(EMPTY);
        page.type('endpoint', 'https://gateway.example.com');
        page.type('code', 'ABCDE-12345');
        readSettings.mockResolvedValue(CONNECTED);
        await page.press('pair');
        expect(pairOrg).toHaveBeenCalledWith({ endpoint: 'https://gateway.example.com', code: 'ABCDE-12345' });
        expect(page.one('[data-id="result"]').textContent).toContain('c.Connection_Paired');
        expect(page.field('code').value).toBe('');
        expect(page.field('clientId').value).toBe('org-7');
    });

    it('shows a refused code at its field', async () => {
        pairOrg.mockRejectedValue(refusal({ field: 'code', message: 'Used.', nextStep: 'Make a new one.' }));
        const page = await open(EMPTY);
        await page.press('pair');
        expect(page.field('code').setCustomValidity).toHaveBeenLastCalledWith('Used. Make a new one.');
    });

    it('tells what works, what does not, and what to do', async () => {
        testConnection.mockResolvedValue([
            { name: 'Settings', state: 'works' },
            {
                name: 'Gateway',
                state: 'fails',
                message: 'Not allowed.',
                nextStep: 'Add it.',
                setupPath: '/lightning/setup/SecurityRemoteProxy/home',
                address: 'https://gateway.example.com'
            },
            { name: 'Org', state: 'notTried' },
            { name: 'Frame', state: 'look', nextStep: 'Look.' }
        ]);
        const writeText = jest.fn().mockResolvedValue();
        Object.assign(navigator, { clipboard: { writeText } });
        const page = await open();
        await page.press('test');
        expect(saveSettings).not.toHaveBeenCalled();
        expect(page.one('[data-id="test-result"]').textContent).toBe('c.Check_Some_Fail');
        const findings = page.all('[data-id="finding"]');
        expect(findings).toHaveLength(4);
        expect(findings[1].textContent).toContain('Not allowed.');
        expect(findings[1].querySelector('a').getAttribute('href')).toBe('/lightning/setup/SecurityRemoteProxy/home');
        await page.press('copy');
        expect(writeText).toHaveBeenCalledWith('https://gateway.example.com');
        expect(page.one('lightning-button[data-id="copy"]').label).toBe('c.Page_Copied');
        writeText.mockRejectedValue(new Error('not allowed'));
        await page.press('copy');
        expect(page.one('[data-id="action-error"]')).toBeNull();
        await expect(page.element).toBeAccessible();
    });

    it('says at its field what is wrong with the credentials, unless something else is typed there', async () => {
        const wrong = { name: 'Credentials', state: 'fails', message: 'Wrong.', nextStep: 'Enter it.', field: 'secret' };
        testConnection.mockResolvedValue([wrong]);
        const page = await open();
        await page.press('test');
        expect(page.field('secret').setCustomValidity).toHaveBeenLastCalledWith('Wrong. Enter it.');
        expect(page.field('clientId').setCustomValidity).toHaveBeenLastCalledWith('');
        page.type('secret', 'a secret of more than 32 characters');
        expect(page.field('secret').setCustomValidity).toHaveBeenLastCalledWith('');
        await page.press('test');
        expect(page.field('secret').setCustomValidity).toHaveBeenLastCalledWith('');
        expect(page.one('[data-id="finding"]').textContent).toContain('Enter it.');
    });

    it('says whom to ask where a connected gateway names nobody', async () => {
        const page = await open({ ...CONNECTED, supportEmail: null, supportPhone: null });
        expect(page.one('[data-id="no-support"]').textContent).toBe('c.Connection_Support_Unnamed');
    });

    it('leads to where the newest version is installed', async () => {
        const installAddress = 'https://acme.example.com/packaging/installPackage.apexp?p0=04t';
        const page = await open({ ...CONNECTED, installAddress });
        expect(page.one('[data-id="install"]').getAttribute('href')).toBe(installAddress);
        expect(page.one('[data-id="out-of-date"]').textContent).not.toContain('c.Connection_Install_Ask');
        await expect(page.element).toBeAccessible();
    });

    it('says that pages of the gateway are shown once one says so itself', async () => {
        testConnection.mockResolvedValue(LOOK);
        openTestPage.mockResolvedValue(TEST_PAGE);
        const page = await open();
        await page.press('test');
        const frame = page.one('[data-id="test-page"]');
        expect(frame.getAttribute('src')).toBe(TEST_PAGE);
        tell('causeway:shown:code-1', 'https://elsewhere.example.com');
        tell('causeway:shown:code-2');
        tell('causeway:ready');
        await settle();
        expect(page.one('[data-id="test-page"]')).not.toBeNull();
        expect(page.one('[data-id="finding"]').textContent).toContain('c.Connection_Testing');
        expect(page.one('[data-id="test-result"]').textContent).toBe('');
        tell('causeway:shown:code-1');
        await settle();
        expect(page.one('[data-id="test-page"]')).toBeNull();
        expect(page.one('[data-id="test-result"]').textContent).toBe('c.Check_All_Work');
        expect(page.one('[data-id="finding"]').textContent).toContain('c.Check_Works');
        expect(page.one('[data-id="finding"]').textContent).not.toContain('Look.');
    });

    it('says what to add where the browser shows no page of the gateway', async () => {
        jest.useFakeTimers();
        testConnection.mockResolvedValue(LOOK);
        openTestPage.mockResolvedValue(TEST_PAGE);
        const page = await open();
        await page.press('test');
        jest.advanceTimersByTime(8000);
        await settle();
        expect(page.one('[data-id="test-page"]')).toBeNull();
        expect(page.one('[data-id="test-result"]').textContent).toBe('c.Check_Some_Fail');
        const finding = page.one('[data-id="finding"]');
        expect(finding.textContent).toContain('c.Check_Frame_Refused');
        expect(finding.textContent).toContain('c.Check_Frame_Refused_Step');
        expect(finding.querySelector('a').getAttribute('href')).toBe('/setup');
        expect(page.one('lightning-button[data-id="copy"]').value).toBe(GATEWAY);
    });

    it('asks a person to look where the gateway gives no page, and ends with the page around it', async () => {
        testConnection.mockResolvedValue(LOOK);
        const page = await open();
        await page.press('test');
        expect(page.one('[data-id="finding"]').textContent).toContain('Look.');
        openTestPage.mockResolvedValue(TEST_PAGE);
        await page.press('test');
        page.element.remove();
        tell('causeway:shown:code-1');
        await settle();
    });

    it('says so where everything works', async () => {
        testConnection.mockResolvedValue([
            { name: 'Settings', state: 'works' },
            { name: 'Frame', state: 'look' }
        ]);
        const page = await open();
        await page.press('test');
        expect(page.one('[data-id="test-result"]').textContent).toBe('c.Check_All_Work');
    });
});
