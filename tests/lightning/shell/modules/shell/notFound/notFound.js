import { LightningElement } from 'lwc';
import { ownTexts } from 'shell/language';

/** An address that names nothing the user may see. */
export default class NotFound extends LightningElement {
    text = ownTexts();

    connectedCallback() {
        document.title = `${this.text.notFoundTitle} | Salesforce`;
    }
}
