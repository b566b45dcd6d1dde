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
import autoHelpLabel from '@salesforce/label/c.Sync_Auto_Help';
import autoOnLabel from '@salesforce/label/c.Sync_Auto_On';
import autoIntervalLabel from '@salesforce/label/c.Sync_Auto_Interval';
import autoSaveLabel from '@salesforce/label/c.Sync_Auto_Save';
import autoSavedLabel from '@salesforce/label/c.Sync_Auto_Saved';
import capLabel from '@salesforce/label/c.Sync_Calls_Cap';
import capHelpLabel from '@salesforce/label/c.Sync_Calls_Cap_Help';
import capSaveLabel from '@salesforce/label/c.Sync_Calls_Save';
import capSavedLabel from '@salesforce/label/c.Sync_Calls_Saved';
import callsAutomaticLabel from '@salesforce/label/c.Sync_Calls_Automatic';
import callsAutomaticOpenLabel from '@salesforce/label/c.Sync_Calls_Automatic_Open';
import enforceLabel from '@salesforce/label/c.Sync_Calls_Enforce';
import standstillLabel from '@salesforce/label/c.Sync_Standstill';
import standstillShareLabel from '@salesforce/label/c.Sync_Standstill_Share';
import standstillStepLabel from '@salesforce/label/c.Sync_Standstill_Step';
import goesOnLabel from '@salesforce/label/c.Sync_Standstill_Goes_On';
import stateStandstillLabel from '@salesforce/label/c.Sync_State_Standstill';
import callsOrgLabel from '@salesforce/label/c.Sync_Calls_Org';
import cancelSyncLabel from '@salesforce/label/c.Sync_Cancel';
import cancelConfirmLabel from '@salesforce/label/c.Sync_Cancel_Confirm';
import cancelKeepLabel from '@salesforce/label/c.Sync_Cancel_Keep';
import cancelAskedLabel from '@salesforce/label/c.Sync_Cancel_Asked';
import stateCancelledLabel from '@salesforce/label/c.Sync_State_Cancelled';
import stateCancellingLabel from '@salesforce/label/c.Sync_State_Cancelling';
import recordsChartLabel from '@salesforce/label/c.Sync_Chart_Records';
import delayChartLabel from '@salesforce/label/c.Sync_Chart_Delay';
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

/** Every text of the page. */
export const LABEL = {
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
    autoHelp: autoHelpLabel,
    autoOn: autoOnLabel,
    autoInterval: autoIntervalLabel,
    autoSave: autoSaveLabel,
    autoSaved: autoSavedLabel,
    cap: capLabel,
    capHelp: capHelpLabel,
    capSave: capSaveLabel,
    capSaved: capSavedLabel,
    callsAutomatic: callsAutomaticLabel,
    callsAutomaticOpen: callsAutomaticOpenLabel,
    enforce: enforceLabel,
    standstill: standstillLabel,
    standstillShare: standstillShareLabel,
    standstillStep: standstillStepLabel,
    goesOn: goesOnLabel,
    stateStandstill: stateStandstillLabel,
    callsOrg: callsOrgLabel,
    cancelSync: cancelSyncLabel,
    cancelConfirm: cancelConfirmLabel,
    cancelKeep: cancelKeepLabel,
    cancelAsked: cancelAskedLabel,
    stateCancelled: stateCancelledLabel,
    stateCancelling: stateCancellingLabel,
    recordsChart: recordsChartLabel,
    delayChart: delayChartLabel,
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
/** Why records wait, by the names that the gateway has for reasons. */
export const REASONS = {
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
/** What a run does. */
export const KINDS = { initial: LABEL.kindInitial, instant: LABEL.kindInstant, reconcile: LABEL.kindReconcile };
/** How a run stands. */
export const STATES = {
    queued: LABEL.stateQueued,
    running: LABEL.stateRunning,
    completed: LABEL.stateCompleted,
    failed: LABEL.stateFailed,
    cancelling: LABEL.stateCancelling,
    cancelled: LABEL.stateCancelled
};
