import { LightningElement } from 'lwc';
import { fill, readError } from 'c/page';
import readSettings from '@salesforce/apex/ConnectionSettingsController.read';
import saveSettings from '@salesforce/apex/ConnectionSettingsController.save';
import pairOrg from '@salesforce/apex/ConnectionSettingsController.pair';
import testConnection from '@salesforce/apex/ConnectionSettingsController.test';
import openTestPage from '@salesforce/apex/ConnectionSettingsController.openTestPage';
import titleLabel from '@salesforce/label/c.Connection_Title';
import loadingLabel from '@salesforce/label/c.Page_Loading';
import pairTitleLabel from '@salesforce/label/c.Connection_Pair_Title';
import pairHelpLabel from '@salesforce/label/c.Connection_Pair_Help';
import pairCodeLabel from '@salesforce/label/c.Connection_Pair_Code';
import pairLabel from '@salesforce/label/c.Connection_Pair';
import pairedLabel from '@salesforce/label/c.Connection_Paired';
import pairedWithLabel from '@salesforce/label/c.Connection_Paired_With';
import notPairedLabel from '@salesforce/label/c.Connection_Not_Paired';
import gatewayTitleLabel from '@salesforce/label/c.Connection_Gateway_Title';
import recordsTitleLabel from '@salesforce/label/c.Connection_Records_Title';
import frameTitleLabel from '@salesforce/label/c.Connection_Frame_Title';
import endpointLabel from '@salesforce/label/c.Setting_Endpoint';
import endpointHelpLabel from '@salesforce/label/c.Connection_Endpoint_Help';
import clientIdLabel from '@salesforce/label/c.Setting_Client_Id';
import clientIdHelpLabel from '@salesforce/label/c.Connection_Client_Id_Help';
import audienceLabel from '@salesforce/label/c.Setting_Audience';
import audienceHelpLabel from '@salesforce/label/c.Connection_Audience_Help';
import secretLabel from '@salesforce/label/c.Connection_Secret';
import secretSetLabel from '@salesforce/label/c.Connection_Secret_Set';
import secretNotSetLabel from '@salesforce/label/c.Connection_Secret_Not_Set';
import secretHelpLabel from '@salesforce/label/c.Connection_Secret_Help';
import dataOwnerLabel from '@salesforce/label/c.Connection_Data_Owner';
import dataOwnerHelpLabel from '@salesforce/label/c.Connection_Data_Owner_Help';
import accountNameLabel from '@salesforce/label/c.Setting_Account_Name';
import accountHelpLabel from '@salesforce/label/c.Connection_Account_Help';
import accountWarningLabel from '@salesforce/label/c.Connection_Account_Warning';
import microSiteKeyLabel from '@salesforce/label/c.Setting_MicroSite_Key';
import microSiteHelpLabel from '@salesforce/label/c.Connection_MicroSite_Help';
import iFrameNameLabel from '@salesforce/label/c.Setting_IFrame_Name';
import iFrameHelpLabel from '@salesforce/label/c.Connection_IFrame_Help';
import saveLabel from '@salesforce/label/c.Connection_Save';
import savedLabel from '@salesforce/label/c.Connection_Saved';
import savedButLabel from '@salesforce/label/c.Connection_Saved_But';
import unsavedLabel from '@salesforce/label/c.Connection_Unsaved';
import undoLabel from '@salesforce/label/c.Connection_Undo';
import nothingSavedLabel from '@salesforce/label/c.Connection_Nothing_Saved';
import testLabel from '@salesforce/label/c.Connection_Test';
import testTitleLabel from '@salesforce/label/c.Connection_Test_Title';
import testHelpLabel from '@salesforce/label/c.Connection_Test_Help';
import testingLabel from '@salesforce/label/c.Connection_Testing';
import allWorkLabel from '@salesforce/label/c.Check_All_Work';
import someFailLabel from '@salesforce/label/c.Check_Some_Fail';
import worksLabel from '@salesforce/label/c.Check_Works';
import failsLabel from '@salesforce/label/c.Check_Fails';
import notTriedLabel from '@salesforce/label/c.Check_Not_Tried';
import lookLabel from '@salesforce/label/c.Check_Look';
import frameRefusedLabel from '@salesforce/label/c.Check_Frame_Refused';
import frameRefusedStepLabel from '@salesforce/label/c.Check_Frame_Refused_Step';
import copyLabel from '@salesforce/label/c.Page_Copy';
import copiedLabel from '@salesforce/label/c.Page_Copied';
import openSetupLabel from '@salesforce/label/c.Page_Open_Setup';
import aboutLabel from '@salesforce/label/c.Connection_About';
import versionLabel from '@salesforce/label/c.Connection_Version';
import outOfDateLabel from '@salesforce/label/c.Connection_Out_Of_Date';
import installLabel from '@salesforce/label/c.Connection_Install';
import installAskLabel from '@salesforce/label/c.Connection_Install_Ask';
import supportEmailLabel from '@salesforce/label/c.Connection_Support_Email';
import supportPhoneLabel from '@salesforce/label/c.Connection_Support_Phone';
import supportNoneLabel from '@salesforce/label/c.Connection_Support_None';
import supportUnnamedLabel from '@salesforce/label/c.Connection_Support_Unnamed';

