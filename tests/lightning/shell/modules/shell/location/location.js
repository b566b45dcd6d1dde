/** Fired at the window when the address has changed. */
export const CHANGED = 'shell:location';
const PREFIXES = { '001': 'Account', '003': 'Contact', '006': 'Opportunity', '00Q': 'Lead' };

/**
 * What an address of the app shows. The addresses are Salesforce's own.
 * @param {string} path path and query
 * @returns {object} kind, and what belongs to it
 */
export function placeOf(path) {
    const { pathname, searchParams } = new URL(path, window.location.origin);
    const parts = pathname.split('/').filter(Boolean).slice(1).map(decodeURIComponent);
    const [area, first, second, third] = parts;
    if (area === 'page' && first === 'home') {
        return { kind: 'home' };
    }
    if (area === 'n' && first) {
        return { kind: 'tab', tab: first };
    }
    if (area === 'o' && second === 'list') {
        return { kind: 'list', object: first, view: searchParams.get('filterName') ?? undefined };
    }
    if (area === 'o' && second === 'new') {
        return { kind: 'new', object: first };
    }
    if (area === 'r' && third === 'view') {
        return { kind: 'record', object: first, id: second };
    }
    if (area === 'r' && second === 'view' && PREFIXES[first.slice(0, 3)]) {
        // Salesforce finds the object of a record by its id too.
        return { kind: 'record', object: PREFIXES[first.slice(0, 3)], id: first };
    }
    if (area === 'setup') {
        return { kind: 'setup', node: parts.slice(1, -1) };
    }
    return { kind: 'unknown' };
}

/**
 * Goes to an address: inside the app without loading a page, elsewhere as a link does.
 * @param {string} url the address
 * @param {object} options replace: the address before is not gone back to
 */
export function go(url, { replace = false } = {}) {
    const target = new URL(url, window.location.href);
    if (target.origin !== window.location.origin || !target.pathname.startsWith('/lightning/')) {
        window.location.assign(target);
        return;
    }
    window.history[replace ? 'replaceState' : 'pushState'](null, '', target);
    window.dispatchEvent(new CustomEvent(CHANGED));
}
