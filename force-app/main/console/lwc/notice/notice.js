import { LightningElement, api } from 'lwc';
import nextStep from '@salesforce/label/c.Page_Next_Step';
import retry from '@salesforce/label/c.Page_Retry';

/** Says what went wrong and what to do; offers to try again where that makes sense. */
export default class Notice extends LightningElement {
    /** What is wrong. */
    @api message;
    /** What to do about it. */
    @api nextStep;
    /** Whether the same may be tried again. */
    @api canRetry = false;

    label = { nextStep, retry };

    handleRetry() {
        this.dispatchEvent(new CustomEvent('retry'));
    }
}
