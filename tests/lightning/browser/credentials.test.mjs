// Client Id and API Secret entered by hand: who calls the gateway from then on, and that the secret never comes back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { addRemoteSite, addTrustedUrl, assign, logIn, look } from './steps.mjs';
import { ADMIN, PARTNER, World, until } from './world.mjs';

const WRONG = 'not-the-secret-of-this-client-0123456789';
let world;
let page;
let client;
/** What the org answered to pages, whole. */
const answers = [];

before(async () => {
    world = await World.start({ installed: true, recorded: true, support: false });
    client = await world.orgClient();
    page = await world.open();
    page.on('response', (response) => {
        if (response.url().startsWith(world.org)) {
            answers.push(response.text().then((text) => ({ url: response.url(), text }), () => undefined));
        }
    });
    await logIn(world, page);
    await assign(world, page, 'Causeway Admin', ADMIN.username);
    await addRemoteSite(world, page, 'Gateway', world.gateway);
    await addTrustedUrl(world, page, 'Gateway_Page', world.gateway);
});
after(() => world?.stop());

const save = () => page.getByRole('button', { name: 'Save Settings' }).click();
const tested = async () => {
    await page.getByRole('button', { name: 'Test Connection' }).click();
    return page.locator('[data-id="test-result"]', { hasText: 'The connection' }).innerText();
};
const finding = (name) => page.locator('[data-id="finding"]', { hasText: name });
const field = (name) => page.locator(`lightning-input[data-field="${name}"]`);
/** What was asked of the gateway since then; whether it is ready is asked by the world. */
// The page that the doctor opens is asked for by the browser, by a code that works once.
const ofOrg = (from) =>
    world.calls.slice(from).filter(({ url }) => !url.startsWith('/readyz') && !url.startsWith('/embed/'));

test('Client Id and API Secret are entered by hand, saved and tested', async () => {
    await page.goto(`${world.org}/lightning/n/Connection_Settings`);
    await page.getByText('Not set yet.').waitFor();
    await page.getByText('The gateway names a support contact once the org is connected.').waitFor();
    await page.getByLabel('Endpoint').fill(world.gateway);
    await page.getByLabel('Client Id').fill(client.id);
    await page.getByLabel('API Secret').fill(client.secret);
    await page.getByLabel('Data Owner').fill('desk');
    await save();
    await page.getByText('All settings are saved.').waitFor();
    const { settings } = await world.partner('GET', '/v1/connection');
    assert.equal(settings.dataOwner, 'desk', 'the gateway took what the org told with this secret');
    await tested();
    await finding('The gateway accepts the credentials').filter({ hasText: 'Works' }).waitFor();
    await finding('The gateway reaches this org').waitFor();
    await look(page, 'credentials-by-hand');
});

test('every authenticated call of the org carries the Client Id as its issuer', async () => {
    const before = world.calls.length;
    await page.goto(`${world.org}/lightning/n/Synchronization_Information`);
    await page.getByText('Not done yet.').waitFor();
    const [contact] = await world.query('SELECT Id FROM Contact WHERE Email != null LIMIT 1');
    await world.api('PATCH', `sobjects/Contact/${contact.Id}`, { Title: 'Head of Names' });
    await until('the change at the gateway', async () =>
        ofOrg(before).find(({ url, status }) => url === '/v1/salesforce/changes' && status === 202)
    );
    const calls = ofOrg(0).filter(({ issuer }) => issuer !== PARTNER);
    assert.ok(calls.some(({ method, url }) => method === 'PUT' && url === '/v1/connection/settings'));
    assert.ok(calls.some(({ url }) => url === '/v1/salesforce/heartbeat'));
    assert.ok(calls.some(({ url }) => url === '/v1/salesforce/changes'));
    assert.ok(calls.some(({ url }) => url.startsWith('/v1/syncs')));
    assert.deepEqual(new Set(calls.map(({ issuer }) => issuer)), new Set([client.id]));
});

