// The admin guide, followed by somebody who sees the org for the first time: from the installed package to the first
// synced record. Its steps are counted, and the guide says how many they are.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { addRemoteSite, addTrustedUrl, assign, initialSync, logIn, look, openApp, openTab, pair } from './steps.mjs';
import { ADMIN, World, until } from './world.mjs';

const guide = readFileSync(path.resolve(import.meta.dirname, '../../../docs/ADMIN-GUIDE.md'), 'utf8');
let world;
let page;
/** What was done, in Setup or on the package's pages. */
const done = [];

before(async () => {
    world = await World.start({ records: 60 });
    page = await world.open();
});
after(() => world?.stop());

async function step(where, what, act) {
    assert.ok(guide.includes(what), `the guide says "${what}"`);
    await act();
    done.push(where);
}

test('in Setup: who may use the app, as whom the gateway enters, and what the org may call and frame', async () => {
    await logIn(world, page);
    await step('Setup', 'Give *Causeway Admin* to yourself', () => assign(world, page, 'Causeway Admin', ADMIN.username));
    // Setup's pages of users and apps are none of the package's; the world has made both.
    await step('Setup', 'Make the user as whom the gateway enters the org', async () => {
        assert.equal((await world.query("SELECT Id FROM User WHERE LastName = 'Gateway'")).length, 1);
    });
    await step('Setup', "Approve the gateway's app for that user", async () => {
        assert.match(await world.causeway('connection', 'list'), /acme/);
    });
    await step('Setup', "Add the gateway's address as a Remote Site", () =>
        addRemoteSite(world, page, 'Gateway', world.gateway)
    );
    await step('Setup', 'Add the same address as a Trusted URL', () =>
        addTrustedUrl(world, page, 'Gateway_Page', world.gateway)
    );
});

test('on Connection Settings: paired, saved, tested', async () => {
    await step('Causeway', 'press *Pair*', async () => {
        await page.goto(`${world.org}/lightning/page/home`);
        await openApp(page, 'Causeway');
        await openTab(page, 'Connection Settings');
        await pair(world, page);
    });
    await step('Causeway', '*Save Settings*: all or nothing', async () => {
        const [account] = await world.query('SELECT Name FROM Account ORDER BY Name LIMIT 1');
        await page.getByText('Without an Account Name, other Salesforce users will not see the new records.').waitFor();
        await page.getByLabel('Account Name').fill('No such company');
        await page.getByLabel('Data Owner').fill('desk');
        await page.getByRole('button', { name: 'Save Settings' }).click();
        await page.getByText('Nothing was saved.').waitFor();
        await look(page, 'connection-account-refused');
        await page.getByLabel('Account Name').fill(account.Name);
        await page.getByLabel('Data Owner').fill('nobody@partner.example');
        await page.getByRole('button', { name: 'Save Settings' }).click();
        await page.getByText('Nothing was saved.').waitFor();
        await look(page, 'connection-owner-refused');
        await page.getByLabel('Data Owner').fill('desk');
        await page.getByRole('button', { name: 'Save Settings' }).click();
        await page.getByText('All settings are saved.').waitFor();
        assert.equal(await page.getByText('Without an Account Name').count(), 0);
        const { settings } = await world.partner('GET', '/v1/connection');
        assert.deepEqual([settings.dataOwner, settings.accountName], ['desk', account.Name]);
    });
    await step('Causeway', '*Test Connection*', async () => {
        await page.getByRole('button', { name: 'Test Connection' }).click();
        await page.getByText('The connection works.').waitFor();
        await page.locator('li', { hasText: 'The gateway reaches this org' }).filter({ hasText: 'Works' }).waitFor();
        assert.equal((await world.partner('GET', '/v1/syncs')).syncs.length, 0, 'a test starts nothing');
    });
});

test('on Synchronization Information: the first synchronization, and the first record is synced', async () => {
    await step('Causeway', 'start the initial synchronization', () => initialSync(world, page));
    await until('the first record at the partner', async () => {
        const { records } = await world.partner('GET', '/v1/records/contact?limit=1');
        return records.length === 1;
    });
});

test('the guide says how many steps that were', () => {
    const line = /From the installed package to the first synced record: (\d+) steps, of which (\d+) in Setup/.exec(guide);
    assert.ok(line, 'the guide counts');
    assert.deepEqual(line.slice(1).map(Number), [done.length, done.filter((where) => where === 'Setup').length]);
});

test('the page names version and support contact', async () => {
    await page.goto(`${world.org}/lightning/n/Connection_Settings`);
    await until('the support contact', async () => {
        await page.reload();
        await page.getByText('support@gateway.example').waitFor({ timeout: 2000 });
        return true;
    });
    await page.getByText('+49 30 1234567').waitFor();
    await page.locator('[data-id="about"]').getByText('1.0').waitFor();
    await page.getByText(/^Set on/).waitFor();
    await look(page, 'connection-complete');
});

test('in German the pages are German', async () => {
    const [{ Id }] = await world.query(`SELECT Id FROM User WHERE Username = '${ADMIN.username}'`);
    await world.api('PATCH', `sobjects/User/${Id}`, { LanguageLocaleKey: 'de', LocaleSidKey: 'de_DE' });
    await page.goto(`${world.org}/lightning/n/Connection_Settings`);
    await page.getByRole('button', { name: 'Einstellungen speichern' }).waitFor();
    await look(page, 'connection-german');
    await page.goto(`${world.org}/lightning/n/Synchronization_Information`);
    await page.getByRole('button', { name: 'Synchronisierung von Hand' }).waitFor();
    await look(page, 'sync-german');
});

test('no page failed, and nothing was refused by the content security policy', () => {
    assert.deepEqual(world.problems, []);
});
