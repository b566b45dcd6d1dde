import { LightningElement, api } from 'lwc';

/** A Visualforce page of a record, in a frame as in Lightning Experience. */
export default class Visualforce extends LightningElement {
    /** Name of the page. */
    @api page;
    /** The record; none on a tab. */
    @api recordId;
    /** What the page is called. */
    @api label;
    /** Height in pixels. */
    @api height = 400;

    get address() {
        const query = this.recordId ? `?id=${encodeURIComponent(this.recordId)}` : '';
        return `/apex/${encodeURIComponent(this.page)}${query}`;
    }

    get title() {
        return this.label || this.page;
    }

    renderedCallback() {
        this.template.querySelector('iframe').style.height = `${Number(this.height) || 400}px`;
    }
}
