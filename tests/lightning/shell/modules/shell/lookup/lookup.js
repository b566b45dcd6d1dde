import { LightningElement, api } from 'lwc';
import { ask } from 'shell/server';
import { ownTexts } from 'shell/language';

/** How long typing rests before records are searched, in milliseconds. */
const REST = 250;

/** Finds a record of another object. */
export default class Lookup extends LightningElement {
    static delegatesFocus = true;

    text = ownTexts();
    term;
    found = [];
    active = -1;
    isOpen = false;
    message = '';
    shownError = '';

    /** What the field is called. */
    @api label;
    /** API name of the object that is searched. */
    @api object;
    /** Id of the record. */
    @api value;
    /** Name of the record. */
    @api display;
    /** Whether it must not be left empty. */
    @api required = false;

    @api
    setCustomValidity(message) {
        this.message = message;
    }

    @api
    reportValidity() {
        this.shownError = this.message;
        return !this.message;
    }

    @api
    focus() {
        this.template.querySelector('input').focus();
    }

    disconnectedCallback() {
        clearTimeout(this.pause);
    }

    get shown() {
        return this.term ?? (this.value ? this.display : '') ?? '';
    }

    get expanded() {
        return String(this.isOpen);
    }

    get activeId() {
        return this.isOpen && this.active >= 0 ? `option-${this.active}` : undefined;
    }

    get options() {
        return this.found.map((record, index) => ({
            ...record,
            elementId: `option-${index}`,
            selected: String(index === this.active),
            className: `slds-listbox__option slds-media slds-p-around_x-small${index === this.active ? ' slds-has-focus' : ''}`
        }));
    }

    get elementClass() {
        return `slds-form-element${this.shownError ? ' slds-has-error' : ''}`;
    }

    get comboboxClass() {
        return `slds-combobox slds-dropdown-trigger slds-dropdown-trigger_click${this.isOpen ? ' slds-is-open' : ''}`;
    }

    handleInput(event) {
        this.term = event.target.value;
        clearTimeout(this.pause);
        if (!this.term) {
            this.choose(null, '');
            return;
        }
        // eslint-disable-next-line @lwc/lwc/no-async-operation -- one search for a word, not one for each letter
        this.pause = setTimeout(() => this.search(), REST);
    }

    async search() {
        const term = this.term;
        const found = await ask('GET', `data/lookup/${this.object}?q=${encodeURIComponent(term)}`);
        if (term === this.term) {
            this.found = found;
            this.active = -1;
            this.isOpen = true;
        }
    }

    handleKey(event) {
        const last = this.found.length - 1;
        if (event.key === 'ArrowDown' && this.isOpen) {
            this.active = Math.min(this.active + 1, last);
        } else if (event.key === 'ArrowUp' && this.isOpen) {
            this.active = Math.max(this.active - 1, 0);
        } else if (event.key === 'Enter' && this.isOpen && this.active >= 0) {
            this.choose(this.found[this.active].id, this.found[this.active].name);
        } else if (event.key === 'Escape' && this.isOpen) {
            this.isOpen = false;
        } else {
            return;
        }
        event.preventDefault();
    }

    handleChoose(event) {
        // Before the input loses the focus.
        event.preventDefault();
        const { id, name } = this.found[Number(event.currentTarget.dataset.index)];
        this.choose(id, name);
    }

    handleBlur() {
        this.isOpen = false;
        this.term = this.chosenName;
    }

    choose(id, name) {
        this.isOpen = false;
        this.term = name;
        this.chosenName = name;
        this.message = '';
        this.shownError = '';
        this.dispatchEvent(new CustomEvent('change', { detail: { value: id } }));
    }

    chosenName;
}