const LABEL = {
    title: titleLabel,
    loading: loadingLabel,
    pairTitle: pairTitleLabel,
    pairHelp: pairHelpLabel,
    pairCode: pairCodeLabel,
    pair: pairLabel,
    paired: pairedLabel,
    pairedWith: pairedWithLabel,
    notPaired: notPairedLabel,
    gatewayTitle: gatewayTitleLabel,
    recordsTitle: recordsTitleLabel,
    frameTitle: frameTitleLabel,
    endpoint: endpointLabel,
    endpointHelp: endpointHelpLabel,
    clientId: clientIdLabel,
    clientIdHelp: clientIdHelpLabel,
    audience: audienceLabel,
    audienceHelp: audienceHelpLabel,
    secret: secretLabel,
    secretSet: secretSetLabel,
    secretNotSet: secretNotSetLabel,
    secretHelp: secretHelpLabel,
    dataOwner: dataOwnerLabel,
    dataOwnerHelp: dataOwnerHelpLabel,
    accountName: accountNameLabel,
    accountHelp: accountHelpLabel,
    accountWarning: accountWarningLabel,
    microSiteKey: microSiteKeyLabel,
    microSiteHelp: microSiteHelpLabel,
    iFrameName: iFrameNameLabel,
    iFrameHelp: iFrameHelpLabel,
    save: saveLabel,
    saved: savedLabel,
    savedBut: savedButLabel,
    unsaved: unsavedLabel,
    undo: undoLabel,
    nothingSaved: nothingSavedLabel,
    test: testLabel,
    testTitle: testTitleLabel,
    testHelp: testHelpLabel,
    testing: testingLabel,
    allWork: allWorkLabel,
    someFail: someFailLabel,
    works: worksLabel,
    fails: failsLabel,
    notTried: notTriedLabel,
    look: lookLabel,
    frameRefused: frameRefusedLabel,
    frameRefusedStep: frameRefusedStepLabel,
    copy: copyLabel,
    copied: copiedLabel,
    openSetup: openSetupLabel,
    about: aboutLabel,
    version: versionLabel,
    outOfDate: outOfDateLabel,
    install: installLabel,
    installAsk: installAskLabel,
    supportEmail: supportEmailLabel,
    supportPhone: supportPhoneLabel,
    supportNone: supportNoneLabel,
    supportUnnamed: supportUnnamedLabel
};

