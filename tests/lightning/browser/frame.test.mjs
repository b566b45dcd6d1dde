// The partner's page on a record, as Lightning component and as Visualforce page; and that no address of it lives on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { activate, addTrustedUrl, assignLayout, initialSync, look, setUp } from './steps.mjs';
import { World, until } from './world.mjs';

let world;
let page;
let contact;

before(async () => {
    world = await World.start({ records: 60 });
    page = await world.open();
    await setUp(world, page);
    await initialSync(world, page);
    [contact] = await world.query('SELECT Id, Name, LastName, Email FROM Contact WHERE Email != null LIMIT 1');
    await activate(world, page, 'Contact', 'Contact with Component');
});
after(() => world?.stop());

const open = () => page.goto(`${world.org}/lightning/r/Contact/${contact.Id}/view`);
/** The partner's page; a template of the partner's has a frame of its own inside. */
const partnerPage = () =>
    until('the partner\'s page', async () =>
        page.frames().find((frame) => frame.url().startsWith(`${world.gateway}/embed/open/`))
    );
const codes = () =>
    world.requests
        .map((request) => request.url())
        .filter((url) => url.startsWith(`${world.gateway}/embed/open/`))
        .map((url) => url.split('/').at(-1));

test('without a Trusted URL the frame stays empty, and words say what an administrator does', async () => {
    await open();
    await page
        .getByText("If the frame stays empty, an administrator adds the gateway's address in Setup under Trusted URLs.")
        .waitFor({ timeout: 20000 });
    assert.ok(world.problems.some((problem) => /frame-src/.test(problem)), 'the browser refused the frame');
    assert.equal(codes().length, 0, 'nothing reached the gateway');
    await look(page, 'frame-refused');
    world.problems = [];
});

test('the component shows the partner\'s page of this very record', async () => {
    await addTrustedUrl(world, page, 'Gateway_Page', world.gateway);
    await open();
    const frame = await partnerPage();
    await frame.getByText(contact.LastName).first().waitFor();
    await frame.getByText(contact.Email).first().waitFor();
    await page.waitForTimeout(11000);
    assert.equal(await page.locator('[data-id="silent"]').count(), 0, 'the frame told that it is there');
    await look(page, 'frame-component');
});

test('only pages of the org may frame it', async () => {
    const response = world.requests.findLast((request) => request.url().includes('/embed/open/'));
    const headers = await (await response.response()).allHeaders();
    assert.match(headers['content-security-policy'], new RegExp(`frame-ancestors ${world.org}`));
    assert.doesNotMatch(headers['content-security-policy'], /frame-ancestors[^;]*\*/);
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['set-cookie'], undefined);
});

test('iFrame Name chooses the partner\'s own page, and MicroSite Key its site', async () => {
    const body = (words) => ({ html: `<h1>${words}</h1><p>{{last_name}} at {{email}}</p>` });
    await world.partner('PUT', '/v1/embed/templates/fair', { site: null, ...body('Fair page') });
    await world.partner('PUT', '/v1/embed/templates/fair', { site: 'berlin', ...body('Berlin page') });
    const choose = async (values) => {
        await page.goto(`${world.org}/lightning/n/Connection_Settings`);
        for (const [label, value] of Object.entries(values)) {
            await page.getByLabel(label, { exact: true }).fill(value);
        }
        await page.getByRole('button', { name: 'Save Settings' }).click();
        await page.getByText('All settings are saved.').waitFor();
        await open();
        const frame = await partnerPage();
        const inner = await until('the template', async () => frame.childFrames()[0]);
        await inner.getByText(`${contact.LastName} at ${contact.Email}`).waitFor();
        return inner.getByRole('heading').innerText();
    };
    assert.equal(await choose({ 'iFrame Name': 'fair' }), 'Fair page');
    assert.equal(await choose({ 'MicroSite Key': 'berlin' }), 'Berlin page');
    assert.equal(await choose({ 'MicroSite Key': 'hamburg' }), 'Fair page', 'a site without a page of its own');
    await look(page, 'frame-template');
});

test('the Visualforce page shows the same', async () => {
    await activate(world, page, 'Contact', 'Causeway Contact');
    await assignLayout(world, page, 'Contact', 'System Administrator', 'Causeway Contact Layout');
    await open();
    const frame = await partnerPage();
    assert.match(frame.parentFrame().url(), /\/apex\/ContactPanel\?id=/);
    const inner = await until('the template', async () => frame.childFrames()[0]);
    await inner.getByText(`${contact.LastName} at ${contact.Email}`).waitFor();
    assert.equal(await page.locator('iframe').count(), 1, 'layout and record page complement each other');
    // The page brings the design system: its words look as those around them.
    assert.equal(await frame.parentFrame().locator('.slds-card').evaluate((card) => getComputedStyle(card).borderTopStyle), 'solid');
    await look(page, 'frame-visualforce');
});

test('a record that is not linked has no page, and says so', async () => {
    const mapped = await world.query("SELECT Id FROM Opportunity LIMIT 1");
    await activate(world, page, 'Opportunity', 'Causeway Opportunity');
    await assignLayout(world, page, 'Opportunity', 'System Administrator', 'Causeway Opportunity Layout');
    await page.goto(`${world.org}/lightning/r/Opportunity/${mapped[0].Id}/view`);
    await page.getByText('Records of this kind are not synced.').waitFor();
    await page.frameLocator('iframe').first().getByText('This record has no page at the partner yet.').waitFor();
    await look(page, 'frame-none');
});

test('no code and no session stays anywhere', async () => {
    const seen = codes();
    assert.ok(seen.length >= 5, 'pages were opened');
    assert.equal(new Set(seen).size, seen.length, 'each address was asked for once');
    assert.ok(world.log('gateway').includes('/embed/open/{code}'), 'the log has the route');
    const lines = [world.log('gateway'), world.log('org'), await requestLog()];
    const referers = await Promise.all(world.requests.map(async (request) => (await request.allHeaders()).referer ?? ''));
    for (const code of seen) {
        for (const text of [...lines, ...referers]) {
            assert.ok(!text.includes(code), 'no log and no Referer has a code');
        }
        const answer = await fetch(`${world.gateway}/embed/open/${code}`);
        assert.equal(answer.status, 410, 'the address is dead');
    }
    const urls = world.requests.map((request) => request.url());
    for (const word of ['access_token', 'assertion', 'client_secret', 'sid=', 'Bearer']) {
        assert.deepEqual(urls.filter((url) => url.includes(word)), [], `${word} in no address`);
    }
    const { entries } = await (await page.context().newCDPSession(page)).send('Page.getNavigationHistory');
    for (const { url } of entries) {
        assert.ok(!url.includes('/embed/'), `the history has no frame's address: ${url}`);
    }
});

async function requestLog() {
    const answer = await fetch(`${world.org}/emulator/requests?last=10000`);
    return answer.text();
}

test('no page failed, and nothing else was refused', () => {
    assert.deepEqual(world.problems, []);
});
