import pageFailed from '@salesforce/label/c.Page_Failed';
import pageFailedStep from '@salesforce/label/c.Page_Failed_Step';

/**
 * Reads what a controller threw.
 * @param {object} error what a call was rejected with
 * @returns {{message: string, nextStep: string, field: string}} what is wrong, what to do, and the field concerned
 */
export function readError(error) {
    try {
        const told = JSON.parse(error.body.message);
        if (told && typeof told.message === 'string') {
            return { field: null, nextStep: null, ...told };
        }
    } catch {
        // Not thrown by a controller of this package. Its text is for developers, so that it is not shown.
    }
    return { message: pageFailed, nextStep: pageFailedStep, field: null };
}

/**
 * Fills in a text.
 * @param {string} text a label with {0}, {1}, …
 * @param {...(string|number)} parts what takes their place
 * @returns {string} the whole text
 */
export function fill(text, ...parts) {
    return parts.reduce((filled, part, index) => filled.replace(`{${index}}`, () => String(part ?? '')), text);
}