const EDITABLE = ['endpoint', 'clientId', 'audience', 'dataOwner', 'accountName', 'microSiteKey', 'iFrameName'];
const FINDINGS = {
    works: { icon: 'utility:success', variant: 'success', stateText: LABEL.works },
    fails: { icon: 'utility:error', variant: 'error', stateText: LABEL.fails },
    notTried: { icon: 'utility:dash', stateText: LABEL.notTried },
    look: { icon: 'utility:info', stateText: LABEL.look },
    underTest: { icon: 'utility:dash', stateText: LABEL.testing }
};
const underTest = ({ name }) => ({ name, state: 'underTest' });

/** What the gateway's test page tells the page around it, followed by the code of its address. */
const SHOWN = 'causeway:shown:';
/** How long it may take, in seconds. A frame that the browser refuses tells nothing. */
const PATIENCE = 8;

/** Where an admin links the org with a gateway. Nothing is stored before Save Settings or Pair is pressed. */
export default class ConnectionSettings extends LightningElement {
    label = LABEL;
    isLoading = true;
    loadError;
    shown = {};
    values = {};
    secret = '';
    code = '';
    isChanged = false;
    isBusy = false;
    busyText = LABEL.loading;
    confirmation;
    warning;
    actionError;
    findings;
    testResult;
    copied;
    testPage;

    connectedCallback() {
        this.handleMessage = (event) => this.hear(event);
        window.addEventListener('message', this.handleMessage);
        this.load();
    }

    disconnectedCallback() {
        window.removeEventListener('message', this.handleMessage);
        this.endTestPage?.(false);
    }

    get stateText() {
        if (!this.values.secretIsSet) {
            return LABEL.notPaired;
        }
        return fill(LABEL.pairedWith, this.shown.connectionName || this.values.endpoint);
    }

    get hasNoAccount() {
        return !(this.values.accountName || '').trim();
    }

    get hasNoSupport() {
        return !this.shown.supportEmail && !this.shown.supportPhone;
    }

    get noSupport() {
        return this.values.secretIsSet ? LABEL.supportUnnamed : LABEL.supportNone;
    }

    get outOfDate() {
        return fill(LABEL.outOfDate, this.shown.latestVersion);
    }

    get install() {
        return fill(LABEL.install, this.shown.latestVersion);
    }

    get showsUnsaved() {
        return this.isChanged && !this.isBusy;
    }

    async load() {
        this.isLoading = true;
        this.loadError = undefined;
        try {
            this.take(await readSettings());
            this.clear();
        } catch (error) {
            this.loadError = readError(error);
        }
        this.isLoading = false;
    }

    handleChange(event) {
        this.values = { ...this.values, [event.target.dataset.field]: event.detail.value };
        this.noteChange(event.target);
    }

    handleSecret(event) {
        this.secret = event.detail.value;
        this.noteChange(event.target);
    }

    handleCode(event) {
        this.code = event.detail.value;
        this.forgive(event.target);
    }

    async handleSave() {
        const values = Object.fromEntries(EDITABLE.map((name) => [name, this.values[name] || null]));
        await this.act(LABEL.loading, async () => {
            const warning = await saveSettings({ values, secret: this.secret || null });
            await this.reload();
            this.confirmation = warning ? undefined : LABEL.saved;
            this.warning = warning ? `${LABEL.savedBut} ${warning}` : undefined;
        });
    }

    async handlePair() {
        await this.act(LABEL.loading, async () => {
            const warning = await pairOrg({ endpoint: this.values.endpoint || null, code: this.code || null });
            await this.reload();
            this.confirmation = LABEL.paired;
            this.warning = warning || undefined;
        });
    }

    async handleTest() {
        await this.act(LABEL.testing, async () => {
            // The same result is told again.
            this.testResult = undefined;
            const found = await testConnection();
            this.showFindings(found.map((finding) => (finding.state === 'look' ? underTest(finding) : finding)));
            // What is typed and not saved yet was not tested, so that nothing is said about it.
            found.filter(({ field }) => field && !this.isChanged).forEach((finding) => this.markField(finding));
            const all = await this.tryFrame(found);
            this.showFindings(all);
            const isBroken = all.some(({ state }) => state === 'fails' || state === 'notTried');
            this.testResult = isBroken ? LABEL.someFail : LABEL.allWork;
        });
    }

