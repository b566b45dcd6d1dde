import { LightningElement } from 'lwc';
import { ShowToastEvent } from 'lightning/platformShowToastEvent';
import { ask } from 'shell/server';
import { fill, ownTexts } from 'shell/language';

/** Permission sets, and who has them. */
export default class SetupPermissions extends LightningElement {
    text = ownTexts();
    sets = [];
    open;
    chosen;
    error;

    connectedCallback() {
        this.load();
    }

    get shown() {
        return this.sets.map((set) => ({
            ...set,
            isOpen: set.name === this.open,
            isExpanded: String(set.name === this.open),
            isEmpty: set.assigned.length === 0,
            people: set.assigned.map((person) => ({
                ...person,
                remove: fill(this.text.removeNamed, person.name)
            })),
            options: set.assignable.map(({ userId, name, username }) => ({
                value: userId,
                label: username ? `${name} (${username})` : name
            }))
        }));
    }

    get hasNoChoice() {
        return !this.chosen;
    }

    async load() {
        this.sets = await ask('GET', 'data/setup/permission-sets');
    }

    handleOpen(event) {
        const { name } = event.currentTarget.dataset;
        this.open = this.open === name ? undefined : name;
        this.chosen = undefined;
        this.error = undefined;
    }

    handleChoose(event) {
        this.chosen = event.detail.value;
    }

    async handleAssign() {
        await this.act('POST', { userId: this.chosen });
    }

    async handleRemove(event) {
        await this.act('DELETE', { userId: event.currentTarget.dataset.user });
    }

    async act(method, body) {
        this.error = undefined;
        try {
            await ask(method, `data/setup/permission-sets/${this.open}/assignments`, body);
            this.chosen = undefined;
            await this.load();
            this.dispatchEvent(new ShowToastEvent({ message: this.text.savedSetup, variant: 'success' }));
        } catch (error) {
            this.error = error.message;
        }
    }
}
