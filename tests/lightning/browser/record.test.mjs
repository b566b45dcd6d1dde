// A record's page: edited as a salesperson does, and how it stands with the partner.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { activate, initialSync, look, openApp, openTab, setUp, toast } from './steps.mjs';
import { World, until } from './world.mjs';

let world;
let page;
let contact;

before(async () => {
    world = await World.start({ records: 60 });
    page = await world.open();
    await setUp(world, page, { frame: true });
    await activate(world, page, 'Contact', 'Causeway Contact');
    await initialSync(world, page);
    [contact] = await world.query("SELECT Id, Name, LastName FROM Contact WHERE Email != null LIMIT 1");
});
after(() => world?.stop());

const atPartner = (id, isMeant) =>
    until('the contact at the partner', async () => {
        const { records } = await world.partner('GET', `/v1/records/contact?salesforceId=${id}`);
        return records[0] && isMeant(records[0].fields) && records[0];
    });

test('contacts are listed, and one is opened', async () => {
    await page.goto(`${world.org}/lightning/page/home`);
    await openApp(page, 'Causeway');
    await openTab(page, 'Contacts');
    await page.getByRole('table').waitFor();
    await look(page, 'contact-list');
    await page.getByRole('table').getByRole('link').first().click();
    await page.getByRole('button', { name: 'Edit', exact: true }).waitFor();
});

test('a record saved on its page arrives at the partner', async () => {
    await page.goto(`${world.org}/lightning/r/Contact/${contact.Id}/view`);
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await page.getByLabel('Title', { exact: true }).fill('Chief of Everything');
    await look(page, 'contact-edit');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await toast(page, 'was saved');
    await atPartner(contact.Id, ({ title }) => title === 'Chief of Everything');
});

test('what the org refuses is said at its field, and nothing is lost', async () => {
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await page.getByLabel('Email', { exact: true }).fill('no address');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Enter a valid email address').waitFor();
    await look(page, 'contact-refused');
    assert.equal(await page.getByLabel('Email', { exact: true }).inputValue(), 'no address');
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
});

test('a new record is made, and linked with the partner', async () => {
    await page.goto(`${world.org}/lightning/o/Contact/new`);
    await page.getByLabel('Last Name').fill('Fresh');
    await look(page, 'contact-new');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await toast(page, 'was created');
    await page.waitForURL(/\/lightning\/r\/Contact\/.*\/view/);
    const [, id] = /Contact\/(\w+)\/view/.exec(page.url());
    await atPartner(id, ({ last_name: name }) => name === 'Fresh');
});

test('the keyboard alone reaches what is edited, and saves it', async () => {
    await page.goto(`${world.org}/lightning/r/Contact/${contact.Id}/view`);
    const edit = page.getByRole('button', { name: 'Edit', exact: true });
    await edit.waitFor();
    await tabTo(page, 'Edit');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Save', exact: true }).waitFor();
    await tabTo(page, 'Save');
    await page.keyboard.press('Enter');
    await toast(page, 'was saved');
});

test('no page failed', () => {
    assert.deepEqual(
        world.problems.filter((problem) => !problem.includes('frame')),
        []
    );
});

/** Presses Tab until a button has the focus, and sees that the focus can be seen. */
async function tabTo(page, label) {
    for (let presses = 0; presses < 150; presses++) {
        await page.keyboard.press('Tab');
        const reached = await page.evaluate(() => {
            let element = document.activeElement;
            while (element?.shadowRoot?.activeElement) {
                element = element.shadowRoot.activeElement;
            }
            const { outlineStyle, boxShadow } = getComputedStyle(element);
            return { text: element.textContent.trim(), isSeen: outlineStyle !== 'none' || boxShadow !== 'none' };
        });
        if (reached.text === label) {
            assert.ok(reached.isSeen, `the focus on ${label} can be seen`);
            return;
        }
    }
    assert.fail(`Tab does not reach ${label}`);
}
