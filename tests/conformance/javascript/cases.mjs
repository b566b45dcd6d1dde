// Runs named cases one after another and writes one JSON line for each: what scripts/conformance reads.
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a case may take at most: a client that hangs must not hang the run. */
const TIMEOUT_MILLISECONDS = Number(process.env.CONFORMANCE_CASE_TIMEOUT ?? 60) * 1000;

export function environment(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: start this through scripts/conformance`);
  return value;
}

/** Runs one case; it passes if `check` returns. Answers what `check` returned, or undefined. */
export async function testCase(name, check) {
  const patience = new AbortController();
  const timeout = sleep(TIMEOUT_MILLISECONDS, undefined, { signal: patience.signal, ref: false }).then(() => {
    throw new Error(`no answer within ${TIMEOUT_MILLISECONDS / 1000} s`);
  });
  timeout.catch(() => {});
  try {
    const value = await Promise.race([check(), timeout]);
    record({ name, passed: true });
    return value;
  } catch (error) {
    record({ name, passed: false, detail: oneLine(error) });
    return undefined;
  } finally {
    patience.abort();
  }
}

function record(line) {
  appendFileSync(environment('CONFORMANCE_RESULTS'), `${JSON.stringify(line)}\n`);
}

function oneLine(error) {
  const code = error?.errorCode ? `${error.errorCode}: ` : '';
  return `${code}${error?.message ?? error}`.replace(/\s+/g, ' ').slice(0, 400);
}
