import { LightningElement } from 'lwc';
import { context } from 'shell/server';
import { fill, ownTexts } from 'shell/language';
import { CHANGED, go, placeOf } from 'shell/location';

const TOAST = 'lightning__showtoast';
/** How long a toast that needs no answer stays, in milliseconds. */
const STAYS = 5000;
const ICONS = { success: 'utility:success', error: 'utility:error', warning: 'utility:warning', info: 'utility:info' };
/** Width that header parts and the menu of further tabs take, and that a tab takes beside its text, in pixels. */
const RESERVED = 260;
const PADDING = 26;

const measure = document.createElement('canvas').getContext('2d');
measure.font = '13px "Salesforce Sans", Arial, sans-serif';

/** The frame around every page: header, app launcher, tabs, toasts. */
export default class App extends LightningElement {
    text = ownTexts();
    place = placeOf(window.location.pathname + window.location.search);
    address = window.location.pathname + window.location.search;
    app = context.apps.find(({ name }) => name === window.sessionStorage.getItem('app')) ?? context.apps[0];
    toasts = [];
    width = window.innerWidth;
    nextToast = 1;

    connectedCallback() {
        this.onlocation = () => this.show();
        this.onresize = () => {
            this.width = window.innerWidth;
        };
        this.onclick = (event) => this.follow(event);
        window.addEventListener('popstate', this.onlocation);
        window.addEventListener(CHANGED, this.onlocation);
        window.addEventListener('resize', this.onresize);
        document.addEventListener('click', this.onclick);
        this.addEventListener(TOAST, (event) => this.toast(event));
        this.appOfTab();
    }

    // Each address has a page of its own, which begins anew.
    get places() {
        return [{ address: this.address, place: this.place }];
    }

    get user() {
        return context.user;
    }

    get userMenu() {
        return fill(this.text.userMenu, context.user.name);
    }

    get organization() {
        return context.organization.name;
    }

    get appName() {
        return this.place.kind === 'setup' ? this.text.setup : this.app?.label;
    }

    get navigation() {
        return fill(this.text.navigation, this.appName ?? '');
    }

    get tabs() {
        const tabs = this.place.kind === 'setup' ? [] : (this.app?.tabs ?? []).filter(({ name }) => name !== 'standard-home');
        return [{ name: 'home', label: this.text.home, url: '/lightning/page/home' }, ...tabs.map(tabLink)].map((tab) => {
            const isCurrent = this.isCurrent(tab);
            return {
                ...tab,
                isCurrent,
                itemClass: `slds-context-bar__item${isCurrent ? ' slds-is-active' : ''}`,
                current: isCurrent ? 'page' : undefined
            };
        });
    }

    get fitting() {
        let room = this.width - RESERVED;
        return this.tabs.filter(({ label }) => {
            room -= measure.measureText(label).width + PADDING;
            return room > 0;
        }).length;
    }

    get shownTabs() {
        return this.tabs.slice(0, this.fitting);
    }

    get furtherTabs() {
        return this.tabs.slice(this.fitting);
    }

    get hasFurtherTabs() {
        return this.furtherTabs.length > 0;
    }

    isCurrent(tab) {
        const { kind, tab: name, object } = this.place;
        if (tab.name === 'home') {
            return kind === 'home';
        }
        return kind === 'tab' ? tab.name === name : tab.object !== undefined && tab.object === object;
    }

    // Whoever comes by a link sees the app that has the tab.
    appOfTab() {
        if (!this.tabs.some(({ isCurrent }) => isCurrent)) {
            const other = context.apps.find(({ tabs }) => tabs.some((tab) => this.isCurrent(tabLink(tab))));
            this.app = other ?? this.app;
        }
    }

    show() {
        const address = window.location.pathname + window.location.search;
        if (address === this.address) {
            return;
        }
        this.address = address;
        this.place = placeOf(address);
        this.appOfTab();
        window.scrollTo(0, 0);
        // Who reads the page by ear is told that it is another.
        this.template.querySelector('main').focus();
    }

    // Links inside the app do not load the page anew.
    follow(event) {
        const link = event.composedPath().find(({ tagName }) => tagName === 'A');
        const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
        const isInside = link?.origin === window.location.origin && link.pathname.startsWith('/lightning/');
        if (isInside && isPlain && !event.defaultPrevented && !link.hash && link.target !== '_blank') {
            event.preventDefault();
            go(link.href);
        }
    }

    handleSkip(event) {
        event.preventDefault();
        this.template.querySelector('main').focus();
    }

    handleLauncher() {
        this.template.querySelector('shell-launcher').open();
    }

    handleApp(event) {
        this.app = context.apps.find(({ name }) => name === event.detail);
        window.sessionStorage.setItem('app', this.app.name);
        const first = this.app.tabs[0];
        go(first ? tabLink(first).url : '/lightning/page/home');
    }

    handleFurther(event) {
        go(event.detail.value);
    }

    handleUser(event) {
        if (event.detail.value === 'setup') {
            go('/lightning/setup/SetupOneHome/home');
        } else {
            window.location.assign('/secur/logout.jsp');
        }
    }

    toast(event) {
        event.stopPropagation();
        const { title, message, variant = 'info', mode = 'dismissible' } = event.detail;
        const key = this.nextToast++;
        const kind = ICONS[variant] ? variant : 'info';
        this.toasts = [
            ...this.toasts,
            {
                key,
                title,
                message,
                icon: ICONS[kind],
                role: kind === 'error' ? 'alert' : 'status',
                className: `slds-notify slds-notify_toast slds-theme_${kind} shell-toast`
            }
        ];
        if (mode !== 'sticky' && kind !== 'error') {
            // eslint-disable-next-line @lwc/lwc/no-async-operation -- it goes by itself
            setTimeout(() => this.dismiss(key), STAYS);
        }
    }

    handleDismiss(event) {
        this.dismiss(Number(event.currentTarget.dataset.key));
    }

    dismiss(gone) {
        this.toasts = this.toasts.filter(({ key }) => key !== gone);
    }
}

function tabLink(tab) {
    const url =
        tab.kind === 'object' ? `/lightning/o/${tab.object}/list` : `/lightning/n/${encodeURIComponent(tab.name)}`;
    return { ...tab, url };
}
