// Test Connection and the partner's page: whether this browser shows pages of the gateway is tried, not guessed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { addTrustedUrl, look, setUp } from './steps.mjs';
import { World, until } from './world.mjs';

let world;
let page;

before(async () => {
    world = await World.start();
    page = await world.open();
    await setUp(world, page);
});
after(() => world?.stop());

const line = () => page.locator('[data-id="finding"]', { hasText: "The partner's page may be shown on records" });
const opened = () =>
    world.requests.map((request) => request.url()).filter((url) => url.startsWith(`${world.gateway}/embed/open/`));

async function tested() {
    await page.goto(`${world.org}/lightning/n/Connection_Settings`);
    await page.getByRole('button', { name: 'Test Connection' }).click();
    await page.locator('[data-id="test-result"]', { hasText: 'The connection' }).waitFor({ timeout: 20000 });
}

test('without a Trusted URL, Test says that the browser shows no page of the gateway, and what to add', async () => {
    await tested();
    await line().getByText('The browser did not show a page of the gateway within 8 seconds.').waitFor();
    await line().getByText('In Setup, Security, Trusted URLs, add this address').waitFor();
    assert.equal(await line().getByRole('textbox').inputValue(), world.gateway);
    assert.match(await line().getByRole('link').getAttribute('href'), /SecurityCspTrustedSite/);
    await page.getByText('The connection does not work yet.').waitFor();
    assert.ok(world.problems.some((problem) => /frame-src/.test(problem)), 'the browser refused the frame');
    assert.deepEqual(opened(), [], 'nothing reached the gateway');
    await look(page, 'doctor-frame-refused');
    world.problems = [];
});

test('with a Trusted URL, Test says that it works, since the page itself said so', async () => {
    await addTrustedUrl(world, page, 'Gateway_Page', world.gateway);
    await tested();
    await line().filter({ hasText: 'Works' }).waitFor();
    assert.equal(await line().getByRole('textbox').count(), 0, 'nothing is left to add');
    await page.getByText('The connection works.').waitFor();
    const [address, ...more] = opened();
    assert.deepEqual(more, [], 'one page was opened');
    assert.equal(await page.locator('iframe[data-id="test-page"]').count(), 0, 'it is gone');
    const code = address.split('/').at(-1);
    assert.equal((await fetch(address)).status, 410, 'its code is used up');
    for (const text of [world.log('gateway'), world.log('org')]) {
        assert.ok(!text.includes(code), 'no log has it');
    }
    await look(page, 'doctor-frame-shown');
});

test('each test asks for a page of its own', async () => {
    await page.getByRole('button', { name: 'Test Connection' }).click();
    await until('a second page', async () => opened().length === 2);
    await page.getByText('The connection works.').waitFor();
    assert.equal(new Set(opened()).size, 2);
});

test('no page failed, and nothing else was refused', () => {
    assert.deepEqual(world.problems, []);
});
