import { LightningElement, api } from 'lwc';
import { ownTexts } from 'shell/language';

/** Head of a record's page: what it is, what it is called, what can be done with it. */
export default class Highlights extends LightningElement {
    text = ownTexts();
    isAsking = false;

    /** The record. */
    @api record;

    get icon() {
        const icons = {
            Account: 'standard:account',
            Contact: 'standard:contact',
            Lead: 'standard:lead',
            Opportunity: 'standard:opportunity',
            Task: 'standard:task'
        };
        return icons[this.record.description.name] ?? 'standard:custom';
    }

    handleEdit() {
        this.tell('edit');
    }

    handleAsk() {
        this.template.querySelector('dialog').showModal();
    }

    handleKeep() {
        this.template.querySelector('dialog').close();
    }

    handleDelete() {
        this.handleKeep();
        this.tell('delete');
    }

    tell(what) {
        this.dispatchEvent(new CustomEvent(what, { bubbles: true, composed: true }));
    }
}
