import { LightningElement, api } from 'lwc';
import { ask } from 'shell/server';
import { fill, ownTexts } from 'shell/language';
import { go } from 'shell/location';

/** A list view of an object. */
export default class List extends LightningElement {
    text = ownTexts();
    rows = [];
    columns = [];
    hasMore = false;
    isLoading = true;
    error;
    description;

    /** API name of the object. */
    @api object;
    /** Name of the list view; the first where none is named. */
    @api view;

    connectedCallback() {
        this.load();
    }

    get views() {
        return this.description.listViews.map(({ name, label }) => ({ value: name, label }));
    }

    get currentView() {
        const { listViews } = this.description;
        return listViews.some(({ name }) => name === this.view) ? this.view : listViews[0]?.name;
    }

    get count() {
        return fill(this.hasMore ? this.text.itemsShownMore : this.text.itemsShown, this.rows.length);
    }

    get isEmpty() {
        return this.rows.length === 0;
    }

    get newLabel() {
        return this.text.new;
    }

    get shownRows() {
        return this.rows.map((row) => ({
            id: row.id,
            cells: this.columns.map(({ field, label }, index) => {
                const told = row.values[field] ?? {};
                const isName = index === 0 || field === this.description.nameField;
                const target = isName ? { id: row.id, object: row.object } : told;
                return {
                    key: field,
                    label,
                    text: told.display ?? '',
                    url: target.id && target.object ? `/lightning/r/${target.object}/${target.id}/view` : undefined
                };
            })
        }));
    }

    async load() {
        this.isLoading = true;
        this.error = undefined;
        try {
            this.description = await ask('GET', `data/objects/${encodeURIComponent(this.object)}`);
            document.title = `${this.description.labelPlural} | Salesforce`;
            this.rows = [];
            await this.read();
        } catch (error) {
            this.error = error;
        }
        this.isLoading = false;
    }

    async read() {
        const query = `view=${encodeURIComponent(this.currentView)}&offset=${this.rows.length}`;
        const told = await ask('GET', `data/objects/${encodeURIComponent(this.object)}/list?${query}`);
        this.columns = told.columns;
        this.rows = [...this.rows, ...told.rows];
        this.hasMore = told.hasMore;
    }

    async handleMore() {
        try {
            await this.read();
        } catch (error) {
            this.error = error;
        }
    }

    handleView(event) {
        go(`/lightning/o/${this.object}/list?filterName=${encodeURIComponent(event.detail.value)}`);
    }

    handleNew() {
        go(`/lightning/o/${this.object}/new`);
    }
}