    showFindings(found) {
        this.findings = found.map((finding, index) => ({
            ...finding,
            ...FINDINGS[finding.state],
            key: index,
            copyLabel: LABEL.copy
        }));
    }

    /** Whether the browser shows pages of the gateway, no server knows: it is tried, by a page that says so. */
    async tryFrame(found) {
        let address;
        if (found.some(({ state }) => state === 'look')) {
            // Where the gateway gives no page, a person has to look.
            address = await openTestPage().catch(() => undefined);
        }
        if (!address || !this.isConnected) {
            return found;
        }
        const isShown = await this.showTestPage(address);
        const answer = isShown
            ? { state: 'works', nextStep: null, setupPath: null, address: null }
            : { state: 'fails', message: fill(LABEL.frameRefused, PATIENCE), nextStep: LABEL.frameRefusedStep };
        return found.map((finding) => (finding.state === 'look' ? { ...finding, ...answer } : finding));
    }

    showTestPage(address) {
        return new Promise((resolve) => {
            // eslint-disable-next-line @lwc/lwc/no-async-operation -- nothing tells of a frame that is refused
            const timer = setTimeout(() => this.endTestPage(false), PATIENCE * 1000);
            this.endTestPage = (isShown) => {
                clearTimeout(timer);
                this.testPage = undefined;
                this.endTestPage = undefined;
                resolve(isShown);
            };
            this.testPage = address;
        });
    }

    // The code is known to the page in the frame alone, so that nobody else can say this in its place.
    hear({ data, origin }) {
        if (!this.testPage) {
            return;
        }
        const { origin: expected, pathname } = new URL(this.testPage);
        if (origin === expected && data === SHOWN + pathname.split('/').pop()) {
            this.endTestPage(true);
        }
    }

    async handleCopy(event) {
        const address = event.target.value;
        // Where copying is not allowed, the address stands in a field that can be marked.
        const isCopied = await navigator.clipboard.writeText(address).then(
            () => true,
            () => false
        );
        if (isCopied) {
            this.findings = this.findings.map((finding) => ({
                ...finding,
                copyLabel: finding.address === address ? LABEL.copied : LABEL.copy
            }));
        }
    }

    async act(busyText, action) {
        this.clear();
        this.busyText = busyText;
        this.isBusy = true;
        try {
            await action();
        } catch (error) {
            this.showError(readError(error));
        }
        this.isBusy = false;
    }

    async reload() {
        // What was typed is stored now: it does not stay in the page.
        this.secret = '';
        this.code = '';
        this.findings = undefined;
        this.testResult = undefined;
        this.take(await readSettings());
    }

    take(shown) {
        this.shown = shown;
        this.values = { ...shown.values };
        this.secret = '';
        this.isChanged = false;
    }

    noteChange(input) {
        this.forgive(input);
        this.isChanged = true;
        this.confirmation = undefined;
        this.warning = undefined;
    }

    // At once: were the message to go when the field is left, the button that is being pressed would move away.
    forgive(input) {
        input.setCustomValidity?.('');
        input.reportValidity?.();
    }

    clear() {
        this.confirmation = undefined;
        this.warning = undefined;
        this.actionError = undefined;
        for (const input of this.template.querySelectorAll('[data-field]')) {
            this.forgive(input);
        }
    }

    showError(error) {
        const input = this.markField(error);
        if (!input) {
            this.actionError = error;
            return;
        }
        this.actionError = { message: LABEL.nothingSaved };
        input.focus();
    }

    /** Says what is wrong at the field that it is about; returns that field, where there is one. */
    markField({ field, message, nextStep }) {
        const input = field && this.template.querySelector(`[data-field="${field}"]`);
        input?.setCustomValidity(nextStep ? `${message} ${nextStep}` : message);
        input?.reportValidity();
        return input;
    }
}
