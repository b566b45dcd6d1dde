import { LightningElement, api } from 'lwc';
import { ShowToastEvent } from 'lightning/platformShowToastEvent';
import { ask } from 'shell/server';
import { fill, ownTexts } from 'shell/language';
import { go } from 'shell/location';

const SIDES = new Set(['sidebar', 'rightsidebar', 'leftsidebar']);

/** The page of a record, or of one that is to be made. */
export default class Record extends LightningElement {
    text = ownTexts();
    isLoading = true;
    error;
    told;
    description;

    /** API name of the object. */
    @api object;
    /** The record; none where one is to be made. */
    @api recordId;

    connectedCallback() {
        this.load();
    }

    get isNew() {
        return !this.recordId;
    }

    get isPage() {
        return !this.isLoading && !this.error;
    }

    get newTitle() {
        return fill(this.text.newRecord, this.description.label);
    }

    get address() {
        return `data/records/${encodeURIComponent(this.object)}/${encodeURIComponent(this.recordId ?? 'new')}`;
    }

    // The record goes with its page's items: they are drawn again when it was saved.
    get record() {
        return { ...this.told, description: this.description };
    }

    get header() {
        return this.region((name) => name === 'header');
    }

    get main() {
        return this.region((name) => name !== 'header' && !SIDES.has(name));
    }

    get side() {
        return this.region((name) => SIDES.has(name));
    }

    get hasSide() {
        return this.side.length > 0;
    }

    get columnsClass() {
        return this.hasSide ? 'shell-columns' : '';
    }

    region(isMeant) {
        return this.told.page.regions.filter(({ name }) => isMeant(name.toLowerCase())).flatMap(({ items }) => items);
    }

    async load() {
        this.isLoading = true;
        this.error = undefined;
        try {
            [this.description, this.told] = await Promise.all([
                ask('GET', `data/objects/${encodeURIComponent(this.object)}`),
                ask('GET', this.address)
            ]);
            document.title = `${this.isNew ? this.newTitle : this.told.name} | Salesforce`;
        } catch (error) {
            this.error = error;
        }
        this.isLoading = false;
    }

    async handleSaved(event) {
        event.stopPropagation();
        if (this.isNew) {
            const { id } = event.detail;
            this.say('created', event.detail.name ?? this.description.label);
            go(`/lightning/r/${this.object}/${id}/view`);
            return;
        }
        this.told = await ask('GET', this.address);
        document.title = `${this.told.name} | Salesforce`;
        this.say('saved', this.told.name);
    }

    handleCancel(event) {
        event.stopPropagation();
        if (this.isNew) {
            go(`/lightning/o/${this.object}/list`);
        }
    }

    handleEdit(event) {
        event.stopPropagation();
        this.template.querySelector('shell-items[data-id="main"]')?.edit();
    }

    async handleDelete(event) {
        event.stopPropagation();
        try {
            await ask('DELETE', this.address);
            this.say('deleted', this.told.name);
            go(`/lightning/o/${this.object}/list`);
        } catch (error) {
            this.dispatchEvent(new ShowToastEvent({ message: error.message, variant: 'error' }));
        }
    }

    say(what, name) {
        const message = fill(this.text[what], this.description.label, name);
        this.dispatchEvent(new ShowToastEvent({ message, variant: 'success' }));
    }
}
