// The first-time admin: from an empty org to a connection that works.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { addRemoteSite, addTrustedUrl, assign, logIn, look, openApp, openTab } from './steps.mjs';
import { ADMIN, World } from './world.mjs';

let world;
let page;

before(async () => {
    world = await World.start();
    page = await world.open();
});
after(() => world?.stop());

test('a wrong password is refused in plain words', async () => {
    await page.goto(`${world.org}/lightning/page/home`);
    await page.getByLabel('Username').fill(ADMIN.username);
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Log In' }).click();
    await page.getByText('Please check your username and password.').waitFor();
    await look(page, 'login');
});

test('the app is there once the permission set is assigned', async () => {
    await logIn(world, page);
    await look(page, 'home-before');
    await assign(world, page, 'Causeway Admin', ADMIN.username);
    await look(page, 'setup-permission-sets');
    await page.goto(`${world.org}/lightning/page/home`);
    await openApp(page, 'Causeway');
    await openTab(page, 'Connection Settings');
    await page.getByText('Not connected yet.').waitFor();
    await page.getByText('Without an Account Name, other Salesforce users will not see the new records.').waitFor();
    await look(page, 'connection-empty');
});

test('an endpoint that is malformed or not https is refused at its field', async () => {
    await page.getByLabel('Client Id').fill('org-client');
    await page.getByLabel('API Secret').fill('0123456789abcdef0123456789abcdef');
    for (const wrong of ['gateway', 'http://gateway.example.com', 'https://user:secret@gateway.example.com']) {
        await page.getByLabel('Endpoint').fill(wrong);
        await page.getByRole('button', { name: 'Save Settings' }).click();
        await page.getByText('Nothing was saved.').waitFor();
        await page.getByText('The endpoint is not an https address.').waitFor();
    }
    await look(page, 'connection-endpoint-refused');
    await page.reload();
    await page.getByText('Not connected yet.').waitFor();
    assert.equal(await page.getByLabel('Client Id').inputValue(), '', 'nothing was saved');
});

test('pairing without a Remote Site is refused, and says where to add it', async () => {
    await page.getByLabel('Endpoint').fill(world.gateway);
    await page.getByLabel('Pairing Code').fill('WRONGWRONGWRONGWRONG');
    await page.getByRole('button', { name: 'Pair', exact: true }).click();
    await page.getByText(/Remote Site/).first().waitFor();
});

test('a code pairs org and gateway; a wrong one is refused at its field', async () => {
    await addRemoteSite(world, page, 'Gateway', world.gateway);
    await addTrustedUrl(world, page, 'Gateway_Page', world.gateway);
    await look(page, 'setup-remote-sites');
    await page.goto(`${world.org}/lightning/n/Connection_Settings`);
    await page.getByLabel('Endpoint').fill(world.gateway);
    await page.getByLabel('Pairing Code').fill('WRONGWRONGWRONGWRONG');
    await page.getByRole('button', { name: 'Pair', exact: true }).click();
    await page.getByText('The gateway does not accept the code').waitFor();
    await page.getByLabel('Pairing Code').fill(await world.pairingCode());
    await page.getByRole('button', { name: 'Pair', exact: true }).click();
    await page.getByText('Paired. The org and the gateway know each other now.').waitFor();
    await page.getByText('Paired with acme').waitFor();
    assert.equal(await page.getByLabel('API Secret').inputValue(), '', 'the secret is never shown');
    await look(page, 'connection-paired');
});

test('the connection is tested step by step, and the settings are saved', async () => {
    await page.getByRole('button', { name: 'Test Connection' }).click();
    await page.getByText('The gateway accepts the credentials').waitFor();
    await page.locator('[data-id="test-result"]', { hasText: 'The connection' }).waitFor();
    await look(page, 'connection-tested');
    await page.getByLabel('Data Owner').fill('desk');
    await page.getByRole('button', { name: 'Save Settings' }).click();
    await page.getByText(/All settings are saved/).waitFor();
    await page.reload();
    await page.getByText('Paired with acme').waitFor();
    assert.equal(await page.getByLabel('Data Owner').inputValue(), 'desk');
    await look(page, 'connection-saved');
});

test('whoever logs out sees no page any more', async () => {
    await page.getByRole('button', { name: /View profile of/ }).click();
    await page.getByRole('menuitem', { name: 'Log Out' }).click();
    await page.getByLabel('Username').waitFor();
    await page.goto(`${world.org}/lightning/n/Connection_Settings`);
    await page.getByLabel('Username').waitFor();
});

test('no page failed, and nothing was refused by the content security policy', () => {
    assert.deepEqual(world.problems, []);
});
