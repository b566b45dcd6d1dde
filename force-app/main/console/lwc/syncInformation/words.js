/** What Salesforce answers names failures by codes, for programs to tell them apart. */
const CODE = /(\banswered )?\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+: /g;

/** A text of the gateway without such codes. */
export function withoutCodes(text) {
    return text?.replace(CODE, (_code, answered) => (answered ? 'answered: ' : ''));
}
