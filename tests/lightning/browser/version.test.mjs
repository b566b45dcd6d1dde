// A package that is older than the newest: the page tells so, and where the newest is installed; else it says nothing.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { look, setUp } from './steps.mjs';
import { World, until } from './world.mjs';

const VERSION_ID = '04tZM000000CqO2YAK';
let world;
let page;

before(async () => {
    world = await World.start();
    page = await world.open();
    await setUp(world, page, { frame: true });
});
after(() => world?.stop());

/** The package's report, which follows what is saved, brings back which version is the newest. */
async function heard(version) {
    const [{ reportedAt: last }] = [(await world.partner('GET', '/v1/connection')).package];
    await page.goto(`${world.org}/lightning/n/Connection_Settings`);
    await page.getByRole('button', { name: 'Save Settings' }).click();
    await page.getByText('All settings are saved.').waitFor();
    return until('the next report of the package', async () => {
        const told = (await world.partner('GET', '/v1/connection')).package;
        return told.reportedAt !== last && told.latest === version && told;
    });
}

async function restart(more) {
    const config = await readFile(world.path('causeway.toml'), 'utf8');
    await world.stopGateway();
    await writeFile(world.path('causeway.toml'), `${config.split('[package]')[0]}${more}`);
    await world.serve();
}

const warning = () => page.locator('[data-id="out-of-date"]');

test('the latest version says nothing of versions', async () => {
    const told = await heard('1.0');
    assert.deepEqual({ version: told.version, isOutOfDate: told.isOutOfDate }, { version: '1.0', isOutOfDate: false });
    await page.reload();
    await page.getByText('Installed Version').waitFor();
    assert.equal(await warning().count(), 0);
    await page.getByRole('button', { name: 'Test Connection' }).click();
    await page.locator('[data-id="finding"]', { hasText: 'The gateway finds nothing wrong with the package' }).waitFor();
});

test('an outdated package tells which version is the newest, and where it is installed', async () => {
    await restart(`[package]\nlatest_version = "1.1"\nversion_id = "${VERSION_ID}"\n`);
    const told = await heard('1.1');
    assert.deepEqual({ isOutOfDate: told.isOutOfDate, latestId: told.latestId }, { isOutOfDate: true, latestId: VERSION_ID });
    await until('the warning', async () => {
        await page.reload();
        await page.getByText('Version 1.1 is available.').waitFor({ timeout: 2000 });
        return true;
    });
    const link = page.getByRole('link', { name: 'Install Version 1.1' });
    assert.equal(await link.getAttribute('href'), `${world.org}/packaging/installPackage.apexp?p0=${VERSION_ID}`);
    await look(page, 'connection-outdated');
    await page.getByRole('button', { name: 'Test Connection' }).click();
    await page.getByText('Version 1.0 of the package is not the latest, which is 1.1').waitFor();
});

test('where the gateway does not know the install link, the page says who has it', async () => {
    await restart('[package]\nlatest_version = "1.2"\n');
    await heard('1.2');
    await until('the warning', async () => {
        await page.reload();
        await page.getByText('Version 1.2 is available.').waitFor({ timeout: 2000 });
        return true;
    });
    await warning().getByText('Whoever runs the gateway has its install link.').waitFor();
    assert.equal(await warning().getByRole('link').count(), 0);
});

test('once the installed version is the newest, the page says nothing any more', async () => {
    await restart('');
    await heard('1.0');
    await until('no warning', async () => {
        await page.reload();
        await page.getByText('Installed Version').waitFor();
        return (await warning().count()) === 0;
    });
});

test('no page failed, and nothing was refused by the content security policy', () => {
    assert.deepEqual(world.problems, []);
});
