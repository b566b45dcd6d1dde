// Whoever uses no mouse reaches everything, sees where they are, and is told by ear what happens.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { activate, look, setUp } from './steps.mjs';
import { World, until } from './world.mjs';

let world;
let page;

before(async () => {
    world = await World.start({ records: 60 });
    page = await world.open();
    await setUp(world, page, { frame: true });
});
after(() => world?.stop());

/** What can be reached, and what has the focus, by numbers that stay with the elements. */
async function survey() {
    return page.evaluate(() => {
        const deep = (root) => [...root.querySelectorAll('*')].flatMap((each) => [each, ...(each.shadowRoot ? deep(each.shadowRoot) : [])]);
        const numbers = (window.numbers ??= new Map());
        const numberOf = (each) => numbers.get(each) ?? numbers.set(each, numbers.size).get(each);
        const called = (each) =>
            (each.getAttribute('aria-label') || each.labels?.[0]?.textContent || each.textContent || each.title || each.tagName).trim();
        const main = deep(document.documentElement).find(({ tagName }) => tagName === 'MAIN');
        const reachable = deep(main).filter(
            (each) =>
                each.matches('a[href], button, input, textarea, select, summary, [tabindex="0"]') &&
                !each.disabled &&
                each.tabIndex >= 0 &&
                each.checkVisibility({ visibilityProperty: true })
        );
        let focused = document.activeElement;
        while (focused?.shadowRoot?.activeElement) {
            focused = focused.shadowRoot.activeElement;
        }
        const shown = focused.type === 'checkbox' ? (focused.parentElement.querySelector('.slds-checkbox_faux') ?? focused) : focused;
        const isSeen = [shown, focused].some((each) => {
            const { outlineStyle, boxShadow, textDecorationLine } = getComputedStyle(each);
            return outlineStyle !== 'none' || boxShadow !== 'none' || textDecorationLine === 'underline';
        });
        return {
            reachable: reachable.map((each) => [numberOf(each), called(each)]),
            focused: [numberOf(focused), called(focused), isSeen]
        };
    });
}

/** Presses Tab through the whole page. */
async function walk() {
    await page.locator('main').focus();
    const wanted = new Map((await survey()).reachable);
    assert.ok(wanted.size > 0, 'there is something to reach');
    const count = wanted.size;
    for (let presses = 0; presses < count + 10 && wanted.size > 0; presses++) {
        await page.keyboard.press('Tab');
        const [number, name, isSeen] = (await survey()).focused;
        if (wanted.delete(number)) {
            assert.ok(isSeen, `the focus on "${name}" is seen`);
        }
    }
    assert.deepEqual([...wanted.values()], [], 'Tab reaches everything');
}

/** Presses Tab until what is called so has the focus. */
async function tabTo(name) {
    for (let presses = 0; presses < 100; presses++) {
        await page.keyboard.press('Tab');
        if ((await survey()).focused[1] === name) {
            return;
        }
    }
    assert.fail(`Tab does not reach "${name}"`);
}

test('everything on Connection Settings is reached, and what was done is said', async () => {
    await page.goto(`${world.org}/lightning/n/Connection_Settings`);
    await page.getByRole('button', { name: 'Save Settings' }).waitFor();
    await walk();
    await page.locator('main').focus();
    await tabTo('Test Connection');
    await page.keyboard.press('Enter');
    await page.locator('[role="status"]', { hasText: 'The connection works.' }).waitFor();
    await walk();
    await page.locator('main').focus();
    await tabTo('Save Settings');
    await page.keyboard.press('Space');
    await page.locator('[role="status"]', { hasText: 'All settings are saved.' }).waitFor();
});

test('a synchronization is started and watched without a mouse', async () => {
    await page.goto(`${world.org}/lightning/n/Synchronization_Information`);
    await page.getByRole('button', { name: 'Force a Synchronization' }).waitFor();
    await page.locator('main').focus();
    await tabTo('Force a Synchronization');
    await page.keyboard.press('Enter');
    await walk();
    await page.locator('main').focus();
    await tabTo('Kick Off an Initial Sync');
    await page.keyboard.press('Enter');
    await tabTo('Start');
    await world.emulator('bulk', { waitingMilliseconds: 3000, runningMilliseconds: 3000 });
    await page.keyboard.press('Enter');
    await page.locator('[role="status"]', { hasText: 'The synchronization is started.' }).waitFor();
    const live = page.locator('[role="status"][data-id="live"]');
    await live.filter({ hasText: /Expected to finish at|The finish time is known/ }).waitFor({ timeout: 20000 });
    await page.getByRole('button', { name: 'Kick Off an Initial Sync', disabled: true }).waitFor();
    await world.emulator('bulk', { waitingMilliseconds: 0, runningMilliseconds: 0 });
    await live.filter({ hasText: 'Completed' }).waitFor({ timeout: 60000 });
});

test('everything on a record is reached, and a value is explained', async () => {
    await activate(world, page, 'Contact', 'Contact with Component');
    const [contact] = await world.query('SELECT Id FROM Contact WHERE Email != null LIMIT 1');
    await until('the contact at the partner', async () => {
        const { records } = await world.partner('GET', `/v1/records/contact?salesforceId=${contact.Id}`);
        return records[0];
    });
    await page.goto(`${world.org}/lightning/r/Contact/${contact.Id}/view`);
    const panel = page.locator('c-record-panel');
    await panel.locator('[role="status"]', { hasText: 'Up to date' }).waitFor();
    await panel.getByRole('button', { name: 'Why is this value here? Title' }).focus();
    await page.keyboard.press('Enter');
    await panel.locator('[data-id="answer"]').getByText('Rule of this field:').waitFor();
    await page.keyboard.press('Tab');
    assert.match((await survey()).focused[1], /^Why is this value here\?/);
    await look(page, 'keyboard-panel');
});

test('the list of what waits is opened without a mouse', async () => {
    await page.goto(`${world.org}/lightning/o/Outbox__c/list`);
    await page.getByRole('heading', { name: 'Waiting Changes' }).waitFor();
    await walk();
    await look(page, 'waiting-list-empty');
});

test('no page failed', () => {
    assert.deepEqual(
        world.problems.filter((problem) => !problem.includes('frame')),
        []
    );
});
