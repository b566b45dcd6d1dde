import { LightningElement } from 'lwc';
import { fill, readError } from 'c/page';
import readOverview from '@salesforce/apex/SyncController.overview';
import readSending from '@salesforce/apex/SyncController.sending';
import readRun from '@salesforce/apex/SyncController.run';
import startSync from '@salesforce/apex/SyncController.start';
import titleLabel from '@salesforce/label/c.Sync_Title';
import refreshLabel from '@salesforce/label/c.Page_Refresh';
import loadingLabel from '@salesforce/label/c.Page_Loading';
import nextStepLabel from '@salesforce/label/c.Page_Next_Step';
import cancelLabel from '@salesforce/label/c.Page_Cancel';
import firstTitleLabel from '@salesforce/label/c.Sync_First_Title';
import firstDoneLabel from '@salesforce/label/c.Sync_First_Done';
import firstDoneBeforeLabel from '@salesforce/label/c.Sync_First_Done_Before';
import firstRunningLabel from '@salesforce/label/c.Sync_First_Running';
import firstFailedLabel from '@salesforce/label/c.Sync_First_Failed';
import firstNoneLabel from '@salesforce/label/c.Sync_First_None';
import currentTitleLabel from '@salesforce/label/c.Sync_Current_Title';
import currentNoneLabel from '@salesforce/label/c.Sync_Current_None';
import countsLabel from '@salesforce/label/c.Sync_Current_Counts';
import countsOpenLabel from '@salesforce/label/c.Sync_Current_Counts_Open';
import rateLabel from '@salesforce/label/c.Sync_Current_Rate';
import finishLabel from '@salesforce/label/c.Sync_Current_Finish';
import finishOpenLabel from '@salesforce/label/c.Sync_Current_Finish_Open';
import progressLabel from '@salesforce/label/c.Sync_Current_Progress';
import staleLabel from '@salesforce/label/c.Sync_Current_Stale';
import issuesTitleLabel from '@salesforce/label/c.Sync_Issues_Title';
import issuesNoneLabel from '@salesforce/label/c.Sync_Issues_None';
import issuesRecordsLabel from '@salesforce/label/c.Sync_Issues_Records';
import issuesMoreLabel from '@salesforce/label/c.Sync_Issues_More';
import sinceLabel from '@salesforce/label/c.Sync_Issues_Since';
import examplesLabel from '@salesforce/label/c.Sync_Issues_Examples';
import lastTitleLabel from '@salesforce/label/c.Sync_Last_Title';
import lastHelpLabel from '@salesforce/label/c.Sync_Last_Help';
import lastNoneLabel from '@salesforce/label/c.Sync_Last_None';
import autoTitleLabel from '@salesforce/label/c.Sync_Auto_Title';
import autoTextLabel from '@salesforce/label/c.Sync_Auto_Text';
import autoOffLabel from '@salesforce/label/c.Sync_Auto_Off';
import callsTitleLabel from '@salesforce/label/c.Sync_Calls_Title';
import callsUsedLabel from '@salesforce/label/c.Sync_Calls_Used';
import callsMaxLabel from '@salesforce/label/c.Sync_Calls_Max';
import callsProgressLabel from '@salesforce/label/c.Sync_Calls_Progress';
import waitingTitleLabel from '@salesforce/label/c.Sync_Waiting_Title';
import inboxLabel from '@salesforce/label/c.Sync_Waiting_Inbox';
import outboxLabel from '@salesforce/label/c.Sync_Waiting_Outbox';
import inOrgLabel from '@salesforce/label/c.Sync_Waiting_Package';
import oldestLabel from '@salesforce/label/c.Sync_Waiting_Oldest';
import forceTitleLabel from '@salesforce/label/c.Sync_Force_Title';
import initialLabel from '@salesforce/label/c.Sync_Force_Initial';
import initialHelpLabel from '@salesforce/label/c.Sync_Force_Initial_Help';
import instantLabel from '@salesforce/label/c.Sync_Force_Instant';
import instantHelpLabel from '@salesforce/label/c.Sync_Force_Instant_Help';
import confirmInitialLabel from '@salesforce/label/c.Sync_Force_Confirm_Initial';
import confirmInstantLabel from '@salesforce/label/c.Sync_Force_Confirm_Instant';
import startLabel from '@salesforce/label/c.Sync_Force_Start';
import startedTextLabel from '@salesforce/label/c.Sync_Force_Started';
import forceRunningLabel from '@salesforce/label/c.Sync_Force_Running';
import historyTitleLabel from '@salesforce/label/c.Sync_History_Title';
import historyNoneLabel from '@salesforce/label/c.Sync_History_None';
import historyAllLabel from '@salesforce/label/c.Sync_History_All';
import historyOlderLabel from '@salesforce/label/c.Sync_History_Older';
import kindLabel from '@salesforce/label/c.Sync_History_Kind';
import runStartedLabel from '@salesforce/label/c.Sync_History_Started';
import runEndedLabel from '@salesforce/label/c.Sync_History_Ended';
import resultLabel from '@salesforce/label/c.Sync_History_Result';
import recordsLabel from '@salesforce/label/c.Sync_History_Records';
import reasonLabel from '@salesforce/label/c.Sync_History_Reason';
import speedLabel from '@salesforce/label/c.Sync_Chart_Speed';
import lagLabel from '@salesforce/label/c.Sync_Chart_Lag';
import kindInitialLabel from '@salesforce/label/c.Sync_Kind_Initial';
import kindInstantLabel from '@salesforce/label/c.Sync_Kind_Instant';
import kindReconcileLabel from '@salesforce/label/c.Sync_Kind_Reconcile';
import stateQueuedLabel from '@salesforce/label/c.Sync_State_Queued';
import stateRunningLabel from '@salesforce/label/c.Sync_State_Running';
import stateCompletedLabel from '@salesforce/label/c.Sync_State_Completed';
import stateFailedLabel from '@salesforce/label/c.Sync_State_Failed';
import conversionIssue from '@salesforce/label/c.Sync_Issue_Conversion';
import conversionIssueStep from '@salesforce/label/c.Sync_Issue_Conversion_Step';
import deleteAskedIssue from '@salesforce/label/c.Sync_Issue_Delete';
import deleteAskedIssueStep from '@salesforce/label/c.Sync_Issue_Delete_Step';
import partnerDeleteAskedIssue from '@salesforce/label/c.Sync_Issue_Partner_Delete';
import partnerDeleteAskedIssueStep from '@salesforce/label/c.Sync_Issue_Partner_Delete_Step';
import refusedIssue from '@salesforce/label/c.Sync_Issue_Refused';
import refusedIssueStep from '@salesforce/label/c.Sync_Issue_Refused_Step';
import ambiguousIssue from '@salesforce/label/c.Sync_Issue_Ambiguous';
import ambiguousIssueStep from '@salesforce/label/c.Sync_Issue_Ambiguous_Step';
import flippingIssue from '@salesforce/label/c.Sync_Issue_Flipping';
import flippingIssueStep from '@salesforce/label/c.Sync_Issue_Flipping_Step';
import outOfSightIssue from '@salesforce/label/c.Sync_Issue_Out_Of_Sight';
import outOfSightIssueStep from '@salesforce/label/c.Sync_Issue_Out_Of_Sight_Step';
import outcomeUnknownIssue from '@salesforce/label/c.Sync_Issue_Unknown';
import outcomeUnknownIssueStep from '@salesforce/label/c.Sync_Issue_Unknown_Step';
import otherIssue from '@salesforce/label/c.Sync_Issue_Other';
import otherIssueStep from '@salesforce/label/c.Sync_Issue_Other_Step';

