import { LightningElement, api } from 'lwc';
import { ask } from 'shell/server';
import { fill, ownTexts } from 'shell/language';

const NAME_PARTS = ['Salutation', 'FirstName', 'LastName'];

/** A record's fields by its layout, to read and to edit. */
export default class Detail extends LightningElement {
    text = ownTexts();
    isEditing = false;
    isSaving = false;
    changed = {};
    errors = [];
    fieldErrors = {};
    focusField;

    /** The record with its layout and its object's description. */
    @api record;
    /** Whether the record is to be made. */
    @api isNew = false;

    connectedCallback() {
        this.isEditing = this.isNew;
    }

    /** Lets the user edit. */
    @api
    edit() {
        if (this.record.canEdit) {
            this.isEditing = true;
        }
    }

    renderedCallback() {
        if (this.focusField) {
            const input = this.template.querySelector(`shell-field-input[data-field="${this.focusField}"]`);
            if (input) {
                this.focusField = undefined;
                input.focus();
            }
        }
    }

    get sections() {
        return this.record.layout.sections.map((section, number) => ({
            key: number,
            label: section.label,
            columns: section.columns.map((column, position) => ({
                key: `${number}-${position}`,
                className: `slds-col slds-size_1-of-1 slds-medium-size_1-of-${section.columns.length} slds-p-horizontal_small`,
                cells: column
                    .flatMap((cell) => this.partsOf(cell))
                    .map((cell, row) => this.cellOf(cell, `${number}-${position}-${row}`))
                    .filter(Boolean)
            }))
        }));
    }

    get hasErrors() {
        return this.errors.length > 0;
    }

    // Names and addresses are read as one and edited in parts.
    partsOf(cell) {
        const { fields } = this.record.description;
        const field = fields[cell.field];
        if (!this.isEditing || cell.readOnly || !field || field.createable || field.updateable) {
            return [cell];
        }
        const prefix = cell.field.replace(/Address$/, '');
        const parts =
            field.type === 'address'
                ? ['Street', 'City', 'State', 'PostalCode', 'Country'].map((part) => prefix + part)
                : cell.field === 'Name' && NAME_PARTS;
        const known = (parts || []).filter((part) => part in fields).map((part) => ({ field: part }));
        return known.length ? known : [cell];
    }

    cellOf(cell, key) {
        if (cell.visualforcePage) {
            return this.isNew ? undefined : { ...cell, key };
        }
        const described = this.record.description.fields[cell.field];
        if (!described) {
            return undefined;
        }
        // What a field is called is the layout's to say; parts of names and addresses it does not know.
        const field = { ...described, label: cell.label ?? described.label };
        const told = this.record.values?.[cell.field] ?? {};
        const isWritable = !cell.readOnly && (this.isNew ? field.createable : field.updateable);
        return {
            key,
            field,
            isRequired: cell.required || field.required,
            isInput: this.isEditing && isWritable,
            canEdit: !this.isEditing && isWritable && this.record.canEdit,
            editLabel: fill(this.text.editField, field.label),
            value: cell.field in this.changed ? this.changed[cell.field] : told.value,
            display: told.display,
            isTrue: field.type === 'boolean' && (told.value === true || told.value === 'true'),
            isBoolean: field.type === 'boolean',
            shownText: field.type === 'boolean' ? this.yesOrNo(told.value) : told.display,
            error: this.fieldErrors[cell.field],
            url: told.id && told.object ? `/lightning/r/${told.object}/${told.id}/view` : linkOf(field, told)
        };
    }

    yesOrNo(value) {
        return value === true || value === 'true' ? this.text.yes : this.text.no;
    }

    handlePencil(event) {
        this.focusField = event.currentTarget.dataset.field;
        this.isEditing = true;
    }

    handleChange(event) {
        event.stopPropagation();
        const { field, value } = event.detail;
        this.changed = { ...this.changed, [field]: value };
        this.fieldErrors = { ...this.fieldErrors, [field]: undefined };
    }

    handleCancel() {
        this.leave();
        this.tell('cancel');
    }

    async handleSave(event) {
        event.preventDefault();
        const inputs = [...this.template.querySelectorAll('shell-field-input')];
        // Each is asked, so that all that is wrong is shown.
        const isComplete = inputs.map((input) => input.check()).every(Boolean);
        if (!isComplete) {
            this.errors = [this.text.reviewErrors];
            inputs.find((input) => !input.check())?.focus();
            return;
        }
        this.isSaving = true;
        this.errors = [];
        this.fieldErrors = {};
        try {
            const answer = await this.send();
            this.leave();
            this.tell('saved', answer);
        } catch (error) {
            this.showErrors(error);
        }
        this.isSaving = false;
    }

    send() {
        const { object, id, version } = this.record;
        const name = object ?? this.record.description.name;
        return this.isNew
            ? ask('POST', `data/records/${name}`, { fields: { ...this.defaults(), ...this.changed } })
            : ask('PATCH', `data/records/${name}/${id}`, {
                  fields: this.changed,
                  version: version ?? this.record.values?.SystemModstamp?.value
              });
    }

    defaults() {
        const filled = {};
        for (const input of this.template.querySelectorAll('shell-field-input')) {
            const { field } = input.dataset;
            const value = this.record.values?.[field]?.value;
            if (value !== undefined && value !== null && value !== '') {
                filled[field] = value;
            }
        }
        return filled;
    }

    showErrors(error) {
        const told = error.errors?.length ? error.errors : [{ field: null, message: error.message }];
        const shown = new Set(
            [...this.template.querySelectorAll('shell-field-input')].map(({ dataset }) => dataset.field)
        );
        const general = told.filter(({ field }) => !field || !shown.has(field)).map(({ message }) => message);
        this.fieldErrors = Object.fromEntries(
            told.filter(({ field }) => shown.has(field)).map(({ field, message }) => [field, message])
        );
        this.errors = general.length ? general : [this.text.reviewErrors];
        this.focusField = told.find(({ field }) => shown.has(field))?.field;
    }

    leave() {
        this.isEditing = this.isNew;
        this.changed = {};
        this.errors = [];
        this.fieldErrors = {};
    }

    tell(what, detail) {
        this.dispatchEvent(new CustomEvent(what, { detail, bubbles: true, composed: true }));
    }
}

function linkOf({ type }, { value, display }) {
    if (!value) {
        return undefined;
    }
    if (type === 'email') {
        return `mailto:${display}`;
    }
    return type === 'phone' ? `tel:${display}` : undefined;
}
