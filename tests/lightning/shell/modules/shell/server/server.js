/** What the org told at the start: user, organization, apps and tabs. */
export const context = {};

/** An answer that says no. */
export class Refusal extends Error {
    constructor(status, body) {
        super(body?.message ?? '');
        this.status = status;
        this.body = body;
        this.errors = body?.errors ?? [];
    }
}

/**
 * Asks the org.
 * @param {string} method GET, POST, PATCH, PUT or DELETE
 * @param {string} path below /lightning
 * @param {object} body what is sent
 * @returns {Promise<object>} what it answers; rejected with a Refusal where it says no
 */
export async function ask(method, path, body) {
    const answer = await fetch(`/lightning/${path}`, {
        method,
        // A form of another site cannot send this header.
        headers: { 'X-Requested-With': 'lightning', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
        body: body === undefined ? undefined : JSON.stringify(body)
    });
    if (answer.status === 401) {
        window.location.assign(`/login?startURL=${encodeURIComponent(window.location.pathname + window.location.search)}`);
        return new Promise(() => {});
    }
    const text = await answer.text();
    let told = null;
    try {
        told = text ? JSON.parse(text) : null;
    } catch {
        told = { message: text };
    }
    if (!answer.ok) {
        throw new Refusal(answer.status, told);
    }
    return told;
}

export async function loadContext() {
    return Object.assign(context, await ask('GET', 'data/context'));
}
