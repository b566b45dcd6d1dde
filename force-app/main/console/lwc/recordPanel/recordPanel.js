import { LightningElement, api } from 'lwc';
import { fill, readError } from 'c/page';
import readPanel from '@salesforce/apex/RecordPanelController.read';
import explainValue from '@salesforce/apex/RecordPanelController.explain';
import titleLabel from '@salesforce/label/c.Panel_Title';
import refreshLabel from '@salesforce/label/c.Page_Refresh';
import loadingLabel from '@salesforce/label/c.Page_Loading';
import nextStepLabel from '@salesforce/label/c.Page_Next_Step';
import updatedLabel from '@salesforce/label/c.Panel_Updated';
import valuesLabel from '@salesforce/label/c.Panel_Values';
import valuesNoneLabel from '@salesforce/label/c.Panel_Values_None';
import valuesAllLabel from '@salesforce/label/c.Panel_Values_All';
import emptyLabel from '@salesforce/label/c.Panel_Value_Empty';
import yesLabel from '@salesforce/label/c.Panel_Value_Yes';
import noLabel from '@salesforce/label/c.Panel_Value_No';
import whyLabel from '@salesforce/label/c.Panel_Why_Field';
import whyNoneLabel from '@salesforce/label/c.Panel_Why_None';
import lostSalesforceLabel from '@salesforce/label/c.Panel_Why_Lost_Salesforce';
import lostPartnerLabel from '@salesforce/label/c.Panel_Why_Lost_Partner';
import ruleLabel from '@salesforce/label/c.Panel_Why_Rule';
import whoLabel from '@salesforce/label/c.Panel_Source_Who';
import upToDateLabel from '@salesforce/label/c.Panel_Status_Up_To_Date';
import waitingLabel from '@salesforce/label/c.Panel_Status_Waiting';
import waitingStepLabel from '@salesforce/label/c.Panel_Status_Waiting_Step';
import heldLabel from '@salesforce/label/c.Panel_Status_Held';
import deletedLabel from '@salesforce/label/c.Panel_Status_Deleted';
import deletedStepLabel from '@salesforce/label/c.Panel_Status_Deleted_Step';
import notLinkedLabel from '@salesforce/label/c.Panel_Not_Linked';
import notLinkedStepLabel from '@salesforce/label/c.Panel_Status_Not_Linked_Step';
import notSyncedLabel from '@salesforce/label/c.Panel_Status_Not_Synced';
import notSyncedStepLabel from '@salesforce/label/c.Panel_Status_Not_Synced_Step';
import unknownLabel from '@salesforce/label/c.Panel_Status_Unknown';
import heldConversionLabel from '@salesforce/label/c.Panel_Held_Conversion';
import heldConversionStepLabel from '@salesforce/label/c.Panel_Held_Conversion_Step';
import heldDecisionLabel from '@salesforce/label/c.Panel_Held_Decision';
import heldDecisionStepLabel from '@salesforce/label/c.Panel_Held_Decision_Step';
import heldRefusedLabel from '@salesforce/label/c.Panel_Held_Refused';
import heldRefusedStepLabel from '@salesforce/label/c.Panel_Held_Refused_Step';
import heldAmbiguousLabel from '@salesforce/label/c.Panel_Held_Ambiguous';
import heldAmbiguousStepLabel from '@salesforce/label/c.Panel_Held_Ambiguous_Step';
import heldOtherLabel from '@salesforce/label/c.Panel_Held_Other';
import heldOtherStepLabel from '@salesforce/label/c.Panel_Held_Other_Step';
import salesforceRule from '@salesforce/label/c.Panel_Rule_Salesforce';
import salesforceUnlessBlankRule from '@salesforce/label/c.Panel_Rule_Salesforce_Unless_Blank';
import partnerRule from '@salesforce/label/c.Panel_Rule_Partner';
import partnerUnlessBlankRule from '@salesforce/label/c.Panel_Rule_Partner_Unless_Blank';
import mostRecentRule from '@salesforce/label/c.Panel_Rule_Most_Recent';
import doNotSyncRule from '@salesforce/label/c.Panel_Rule_Do_Not_Sync';
import sourceSalesforce from '@salesforce/label/c.Panel_Source_Salesforce';
import sourcePartner from '@salesforce/label/c.Panel_Source_Partner';
import sourcePerson from '@salesforce/label/c.Panel_Source_Person';
import sourceRun from '@salesforce/label/c.Panel_Source_Run';
import sourceWrite from '@salesforce/label/c.Panel_Source_Write';
import causeSalesforceWins from '@salesforce/label/c.Panel_Cause_Salesforce_Wins';
import causePartnerWins from '@salesforce/label/c.Panel_Cause_Partner_Wins';
import causeMostRecent from '@salesforce/label/c.Panel_Cause_Most_Recent';
import causeBlank from '@salesforce/label/c.Panel_Cause_Blank';
import causeOption from '@salesforce/label/c.Panel_Cause_Option';
import causePartnerEdited from '@salesforce/label/c.Panel_Cause_Partner_Edited';
import causeAgreed from '@salesforce/label/c.Panel_Cause_Agreed';
import causeStoredOtherwise from '@salesforce/label/c.Panel_Cause_Stored_Otherwise';
import causeDiverged from '@salesforce/label/c.Panel_Cause_Diverged';
import causeRestored from '@salesforce/label/c.Panel_Cause_Restored';
import causeMerged from '@salesforce/label/c.Panel_Cause_Merged';
import causeDeleted from '@salesforce/label/c.Panel_Cause_Deleted';
import causeUnmapped from '@salesforce/label/c.Panel_Cause_Unmapped';
import causeOwnerMapped from '@salesforce/label/c.Panel_Cause_Owner_Mapped';
import causeOwnerDefault from '@salesforce/label/c.Panel_Cause_Owner_Default';
import causeOther from '@salesforce/label/c.Panel_Cause_Other';

