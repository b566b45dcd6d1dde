import { createElement } from 'lwc';
import PartnerFrame from 'c/partnerFrame';
import openPartnerPage from '@salesforce/apex/RecordPanelController.openPartnerPage';

jest.mock('@salesforce/apex/RecordPanelController.openPartnerPage', () => ({ default: jest.fn() }), {
    virtual: true
});

const ADDRESS = 'https://gateway.example.com/embed/contact?code=abc';
const settle = async () => {
    for (let turn = 0; turn < 5; turn++) {
        // eslint-disable-next-line no-await-in-loop
        await Promise.resolve();
    }
};

async function open(recordId = '003000000000001AAA') {
    const element = createElement('c-partner-frame', { is: PartnerFrame });
    element.recordId = recordId;
    document.body.appendChild(element);
    await settle();
    return { element, one: (selector) => element.shadowRoot.querySelector(selector) };
}

function hear(data, origin) {
    window.dispatchEvent(new MessageEvent('message', { data, origin }));
}

describe('c-partner-frame', () => {
    beforeEach(() => jest.useFakeTimers());

    afterEach(() => {
        document.body.replaceChildren();
        jest.resetAllMocks();
        jest.useRealTimers();
    });

    it('says that it loads', async () => {
        openPartnerPage.mockReturnValue(new Promise(() => {}));
        expect((await open()).one('lightning-spinner')).not.toBeNull();
    });

    it('shows the page of this very record', async () => {
        openPartnerPage.mockResolvedValue(ADDRESS);
        const { one } = await open();
        expect(openPartnerPage).toHaveBeenCalledWith({ recordId: '003000000000001AAA' });
        expect(one('iframe').getAttribute('src')).toBe(ADDRESS);
        expect(one('iframe').getAttribute('referrerpolicy')).toBe('no-referrer');
        expect(one('iframe').getAttribute('title')).toBe('c.Frame_Of_Record');
    });

    it('says so where there is no page yet', async () => {
        openPartnerPage.mockResolvedValue(null);
        jest.useRealTimers();
        const { element, one } = await open();
        expect(one('[data-id="empty"]')).not.toBeNull();
        expect(one('iframe')).toBeNull();
        await expect(element).toBeAccessible();
    });

    it('says why it cannot show it, and tries again', async () => {
        openPartnerPage.mockRejectedValueOnce({ body: { message: '{"message":"Away."}' } });
        openPartnerPage.mockResolvedValue(ADDRESS);
        const { one } = await open();
        expect(one('c-notice').message).toBe('Away.');
        one('c-notice').dispatchEvent(new CustomEvent('retry'));
        await settle();
        expect(one('iframe')).not.toBeNull();
    });

    it('tells what to check where the frame stays silent', async () => {
        openPartnerPage.mockResolvedValue(ADDRESS);
        const { one } = await open();
        hear('causeway:ready', 'https://elsewhere.example.com');
        hear('something else', 'https://gateway.example.com');
        jest.advanceTimersByTime(10000);
        await settle();
        expect(one('[data-id="silent"]')).not.toBeNull();
        hear('causeway:ready', 'https://gateway.example.com');
        await settle();
        expect(one('[data-id="silent"]')).toBeNull();
    });

    it('asks for a new address for each showing, of however many records', async () => {
        openPartnerPage.mockResolvedValue(ADDRESS);
        const { element, one } = await open();
        for (let index = 0; index < 30; index++) {
            element.recordId = `0030000000000${index + 10}AAA`;
        }
        await settle();
        expect(openPartnerPage).toHaveBeenCalledTimes(31);
        one('lightning-button-icon').click();
        await settle();
        expect(openPartnerPage).toHaveBeenCalledTimes(32);
        hear('causeway:ready', 'https://gateway.example.com');
        jest.advanceTimersByTime(60000);
        await settle();
        expect(one('[data-id="silent"]')).toBeNull();
    });
});
