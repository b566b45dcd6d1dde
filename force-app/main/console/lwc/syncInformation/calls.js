import LOCALE from '@salesforce/i18n/locale';
import { fill } from 'c/page';
import { LABEL } from './labels';

const momentOf = (text) =>
    new Date(text).toLocaleString(LOCALE, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });

/** The org's API calls, as the gateway counts them. */
export function callsOf({ calls = {}, budget = {} }) {
    const spent = budget.used24h ?? calls.spent ?? 0;
    const cap = budget.cap ?? calls.cap ?? 0;
    const automatic = (budget.automaticCap ?? cap).toLocaleString(LOCALE);
    return {
        spent,
        cap,
        maximum: budget.maximum,
        percent: cap > 0 ? Math.min(Math.round((spent / cap) * 100), 100) : 0,
        automatic: fill(budget.maximum ? LABEL.callsAutomatic : LABEL.callsAutomaticOpen, automatic)
    };
}

/** What stands still at the limit of calls: the run that is on, or whatever people save; undefined where nothing does. */
export function standstillOf(connection, run) {
    const free = connection.budget?.freeAgainAt ?? {};
    const isOfRun = Boolean(run) && run.state !== 'cancelling';
    // A run over everything leaves a part of the limit to the rest.
    const forRun = isOfRun && (run.kind === 'instant' ? free.interactive : free.bulk);
    const until = forRun || free.interactive;
    if (!until) {
        return undefined;
    }
    const { spent, cap } = callsOf(connection);
    const message = free.interactive ? LABEL.standstill : LABEL.standstillShare;
    return {
        isOfRun: Boolean(forRun),
        message: fill(message, spent.toLocaleString(LOCALE), cap.toLocaleString(LOCALE)),
        nextStep: fill(LABEL.standstillStep, momentOf(until)),
        goesOn: fill(LABEL.goesOn, momentOf(until))
    };
}
