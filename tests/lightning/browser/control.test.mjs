// Synchronization Information as a dashboard: a run is watched and cancelled, limit and interval are set in place.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { initialSync, look, setUp } from './steps.mjs';
import { World, until } from './world.mjs';

let world;
let page;

before(async () => {
    world = await World.start({ records: 400 });
    page = await world.open();
    await setUp(world, page);
});
after(() => world?.stop());

const pick = ({ enabled, intervalMinutes }) => ({ enabled, intervalMinutes });
const connection = () => world.partner('GET', '/v1/connection');

async function force(kind) {
    const fold = page.getByRole('button', { name: 'Force a Synchronization' });
    if ((await fold.getAttribute('aria-expanded')) !== 'true') {
        await fold.click();
    }
    await page.getByRole('button', { name: `Kick Off an ${kind} Sync` }).click();
    await page.getByRole('button', { name: 'Start' }).click();
}

test('the section that forces a synchronization is folded until it is opened', async () => {
    await page.goto(`${world.org}/lightning/n/Synchronization_Information`);
    const fold = page.getByRole('button', { name: 'Force a Synchronization' });
    await fold.waitFor();
    assert.equal(await page.getByRole('button', { name: 'Kick Off an Initial Sync' }).count(), 0);
    await fold.click();
    await page.getByRole('button', { name: 'Kick Off an Initial Sync' }).waitFor();
    await fold.click();
    assert.equal(await page.getByRole('button', { name: 'Kick Off an Initial Sync' }).count(), 0);
});

