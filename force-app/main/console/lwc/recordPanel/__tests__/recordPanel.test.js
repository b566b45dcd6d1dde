import { createElement } from 'lwc';
import RecordPanel from 'c/recordPanel';
import readPanel from '@salesforce/apex/RecordPanelController.read';
import explainValue from '@salesforce/apex/RecordPanelController.explain';

jest.mock('@salesforce/apex/RecordPanelController.read', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/RecordPanelController.explain', () => ({ default: jest.fn() }), { virtual: true });

const VALUES = [
    { field: 'LastName', label: 'Last Name', value: 'Ng', type: 'text', rule: 'partner' },
    { field: 'HasOptedOutOfEmail', label: 'Email Opt Out', value: 'true', type: 'boolean', rule: 'somethingNew' },
    { field: 'DoNotCall', label: 'Do Not Call', value: 'false', type: 'boolean' },
    { field: 'Email', label: 'Email', value: null, type: 'email' }
];
const LINKED = { status: 'upToDate', reason: null, updatedAt: '2026-11-22T10:00:00Z', values: VALUES };
const CHANGE = {
    at: '2026-11-22T10:00:00Z',
    cause: 'partnerWins',
    source: 'partner',
    who: 'crm',
    value: 'Ng',
    partnerValue: 'Ng',
    isContested: true,
    lostValue: 'Old',
    lostSide: 'salesforce'
};
const refusal = (told) => ({ body: { message: JSON.stringify(told) } });
const settle = async () => {
    for (let turn = 0; turn < 5; turn++) {
        // eslint-disable-next-line no-await-in-loop
        await Promise.resolve();
    }
};

async function open(panel = LINKED) {
    if (panel) {
        readPanel.mockResolvedValue(panel);
    }
    const element = createElement('c-record-panel', { is: RecordPanel });
    element.recordId = '003000000000001AAA';
    document.body.appendChild(element);
    await settle();
    return {
        element,
        one: (selector) => element.shadowRoot.querySelector(selector),
        all: (selector) => [...element.shadowRoot.querySelectorAll(selector)],
        text: (id) => element.shadowRoot.querySelector(`[data-id="${id}"]`)?.textContent,
        async why(index = 0) {
            const button = element.shadowRoot.querySelectorAll('[data-id="why"]')[index];
            button.name = VALUES[index].field;
            button.click();
            await settle();
        }
    };
}

describe('c-record-panel', () => {
    afterEach(() => {
        document.body.replaceChildren();
        jest.resetAllMocks();
    });

    it.each([[null], [undefined], [''], ['some day']])('says nothing of a last change without a time: %p', async (updatedAt) => {
        const page = await open({ ...LINKED, updatedAt });
        expect(page.one('[data-id="status"]')).not.toBeNull();
        expect(page.one('[data-id="updated"]')).toBeNull();
    });

    it('says that it loads', async () => {
        readPanel.mockReturnValue(new Promise(() => {}));
        const page = await open(null);
        expect(page.one('lightning-spinner')).not.toBeNull();
    });

    it.each([
        ['upToDate', null, 'c.Panel_Status_Up_To_Date', undefined],
        ['waiting', null, 'c.Panel_Status_Waiting', 'c.Panel_Status_Waiting_Step'],
        ['held', 'ambiguous', 'c.Panel_Status_Held', 'c.Panel_Held_Ambiguous_Step'],
        ['held', 'somethingNew', 'c.Panel_Status_Held', 'c.Panel_Held_Other_Step'],
        ['deleted', null, 'c.Panel_Status_Deleted', 'c.Panel_Status_Deleted_Step'],
        ['notLinked', null, 'c.Panel_Not_Linked', 'c.Panel_Status_Not_Linked_Step'],
        ['notSynced', null, 'c.Panel_Status_Not_Synced', 'c.Panel_Status_Not_Synced_Step'],
        ['somethingNew', null, 'c.Panel_Status_Unknown', 'c.Panel_Held_Other_Step']
    ])('tells "%s" (%s) in plain words, with one next step', async (status, reason, words, nextStep) => {
        const page = await open({ ...LINKED, status, reason });
        expect(page.text('status')).toContain(words);
        expect(page.text('next-step')?.includes(nextStep)).toBe(nextStep ? true : undefined);
    });

    it('shows values by the names of this org', async () => {
        const page = await open();
        expect(page.all('.value').map(({ textContent }) => textContent)).toEqual([
            'Ng',
            'c.Panel_Value_Yes',
            'c.Panel_Value_No',
            'c.Panel_Value_Empty'
        ]);
        await expect(page.element).toBeAccessible();
    });

    it('says so where there is nothing to show', async () => {
        const page = await open({ ...LINKED, values: [] });
        expect(page.one('[data-id="no-values"]')).not.toBeNull();
        const unlinked = await open({ status: 'notLinked', values: [] });
        expect(unlinked.one('[data-id="no-values"]')).toBeNull();
    });

    it('shows ten of many values first', async () => {
        const values = Array.from({ length: 60 }, (_none, index) => ({ ...VALUES[0], field: `Field_${index}__c` }));
        const page = await open({ ...LINKED, values });
        expect(page.all('[data-id="value"]')).toHaveLength(10);
        page.one('[data-id="show-all"]').click();
        await settle();
        expect(page.all('[data-id="value"]')).toHaveLength(60);
    });

    it('says why it cannot load, and loads again', async () => {
        readPanel.mockRejectedValueOnce(refusal({ message: 'Away.', nextStep: 'Wait.' }));
        readPanel.mockResolvedValue(LINKED);
        const page = await open(null);
        expect(page.one('c-notice').message).toBe('Away.');
        page.one('c-notice').dispatchEvent(new CustomEvent('retry'));
        await settle();
        expect(page.text('status')).toContain('c.Panel_Status_Up_To_Date');
    });

    it('explains a value: origin, time, who, rule, and the value that lost', async () => {
        const answers = {
            LastName: [CHANGE],
            HasOptedOutOfEmail: [
                { ...CHANGE, who: null, source: 'new', cause: 'new', lostSide: 'partner', lostValue: null }
            ]
        };
        explainValue.mockImplementation(({ field }) => Promise.resolve(answers[field] ?? []));
        const page = await open();
        await page.why(0);
        expect(explainValue).toHaveBeenCalledWith({ recordId: '003000000000001AAA', field: 'LastName' });
        expect(page.text('rule')).toContain('c.Panel_Rule_Partner');
        expect(page.text('change')).toContain('Ng');
        expect(page.text('change')).toContain('c.Panel_Source_Who');
        expect(page.text('change')).toContain('c.Panel_Cause_Partner_Wins');
        expect(page.text('lost')).toContain('c.Panel_Why_Lost_Salesforce');
        expect(page.text('lost')).toContain('Old');
        await page.why(1);
        expect(page.text('change')).toContain('c.Panel_Source_Run');
        expect(page.text('change')).toContain('c.Panel_Cause_Other');
        expect(page.text('lost')).toContain('c.Panel_Why_Lost_Partner');
        expect(page.one('[data-id="rule"]')).toBeNull();
        await page.why(2);
        expect(page.one('[data-id="no-changes"]')).not.toBeNull();
        await page.why(0);
        expect(explainValue).toHaveBeenCalledTimes(3);
        await page.why(2);
        await page.why(2);
        expect(page.one('[data-id="answer"]')).toBeNull();
    });

    it('says why a value cannot be explained', async () => {
        explainValue.mockRejectedValueOnce(refusal({ message: 'Away.' }));
        explainValue.mockResolvedValue([]);
        const page = await open();
        await page.why(0);
        expect(page.one('c-notice').message).toBe('Away.');
        page.one('c-notice').dispatchEvent(new CustomEvent('retry'));
        await settle();
        expect(page.one('[data-id="no-changes"]')).not.toBeNull();
    });

    it('goes on to another record, and never shows the one before', async () => {
        let answerLate;
        readPanel.mockReturnValueOnce(
            new Promise((resolve) => {
                answerLate = resolve;
            })
        );
        readPanel.mockResolvedValue({ ...LINKED, status: 'notLinked' });
        const page = await open(null);
        page.element.recordId = '003000000000002AAA';
        await settle();
        answerLate(LINKED);
        await settle();
        expect(page.text('status')).toContain('c.Panel_Not_Linked');
    });
});
