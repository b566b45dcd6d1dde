import { LightningElement, api } from 'lwc';
import { readError } from 'c/page';
import openPartnerPage from '@salesforce/apex/RecordPanelController.openPartnerPage';
import title from '@salesforce/label/c.Frame_Title';
import ofRecord from '@salesforce/label/c.Frame_Of_Record';
import empty from '@salesforce/label/c.Frame_Empty';
import silent from '@salesforce/label/c.Frame_Silent';
import reload from '@salesforce/label/c.Frame_Reload';
import loading from '@salesforce/label/c.Page_Loading';

/** What the gateway's page tells the page around it once it is there. */
const READY = 'causeway:ready';
/** How long it may take, in milliseconds. A frame that the browser refuses tells nothing. */
const PATIENCE = 10000;

/** The partner's page of a record. Each address opens once, so that each showing asks for a new one. */
export default class PartnerFrame extends LightningElement {
    label = { title, ofRecord, empty, silent, reload, loading };
    isLoading = true;
    loadError;
    address;
    isSilent = false;
    shownId;

    /** The record. */
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

    connectedCallback() {
        this.handleMessage = (event) => this.hear(event);
        window.addEventListener('message', this.handleMessage);
        this.load();
    }

    disconnectedCallback() {
        window.removeEventListener('message', this.handleMessage);
        clearTimeout(this.timer);
    }

    async load() {
        const id = this.shownId;
        clearTimeout(this.timer);
        this.isLoading = true;
        this.loadError = undefined;
        this.address = undefined;
        this.isSilent = false;
        try {
            const address = await openPartnerPage({ recordId: id });
            if (id !== this.shownId || !this.isConnected) {
                return;
            }
            this.address = address;
            if (address) {
                // eslint-disable-next-line @lwc/lwc/no-async-operation -- nothing tells of a frame that is refused
                this.timer = setTimeout(() => {
                    this.isSilent = true;
                }, PATIENCE);
            }
        } catch (error) {
            this.loadError = readError(error);
        }
        this.isLoading = false;
    }

    hear({ data, origin }) {
        if (this.address && data === READY && origin === new URL(this.address).origin) {
            clearTimeout(this.timer);
            this.isSilent = false;
        }
    }
}
