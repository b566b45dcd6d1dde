import { LightningElement } from 'lwc';
import { context } from 'shell/server';
import { fill, ownTexts } from 'shell/language';

/** Where a session begins: what the user may open. */
export default class Home extends LightningElement {
    text = ownTexts();
    apps = context.apps.map((app) => ({
        ...app,
        tabs: app.tabs.map((tab) => ({
            ...tab,
            url: tab.kind === 'object' ? `/lightning/o/${tab.object}/list` : `/lightning/n/${tab.name}`
        }))
    }));

    get welcome() {
        return fill(this.text.welcome, context.user.name);
    }
}
