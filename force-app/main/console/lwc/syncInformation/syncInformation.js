import { LightningElement } from 'lwc';
import LOCALE from '@salesforce/i18n/locale';
import { fill, readError } from 'c/page';
import readOverview from '@salesforce/apex/SyncController.overview';
import readSending from '@salesforce/apex/SyncController.sending';
import readOlderRuns from '@salesforce/apex/SyncController.olderRuns';
import readProgress from '@salesforce/apex/SyncController.progress';
import startSync from '@salesforce/apex/SyncController.start';
import cancelSync from '@salesforce/apex/SyncController.cancel';
import saveInstant from '@salesforce/apex/SyncController.saveInstant';
import saveCap from '@salesforce/apex/SyncController.saveCap';
import { callsOf, standstillOf } from './calls';
import { SHOWN_RUNS, withEarlier } from './history';
import { KINDS, LABEL, REASONS, STATES } from './labels';
import { withoutCodes } from './words';

/** How often a run is looked at, in milliseconds. */
const PACE = 5000;
/** How often, after the gateway did not answer: it is not helped by more requests. */
const SLOW_PACE = 30000;
const SHOWN_EXAMPLES = 10;
const MINUTE = 60000;
/** Minutes that are proposed until an admin has said how many. */
const DEFAULT_INTERVAL = 15;

const ON = new Set(['queued', 'running', 'cancelling']);
const isOn = (run) => ON.has(run.state);
// lightning-relative-date-time takes no text.
const timeOf = (text) => (text ? new Date(text) : undefined);
const rowsOf = (run) => run.parts.reduce((rows, part) => rows + part.rows, 0);
const millisecondsOf = (run) => new Date(run.finishedAt) - new Date(run.createdAt);

/** How the sync stands. Looking starts nothing; a run is watched only while it is on and the page is seen. */
export default class SyncInformation extends LightningElement {
    label = LABEL;
    isLoading = true;
    loadError;
    overview;
    sending = {};
    isStale = false;
    isForceOpen = false;
    question;
    isBusy = false;
    started;
    startError;
    isAllShown = false;
    historyError;
    announcement = '';
    instant = {};
    instantSaved = '';
    isEnforced = false;
    cap;
    capSaved = '';

    connectedCallback() {
        this.handleVisibility = () => this.watch();
        document.addEventListener('visibilitychange', this.handleVisibility);
        this.load();
    }

    disconnectedCallback() {
        document.removeEventListener('visibilitychange', this.handleVisibility);
        clearTimeout(this.timer);
    }

    get runs() {
        return this.overview.runs.map((run) => ({
            ...run,
            kindText: KINDS[run.kind] ?? run.kind,
            stateText: STATES[run.state] ?? run.state,
            error: withoutCodes(run.error),
            rows: rowsOf(run)
        }));
    }

    get shownRuns() {
        return this.isAllShown ? this.runs : this.runs.slice(0, SHOWN_RUNS);
    }

    get hasNoRuns() {
        return this.runs.length === 0;
    }

    get canShowOlder() {
        return this.shownRuns.length < this.runs.length || Boolean(this.overview.olderRuns);
    }

    get running() {
        return this.overview?.runs.find(isOn);
    }

    get firstDone() {
        const { firstSync, firstSyncAt } = this.overview.connection;
        return firstSync === 'done' ? firstSyncAt : undefined;
    }

    get firstText() {
        const { firstSync, firstSyncAt } = this.overview.connection;
        if (firstSync === 'done') {
            return firstSyncAt ? LABEL.firstDone : LABEL.firstDoneBefore;
        }
        const newest = this.overview.runs.find(({ kind }) => kind === 'initial');
        if (firstSync === 'running' || (newest && isOn(newest))) {
            return LABEL.firstRunning;
        }
        return newest?.state === 'failed' ? LABEL.firstFailed : LABEL.firstNone;
    }

    get lastSync() {
        return this.overview.runs.find(({ state }) => state === 'completed')?.finishedAt;
    }