const LABEL = {
    title: titleLabel,
    refresh: refreshLabel,
    loading: loadingLabel,
    nextStep: nextStepLabel,
    cancel: cancelLabel,
    firstTitle: firstTitleLabel,
    firstDone: firstDoneLabel,
    firstDoneBefore: firstDoneBeforeLabel,
    firstRunning: firstRunningLabel,
    firstFailed: firstFailedLabel,
    firstNone: firstNoneLabel,
    currentTitle: currentTitleLabel,
    currentNone: currentNoneLabel,
    counts: countsLabel,
    countsOpen: countsOpenLabel,
    rate: rateLabel,
    finish: finishLabel,
    finishOpen: finishOpenLabel,
    progress: progressLabel,
    stale: staleLabel,
    issuesTitle: issuesTitleLabel,
    issuesNone: issuesNoneLabel,
    issuesRecords: issuesRecordsLabel,
    issuesMore: issuesMoreLabel,
    since: sinceLabel,
    examples: examplesLabel,
    lastTitle: lastTitleLabel,
    lastHelp: lastHelpLabel,
    lastNone: lastNoneLabel,
    autoTitle: autoTitleLabel,
    autoText: autoTextLabel,
    autoOff: autoOffLabel,
    callsTitle: callsTitleLabel,
    callsUsed: callsUsedLabel,
    callsMax: callsMaxLabel,
    callsProgress: callsProgressLabel,
    waitingTitle: waitingTitleLabel,
    inbox: inboxLabel,
    outbox: outboxLabel,
    inOrg: inOrgLabel,
    oldest: oldestLabel,
    forceTitle: forceTitleLabel,
    initial: initialLabel,
    initialHelp: initialHelpLabel,
    instant: instantLabel,
    instantHelp: instantHelpLabel,
    confirmInitial: confirmInitialLabel,
    confirmInstant: confirmInstantLabel,
    start: startLabel,
    startedText: startedTextLabel,
    forceRunning: forceRunningLabel,
    historyTitle: historyTitleLabel,
    historyNone: historyNoneLabel,
    historyAll: historyAllLabel,
    historyOlder: historyOlderLabel,
    kind: kindLabel,
    runStarted: runStartedLabel,
    runEnded: runEndedLabel,
    result: resultLabel,
    records: recordsLabel,
    reason: reasonLabel,
    speed: speedLabel,
    lag: lagLabel,
    kindInitial: kindInitialLabel,
    kindInstant: kindInstantLabel,
    kindReconcile: kindReconcileLabel,
    stateQueued: stateQueuedLabel,
    stateRunning: stateRunningLabel,
    stateCompleted: stateCompletedLabel,
    stateFailed: stateFailedLabel
};
const REASONS = {
    conversion: { message: conversionIssue, nextStep: conversionIssueStep },
    deleteAsked: { message: deleteAskedIssue, nextStep: deleteAskedIssueStep },
    partnerDeleteAsked: { message: partnerDeleteAskedIssue, nextStep: partnerDeleteAskedIssueStep },
    refused: { message: refusedIssue, nextStep: refusedIssueStep },
    ambiguous: { message: ambiguousIssue, nextStep: ambiguousIssueStep },
    flipping: { message: flippingIssue, nextStep: flippingIssueStep },
    outOfSight: { message: outOfSightIssue, nextStep: outOfSightIssueStep },
    outcomeUnknown: { message: outcomeUnknownIssue, nextStep: outcomeUnknownIssueStep },
    other: { message: otherIssue, nextStep: otherIssueStep }
};
const KINDS = { initial: LABEL.kindInitial, instant: LABEL.kindInstant, reconcile: LABEL.kindReconcile };
const STATES = {
    queued: LABEL.stateQueued,
    running: LABEL.stateRunning,
    completed: LABEL.stateCompleted,
    failed: LABEL.stateFailed
};
/** How often a run is looked at, in milliseconds. */
const PACE = 5000;
/** How often, after the gateway did not answer: it is not helped by more requests. */
const SLOW_PACE = 30000;
/** Runs that are shown before somebody asks for all. */
const SHOWN_RUNS = 10;
const SHOWN_EXAMPLES = 10;
const MINUTE = 60000;

