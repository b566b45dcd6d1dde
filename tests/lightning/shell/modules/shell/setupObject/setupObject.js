import { LightningElement, api } from 'lwc';
import { ShowToastEvent } from 'lightning/platformShowToastEvent';
import { ask } from 'shell/server';
import { ownTexts } from 'shell/language';

/** Which layout each profile sees, and which record page is active. */
export default class SetupObject extends LightningElement {
    text = ownTexts();
    layouts;
    pages;
    error;

    /** API name of the object. */
    @api object;

    connectedCallback() {
        this.load();
    }

    get layoutOptions() {
        return this.layouts.layouts.map(optionOf);
    }

    get pageOptions() {
        return [{ value: '', label: this.text.recordPageDefault }, ...this.pages.pages.map(optionOf)];
    }

    get activePage() {
        return this.pages.active ?? '';
    }

    async load() {
        [this.layouts, this.pages] = await Promise.all([
            ask('GET', `data/setup/layouts/${this.object}`),
            ask('GET', `data/setup/record-pages/${this.object}`)
        ]);
    }

    handleLayout(event) {
        const { profile } = event.target.dataset;
        this.layouts = {
            ...this.layouts,
            assignments: this.layouts.assignments.map((row) =>
                row.profile === profile ? { ...row, layout: event.detail.value } : row
            )
        };
    }

    handlePage(event) {
        this.pages = { ...this.pages, active: event.detail.value || null };
    }

    async handleSave() {
        this.error = undefined;
        try {
            await ask('PUT', `data/setup/layouts/${this.object}`, { assignments: this.layouts.assignments });
            await ask('PUT', `data/setup/record-pages/${this.object}`, { active: this.pages.active });
            await this.load();
            this.dispatchEvent(new ShowToastEvent({ message: this.text.savedSetup, variant: 'success' }));
        } catch (error) {
            this.error = error.message;
        }
    }
}

// A layout or page may be told by its name, or with name and label.
// A layout's full name begins with its object's, which people do not see.
function optionOf(told) {
    return typeof told === 'string' ? { value: told, label: told.slice(told.indexOf('-') + 1) } : { value: told.name, label: told.label ?? told.name };
}
