import { LightningElement, api } from 'lwc';
import { ownTexts } from 'shell/language';

const TYPES = {
    email: 'email',
    phone: 'tel',
    url: 'text',
    date: 'date',
    datetime: 'datetime',
    time: 'time',
    currency: 'number',
    double: 'number',
    int: 'number',
    percent: 'number'
};

/** Something to change one field with. */
export default class FieldInput extends LightningElement {
    static delegatesFocus = true;

    text = ownTexts();

    /** The field, as its object describes it. */
    @api field;
    /** Its value. */
    @api value;
    /** How a reference's record is called. */
    @api display;
    /** Whether it must not be left empty. */
    @api required = false;

    /** What is wrong with it. */
    @api
    get error() {
        return this.wrong;
    }

    set error(value) {
        this.wrong = value;
        if (this.isRendered) {
            this.showError();
        }
    }

    wrong;
    isRendered = false;

    renderedCallback() {
        if (!this.isRendered) {
            this.isRendered = true;
            // What is empty is said once somebody saves, not before.
            if (this.wrong) {
                this.showError();
            }
        }
    }

    /** Says whether it can be saved, and shows it where not. */
    @api
    check() {
        this.input.setCustomValidity(this.wrong ?? '');
        return this.input.reportValidity();
    }

    /** Brings the user here. */
    @api
    focus() {
        this.input.focus();
    }

    get input() {
        return this.template.querySelector('[data-input]');
    }

    get isCheckbox() {
        return this.field.type === 'boolean';
    }

    get isTextarea() {
        return this.field.type === 'textarea';
    }

    get isPicklist() {
        return this.field.type === 'picklist';
    }

    get isMultiple() {
        return this.field.type === 'multipicklist';
    }

    get isReference() {
        return this.field.type === 'reference';
    }

    get isOn() {
        return this.value === true || this.value === 'true';
    }

    get shown() {
        return this.value === null || this.value === undefined ? '' : String(this.value);
    }

    get chosen() {
        return this.shown === '' ? [] : this.shown.split(';');
    }

    get options() {
        const options = this.field.values.map(({ value, label }) => ({ value, label }));
        return this.required ? options : [{ value: '', label: this.text.none }, ...options];
    }

    get choices() {
        return this.field.values;
    }

    get type() {
        return TYPES[this.field.type] ?? 'text';
    }

    get step() {
        if (this.type !== 'number') {
            return undefined;
        }
        return this.field.scale ? String(1 / 10 ** this.field.scale) : '1';
    }

    get longest() {
        return this.type === 'number' || !this.field.length ? undefined : this.field.length;
    }

    get object() {
        return this.field.referenceTo?.[0];
    }

    showError() {
        this.input.setCustomValidity(this.wrong ?? '');
        this.input.reportValidity();
    }

    handleChange(event) {
        const { checked, value } = event.detail;
        this.tell(this.isCheckbox ? (checked ?? event.target.checked) : value);
    }

    handleChoice(event) {
        this.tell(event.detail.value.join(';'));
    }

    tell(value) {
        const told = value === '' || value === undefined ? null : value;
        this.input.setCustomValidity('');
        const isNumber = this.type === 'number' && told !== null;
        this.dispatchEvent(
            new CustomEvent('fieldchange', {
                detail: { field: this.field.name, value: isNumber ? Number(told) : told }
            })
        );
    }
}
