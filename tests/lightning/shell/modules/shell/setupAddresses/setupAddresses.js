import { LightningElement, api } from 'lwc';
import { ShowToastEvent } from 'lightning/platformShowToastEvent';
import { ask } from 'shell/server';
import { fill, ownTexts } from 'shell/language';

/** Remote Site Settings or Trusted URLs: addresses outside the org that it may reach. */
export default class SetupAddresses extends LightningElement {
    text = ownTexts();
    sites = [];
    isAdding = false;
    values = {};
    error;

    /** "remote-sites" or "trusted-urls". */
    @api kind;

    connectedCallback() {
        this.load();
    }

    get isFramed() {
        return this.kind === 'trusted-urls';
    }

    get help() {
        return this.isFramed ? this.text.trustedUrlsHelp : this.text.remoteSitesHelp;
    }

    get newLabel() {
        return this.isFramed ? this.text.newTrustedUrl : this.text.newRemoteSite;
    }

    get isEmpty() {
        return this.sites.length === 0;
    }

    get shown() {
        const said = (flag) => (flag ? this.text.yes : this.text.no);
        return this.sites.map((site) => ({
            ...site,
            active: said(site.isActive),
            frame: said(site.frameSrc),
            connect: said(site.connectSrc),
            remove: fill(this.text.removeNamed, site.name)
        }));
    }

    async load() {
        this.sites = await ask('GET', `data/setup/${this.kind}`);
    }

    handleNew() {
        this.isAdding = true;
        this.error = undefined;
        this.values = { isActive: true, frameSrc: true, connectSrc: false, context: 'All' };
    }

    handleCancel() {
        this.isAdding = false;
    }

    handleChange(event) {
        const { field } = event.target.dataset;
        this.values = {
            ...this.values,
            [field]: event.target.type === 'checkbox' ? event.target.checked : event.detail.value
        };
    }

    async handleSave() {
        const inputs = [...this.template.querySelectorAll('lightning-input')];
        if (!inputs.map((input) => input.reportValidity()).every(Boolean)) {
            return;
        }
        const own = this.isFramed ? ['frameSrc', 'connectSrc', 'context'] : ['description'];
        const names = ['name', 'url', 'isActive', ...own];
        await this.act(async () => {
            await ask(
                'POST',
                `data/setup/${this.kind}`,
                Object.fromEntries(names.filter((name) => name in this.values).map((name) => [name, this.values[name]]))
            );
            this.isAdding = false;
        });
    }

    async handleRemove(event) {
        const { name } = event.currentTarget.dataset;
        await this.act(() => ask('DELETE', `data/setup/${this.kind}/${encodeURIComponent(name)}`));
    }

    async act(action) {
        this.error = undefined;
        try {
            await action();
            await this.load();
            this.dispatchEvent(new ShowToastEvent({ message: this.text.savedSetup, variant: 'success' }));
        } catch (error) {
            this.error = error.errors?.map(({ message }) => message).join(' ') || error.message;
        }
    }
}
