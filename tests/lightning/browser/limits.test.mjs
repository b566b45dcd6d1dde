// The limit of API calls: without a setting the gateway keeps to a share of what a small org has, and a synchronization
// stands still at a limit of the admin's own until it is raised.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { look, setUp } from './steps.mjs';
import { World, until } from './world.mjs';

const ALLOWED = 400;

let world;
let page;

before(async () => {
    world = await World.start({ records: 40, dailyCalls: ALLOWED });
    page = await world.open();
    await setUp(world, page);
});
after(() => world?.stop());

const budget = async () => (await world.partner('GET', '/v1/connection')).budget;
const shown = async (id) => Number((await page.locator(`[data-id="${id}"]`).innerText()).replace(/\D/gu, ''));

/** Calls that the org has counted, but for the one by which the world asked it for its admin. */
async function countedByOrg() {
    const { latest, total } = await (await fetch(`${world.org}/emulator/requests`)).json();
    assert.equal(latest.length, total);
    return latest.reduce((sum, { apiCalls }) => sum + apiCalls, 0) - 1;
}

async function open() {
    await page.goto(`${world.org}/lightning/n/Synchronization_Information`);
    await page.locator('[data-id="calls-used"]').waitFor();
}

test('without a setting the page shows the limit that follows from what the org allows', async () => {
    await until('the org to be asked', async () => (await budget()).maximum === ALLOWED);
    await open();
    await page.getByText(`Causeway limits itself to ${ALLOWED / 2} calls per day, half of what the org allows.`).waitFor();
    assert.equal(await shown('calls-max'), ALLOWED / 2);
    assert.equal(await shown('calls-org'), ALLOWED);
    const { cap, automaticCap, used24h, enforced } = await budget();
    assert.deepEqual([cap, automaticCap, enforced], [ALLOWED / 2, ALLOWED / 2, false]);
    assert.equal(await shown('calls-used'), used24h);
    assert.ok((await countedByOrg()) <= used24h, 'what the org counted was counted');
    await look(page, 'limit-automatic');
});

test('a synchronization that reaches the limit of the admin stands still, and the page says how it goes on', async () => {
    // What a gateway had in hand when it was stopped counts as used.
    await world.stopGateway();
    await world.serve();
    const { used24h } = await budget();
    const limit = Math.ceil((used24h + 6) / 0.8);
    await open();
    await page.getByRole('checkbox', { name: 'Enforce API limits' }).press('Space');
    await page.getByRole('spinbutton', { name: 'Limit for Causeway per Day' }).fill(String(limit));
    await page.getByRole('button', { name: 'Save Limit' }).click();
    await page.getByText(`The limit is saved. ${limit} calls may be used per day from now on.`).waitFor();
    assert.equal((await budget()).cap, limit);

    await page.getByRole('button', { name: 'Force a Synchronization' }).click();
    await page.getByRole('button', { name: 'Kick Off an Initial Sync' }).click();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('Initial: Standing still at the limit of API calls').waitFor({ timeout: 40000 });
    await page.locator('p[data-id="goes-on"]').getByText(/^Goes on by itself on .+, or as soon as the limit is raised\.$/u).waitFor();
    const still = await budget();
    const hours = (new Date(still.freeAgainAt.bulk) - Date.now()) / 3600000;
    assert.ok(hours > 23 && hours <= 25, `free again in ${hours} hours`);
    const issue = page.locator('[data-id="issue"]', { hasText: 'The limit of API calls is reached' });
    await issue.getByText(`${still.used24h} of ${limit} are used`).waitFor();
    await issue.getByText('Raise the limit below, or wait').waitFor();
    assert.equal(await shown('calls-used'), still.used24h);
    const counted = await countedByOrg();
    assert.ok(counted <= limit, `${counted} calls, ${limit} allowed`);
    assert.equal((await world.partner('GET', '/v1/syncs')).syncs[0].state, 'running');
    await look(page, 'limit-reached');
    await new Promise((resolve) => setTimeout(resolve, 3000));
    assert.equal(await countedByOrg(), counted, 'it stands still');
});

test('raised in place, the limit lets the synchronization go on by itself to its end', async () => {
    await page.getByRole('spinbutton', { name: 'Limit for Causeway per Day' }).fill('350');
    await page.getByRole('button', { name: 'Save Limit' }).click();
    await page.getByText('The limit is saved. 350 calls may be used per day from now on.').waitFor();
    await page.locator('[data-id="issue"]', { hasText: 'The limit of API calls' }).waitFor({ state: 'detached' });
    await page.locator('[data-id="run"]', { hasText: 'Completed' }).waitFor({ timeout: 40000 });
    await page.locator('p[data-id="first"]', { hasText: 'Done on' }).waitFor();
    const { syncs } = await world.partner('GET', '/v1/syncs');
    assert.deepEqual(syncs.map(({ kind, state }) => [kind, state]), [['initial', 'completed']]);
    const counted = await countedByOrg();
    assert.ok(counted <= (await budget()).used24h && counted <= 350, `${counted} calls`);
    await look(page, 'limit-raised');
});

test('where all calls are used the page says so, and what the partner posts waits until there are more', async () => {
    await page.getByRole('spinbutton', { name: 'Limit for Causeway per Day' }).fill('20');
    await page.getByRole('button', { name: 'Save Limit' }).click();
    await page.getByText('The limit is saved. 20 calls may be used per day from now on.').waitFor();
    await world.stopGateway();
    await world.serve();
    const counted = await countedByOrg();
    await world.partner('POST', '/v1/records/contact', {
        records: [{ fields: { first_name: 'Amara', last_name: 'Obi', email: 'amara.obi@partner.example' } }]
    });
    await open();
    const { used24h } = await budget();
    const issue = page.locator('[data-id="issue"]', { hasText: `The limit of API calls is reached: ${used24h} of 20 are used` });
    await issue.getByText('Raise the limit below, or wait').waitFor();
    await page.getByText('No synchronization is running.').waitFor();
    await page.locator('[data-id="queue"]').nth(2).getByText('1', { exact: true }).waitFor();
    assert.equal(await countedByOrg(), counted, 'nothing was asked of Salesforce');
    await look(page, 'limit-all');
});

test('no page failed, and nothing was refused by the content security policy', () => {
    assert.deepEqual(world.problems, []);
});
