import { LightningElement, api } from 'lwc';
import { context } from 'shell/server';
import { ownTexts } from 'shell/language';

/** All apps and tabs that the user may see. */
export default class Launcher extends LightningElement {
    text = ownTexts();
    term = '';

    /** Opens it. */
    @api
    open() {
        this.term = '';
        this.dialog.showModal();
        this.template.querySelector('lightning-input').focus();
    }

    get dialog() {
        return this.template.querySelector('dialog');
    }

    get apps() {
        return context.apps.filter(({ label }) => this.matches(label));
    }

    get items() {
        return context.tabs
            .filter(({ label }) => this.matches(label))
            .map((tab) => ({
                ...tab,
                url: tab.kind === 'object' ? `/lightning/o/${tab.object}/list` : `/lightning/n/${tab.name}`
            }));
    }

    get isEmpty() {
        return this.apps.length + this.items.length === 0;
    }

    matches(label) {
        return label.toLowerCase().includes(this.term.trim().toLowerCase());
    }

    handleSearch(event) {
        this.term = event.detail.value;
    }

    handleChoose(event) {
        this.dialog.close();
        this.dispatchEvent(new CustomEvent('choose', { detail: event.currentTarget.dataset.name }));
    }

    handleClose() {
        this.dialog.close();
    }
}
