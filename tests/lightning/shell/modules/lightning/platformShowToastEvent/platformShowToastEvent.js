export const ShowToastEventName = 'lightning__showtoast';

/** A message to the user, shown by the shell. */
export class ShowToastEvent extends CustomEvent {
    constructor(toast) {
        super(ShowToastEventName, { detail: toast, bubbles: true, composed: true, cancelable: true });
    }
}