    get current() {
        const run = this.running;
        if (!run) {
            return undefined;
        }
        const names = new Map(this.overview.mappings.map((mapping) => [mapping.id, mapping.salesforceObject]));
        const rows = rowsOf(run);
        const isMeasured = run.parts.length > 0 && run.parts.every(({ expected }) => typeof expected === 'number');
        const expected = isMeasured ? run.parts.reduce((sum, part) => sum + part.expected, 0) : 0;
        const minutes = (Date.now() - new Date(run.createdAt)) / MINUTE;
        const perMinute = minutes > 0 ? rows / minutes : 0;
        const remaining = perMinute > 0 ? Math.max(expected - rows, 0) / perMinute : 0;
        // The gateway measures the last minutes; the page knows the average alone.
        const finish = run.finishEstimate ? new Date(run.finishEstimate) : new Date(Date.now() + remaining * MINUTE);
        const rate = run.recordsPerSecond ? run.recordsPerSecond * 60 : perMinute;
        const standstill = this.standstill?.isOfRun ? this.standstill : undefined;
        return {
            kindText: KINDS[run.kind] ?? run.kind,
            stateText: standstill ? LABEL.stateStandstill : STATES[run.state],
            goesOn: standstill?.goesOn,
            parts: run.parts.map((part) => ({
                key: part.mapping,
                name: names.get(part.mapping) ?? part.mapping,
                counts:
                    typeof part.expected === 'number'
                        ? fill(LABEL.counts, part.rows.toLocaleString(LOCALE), part.expected.toLocaleString(LOCALE))
                        : fill(LABEL.countsOpen, part.rows.toLocaleString(LOCALE))
            })),
            isMeasured: isMeasured && expected > 0,
            percent: expected > 0 ? Math.min(Math.floor((rows / expected) * 100), 100) : 0,
            rate: rate > 0 ? fill(LABEL.rate, Math.round(rate).toLocaleString(LOCALE)) : undefined,
            finish:
                run.finishEstimate || (isMeasured && perMinute > 0)
                    ? fill(LABEL.finish, finish.toLocaleTimeString(LOCALE, { hour: '2-digit', minute: '2-digit' }))
                    : LABEL.finishOpen
        };
    }

    get issues() {
        const issues = (this.overview.connection.package?.issues ?? []).map((issue, index) => ({
            key: `package-${index}`,
            ...issue
        }));
        // Until the gateway hears of it, it is known here alone.
        if (this.sending.trouble && !issues.some(({ message }) => message === this.sending.trouble)) {
            issues.unshift({
                key: 'sending',
                message: this.sending.trouble,
                nextStep: this.sending.nextStep,
                since: this.sending.since
            });
        }
        if (this.standstill) {
            issues.push({ key: 'standstill', message: this.standstill.message, nextStep: this.standstill.nextStep });
        }
        for (const run of this.overview.runs.slice(0, 1).filter(({ state }) => state === 'failed')) {
            issues.push({ key: `run-${run.id}`, message: withoutCodes(run.error), since: run.finishedAt });
        }
        for (const cause of this.causes) {
            const examples = this.overview.held.filter(({ reason }) => reason === cause.cause);
            issues.push({
                key: `held-${cause.cause}-${cause.object ?? ''}`,
                ...(REASONS[cause.cause] ?? REASONS.other),
                count: cause.count,
                countText: fill(LABEL.issuesRecords, cause.count.toLocaleString(LOCALE)),
                since: cause.oldest,
                examples: examples.slice(0, SHOWN_EXAMPLES).map((record) => ({
                    key: record.id,
                    name: [record.object, record.salesforceId ?? record.record].filter(Boolean).join(' '),
                    url: record.salesforceId ? `/lightning/r/${record.salesforceId}/view` : undefined,
                    summary: withoutCodes(record.summary)
                }))
            });
        }
        return issues.map((issue) => ({ ...issue, since: timeOf(issue.since) }));
    }

    // A gateway that does not count causes tells the first of the records that wait.
    get causes() {
        const told = new Map();
        const counted =
            this.overview.causes ??
            this.overview.held.map(({ reason, since }) => ({ cause: reason, count: 1, oldest: since }));
        for (const { cause, count, oldest } of counted) {
            const known = told.get(cause) ?? { cause, count: 0, oldest };
            told.set(cause, {
                cause,
                count: known.count + count,
                oldest: known.oldest < oldest ? known.oldest : oldest
            });
        }
        return [...told.values()].sort((one, other) => other.count - one.count);
    }

