import { LightningElement, api } from 'lwc';
import { context } from 'shell/server';
import { ownTexts } from 'shell/language';

const OBJECTS = ['Account', 'Contact', 'Lead', 'Opportunity'];

/** The pages of Setup that an admin of this package needs. */
export default class Setup extends LightningElement {
    text = ownTexts();

    /** The address behind /lightning/setup, in its parts. */
    @api node;

    connectedCallback() {
        document.title = `${this.title} | Salesforce`;
    }

    get isAllowed() {
        return context.user.isAdmin;
    }

    get objects() {
        return context.tabs
            .filter(({ object }) => OBJECTS.includes(object))
            .map(({ object, label }) => ({
                object,
                label,
                current: this.currentIf(this.isObject && this.object === object),
                url: `/lightning/setup/ObjectManager/${object}/PageLayouts/view`
            }));
    }

    get kind() {
        return this.node[0];
    }

    // The design system marks the entry that the browser names as current.
    currentIf(isShown) {
        return isShown ? 'page' : undefined;
    }

    get currentPermissions() {
        return this.currentIf(this.isPermissions);
    }

    get currentRemoteSites() {
        return this.currentIf(this.isRemoteSites);
    }

    get currentTrustedUrls() {
        return this.currentIf(this.isTrustedUrls);
    }

    get title() {
        const titles = {
            SecurityRemoteProxy: this.text.remoteSites,
            SecurityCspTrustedSite: this.text.trustedUrls,
            PermSets: this.text.permissionSets,
            ObjectManager: this.text.pageLayouts
        };
        return titles[this.kind] ?? this.text.setup;
    }

    get isRemoteSites() {
        return this.kind === 'SecurityRemoteProxy';
    }

    get isTrustedUrls() {
        return this.kind === 'SecurityCspTrustedSite';
    }

    get isPermissions() {
        return this.kind === 'PermSets';
    }

    get isObject() {
        return this.kind === 'ObjectManager' && this.node[1] !== undefined;
    }

    get object() {
        return this.node[1];
    }
}