const LABEL = {
    title: titleLabel,
    refresh: refreshLabel,
    loading: loadingLabel,
    nextStep: nextStepLabel,
    updated: updatedLabel,
    values: valuesLabel,
    valuesNone: valuesNoneLabel,
    valuesAll: valuesAllLabel,
    empty: emptyLabel,
    yes: yesLabel,
    no: noLabel,
    why: whyLabel,
    whyNone: whyNoneLabel,
    lostSalesforce: lostSalesforceLabel,
    lostPartner: lostPartnerLabel,
    rule: ruleLabel,
    who: whoLabel,
    upToDate: upToDateLabel,
    waiting: waitingLabel,
    waitingStep: waitingStepLabel,
    held: heldLabel,
    deleted: deletedLabel,
    deletedStep: deletedStepLabel,
    notLinked: notLinkedLabel,
    notLinkedStep: notLinkedStepLabel,
    notSynced: notSyncedLabel,
    notSyncedStep: notSyncedStepLabel,
    unknown: unknownLabel,
    heldConversion: heldConversionLabel,
    heldConversionStep: heldConversionStepLabel,
    heldDecision: heldDecisionLabel,
    heldDecisionStep: heldDecisionStepLabel,
    heldRefused: heldRefusedLabel,
    heldRefusedStep: heldRefusedStepLabel,
    heldAmbiguous: heldAmbiguousLabel,
    heldAmbiguousStep: heldAmbiguousStepLabel,
    heldOther: heldOtherLabel,
    heldOtherStep: heldOtherStepLabel
};
const RULES = {
    salesforce: salesforceRule,
    salesforceUnlessBlank: salesforceUnlessBlankRule,
    partner: partnerRule,
    partnerUnlessBlank: partnerUnlessBlankRule,
    mostRecent: mostRecentRule,
    doNotSync: doNotSyncRule
};
// A push, and reading again, bring what was done in Salesforce.
const SOURCES = {
    push: sourceSalesforce,
    readAgain: sourceSalesforce,
    write: sourceWrite,
    partner: sourcePartner,
    person: sourcePerson,
    run: sourceRun
};
const CAUSES = {
    salesforceWins: causeSalesforceWins,
    partnerWins: causePartnerWins,
    mostRecent: causeMostRecent,
    blankKeepsPartner: causeBlank,
    optionDoesNotSync: causeOption,
    partnerEdited: causePartnerEdited,
    agreed: causeAgreed,
    storedOtherwise: causeStoredOtherwise,
    diverged: causeDiverged,
    restored: causeRestored,
    merged: causeMerged,
    converted: causeMerged,
    deleted: causeDeleted,
    partnerDeleted: causeDeleted,
    unmapped: causeUnmapped,
    ownerMapped: causeOwnerMapped,
    ownerDefault: causeOwnerDefault,
    other: causeOther
};

const HELD = {
    conversion: { text: LABEL.heldConversion, nextStep: LABEL.heldConversionStep },
    deleteAsked: { text: LABEL.heldDecision, nextStep: LABEL.heldDecisionStep },
    partnerDeleteAsked: { text: LABEL.heldDecision, nextStep: LABEL.heldDecisionStep },
    refused: { text: LABEL.heldRefused, nextStep: LABEL.heldRefusedStep },
    ambiguous: { text: LABEL.heldAmbiguous, nextStep: LABEL.heldAmbiguousStep },
    other: { text: LABEL.heldOther, nextStep: LABEL.heldOtherStep }
};
const STATUS = {
    upToDate: { text: LABEL.upToDate, icon: 'utility:success', variant: 'success' },
    waiting: { text: LABEL.waiting, nextStep: LABEL.waitingStep, icon: 'utility:clock' },
    deleted: { text: LABEL.deleted, nextStep: LABEL.deletedStep, icon: 'utility:unlinked' },
    notLinked: { text: LABEL.notLinked, nextStep: LABEL.notLinkedStep, icon: 'utility:clock' },
    notSynced: { text: LABEL.notSynced, nextStep: LABEL.notSyncedStep, icon: 'utility:info' },
    unknown: { text: LABEL.unknown, nextStep: LABEL.heldOtherStep, icon: 'utility:info' }
};
const UNLINKED = new Set(['notLinked', 'notSynced']);
/** Values that are shown before somebody asks for all. */
const SHOWN_VALUES = 10;

