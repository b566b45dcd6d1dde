import { Refusal, ask } from 'shell/server';

const adapters = new Set();

async function call(className, method, parameters) {
    try {
        return await ask('POST', `apex/${className}/${method}`, parameters ?? {});
    } catch (error) {
        if (error instanceof Refusal) {
            // A component gets what Lightning gives it: the error's body, its status beside it.
            throw Object.assign(error, { ok: false, statusText: '', headers: {} });
        }
        throw error;
    }
}

/**
 * A method of a controller: called with its arguments, or wired.
 * @param {string} className the class
 * @param {string} method the method
 * @returns {Function} the method, with an adapter for @wire
 */
export function apexMethod(className, method) {
    const invoke = (parameters) => call(className, method, parameters);
    invoke.adapter = class {
        constructor(emit) {
            this.emit = emit;
            emit({ data: undefined, error: undefined });
        }
        connect() {
            adapters.add(this);
        }
        disconnect() {
            adapters.delete(this);
        }
        update(config) {
            this.config = config;
            if (Object.values(config).every((value) => value !== undefined)) {
                this.refresh();
            }
        }
        async refresh() {
            try {
                this.last = { data: await invoke(this.config), error: undefined };
            } catch (error) {
                this.last = { data: undefined, error };
            }
            this.emit(this.last);
        }
    };
    return invoke;
}

/** Asks again for what was wired. */
export async function refreshApex(provisioned) {
    await Promise.all(
        [...adapters].filter(({ last }) => last === provisioned || last?.data === provisioned?.data).map((adapter) => adapter.refresh())
    );
}

export const getSObjectValue = (row, field) => row?.[field?.fieldApiName ?? field];