test('progress is shown while a run goes on, and the run is cancelled once that is confirmed', async () => {
    await world.emulator('bulk', { waitingMilliseconds: 4000, runningMilliseconds: 4000 });
    await force('Initial');
    await page.locator('[data-id="current"]', { hasText: /Initial: (Running|Waiting to start)/ }).waitFor();
    await page.locator('[data-id="part"]', { hasText: /records read/ }).first().waitFor({ timeout: 20000 });
    await page.locator('[data-id="finish"]', { hasText: /Expected to finish at|The finish time is known/ }).waitFor();
    await look(page, 'sync-running');
    await page.getByRole('button', { name: 'Cancel the Synchronization' }).click();
    await page.getByText('Cancel the synchronization that is running? What it took over stays.').waitFor();
    await page.getByRole('button', { name: 'Let It Run' }).click();
    assert.equal((await world.partner('GET', '/v1/syncs')).syncs[0].state, 'running');
    await page.getByRole('button', { name: 'Cancel the Synchronization' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel the Synchronization' }).click();
    await page.locator('[data-id="run"]', { hasText: 'Cancelled' }).waitFor({ timeout: 30000 });
    await page.getByText('No synchronization is running.').waitFor();
    await look(page, 'sync-cancelled');
    assert.equal((await world.partner('GET', '/v1/syncs')).syncs[0].state, 'cancelled');
    await world.emulator('bulk', { waitingMilliseconds: 0, runningMilliseconds: 0 });
});

test('after a cancelled run a new one goes to its end, and the first synchronization is done', async () => {
    await initialSync(world, page);
    await page.locator('p[data-id="first"]', { hasText: 'Done on' }).waitFor();
    await page.locator('p[data-id="last"]', { hasText: String(new Date().getFullYear()) }).waitFor();
});

test('the limit of calls is edited in place and confirmed, and a wrong one is refused at its field', async () => {
    const before = await connection();
    const used = await page.locator('[data-id="calls-used"]').innerText();
    assert.ok(Number(used.replace(/\D/g, '')) > 0, 'calls are counted');
    assert.equal((await page.locator('[data-id="calls-max"]').innerText()).replace(/\D/g, ''), String(before.budget.cap));
    const enforce = page.getByRole('checkbox', { name: 'Enforce API limits' });
    const limit = page.getByRole('spinbutton', { name: 'Limit for Causeway per Day' });
    assert.equal(await limit.count(), 0, 'nobody has to think of a number');
    await enforce.press('Space');
    await limit.fill('5000');
    await page.getByRole('button', { name: 'Save Limit' }).click();
    await page.getByText('The limit is saved. 5,000 calls may be used per day from now on.').waitFor();
    await page.locator('[data-id="calls-max"]', { hasText: '5,000' }).waitFor();
    const { budget } = await connection();
    assert.equal(budget.cap, 5000);
    await look(page, 'sync-cap');
    await limit.fill('999999999');
    await page.getByRole('button', { name: 'Save Limit' }).click();
    await page.locator('[data-id="cap"]').getByRole('alert').or(page.locator('[data-id="cap"] .slds-form-element__help')).first().waitFor();
    await look(page, 'sync-cap-refused');
    assert.equal((await connection()).budget.cap, 5000);
    await enforce.press('Space');
    await page.getByRole('button', { name: 'Save Limit' }).click();
    await until('the automatic limit', async () => {
        const { budget: now } = await connection();
        return !now.enforced && now.cap === now.automaticCap ? true : Promise.reject(new Error(JSON.stringify(now)));
    });
});

test('before an interval is set, 15 minutes are proposed, and they hold once it is switched on', async () => {
    assert.deepEqual(pick((await connection()).instant), { enabled: false, intervalMinutes: null });
    const automatic = page.getByRole('checkbox', { name: 'Synchronize automatically' });
    await page.reload();
    await automatic.waitFor();
    assert.equal(await automatic.isChecked(), false);
    const interval = page.getByRole('spinbutton', { name: 'Minutes from One Synchronization to the Next' });
    assert.equal(await interval.inputValue(), '15');
    await look(page, 'sync-interval-proposed');
    assert.deepEqual(pick((await connection()).instant), { enabled: false, intervalMinutes: null }, 'nothing is set yet');
    await automatic.press('Space');
    await page.getByRole('button', { name: 'Save Interval' }).click();
    await page.getByText('The automatic synchronization is saved. It is in force now.').waitFor();
    assert.deepEqual(pick((await connection()).instant), { enabled: true, intervalMinutes: 15 });
});

test('the automatic synchronization is switched, with its interval', async () => {
    const automatic = page.getByRole('checkbox', { name: 'Synchronize automatically' });
    await page.reload();
    await automatic.waitFor();
    await page.getByRole('spinbutton', { name: 'Minutes from One Synchronization to the Next' }).fill('20');
    await page.getByRole('button', { name: 'Save Interval' }).click();
    await page.getByText('The automatic synchronization is saved. It is in force now.').waitFor();
    assert.equal((await connection()).instant.intervalMinutes, 20);
    const wasOn = (await connection()).instant.enabled;
    await automatic.press('Space');
    await page.getByRole('button', { name: 'Save Interval' }).click();
    await until('the switch', async () => (await connection()).instant.enabled === !wasOn);
    await page.reload();
    await page.getByRole('checkbox', { name: 'Synchronize automatically' }).waitFor();
    assert.equal(await page.getByRole('checkbox', { name: 'Synchronize automatically' }).isChecked(), !wasOn);
    await page.getByRole('spinbutton', { name: 'Minutes from One Synchronization to the Next' }).fill('1');
    await page.getByRole('button', { name: 'Save Interval' }).click();
    await page.locator('[data-id="interval"] .slds-form-element__help').waitFor();
    assert.equal((await connection()).instant.intervalMinutes, 20);
});

test('charts show what crossed and how long it took, and the same numbers stand in a table', async () => {
    await page.reload();
    const chart = page.locator('c-sync-chart', { hasText: 'Records per Hour' });
    await chart.getByRole('img', { name: /Records per Hour\. Highest value: [1-9]/ }).waitFor();
    await chart.getByText('Show as Table').click();
    await chart.getByRole('cell').first().waitFor();
    await page.locator('c-sync-chart', { hasText: 'Minutes until a Change Arrived' }).waitFor();
    await look(page, 'sync-charts');
});

test('no page failed, and nothing was refused by the content security policy', () => {
    assert.deepEqual(world.problems, []);
});