function textOf(value, type) {
    if (value === null || value === undefined || value === '') {
        return LABEL.empty;
    }
    if (type === 'boolean') {
        return String(value) === 'true' ? LABEL.yes : LABEL.no;
    }
    return String(value);
}

/** How a record stands with the partner, and why its fields have their values. */
export default class RecordPanel extends LightningElement {
    label = LABEL;
    isLoading = true;
    loadError;
    panel;
    isAllShown = false;
    openField;
    isExplaining = false;
    explainError;
    explanations = {};

    /** The record. A page that goes on to another record sets another. */
    @api
    get recordId() {
        return this.shownId;
    }

    set recordId(value) {
        this.shownId = value;
        if (this.isConnected) {
            this.load();
        }
    }

    shownId;

    connectedCallback() {
        this.load();
    }

    get status() {
        if (this.panel.status === 'held') {
            const held = HELD[this.panel.reason] ?? HELD.other;
            return {
                text: fill(LABEL.held, held.text),
                nextStep: held.nextStep,
                icon: 'utility:warning',
                variant: 'warning'
            };
        }
        return STATUS[this.panel.status] ?? STATUS.unknown;
    }

    // The component takes no text. Where the partner has no time to tell there is no line.
    get updatedAt() {
        const at = new Date(this.panel.updatedAt ?? '');
        return Number.isNaN(at.getTime()) ? undefined : at;
    }

    get isLinked() {
        return !UNLINKED.has(this.panel.status);
    }

    get hasNoValues() {
        return this.panel.values.length === 0;
    }

    get values() {
        const shown = this.isAllShown ? this.panel.values : this.panel.values.slice(0, SHOWN_VALUES);
        return shown.map((value) => ({
            ...value,
            detailKey: `${value.field}-value`,
            text: textOf(value.value, value.type),
            why: fill(LABEL.why, value.label),
            isOpen: value.field === this.openField,
            expanded: String(value.field === this.openField)
        }));
    }

    get canShowAll() {
        return !this.isAllShown && this.panel.values.length > SHOWN_VALUES;
    }

    get answer() {
        const changes = this.explanations[this.openField];
        const { type, rule } = this.panel.values.find(({ field }) => field === this.openField) ?? {};
        return {
            rule: RULES[rule],
            isEmpty: !changes?.length,
            changes: (changes ?? []).map((change, index) => {
                const source = SOURCES[change.source] ?? sourceRun;
                return {
                    key: index,
                    at: change.at,
                    value: textOf(change.value ?? change.partnerValue, type),
                    origin: change.who ? fill(LABEL.who, source, change.who) : source,
                    cause: CAUSES[change.cause] ?? CAUSES.other,
                    isContested: change.isContested,
                    lostSide: change.lostSide === 'salesforce' ? LABEL.lostSalesforce : LABEL.lostPartner,
                    lost: textOf(change.lostValue, type)
                };
            })
        };
    }

    async load() {
        const id = this.shownId;
        this.isLoading = true;
        this.loadError = undefined;
        this.openField = undefined;
        this.explanations = {};
        try {
            const panel = await readPanel({ recordId: id });
            if (id !== this.shownId) {
                // The page shows another record by now.
                return;
            }
            this.panel = panel;
        } catch (error) {
            this.loadError = readError(error);
        }
        this.isLoading = false;
    }

    handleWhy(event) {
        const field = event.target.name;
        this.openField = field === this.openField ? undefined : field;
        this.explainError = undefined;
        if (this.openField && !this.explanations[field]) {
            this.explain();
        }
    }

    handleShowAll() {
        this.isAllShown = true;
    }

    async explain() {
        const id = this.shownId;
        const field = this.openField;
        this.isExplaining = true;
        this.explainError = undefined;
        try {
            const changes = await explainValue({ recordId: id, field });
            if (id === this.shownId) {
                this.explanations = { ...this.explanations, [field]: changes };
            }
        } catch (error) {
            if (field === this.openField) {
                this.explainError = readError(error);
            }
        }
        if (field === this.openField) {
            this.isExplaining = false;
        }
    }
}
