// The first synchronization where both systems have had a life of their own: some people are known to both, others to
// one of them alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { initialSync, look, setUp } from './steps.mjs';
import { World, until } from './world.mjs';

const NEW = ['Amara Obi', 'Bela Novak', 'Chidi Eze', 'Dana Levi', 'Emil Berg'].map((name) => {
    const [first, last] = name.split(' ');
    return { first_name: first, last_name: last, email: `${first}.${last}@partner.example`.toLowerCase(), title: 'Buyer' };
});

let world;
let page;
/** Contacts of the org before anything was synced, whom the partner knows as well. */
let shared;
let inOrg;

before(async () => {
    world = await World.start({ records: 60, contact: { identity: 'email' } });
    page = await world.open();
    await setUp(world, page);
});
after(() => world?.stop());

const contacts = () => world.query('SELECT Id, LastName, Email, Title, Partner_Id__c FROM Contact');
const records = async () => (await world.partner('GET', '/v1/records/contact?limit=500')).records;
const connection = () => world.partner('GET', '/v1/connection');

async function counted(object) {
    return (await world.api('GET', `query?q=SELECT+COUNT()+FROM+${object}`)).totalSize;
}

test('the partner posts its people before the first synchronization, some of whom Salesforce knows', async () => {
    const all = await contacts();
    inOrg = all.length;
    const times = new Map();
    all.forEach(({ Email }) => times.set(Email?.toLowerCase(), (times.get(Email?.toLowerCase()) ?? 0) + 1));
    shared = all.filter(({ Email }) => Email && times.get(Email.toLowerCase()) === 1).slice(0, 3);
    assert.equal(shared.length, 3);
    const known = shared.map(({ LastName, Email }) => ({
        last_name: LastName,
        email: Email.toUpperCase(),
        department: 'Known to both'
    }));
    const { results } = await world.partner('POST', '/v1/records/contact', {
        records: [...NEW, ...known].map((fields) => ({ fields }))
    });
    assert.equal(results.length, 8);
    assert.equal((await connection()).firstSync, 'notDone');
});

test('after the initial sync both systems have everybody, and nobody twice', async () => {
    await initialSync(world, page);
    await page.locator('p[data-id="first"]', { hasText: 'Done on' }).waitFor();
    await until('everything to be written', async () => (await connection()).outbox.waiting === 0);
    const all = await contacts();
    assert.equal(all.length, inOrg + NEW.length, 'Salesforce has who was new to it, and nobody twice');
    for (const { email, title } of NEW) {
        const found = all.filter(({ Email }) => Email === email);
        assert.deepEqual(found.map(({ Title }) => Title), [title]);
    }
    const told = await records();
    const held = (await world.partner('GET', '/v1/held?limit=200')).held.filter(({ object }) => object === 'contact');
    // Whom Salesforce has twice from long before, a person has to merge.
    const doubled = all.length - new Set(all.map(({ Id, Email }) => Email?.toLowerCase() ?? Id)).size;
    assert.equal(held.length, doubled);
    assert.equal(told.length + held.length, all.length, 'the partner has who was new to it, and nobody twice');
    for (const { Id, Email } of shared) {
        const same = told.filter(({ fields }) => fields.email?.toLowerCase() === Email.toLowerCase());
        assert.deepEqual(same.map(({ salesforceId }) => salesforceId), [Id], `${Email} is one person`);
        assert.equal(same[0].fields.department, 'Known to both');
        const [{ Department }] = await world.query(`SELECT Department FROM Contact WHERE Id = '${Id}'`);
        assert.equal(Department, 'Known to both');
    }
});

test('the page tells the same numbers', async () => {
    await page.reload();
    const run = page.locator('[data-id="run"]').first();
    await run.waitFor();
    const { syncs } = await world.partner('GET', '/v1/syncs');
    const read = syncs[0].parts.reduce((sum, part) => sum + part.rows, 0);
    assert.ok(read > 0);
    assert.match((await run.innerText()).replace(/\s+/gu, ' ').trim(), new RegExp(`^Initial .*Completed ${read.toLocaleString('en-US')}$`));
    const waiting = await page.locator('[data-id="queue"]').allInnerTexts();
    assert.deepEqual(waiting.map((text) => text.trim()), ['0', '0', '0']);
    // Whom the partner had posted was in Salesforce by the time it was read.
    const part = syncs[0].parts.find(({ outcomes }) => outcomes.confirmed > 0);
    assert.ok(part.rows <= (await contacts()).length);
    assert.equal(read - part.rows, (await counted('Account')) + (await counted('Lead')));
    await look(page, 'both-done');
});

test('no page failed, and nothing was refused by the content security policy', () => {
    assert.deepEqual(world.problems, []);
});
