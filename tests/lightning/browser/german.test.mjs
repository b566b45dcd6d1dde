// The pages for somebody who works in German: each state is translated, fits, and shows no other language's words.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ADMIN, World, until } from './world.mjs';
import { activate, assignLayout, look, setUp } from './steps.mjs';

let world;
let page;
let contact;
let speak;

before(async () => {
    world = await World.start({ records: 60 });
    page = await world.open();
    await setUp(world, page, { frame: true });
    const [{ Id }] = await world.query(`SELECT Id FROM User WHERE Username = '${ADMIN.username}'`);
    speak = (language) =>
        world.api('PATCH', `sobjects/User/${Id}`, {
            LanguageLocaleKey: language,
            LocaleSidKey: language === 'de' ? 'de_DE' : 'en_US'
        });
});
after(() => world?.stop());

const open = (address) => page.goto(`${world.org}/lightning/${address}`);

test('settings that are changed, and not saved yet', async () => {
    await speak('de');
    await open('n/Connection_Settings');
    await page.getByLabel('Accountname').fill('Muster GmbH');
    await page.getByText('Es gibt ungespeicherte Änderungen.').waitFor();
    await look(page, 'german-connection-unsaved');
    await page.getByRole('button', { name: 'Änderungen verwerfen' }).click();
    await page.getByText('Ohne Accountname sehen andere Salesforce-Benutzer die neuen Datensätze nicht.').waitFor();
});

test('the synchronization before, while and after it runs', async () => {
    await open('n/Synchronization_Information');
    await page.getByText('Noch nicht durchgeführt.').waitFor();
    await page.getByRole('button', { name: 'Synchronisierung von Hand' }).click();
    await page.getByRole('button', { name: 'Erste Synchronisierung starten' }).click();
    await look(page, 'german-sync-force');
    await world.emulator('bulk', { waitingMilliseconds: 3000, runningMilliseconds: 3000 });
    await page.getByRole('button', { name: 'Starten', exact: true }).click();
    await page.locator('[data-id="current"]', { hasText: 'Erste: ' }).waitFor();
    await look(page, 'german-sync-running');
    await world.emulator('bulk', { waitingMilliseconds: 0, runningMilliseconds: 0 });
    await page.locator('[data-id="run"]', { hasText: 'Abgeschlossen' }).first().waitFor({ timeout: 60000 });
    await look(page, 'german-sync-done');
});

test('a record with its panel, and why a value is there', async () => {
    await speak('en_US');
    await activate(world, page, 'Contact', 'Causeway Contact');
    await assignLayout(world, page, 'Contact', 'System Administrator', 'Causeway Contact Layout');
    await speak('de');
    const made = await world.api('POST', 'sobjects/Contact', {
        FirstName: 'Lena',
        LastName: 'Okafor',
        Email: 'lena.okafor@northwind.example',
        Title: 'Einkäuferin'
    });
    contact = made.id;
    await until('the contact at the partner', async () => {
        const { records } = await world.partner('GET', `/v1/records/contact?salesforceId=${contact}`);
        return records[0];
    });
    await open(`r/Contact/${contact}/view`);
    await page.locator('c-record-panel [data-id="status"]', { hasText: 'Aktuell' }).waitFor();
    await page.getByRole('heading', { name: 'Mit dem Partner verknüpft' }).waitFor();
    await page.getByText('Letzte Aktualisierung vom Partner').first().waitFor();
    await page.getByRole('button', { name: /^Warum steht dieser Wert hier\? Title/ }).click();
    await page.getByText('Die letzte Änderung gewinnt.').waitFor();
    await look(page, 'german-panel-why');
});

test('the list of what waits', async () => {
    await world.stopGateway();
    await world.api('PATCH', `sobjects/Contact/${contact}`, { Title: 'Leiterin Einkauf' });
    await open('o/Outbox__c/list');
    await page.getByRole('heading', { name: 'Wartende Änderungen' }).waitFor();
    await page.getByRole('columnheader', { name: 'Fehlgeschlagene Versuche' }).waitFor();
    await look(page, 'german-waiting-list');
    await page.getByRole('table').getByRole('link').first().click();
    await page.getByRole('heading', { name: 'Für den Support' }).waitFor();
    await look(page, 'german-waiting-change');
});

test('no page failed', () => {
    assert.deepEqual(
        world.problems.filter((problem) => !problem.includes('frame')),
        []
    );
});