    get isCut() {
        return this.overview.hasMoreHeld && !this.overview.causes;
    }

    get hasIssues() {
        return this.issues.length > 0;
    }

    get isOff() {
        return this.overview.connection.enabled === false;
    }

    get calls() {
        return callsOf(this.overview.connection);
    }

    get standstill() {
        return standstillOf(this.overview.connection, this.running);
    }

    get waiting() {
        const { inbox, outbox, package: inOrg } = this.overview.connection;
        return [
            { key: 'package', name: LABEL.inOrg, ...inOrg?.queue },
            { key: 'inbox', name: LABEL.inbox, ...inbox },
            { key: 'outbox', name: LABEL.outbox, ...outbox }
        ].map((queue) => ({
            ...queue,
            waiting: queue.waiting ?? 0,
            // What is to be tried again later has a moment that is still to come.
            oldest: new Date(queue.oldest) < Date.now() ? timeOf(queue.oldest) : undefined,
            detailKey: `${queue.key}-detail`
        }));
    }

    get finished() {
        return this.overview.runs.filter((run) => run.finishedAt && millisecondsOf(run) > 0).reverse();
    }

    get isCounted() {
        return Boolean(this.overview.activity);
    }

    get speedHeading() {
        return this.isCounted ? LABEL.recordsChart : LABEL.speed;
    }

    get lagHeading() {
        return this.isCounted ? LABEL.delayChart : LABEL.lag;
    }

    get speed() {
        if (this.isCounted) {
            return this.hours((hour) => hour.records);
        }
        return this.finished.map((run) => ({
            key: run.id,
            at: run.createdAt,
            value: (rowsOf(run) * 60 * MINUTE) / millisecondsOf(run)
        }));
    }

    get lag() {
        if (this.isCounted) {
            return this.hours((hour) => (hour.lagSecondsMedian ?? 0) / 60);
        }
        return this.finished.map((run) => ({
            key: run.id,
            at: run.createdAt,
            value: millisecondsOf(run) / MINUTE
        }));
    }

    hours(valueOf) {
        return this.overview.activity.map((hour) => ({ key: hour.from, at: hour.from, value: valueOf(hour) ?? 0 }));
    }

    get cannotStart() {
        return this.isBusy || Boolean(this.running);
    }

    get forceIcon() {
        return this.isForceOpen ? 'utility:chevrondown' : 'utility:chevronright';
    }

    get forceExpanded() {
        return String(this.isForceOpen);
    }

    async load() {
        this.isLoading = true;
        this.loadError = undefined;
        try {
            this.sending = await readSending();
            this.overview = withEarlier(await readOverview(), this.overview);
            this.isStale = false;
            this.take(this.overview.connection);
        } catch (error) {
            this.loadError = readError(error);
        }
        this.isLoading = false;
        this.watch();
    }

    take({ instant, budget }) {
        this.instant = { enabled: true, ...instant, intervalMinutes: instant?.intervalMinutes ?? DEFAULT_INTERVAL };
        this.isEnforced = budget?.enforced === true;
        this.cap = budget?.ownCap ?? '';
    }

    handleAutomatic(event) {
        this.instant = { ...this.instant, enabled: event.target.checked };
        this.instantSaved = '';
    }

    handleInterval(event) {
        this.instant = { ...this.instant, intervalMinutes: event.detail.value };
        this.forgive(event.target);
        this.instantSaved = '';
    }

    handleEnforce(event) {
        this.isEnforced = event.target.checked;
        this.cap = this.overview.connection.budget?.ownCap ?? '';
        this.forgive(event.target);
        this.capSaved = '';
    }

    handleCap(event) {
        this.cap = event.detail.value;
        this.forgive(event.target);
        this.capSaved = '';
    }

    // At once: were the message to go when the field is left, the button that is being pressed would move away.
    forgive(input) {
        input.setCustomValidity?.('');
        input.reportValidity?.();
    }

    async handleSaveInstant() {
        const { enabled, intervalMinutes } = this.instant;
        await this.save('interval', async () => {
            const instant = await saveInstant({ enabled, intervalMinutes: Number(intervalMinutes) });
            this.overview = { ...this.overview, connection: { ...this.overview.connection, instant } };
            this.instantSaved = LABEL.autoSaved;
        });
    }

