import { LightningElement, api } from 'lwc';
import components from 'shell:components';
import { context } from 'shell/server';
import { ownTexts } from 'shell/language';
import { go } from 'shell/location';

/** The page that an address names. */
export default class Place extends LightningElement {
    /** What the address says. */
    @api place;

    connectedCallback() {
        const { kind } = this.place;
        if (kind === 'tab' && this.tab?.kind === 'object') {
            go(`/lightning/o/${this.tab.object}/list`, { replace: true });
            return;
        }
        const title = kind === 'home' ? ownTexts().home : this.tab?.label;
        if (title) {
            document.title = `${title} | Salesforce`;
        }
    }

    get tab() {
        return this.place.kind === 'tab' ? context.tabs.find(({ name }) => name === this.place.tab) : undefined;
    }

    get component() {
        return this.tab?.kind === 'component' ? components[this.tab.component] : undefined;
    }

    get visualforcePage() {
        return this.tab?.kind === 'visualforce' ? this.tab.visualforcePage : undefined;
    }

    get isHome() {
        return this.place.kind === 'home';
    }

    get isList() {
        return this.place.kind === 'list';
    }

    get isRecord() {
        return this.place.kind === 'record' || this.place.kind === 'new';
    }

    get isSetup() {
        return this.place.kind === 'setup';
    }
}
