// A connected org: the first synchronization, what goes wrong, and how it is mended, on Synchronization Information.
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

test('before the first synchronization the page says what to do, and starts nothing', async () => {
    await page.goto(`${world.org}/lightning/n/Synchronization_Information`);
    await page.getByText('Not done yet.').waitFor();
    await page.getByText('No synchronization has been run yet.').waitFor();
    await until('the first report of the package', async () => {
        await page.getByRole('button', { name: 'Refresh' }).click();
        await page.getByText('No issues.').waitFor({ timeout: 2000 });
        return true;
    });
    await look(page, 'sync-empty');
    assert.equal((await world.partner('GET', '/v1/syncs')).syncs.length, 0);
});

test('an initial sync runs to its end while one watches, and the partner has the records', async () => {
    await initialSync(world, page);
    await page.getByText('Done on').waitFor();
    await page.getByText('No synchronization is running.').waitFor();
    await look(page, 'sync-done');
    const { totalSize } = await world.api('GET', 'query?q=SELECT+COUNT()+FROM+Contact');
    const told = await world.partner('GET', '/v1/records/contact?limit=500');
    const held = await world.partner('GET', '/v1/held?limit=200');
    const waiting = held.held.filter(({ object }) => object === 'contact').length;
    assert.equal(told.records.length + waiting, totalSize, 'every contact arrived, or waits with a reason');
});

test('a record saved in the org arrives at the partner', async () => {
    const [contact] = await world.query('SELECT Id FROM Contact WHERE Email != null LIMIT 1');
    await world.api('PATCH', `sobjects/Contact/${contact.Id}`, { Title: 'Chief of Everything' });
    const record = await until('the contact at the partner', async () => {
        const { records } = await world.partner('GET', `/v1/records/contact?salesforceId=${contact.Id}`);
        return records[0]?.fields.title === 'Chief of Everything' && records[0];
    });
    assert.equal(record.salesforceId, contact.Id);
});

test('an instant sync is started only once it is confirmed', async () => {
    await page.reload();
    await page.getByRole('button', { name: 'Force a Synchronization' }).click();
    await page.getByRole('button', { name: 'Kick Off an Instant Sync' }).click();
    await look(page, 'sync-force');
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    assert.equal((await world.partner('GET', '/v1/syncs')).syncs.length, 1);
    await page.getByRole('button', { name: 'Kick Off an Instant Sync' }).click();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.locator('[data-id="run"]', { hasText: 'Instant' }).filter({ hasText: 'Completed' }).waitFor({ timeout: 30000 });
});

test('while the gateway is away the page says so, and what to do', async () => {
    await world.stopGateway();
    await page.reload();
    await page.getByText('The gateway cannot be reached').first().waitFor();
    await look(page, 'sync-away');
    await world.serve();
    await page.getByRole('button', { name: 'Try Again' }).first().click();
    await page.getByText('Done on').waitFor();
});

test('no page failed, and nothing was refused by the content security policy', () => {
    assert.deepEqual(world.problems, []);
});