    async handleSaveCap() {
        const { isEnforced, cap } = this;
        await this.save(isEnforced ? 'cap' : 'enforce', async () => {
            const budget = await saveCap({ enforced: isEnforced, cap: cap ? Number(cap) : null });
            this.overview = { ...this.overview, connection: { ...this.overview.connection, budget } };
            this.capSaved = fill(LABEL.capSaved, this.calls.cap.toLocaleString(LOCALE));
        });
    }

    // What is wrong stands at the field.
    async save(id, action) {
        const input = this.template.querySelector(`lightning-input[data-id="${id}"]`);
        input.setCustomValidity('');
        if (!input.reportValidity()) {
            return;
        }
        this.isBusy = true;
        try {
            await action();
        } catch (error) {
            const { message, nextStep } = readError(error);
            input.setCustomValidity(nextStep ? `${message} ${nextStep}` : message);
            input.reportValidity();
        }
        this.isBusy = false;
    }

    get canCancel() {
        return this.running?.state !== 'cancelling' && !this.isCancelAsked;
    }

    isCancelAsked = false;

    handleAskCancel() {
        this.isCancelAsked = true;
    }

    handleKeep() {
        this.isCancelAsked = false;
    }

    async handleCancelSync() {
        const { id } = this.running;
        this.isCancelAsked = false;
        this.startError = undefined;
        try {
            this.put(await cancelSync({ id }));
            this.announcement = LABEL.cancelAsked;
            this.watch();
        } catch (error) {
            this.startError = readError(error);
        }
    }

    handleUnfold() {
        this.isForceOpen = !this.isForceOpen;
        this.question = undefined;
    }

    handleAskInitial() {
        this.question = { kind: 'initial', text: LABEL.confirmInitial };
    }

    handleAskInstant() {
        this.question = { kind: 'instant', text: LABEL.confirmInstant };
    }

    handleDontStart() {
        this.question = undefined;
    }

    async handleStart() {
        const { kind } = this.question;
        this.question = undefined;
        this.startError = undefined;
        this.started = '';
        this.isBusy = true;
        try {
            this.put(await startSync({ kind }));
            this.started = LABEL.startedText;
            this.watch();
        } catch (error) {
            this.startError = readError(error);
        }
        this.isBusy = false;
    }

    async handleShowOlder() {
        this.historyError = undefined;
        if (!this.isAllShown && this.runs.length > SHOWN_RUNS) {
            this.isAllShown = true;
            return;
        }
        this.isBusy = true;
        try {
            const { syncs, next } = await readOlderRuns({ cursor: this.overview.olderRuns });
            const known = new Set(this.overview.runs.map(({ id }) => id));
            const older = syncs.filter(({ id }) => !known.has(id));
            this.overview = { ...this.overview, runs: [...this.overview.runs, ...older], olderRuns: next };
            this.isAllShown = true;
        } catch (error) {
            this.historyError = readError(error);
        }
        this.isBusy = false;
    }

    watch() {
        clearTimeout(this.timer);
        if (this.isConnected && this.running && document.visibilityState === 'visible') {
            // eslint-disable-next-line @lwc/lwc/no-async-operation -- a run is looked at again and again
            this.timer = setTimeout(() => this.look(), this.isStale ? SLOW_PACE : PACE);
        }
    }

    async look() {
        const { id } = this.running;
        const { run, connection } = await readProgress({ id }).catch(() => ({}));
        this.isStale = !run;
        if (run && isOn(run)) {
            this.overview = { ...this.overview, connection };
            this.put(run);
            this.announcement = this.current?.goesOn ?? this.current?.finish ?? '';
        } else if (run) {
            this.started = '';
            this.announcement = `${KINDS[run.kind] ?? run.kind}: ${STATES[run.state] ?? run.state}`;
            await this.load();
        }
        this.watch();
    }

    put(run) {
        const others = this.overview.runs.filter(({ id }) => id !== run.id);
        const isNew = others.length === this.overview.runs.length;
        this.overview = {
            ...this.overview,
            runs: isNew ? [run, ...others] : this.overview.runs.map((known) => (known.id === run.id ? run : known))
        };
    }
}
