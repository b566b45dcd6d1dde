// The panel on a record: how it stands in plain words, the linked values, and why each is what it is.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { activate, assign, editRecord, logIn, initialSync, look, panelSays, setUp } from './steps.mjs';
import { World, until } from './world.mjs';

let world;
let page;
let contact;

before(async () => {
    world = await World.start({ records: 60 });
    page = await world.open();
    await setUp(world, page, { frame: true });
    await activate(world, page, 'Contact', 'Causeway Contact');
    // A salesperson: whoever is not the gateway's own user is named.
    const sales = await world.person('Sam', 'Rivera');
    await assign(world, page, 'Causeway User', sales.username);
    const made = await world.api('POST', 'sobjects/Contact', {
        FirstName: 'Lena',
        LastName: 'Okafor',
        Email: 'lena.okafor@northwind.example',
        Title: 'Buyer',
        Department: 'Purchasing'
    });
    contact = made.id;
    await initialSync(world, page);
    page = await world.open();
    await logIn(world, page, sales);
});
after(() => world?.stop());

const open = async (id = contact) => {
    await page.goto(`${world.org}/lightning/r/Contact/${id}/view`);
    await page.locator('c-record-panel [data-id="status"]').waitFor();
};
const linked = () =>
    until('the contact at the partner', async () => {
        const { records } = await world.partner('GET', `/v1/records/contact?salesforceId=${contact}`);
        return records[0];
    });
const partnerEdits = async (fields) => {
    const { id } = await linked();
    const { results } = await world.partner('POST', '/v1/records/contact', { records: [{ id, fields }] });
    assert.notEqual(results[0].outcome, 'refused', JSON.stringify(results[0]));
};
const inSalesforce = (field, value) =>
    until(`${field} in Salesforce`, async () => {
        const stored = await world.api('GET', `sobjects/Contact/${contact}?fields=${field}`);
        return stored[field] === value;
    });
const why = async (label) => {
    await page.locator('c-record-panel').getByRole('button', { name: `Why is this value here? ${label}` }).click();
    const answer = page.locator('c-record-panel [data-id="answer"]');
    await answer.locator('[data-id="change"], [data-id="no-changes"]').first().waitFor();
    return answer;
};
const has = async (answer, ...words) => {
    const told = (await answer.innerText()).replace(/\s+/g, ' ');
    for (const word of words) {
        assert.ok(told.includes(word), `"${word}" in "${told}"`);
    }
};
const today = () => new Date().getFullYear().toString();

test('the panel says in plain words how a record stands, with its linked values', async () => {
    await open();
    await panelSays(page, 'Up to date');
    const values = page.locator('c-record-panel [data-id="value"]');
    for (const value of ['Lena', 'Okafor', 'lena.okafor@northwind.example', 'Buyer']) {
        await values.filter({ hasText: value }).first().waitFor();
    }
    // The partner's user by name: an id says nothing to a person.
    await values.filter({ hasText: 'Contact Owner' }).filter({ hasText: 'Ada Admin' }).waitFor();
    await look(page, 'panel-up-to-date');
});

test('a value that nobody changed since it is synced says so, with its rule', async () => {
    await has(await why('Title'), 'Rule of this field: The latest change wins.', 'Nothing has changed this field');
});

test('a value that a user changed is explained: by whom, when, and by which rule', async () => {
    await editRecord(page, { Title: 'Head of Purchasing' });
    await until('the title at the partner', async () => (await linked()).fields.title === 'Head of Purchasing');
    await open();
    await panelSays(page, 'Up to date');
    const answer = await why('Title');
    await has(answer, 'Head of Purchasing', 'Changed in Salesforce (Sam Rivera)', 'The latest change wins.', today());
    await look(page, 'panel-why-user');
});

test('a value that the partner changed is explained: by whom, when, and by which rule', async () => {
    await partnerEdits({ title: 'Chief Buyer' });
    await inSalesforce('Title', 'Chief Buyer');
    await open();
    await panelSays(page, 'Up to date');
    await has(await why('Title'), 'Chief Buyer', 'Changed by the partner (acme-partner)', today());
    await look(page, 'panel-why-partner');
});

test('a value that lost is named', async () => {
    await editRecord(page, { Department: 'Kitchen' });
    await inSalesforce('Department', 'Purchasing');
    await open();
    await panelSays(page, 'Up to date');
    const answer = await why('Department');
    await has(answer, 'Purchasing', 'The partner wins', 'Salesforce had: Kitchen');
    await look(page, 'panel-why-lost');
});

test('a held record is mended on its page, and then is up to date', async () => {
    await world.emulator('rules', {
        object: 'Contact',
        then: {
            validationRule: {
                formula: 'AND(Title = "Key Customer", ISBLANK(Phone))',
                message: 'A key customer needs a phone number.',
                field: 'Phone'
            }
        }
    });
    await partnerEdits({ title: 'Key Customer' });
    await open();
    await panelSays(page, 'Held: Salesforce does not accept a change');
    await page.getByText('Fill in what the record still needs, then save it.').waitFor();
    await look(page, 'panel-held');
    const dashboard = await world.open();
    await logIn(world, dashboard);
    await dashboard.goto(`${world.org}/lightning/n/Synchronization_Information`);
    const issue = dashboard.locator('[data-id="issue"]', { hasText: 'Salesforce refuses to store records' });
    await issue.getByText('Records: 1').waitFor();
    await issue.getByText('The first of them:').click();
    await look(dashboard, 'sync-issues');
    await issue.getByRole('link').first().click();
    await dashboard.locator('c-record-panel [data-id="status"]', { hasText: 'Held' }).waitFor();
    await editRecord(page, { 'Business Phone': '+49 30 7654321' });
    await panelSays(page, 'Up to date', 60);
    await inSalesforce('Title', 'Key Customer');
});

test('while the gateway is away the panel says so, and recovers', async () => {
    await world.stopGateway();
    const { id } = await world.api('POST', 'sobjects/Contact', { LastName: 'Unsent' });
    await page.goto(`${world.org}/lightning/r/Contact/${id}/view`);
    await page.locator('c-record-panel').getByText('The gateway cannot be reached').waitFor();
    await look(page, 'panel-away');
    await world.serve();
    await page.locator('c-record-panel').getByRole('button', { name: 'Try Again' }).click();
    await page.locator('c-record-panel').getByText(/not linked with the partner yet|Up to date|Waiting/).waitFor();
});

test('no page failed', () => {
    assert.deepEqual(
        world.problems.filter((problem) => !problem.includes('frame')),
        []
    );
});
