import { createElement } from 'lwc';
import SyncInformation from 'c/syncInformation';
import readOverview from '@salesforce/apex/SyncController.overview';
import readSending from '@salesforce/apex/SyncController.sending';
import readOlderRuns from '@salesforce/apex/SyncController.olderRuns';
import readProgress from '@salesforce/apex/SyncController.progress';
import startSync from '@salesforce/apex/SyncController.start';
import cancelSync from '@salesforce/apex/SyncController.cancel';
import saveInstant from '@salesforce/apex/SyncController.saveInstant';
import saveCap from '@salesforce/apex/SyncController.saveCap';

jest.mock('@salesforce/apex/SyncController.overview', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/SyncController.sending', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/SyncController.olderRuns', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/SyncController.progress', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/SyncController.start', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/SyncController.cancel', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/SyncController.saveInstant', () => ({ default: jest.fn() }), { virtual: true });
jest.mock('@salesforce/apex/SyncController.saveCap', () => ({ default: jest.fn() }), { virtual: true });

const NOW = new Date('2026-11-23T12:00:00Z');
const BACKLOG = { waiting: 0, oldest: null };
const CONNECTION = {
    enabled: true,
    calls: { spent: 250, cap: 1000 },
    inbox: BACKLOG,
    outbox: { waiting: 3, oldest: '2026-11-23T11:00:00Z' },
    package: { issues: [], queue: null }
};
const EMPTY = { connection: CONNECTION, runs: [], olderRuns: null, mappings: [], held: [], hasMoreHeld: false };
const MAPPINGS = [{ id: '1', salesforceObject: 'Contact', links: { linked: 5 } }];

const run = (id, changes) => ({
    id,
    kind: 'initial',
    state: 'completed',
    createdAt: '2026-11-23T11:00:00Z',
    finishedAt: '2026-11-23T11:30:00Z',
    error: null,
    parts: [{ mapping: '1', state: 'done', rows: 500, expected: 500 }],
    ...changes
});
const RUNNING = run('7', {
    state: 'running',
    createdAt: '2026-11-23T11:50:00Z',
    finishedAt: null,
    parts: [{ mapping: '1', state: 'reading', rows: 500, expected: 1000 }]
});
const refusal = (told) => ({ body: { message: JSON.stringify(told) } });
const settle = async () => {
    for (let turn = 0; turn < 8; turn++) {
        // eslint-disable-next-line no-await-in-loop
        await Promise.resolve();
    }
};

function show(state) {
    Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
    document.dispatchEvent(new CustomEvent('visibilitychange'));
}

async function open(overview = EMPTY, sending = {}) {
    if (overview) {
        readOverview.mockResolvedValue(overview);
    }
    readSending.mockResolvedValue(sending);
    const element = createElement('c-sync-information', { is: SyncInformation });
    document.body.appendChild(element);
    await settle();
    return {
        element,
        one: (selector) => element.shadowRoot.querySelector(selector),
        all: (selector) => [...element.shadowRoot.querySelectorAll(selector)],
        text: (id) => element.shadowRoot.querySelector(`[data-id="${id}"]`)?.textContent,
        async press(id) {
            element.shadowRoot.querySelector(`lightning-button[data-id="${id}"]`).click();
            await settle();
        }
    };
}

