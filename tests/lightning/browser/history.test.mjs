// The history of an org whose syncs have gone on for a while: the last ten, and the way to all others.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { look, setUp } from './steps.mjs';
import { World, until } from './world.mjs';

/** As many as the page reads at once, and some. */
const RUNS = 22;
const KINDS = { initial: 'Initial', instant: 'Instant', reconcile: 'Comparison' };
const STATES = { completed: 'Completed', cancelled: 'Cancelled', failed: 'Failed' };
const moment = new Intl.DateTimeFormat('en-US', {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit'
});

let world;
let page;

before(async () => {
    world = await World.start({ records: 40 });
    page = await world.open();
    await setUp(world, page);
});
after(() => world?.stop());

/** What the gateway has kept, newest first. */
const kept = async () => (await world.partner('GET', '/v1/syncs?limit=100')).syncs;
const rows = () => page.locator('[data-id="run"]');

async function ended(id, state) {
    const { run } = await until(`sync ${id} to be ${state}`, async () => {
        const now = await world.partner('GET', `/v1/syncs/${id}`);
        return now.state === state && { run: now };
    });
    return run;
}

async function run(kind, state = 'completed', objects = []) {
    const { id } = await world.partner('POST', '/v1/syncs', { kind, objects });
    return ended(id, state);
}

/** Rows of the page as an admin reads them. */
async function told() {
    const cells = await rows().evaluateAll((lines) => lines.map((line) => [...line.children].map((cell) => cell.innerText.trim())));
    return cells.map((line) => line.map((text) => text.replace(/\s/gu, ' ')));
}

/** A reason without the code that Salesforce gives it. */
const inWords = (reason) => reason.replace('answered API_DISABLED_FOR_ORG:', 'answered:');

/** The same, of what the gateway has kept. */
function expected(runs) {
    return runs.map((one) => [
        KINDS[one.kind],
        ...[one.createdAt, one.finishedAt].map((at) => moment.format(new Date(at)).replace(/\s/gu, ' ')),
        STATES[one.state],
        one.parts.reduce((sum, part) => sum + part.rows, 0).toLocaleString('en-US'),
        inWords(one.error ?? '')
    ]);
}

test('the page lists the last ten synchronizations with kind, times, result and records', async () => {
    await world.emulator('bulk', { waitingMilliseconds: 60000 });
    const { id } = await world.partner('POST', '/v1/syncs', { kind: 'initial' });
    await ended(id, 'running');
    await world.partner('POST', `/v1/syncs/${id}/cancel`);
    await ended(id, 'cancelled');
    await world.emulator('bulk', { waitingMilliseconds: 0 });
    const first = await run('initial');
    assert.ok(first.done > 0, 'the initial sync read the org');
    for (let made = 2; made < RUNS - 7; made++) {
        await run('instant', 'completed', ['lead']);
    }
    await run('reconcile');
    await world.emulator('faults', { answerNext: { requests: 1, status: 403, code: 'API_DISABLED_FOR_ORG' } });
    const failed = await run('instant', 'failed');
    await run('initial');
    const [{ Id }] = await world.query('SELECT Id FROM Contact LIMIT 1');
    await world.api('PATCH', `sobjects/Contact/${Id}`, { Title: 'Chief of Everything' });
    for (let made = 0; made < 4; made++) {
        await run('instant');
    }

    await page.goto(`${world.org}/lightning/n/Synchronization_Information`);
    await rows().first().waitFor();
    const runs = await kept();
    assert.equal(runs.length, RUNS, 'the gateway keeps every run');
    assert.deepEqual(await told(), expected(runs.slice(0, 10)));
    const ends = new Set((await told()).map(([kind, , , state]) => `${kind} ${state}`));
    assert.deepEqual(ends, new Set(['Instant Completed', 'Initial Completed', 'Instant Failed', 'Comparison Completed']));
    const failure = page.getByRole('row', { name: 'Failed' });
    assert.match(failed.error, /edition|settings/);
    await failure.getByText(inWords(failed.error)).waitFor();
    await look(page, 'history-ten');
});

test('older synchronizations are reached, down to the very first', async () => {
    const runs = await kept();
    const older = page.getByRole('button', { name: 'Show Older' });
    await older.click();
    await rows().nth(19).waitFor();
    assert.equal(await rows().count(), 20);
    await older.click();
    await rows().nth(RUNS - 1).waitFor();
    assert.deepEqual(await told(), expected(runs));
    assert.deepEqual((await told()).at(-1).slice(0, 1), ['Initial']);
    await page.getByRole('row', { name: 'Cancelled' }).waitFor();
    await older.waitFor({ state: 'detached' });
    await look(page, 'history-all');
});

test('a synchronization that is made while older ones are shown takes its place above them', async () => {
    await run('instant');
    await page.getByRole('button', { name: 'Refresh' }).click();
    await rows().nth(RUNS).waitFor();
    assert.deepEqual(await told(), expected(await kept()));
});

test('no page failed, and nothing was refused by the content security policy', () => {
    assert.deepEqual(world.problems, []);
});
