import { go, placeOf } from 'shell/location';

const Navigate = Symbol('Navigate');
const GenerateUrl = Symbol('GenerateUrl');

function urlOf({ type, attributes = {}, state = {} }) {
    switch (type) {
        case 'standard__recordPage':
            return `/lightning/r/${attributes.objectApiName}/${attributes.recordId}/view`;
        case 'standard__objectPage':
            return attributes.actionName === 'new'
                ? `/lightning/o/${attributes.objectApiName}/new`
                : `/lightning/o/${attributes.objectApiName}/list?filterName=${state.filterName ?? ''}`;
        case 'standard__navItemPage':
            return `/lightning/n/${attributes.apiName}`;
        case 'standard__namedPage':
            return '/lightning/page/home';
        case 'standard__webPage':
            return attributes.url;
        default:
            throw new TypeError(`${type} is not known to these pages`);
    }
}

/** What lightning/navigation mixes into a component. */
export const NavigationMixin = (Base) =>
    class extends Base {
        [Navigate](reference, replace) {
            go(urlOf(reference), { replace });
        }
        [GenerateUrl](reference) {
            return Promise.resolve(urlOf(reference));
        }
    };
NavigationMixin.Navigate = Navigate;
NavigationMixin.GenerateUrl = GenerateUrl;

/** Wired, tells where the user is. */
export class CurrentPageReference {
    constructor(emit) {
        emit({ attributes: placeOf(window.location.pathname + window.location.search), state: {} });
    }
    connect() {}
    update() {}
    disconnect() {}
}
