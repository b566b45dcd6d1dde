// Page layouts: the package's is found, assigned to a profile, and shows the linked fields and the partner's page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assign, assignLayout, initialSync, logIn, look, setUp } from './steps.mjs';
import { World, until } from './world.mjs';

const LAYOUT = 'Causeway Contact Layout';
let world;
let page;
let contact;

before(async () => {
    world = await World.start({ records: 60 });
    page = await world.open();
    await setUp(world, page, { frame: true });
    await initialSync(world, page);
    [contact] = await world.query('SELECT Id, LastName FROM Contact WHERE Email != null LIMIT 1');
});
after(() => world?.stop());

test('before it is assigned, the layout changes no page', async () => {
    await page.goto(`${world.org}/lightning/r/Contact/${contact.Id}/view`);
    await page.getByRole('button', { name: 'Edit', exact: true }).waitFor();
    assert.equal(await page.locator('iframe').count(), 0);
});

test('the layout is found in Setup and assigned to a profile', async () => {
    await page.goto(`${world.org}/lightning/setup/ObjectManager/Contact/PageLayouts/view`);
    await page.getByRole('combobox', { name: 'System Administrator' }).click();
    await page.getByRole('option', { name: LAYOUT }).first().waitFor();
    await look(page, 'setup-layouts');
    await assignLayout(world, page, 'Contact', 'System Administrator', LAYOUT);
});

test('then the linked fields and the partner\'s page are on the record', async () => {
    await page.goto(`${world.org}/lightning/r/Contact/${contact.Id}/view`);
    await page.getByText('Partner Id').first().waitFor();
    await page.getByText('Last Update from Partner').first().waitFor();
    const frame = await until('the partner\'s page', async () =>
        page.frames().find((each) => each.url().startsWith(`${world.gateway}/embed/open/`))
    );
    await frame.getByText(contact.LastName).first().waitFor();
    await look(page, 'contact-layout');
});

test('fields in another order are synced as before', async () => {
    await assignLayout(world, page, 'Contact', 'System Administrator', 'Short Contact Layout');
    await page.goto(`${world.org}/lightning/r/Contact/${contact.Id}/view`);
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await page.getByLabel('Title', { exact: true }).fill('Moved');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    const atPartner = (isMeant) =>
        until('the contact at the partner', async () => {
            const { records } = await world.partner('GET', `/v1/records/contact?salesforceId=${contact.Id}`);
            return records[0] && isMeant(records[0].fields) && records[0];
        });
    const { id } = await atPartner(({ title }) => title === 'Moved');
    // A field that the layout does not show is synced as well.
    await world.partner('POST', '/v1/records/contact', { records: [{ id, fields: { first_name: 'Hidden' } }] });
    await until('the first name in Salesforce', async () => {
        const { FirstName } = await world.api('GET', `sobjects/Contact/${contact.Id}?fields=FirstName`);
        return FirstName === 'Hidden';
    });
});

test('a user without a permission set sees neither the app nor its pages', async () => {
    const person = await world.person('Sam', 'Rivera');
    const other = await world.open();
    await logIn(world, other, person);
    await other.getByRole('button', { name: 'App Launcher' }).click();
    await other.getByRole('dialog').getByText('All Items').waitFor();
    assert.equal(await other.getByRole('dialog').getByRole('button', { name: /^Causeway/ }).count(), 0);
    await other.goto(`${world.org}/lightning/n/Connection_Settings`);
    await other.getByText('This page does not exist').waitFor();
    await look(other, 'no-permission-set');
    const refused = await other.evaluate(async () => {
        const answer = await fetch('/lightning/apex/ConnectionSettingsController/read', {
            method: 'POST',
            headers: { 'Content-Type': 'application/json', 'X-Requested-With': 'lightning' },
            body: '{}'
        });
        return { status: answer.status, text: await answer.text() };
    });
    assert.notEqual(refused.status, 200);
    assert.match(refused.text, /You do not have access to the Apex class/);
    await assign(world, page, 'Causeway User', person.username);
    await other.goto(`${world.org}/lightning/n/Connection_Settings`);
    await other.getByText(/This page does not exist|You do not have access/).first().waitFor();
});

test('no page failed, and nothing was refused by the content security policy', () => {
    assert.deepEqual(world.problems, []);
});