const isOn = (run) => run.state === 'queued' || run.state === 'running';
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
    announcement = '';

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
            rows: rowsOf(run)
        }));
    }

    get shownRuns() {
        return this.isAllShown ? this.runs : this.runs.slice(0, SHOWN_RUNS);
    }

    get hasNoRuns() {
        return this.runs.length === 0;
    }

    get canShowAll() {
        return !this.isAllShown && this.runs.length > SHOWN_RUNS;
    }

    get showsOlder() {
        return this.overview.hasMoreRuns && !this.canShowAll;
    }

    get running() {
        return this.overview?.runs.find(isOn);
    }

    get firstRun() {
        const initial = this.overview.runs.filter(({ kind }) => kind === 'initial');
        return initial.find(({ state }) => state === 'completed') ?? initial[0];
    }

    get firstDone() {
        return this.firstRun?.state === 'completed' ? this.firstRun.finishedAt : undefined;
    }

    get firstText() {
        const run = this.firstRun;
        if (run) {
            if (isOn(run)) {
                return LABEL.firstRunning;
            }
            return run.state === 'completed' ? LABEL.firstDone : LABEL.firstFailed;
        }
        // It may be so long ago that it is not among the runs that were read; the records it linked are there.
        const linked = this.overview.mappings.reduce((sum, { links }) => sum + (links?.linked ?? 0), 0);
        return this.overview.hasMoreRuns && linked > 0 ? LABEL.firstDoneBefore : LABEL.firstNone;
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
        const finish = new Date(Date.now() + remaining * MINUTE);
        return {
            kindText: KINDS[run.kind] ?? run.kind,
            stateText: STATES[run.state],
            parts: run.parts.map((part) => ({
                key: part.mapping,
                name: names.get(part.mapping) ?? part.mapping,
                counts:
                    typeof part.expected === 'number'
                        ? fill(LABEL.counts, part.rows.toLocaleString(), part.expected.toLocaleString())
                        : fill(LABEL.countsOpen, part.rows.toLocaleString())
            })),
            isMeasured: isMeasured && expected > 0,
            percent: expected > 0 ? Math.min(Math.floor((rows / expected) * 100), 100) : 0,
            rate: fill(LABEL.rate, Math.round(perMinute).toLocaleString()),
            finish:
                isMeasured && perMinute > 0
                    ? fill(LABEL.finish, finish.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }))
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
        for (const run of this.overview.runs.slice(0, 1).filter(({ state }) => state === 'failed')) {
            issues.push({ key: `run-${run.id}`, message: run.error, since: run.finishedAt });
        }
        const held = new Map();
        for (const record of this.overview.held) {
            const reason = REASONS[record.reason] ? record.reason : 'other';
            held.set(reason, [...(held.get(reason) ?? []), record]);
        }
        for (const [reason, records] of held) {
            issues.push({
                key: `held-${reason}`,
                ...REASONS[reason],
                count: records.length,
                countText: fill(LABEL.issuesRecords, records.length),
                since: records.map(({ since }) => since).sort()[0],
                examples: records.slice(0, SHOWN_EXAMPLES).map((record) => ({
                    key: record.id,
                    name: [record.object, record.salesforceId ?? record.record].filter(Boolean).join(' '),
                    url: record.salesforceId ? `/lightning/r/${record.salesforceId}/view` : undefined,
                    summary: record.summary
                }))
            });
        }
        return issues;
    }

    get hasIssues() {
        return this.issues.length > 0;
    }

    get autoText() {
        return this.overview.connection.enabled === false ? LABEL.autoOff : LABEL.autoText;
    }

    get calls() {
        const { spent = 0, cap = 0 } = this.overview.connection.calls ?? {};
        return { spent, cap, percent: cap > 0 ? Math.min(Math.round((spent / cap) * 100), 100) : 0 };
    }

    get waiting() {
        const { inbox, outbox, package: inOrg } = this.overview.connection;
        return [
            { key: 'package', name: LABEL.inOrg, ...inOrg?.queue },
            { key: 'inbox', name: LABEL.inbox, ...inbox },
            { key: 'outbox', name: LABEL.outbox, ...outbox }
        ].map((queue) => ({ ...queue, waiting: queue.waiting ?? 0, detailKey: `${queue.key}-detail` }));
    }

    get finished() {
        return this.overview.runs.filter((run) => run.finishedAt && millisecondsOf(run) > 0).reverse();
    }

    get speed() {
        return this.finished.map((run) => ({
            key: run.id,
            at: run.createdAt,
            value: (rowsOf(run) * 60 * MINUTE) / millisecondsOf(run)
        }));
    }

    get lag() {
        return this.finished.map((run) => ({
            key: run.id,
            at: run.createdAt,
            value: millisecondsOf(run) / MINUTE
        }));
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
            this.overview = await readOverview();
            this.isStale = false;
        } catch (error) {
            this.loadError = readError(error);
        }
        this.isLoading = false;
        this.watch();
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

    handleShowAll() {
        this.isAllShown = true;
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
        const run = await readRun({ id }).catch(() => undefined);
        this.isStale = !run;
        if (run && isOn(run)) {
            this.put(run);
            this.announcement = this.current.finish;
        } else if (run) {
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