describe('c-sync-information', () => {
    beforeEach(() => {
        jest.useFakeTimers({ now: NOW });
        show('visible');
    });

    afterEach(() => {
        document.body.replaceChildren();
        jest.resetAllMocks();
        jest.useRealTimers();
    });

    it('says that it loads', () => {
        readSending.mockReturnValue(new Promise(() => {}));
        const element = createElement('c-sync-information', { is: SyncInformation });
        document.body.appendChild(element);
        expect(element.shadowRoot.querySelector('lightning-spinner')).not.toBeNull();
    });

    it('says what to do where nothing was synced yet, and starts nothing', async () => {
        const page = await open();
        expect(page.text('first')).toContain('c.Sync_First_None');
        expect(page.text('last')).toContain('c.Sync_Last_None');
        expect(page.one('[data-id="no-current"]')).not.toBeNull();
        expect(page.one('[data-id="no-issues"]')).not.toBeNull();
        expect(page.one('[data-id="no-runs"]')).not.toBeNull();
        expect(page.one('[data-id="force"]')).toBeNull();
        expect(page.one('[data-id="calls-used"] lightning-formatted-number').value).toBe(250);
        expect(page.one('[data-id="calls-max"] lightning-formatted-number').value).toBe(1000);
        expect(startSync).not.toHaveBeenCalled();
        jest.advanceTimersByTime(600000);
        expect(readProgress).not.toHaveBeenCalled();
    });

    it('says why it cannot load, with what this org knows by itself', async () => {
        readOverview.mockRejectedValueOnce(refusal({ message: 'Away.', nextStep: 'Wait.' }));
        const page = await open(null, { trouble: 'No way.', nextStep: 'Look.' });
        expect(page.one('c-notice').message).toBe('Away.');
        expect(page.one('[data-id="sending"]').message).toBe('No way.');
        readOverview.mockResolvedValue(EMPTY);
        page.one('c-notice').dispatchEvent(new CustomEvent('retry'));
        await settle();
        expect(page.one('c-notice')).toBeNull();
    });

    it('shows progress, rate and finish time of a run', async () => {
        const page = await open({ ...EMPTY, runs: [RUNNING], mappings: MAPPINGS });
        expect(page.text('first')).toContain('c.Sync_First_Running');
        expect(page.text('current')).toContain('c.Sync_State_Running');
        expect(page.text('part')).toContain('Contact: c.Sync_Current_Counts');
        expect(page.one('lightning-progress-bar').value).toBe(50);
        expect(page.text('finish')).toBe('c.Sync_Current_Finish');
    });

    it('does not guess a finish time before the records are counted', async () => {
        const open1 = run('7', {
            state: 'queued',
            finishedAt: null,
            createdAt: NOW.toISOString(),
            parts: [{ mapping: '9', state: 'waiting', rows: 0, expected: null }]
        });
        const page = await open({ ...EMPTY, runs: [open1] });
        expect(page.text('finish')).toBe('c.Sync_Current_Finish_Open');
        expect(page.text('part')).toContain('9: c.Sync_Current_Counts_Open');
    });

    it('watches a run until it ends', async () => {
        const page = await open({ ...EMPTY, runs: [RUNNING], mappings: MAPPINGS });
        readProgress.mockResolvedValue({
            run: { ...RUNNING, parts: [{ mapping: '1', rows: 900, expected: 1000 }] },
            connection: { ...CONNECTION, calls: { spent: 251, cap: 1000 } }
        });
        jest.advanceTimersByTime(5000);
        await settle();
        expect(readProgress).toHaveBeenCalledWith({ id: '7' });
        expect(page.one('lightning-progress-bar').value).toBe(90);
        expect(page.text('live')).toBe('c.Sync_Current_Finish');
        expect(page.one('[data-id="calls-used"] lightning-formatted-number').value).toBe(251);
        readProgress.mockResolvedValue({ run: run('7'), connection: CONNECTION });
        const connection = { ...CONNECTION, firstSync: 'done', firstSyncAt: '2026-11-23T11:30:00Z' };
        readOverview.mockResolvedValue({ ...EMPTY, connection, runs: [run('7')], mappings: MAPPINGS });
        jest.advanceTimersByTime(5000);
        await settle();
        await settle();
        expect(page.one('[data-id="no-current"]')).not.toBeNull();
        expect(page.text('live')).toContain('c.Sync_State_Completed');
        expect(page.text('first')).toContain('c.Sync_First_Done');
        jest.advanceTimersByTime(600000);
        expect(readProgress).toHaveBeenCalledTimes(2);
    });

    it('does not watch while nobody looks, and after the page is left', async () => {
        const page = await open({ ...EMPTY, runs: [RUNNING] });
        readProgress.mockResolvedValue({ run: RUNNING, connection: CONNECTION });
        show('hidden');
        jest.advanceTimersByTime(600000);
        expect(readProgress).not.toHaveBeenCalled();
        show('visible');
        jest.advanceTimersByTime(5000);
        await settle();
        expect(readProgress).toHaveBeenCalledTimes(1);
        page.element.remove();
        jest.advanceTimersByTime(600000);
        expect(readProgress).toHaveBeenCalledTimes(1);
    });

    it('asks less often while the gateway does not answer', async () => {
        const page = await open({ ...EMPTY, runs: [RUNNING] });
        readProgress.mockRejectedValue(new Error('Network'));
        jest.advanceTimersByTime(5000);
        await settle();
        expect(page.one('[data-id="stale"]')).not.toBeNull();
        jest.advanceTimersByTime(29000);
        expect(readProgress).toHaveBeenCalledTimes(1);
        jest.advanceTimersByTime(1000);
        expect(readProgress).toHaveBeenCalledTimes(2);
    });

    it('groups issues by cause, each with its next step', async () => {
        const held = Array.from({ length: 200 }, (_none, index) => ({
            id: `${index}`,
            object: 'contact',
            record: `${index}`,
            salesforceId: index % 2 ? '003000000000001AAA' : null,
            reason: ['conversion', 'refused', 'somethingNew'][index % 3],
            since: '2026-11-23T11:00:00Z',
            summary: 'Salesforce refused the record (FIELD_CUSTOM_VALIDATION_EXCEPTION: No phone.).'
        }));
        const connection = {
            ...CONNECTION,
            enabled: false,
            package: { issues: [{ code: 'old', message: 'Old.', nextStep: 'Install.' }], queue: BACKLOG }
        };
        const failed = run('8', { state: 'failed', error: 'Refused. Do this. (Salesforce answered API_DISABLED_FOR_ORG: Not here.)' });
        const page = await open(
            { ...EMPTY, connection, held, hasMoreHeld: true, runs: [failed] },
            { trouble: 'No way.', nextStep: 'Look.' }
        );
        const issues = page.all('[data-id="issue"]');
        expect(issues).toHaveLength(6);
        expect(issues[0].textContent).toContain('No way.');
        expect(issues[1].textContent).toContain('Install.');
        expect(issues[2].textContent).toContain('Refused. Do this. (Salesforce answered: Not here.)');
        expect(issues[3].textContent).toContain('Salesforce refused the record (No phone.).');
        expect(page.text('run')).not.toContain('API_DISABLED');
        expect(issues[3].textContent).toContain('c.Sync_Issue_Conversion_Step');
        expect(issues[5].textContent).toContain('c.Sync_Issue_Other');
        expect(issues[3].querySelectorAll('li')).toHaveLength(10);
        expect(issues[3].querySelector('a').getAttribute('href')).toBe('/lightning/r/003000000000001AAA/view');
        expect(page.one('[data-id="more-held"]')).not.toBeNull();
        expect(page.text('first')).toContain('c.Sync_First_Failed');
        expect(page.text('auto')).toBe('c.Sync_Auto_Off');
    });

    it('does not call a first synchronization failed that somebody cancelled', async () => {
        const page = await open({ ...EMPTY, runs: [run('8', { kind: 'initial', state: 'cancelled' })] });
        expect(page.text('first')).toContain('c.Sync_First_None');
    });

    it('counts every record that waits where the gateway does', async () => {
        const causes = [
            { cause: 'refused', count: 1200, oldest: '2026-11-20T11:00:00Z', object: 'contact' },
            { cause: 'refused', count: 34, oldest: '2026-11-19T11:00:00Z', object: 'lead' },
            { cause: 'ambiguous', count: 2000, oldest: '2026-11-23T11:00:00Z', object: 'contact' }
        ];
        const page = await open({ ...EMPTY, causes, hasMoreHeld: true });
        const issues = page.all('[data-id="issue"]');
        expect(issues).toHaveLength(2);
        expect(issues[0].textContent).toContain('c.Sync_Issue_Ambiguous');
        expect(issues[1].querySelector('lightning-relative-date-time').value).toEqual(
            new Date('2026-11-19T11:00:00Z')
        );
        expect(page.one('[data-id="more-held"]')).toBeNull();
    });

    it('plots what the gateway counted in each hour', async () => {
        const activity = [
            { from: '2026-11-23T10:00:00Z', records: 60, lagSecondsMedian: 90 },
            { from: '2026-11-23T11:00:00Z', records: 0, lagSecondsMedian: null }
        ];
        const page = await open({ ...EMPTY, activity });
        expect(page.one('[data-id="speed"]').points.map(({ value }) => value)).toEqual([60, 0]);
        expect(page.one('[data-id="lag"]').points.map(({ value }) => value)).toEqual([1.5, 0]);
        expect(page.one('[data-id="speed"]').heading).toBe('c.Sync_Chart_Records');
    });

    it('cancels a run only after it is confirmed', async () => {
        const page = await open({ ...EMPTY, runs: [RUNNING], mappings: MAPPINGS });
        await page.press('cancel-sync');
        await page.press('keep');
        expect(cancelSync).not.toHaveBeenCalled();
        await page.press('cancel-sync');
        cancelSync.mockResolvedValue({ ...RUNNING, state: 'cancelling' });
        await page.press('confirm-cancel');
        expect(cancelSync).toHaveBeenCalledWith({ id: '7' });
        expect(page.text('current')).toContain('c.Sync_State_Cancelling');
        expect(page.text('live')).toBe('c.Sync_Cancel_Asked');
        expect(page.one('[data-id="cancel-sync"]')).toBeNull();
    });

    it('says why a run cannot be cancelled', async () => {
        cancelSync.mockRejectedValue(refusal({ message: 'It has ended.' }));
        const page = await open({ ...EMPTY, runs: [RUNNING] });
        await page.press('cancel-sync');
        await page.press('confirm-cancel');
        expect(page.one('[data-id="start-error"]').message).toBe('It has ended.');
    });

    it('proposes an interval until an admin has said one', async () => {
        const page = await open({ ...EMPTY, connection: { ...CONNECTION, instant: { enabled: false, intervalMinutes: null } } });
        expect(page.one('[data-id="interval"]').value).toBe(15);
        expect(page.one('[data-id="automatic"]').checked).toBe(false);
        expect(saveInstant).not.toHaveBeenCalled();
    });

    it('saves the interval and the limit in place, and says so', async () => {
        const budget = { enforced: true, ownCap: 900, cap: 900, automaticCap: 1000, maximum: 2000 };
        const connection = { ...CONNECTION, instant: { enabled: false, intervalMinutes: 15 }, budget };
        const page = await open({ ...EMPTY, connection });
        const valid = (id) => Object.assign(page.one(`[data-id="${id}"]`), { reportValidity: () => true });
        expect(page.one('[data-id="automatic"]').checked).toBe(false);
        expect(valid('interval').value).toBe(15);
        page.one('[data-id="interval"]').dispatchEvent(new CustomEvent('change', { detail: { value: '30' } }));
        saveInstant.mockResolvedValue({ enabled: false, intervalMinutes: 30 });
        await page.press('save-instant');
        expect(saveInstant).toHaveBeenCalledWith({ enabled: false, intervalMinutes: 30 });
        expect(page.text('instant-saved')).toBe('c.Sync_Auto_Saved');
        valid('cap').dispatchEvent(new CustomEvent('change', { detail: { value: '500' } }));
        saveCap.mockResolvedValue({ ...budget, cap: 500, ownCap: 500 });
        await page.press('save-cap');
        expect(saveCap).toHaveBeenCalledWith({ enforced: true, cap: 500 });
        expect(page.text('cap-saved')).toBe('c.Sync_Calls_Saved');
        expect(page.one('[data-id="calls-max"] lightning-formatted-number').value).toBe(500);
        page.one('[data-id="cap"]').dispatchEvent(new CustomEvent('change', { detail: { value: '' } }));
        saveCap.mockRejectedValue(refusal({ message: 'Too many.' }));
        page.one('[data-id="cap"]').setCustomValidity = jest.fn();
        await page.press('save-cap');
        expect(saveCap).toHaveBeenLastCalledWith({ enforced: true, cap: null });
        expect(page.one('[data-id="cap"]').setCustomValidity).toHaveBeenLastCalledWith('Too many.');
        expect(page.text('cap-saved')).toBe('');
    });

    it('leaves the limit to the gateway unless it is enforced', async () => {
        const budget = { enforced: false, ownCap: null, cap: 1000, automaticCap: 1000, maximum: 2000 };
        const page = await open({ ...EMPTY, connection: { ...CONNECTION, budget } });
        expect(page.one('[data-id="cap"]')).toBeNull();
        expect(page.text('automatic-cap')).toBe('c.Sync_Calls_Automatic');
        const enforce = Object.assign(page.one('[data-id="enforce"]'), { reportValidity: () => true, checked: true });
        enforce.dispatchEvent(new CustomEvent('change'));
        await settle();
        expect(page.one('[data-id="cap"]').required).toBe(true);
        enforce.checked = false;
        enforce.dispatchEvent(new CustomEvent('change'));
        await settle();
        saveCap.mockResolvedValue(budget);
        await page.press('save-cap');
        expect(saveCap).toHaveBeenCalledWith({ enforced: false, cap: null });
        const untold = await open({ ...EMPTY, connection: { ...CONNECTION, budget: { ...budget, maximum: null } } });
        expect(untold.text('automatic-cap')).toBe('c.Sync_Calls_Automatic_Open');
    });

    it('says that a run stands still at the limit, and goes on once it is raised', async () => {
        const budget = { enforced: true, ownCap: 40, cap: 40, used24h: 32, automaticCap: 50, maximum: 100 };
        const free = { interactive: null, bulk: '2026-11-24T13:00:00Z' };
        const connection = { ...CONNECTION, budget: { ...budget, freeAgainAt: free } };
        const page = await open({ ...EMPTY, connection, runs: [RUNNING], mappings: MAPPINGS });
        expect(page.text('current')).toContain('c.Sync_State_Standstill');
        expect(page.text('goes-on')).toBe('c.Sync_Standstill_Goes_On');
        expect(page.one('[data-id="finish"]')).toBeNull();
        expect(page.text('issue')).toContain('c.Sync_Standstill_Share');
        expect(page.text('issue')).toContain('c.Sync_Standstill_Step');
        Object.assign(page.one('[data-id="cap"]'), { reportValidity: () => true });
        saveCap.mockResolvedValue({ ...budget, cap: 80, freeAgainAt: { interactive: null, bulk: null } });
        await page.press('save-cap');
        expect(page.text('current')).toContain('c.Sync_State_Running');
        expect(page.one('[data-id="no-issues"]')).not.toBeNull();
    });

    it('says that nothing is left for anybody, also while no run is on', async () => {
        const free = { interactive: '2026-11-24T13:00:00Z', bulk: '2026-11-24T13:00:00Z' };
        const connection = { ...CONNECTION, budget: { cap: 40, used24h: 40, freeAgainAt: free } };
        const page = await open({ ...EMPTY, connection });
        expect(page.one('[data-id="no-current"]')).not.toBeNull();
        expect(page.text('issue')).toMatch(/c\.Sync_Standstill(?!_Share).*c\.Sync_Standstill_Step/s);
        const idle = { ...connection, budget: { ...connection.budget, freeAgainAt: { interactive: null, bulk: free.bulk } } };
        const quiet = await open({ ...EMPTY, connection: idle });
        expect(quiet.one('[data-id="no-issues"]')).not.toBeNull();
    });

    it('shows ten of many runs first, then more, then those that the gateway still has', async () => {
        const many = (last, count) =>
            Array.from({ length: count }, (_none, index) => run(`${last - index}`, { kind: 'instant' }));
        const connection = { ...CONNECTION, firstSync: 'done', firstSyncAt: null };
        const overview = { ...EMPTY, connection, runs: many(25, 15), olderRuns: 'next', mappings: MAPPINGS };
        const page = await open(overview);
        expect(page.all('[data-id="run"]')).toHaveLength(10);
        expect(page.text('first')).toContain('c.Sync_First_Done_Before');
        await page.press('show-older');
        expect(readOlderRuns).not.toHaveBeenCalled();
        expect(page.all('[data-id="run"]')).toHaveLength(15);
        expect(page.one('[data-id="speed"]').points).toHaveLength(15);
        expect(page.one('[data-id="speed"]').points[0]).toEqual({
            key: '11',
            at: '2026-11-23T11:00:00Z',
            value: 1000
        });
        expect(page.one('[data-id="lag"]').points[0].value).toBe(30);
        readOlderRuns.mockRejectedValueOnce(refusal({ message: 'Away.', nextStep: 'Wait.' }));
        await page.press('show-older');
        expect(page.one('[data-id="history-error"]').message).toBe('Away.');
        readOlderRuns.mockResolvedValue({ syncs: many(10, 10), next: null });
        await page.press('show-older');
        expect(readOlderRuns).toHaveBeenLastCalledWith({ cursor: 'next' });
        expect(page.one('[data-id="history-error"]')).toBeNull();
        expect(page.all('[data-id="run"]')).toHaveLength(25);
        expect(page.one('[data-id="show-older"]')).toBeNull();
        readOverview.mockResolvedValue({ ...overview, runs: many(27, 15) });
        await page.press('refresh');
        expect(page.all('[data-id="run"]')).toHaveLength(27);
        readOverview.mockResolvedValue({ ...overview, runs: many(200, 15) });
        await page.press('refresh');
        expect(page.all('[data-id="run"]')).toHaveLength(15);
        expect(page.one('[data-id="show-older"]')).not.toBeNull();
    });

    it('starts a sync only after it is unfolded and confirmed', async () => {
        const page = await open();
        await page.press('unfold');
        await page.press('initial');
        expect(page.text('question')).toContain('c.Sync_Force_Confirm_Initial');
        expect(startSync).not.toHaveBeenCalled();
        await page.press('cancel');
        expect(page.one('[data-id="question"]')).toBeNull();
        await page.press('instant');
        startSync.mockResolvedValue({ ...RUNNING, id: '9', kind: 'instant' });
        await page.press('start');
        expect(startSync).toHaveBeenCalledWith({ kind: 'instant' });
        expect(page.text('started')).toBe('c.Sync_Force_Started');
        expect(page.text('current')).toContain('c.Sync_Kind_Instant');
        expect(page.one('[data-id="force-later"]')).not.toBeNull();
        expect(page.one('[data-id="initial"]').disabled).toBe(true);
        expect(page.one('[data-id="instant"]').disabled).toBe(true);
        await page.press('unfold');
        expect(page.one('[data-id="force"]')).toBeNull();
    });

    it('says why a sync cannot be started', async () => {
        startSync.mockRejectedValue(refusal({ message: 'Nothing is mapped.', nextStep: 'Map.' }));
        const page = await open();
        await page.press('unfold');
        await page.press('initial');
        await page.press('start');
        expect(page.one('[data-id="start-error"]').message).toBe('Nothing is mapped.');
    });

    it('is accessible, with a run, issues and history', async () => {
        jest.useRealTimers();
        readProgress.mockResolvedValue({ run: RUNNING, connection: CONNECTION });
        const held = [
            { id: '1', object: 'contact', reason: 'refused', since: '2026-11-23T11:00:00Z', summary: 'Why.' }
        ];
        const page = await open({ ...EMPTY, runs: [RUNNING, run('6')], mappings: MAPPINGS, held });
        await page.press('unfold');
        await page.press('instant');
        await expect(page.element).toBeAccessible();
    });
});