test('the secret is shown nowhere: the page says since when it is set', async () => {
    await page.goto(`${world.org}/lightning/n/Connection_Settings`);
    await page.locator('[data-id="secret-state"]').getByText('Set on').waitFor();
    const today = new Date().toLocaleDateString('en-US', { year: 'numeric', month: 'long', day: 'numeric' });
    assert.match(await page.locator('[data-id="secret-state"]').innerText(), new RegExp(`Set on\\s*${today}`));
    assert.equal(await page.getByLabel('API Secret').inputValue(), '');
    assert.equal(await page.getByLabel('Client Id').inputValue(), client.id);
    await page.getByText('The gateway has named no support contact so far. Ask whoever runs it.').waitFor();
    const shown = await everything();
    assert.ok(shown.includes(client.id), 'the whole page was looked through');
    assert.ok(!shown.includes(client.secret), 'not in the page');
});

test('the secret is told to nobody: no answer, no address, no log, no query of an admin has it', async () => {
    const told = (await Promise.all(answers)).filter(Boolean);
    assert.ok(told.some(({ text }) => text.includes(client.id)), 'the answers of controllers were recorded');
    for (const { url, text } of told) {
        assert.ok(!url.includes(client.secret) && !text.includes(client.secret), `told by ${new URL(url).pathname}`);
    }
    const log = await (await fetch(`${world.org}/emulator/requests?last=10000`)).text();
    for (const text of [world.log('gateway'), world.log('org'), log]) {
        assert.ok(!text.includes(client.secret), 'no log has it');
    }
    for (const soql of ['SELECT Key__c FROM Credential__c', 'SELECT FIELDS(ALL) FROM Credential__c LIMIT 1']) {
        await assert.rejects(world.query(soql), /INVALID_TYPE/, 'the setting is the package\'s own');
    }
    await assert.rejects(world.api('GET', 'sobjects/Credential__c/describe'), /NOT_FOUND/);
});

test('a wrong secret is told by Test at its field, with what to do', async () => {
    await page.getByLabel('API Secret').fill(WRONG);
    await save();
    await page.locator('[data-id="warning"]', { hasText: 'All settings are saved, but:' }).waitFor();
    assert.match(await tested(), /does not work yet/);
    await finding('The gateway accepts the credentials').getByText('The API Secret does not belong to this Client Id.').waitFor();
    await finding('The gateway reaches this org').filter({ hasText: 'Not tested yet' }).waitFor();
    await field('secret').getByText('Enter the API Secret as whoever runs the gateway gives it, and save').waitFor();
    assert.equal(await field('clientId').locator('.slds-has-error').count(), 0);
    await look(page, 'credentials-wrong-secret');
});

test('a wrong Client Id is told at its own field', async () => {
    await page.getByLabel('Client Id').fill('nobody');
    await save();
    await page.locator('[data-id="warning"]').waitFor();
    await tested();
    await field('clientId').getByText('The gateway does not know this Client Id.').waitFor();
    await page.getByLabel('Client Id').fill(client.id);
});

test('a secret that is replaced works at once, and the wrong one is gone', async () => {
    await page.getByLabel('API Secret').fill(client.secret);
    await save();
    await page.getByText('All settings are saved.').waitFor();
    const before = world.calls.length;
    await tested();
    await finding('The gateway accepts the credentials').filter({ hasText: 'Works' }).waitFor();
    const [call] = ofOrg(before).filter(({ url }) => url === '/v1/connection');
    assert.deepEqual({ issuer: call.issuer, status: call.status }, { issuer: client.id, status: 200 });
    const shown = await everything();
    for (const secret of [client.secret, WRONG]) {
        assert.ok(!shown.includes(secret));
        assert.ok((await Promise.all(answers)).every((answer) => !answer?.text.includes(secret)));
    }
});

/** All that stands in the page: texts, attributes and what is typed, through every shadow. */
function everything() {
    return page.evaluate(() => {
        const seen = [];
        const walk = (node) => {
            seen.push(node.nodeValue ?? '', node.value ?? '');
            for (const { value } of node.attributes ?? []) {
                seen.push(value);
            }
            for (const child of [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes]) {
                walk(child);
            }
        };
        walk(document);
        return seen.join('\n');
    });
}

test('no page failed, and nothing was refused by the content security policy', () => {
    assert.deepEqual(world.problems, []);
});
