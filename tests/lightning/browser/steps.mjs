// What people do on the pages, in their words.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { ADMIN, axeSource, until } from './world.mjs';

export const WIDTHS = [1280, 800];

export async function logIn(world, page, { username, password } = ADMIN, start = '/lightning/page/home') {
    await page.goto(`${world.org}${start}`);
    await page.getByLabel('Username').fill(username);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log In' }).click();
    await page.getByRole('button', { name: 'App Launcher' }).waitFor();
}

/** Opens an app from the app launcher. */
export async function openApp(page, app) {
    await page.getByRole('button', { name: 'App Launcher' }).click();
    await page.getByRole('dialog').getByRole('button', { name: new RegExp(`^${app}`) }).click();
    await page.locator('[data-id="app"]', { hasText: app }).waitFor();
}

/** Opens a tab of the app, also where it lies below "More". */
export async function openTab(page, label) {
    const tab = page.getByRole('navigation').getByRole('link', { name: label, exact: true });
    if (await tab.isVisible()) {
        await tab.click();
    } else {
        await page.getByRole('navigation').getByRole('button', { name: 'More' }).click();
        await page.getByRole('menuitem', { name: label, exact: true }).click();
    }
    await page.waitForFunction((text) => document.title.startsWith(text), label);
}

/** Gives a user a permission set, in Setup. */
export async function assign(world, page, set, person) {
    await page.goto(`${world.org}/lightning/setup/PermSets/home`);
    const entry = page.locator('li', { has: page.getByRole('heading', { name: set, exact: true }) });
    await entry.getByRole('button', { name: 'Manage Assignments' }).click();
    await choose(page, entry.getByRole('combobox', { name: 'Add a user' }), person);
    await entry.getByRole('button', { name: 'Assign', exact: true }).click();
    await toast(page, 'Your changes were saved.');
}

/** Lets Apex call an address, in Setup. */
export async function addRemoteSite(world, page, name, url) {
    await page.goto(`${world.org}/lightning/setup/SecurityRemoteProxy/home`);
    await page.getByRole('button', { name: 'New Remote Site' }).click();
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name);
    await page.getByRole('textbox', { name: 'URL' }).fill(url);
    await page.getByRole('button', { name: 'Save' }).click();
    await toast(page, 'Your changes were saved.');
}

/** Lets pages frame an address, in Setup. */
export async function addTrustedUrl(world, page, name, url) {
    await page.goto(`${world.org}/lightning/setup/SecurityCspTrustedSite/home`);
    await page.getByRole('button', { name: 'New Trusted URL' }).click();
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name);
    await page.getByRole('textbox', { name: 'URL' }).fill(url);
    await page.getByRole('button', { name: 'Save' }).click();
    await toast(page, 'Your changes were saved.');
}

/** Makes a record page of the package the one that is shown, in Setup. */
export async function activate(world, page, object, recordPage) {
    await page.goto(`${world.org}/lightning/setup/ObjectManager/${object}/PageLayouts/view`);
    await choose(page, page.getByRole('combobox', { name: 'Active record page' }), recordPage);
    await page.getByRole('button', { name: 'Save' }).click();
    await toast(page, 'Your changes were saved.');
}

export async function choose(page, combobox, option) {
    await combobox.click();
    await page.getByRole('option', { name: option }).first().click();
}

export async function toast(page, text) {
    try {
        await page.locator('[data-id="toast"]', { hasText: text }).first().waitFor();
    } catch (cause) {
        throw new Error(`The page does not say "${text}", but: ${await page.locator('body').innerText()}`, { cause });
    }
}

/** Edits a record on its page and saves it; where the page does not say that it was saved, again, as a person does. */
export async function editRecord(page, values) {
    for (let again = 2; again > 0; again--) {
        await fillRecord(page, values);
        const saved = page.locator('[data-id="toast"]', { hasText: 'was saved' }).first();
        const isSaid = await saved.waitFor({ timeout: 10000 }).then(
            () => true,
            () => false
        );
        if (isSaid) {
            return;
        }
        await page.reload({ waitUntil: 'domcontentloaded' });
    }
    await fillRecord(page, values);
    await toast(page, 'was saved');
}

async function fillRecord(page, values) {
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    for (const [label, value] of Object.entries(values)) {
        await page.getByLabel(label, { exact: true }).fill(value);
    }
    await page.getByRole('button', { name: 'Save', exact: true }).click();
}

/** Gives a profile a page layout, in Setup. */
export async function assignLayout(world, page, object, profile, layout) {
    await page.goto(`${world.org}/lightning/setup/ObjectManager/${object}/PageLayouts/view`);
    await choose(page, page.getByRole('combobox', { name: profile }), layout);
    await page.getByRole('button', { name: 'Save' }).click();
    await toast(page, 'Your changes were saved.');
}

/** Reads the panel of a record again and again until it says what is waited for. */
export async function panelSays(page, words, seconds = 30) {
    const panel = page.locator('c-record-panel');
    await until(`the panel to say "${words}"`, async () => {
        const status = panel.locator('[data-id="status"]', { hasText: words });
        if (await status.isVisible()) {
            return true;
        }
        const refresh = panel.getByRole('button', { name: 'Refresh' });
        if (await refresh.isEnabled()) {
            await refresh.click();
        }
        await status.waitFor({ timeout: 1500 });
        return true;
    }, seconds);
}

/** Links org and gateway on Connection Settings. */
export async function pair(world, page) {
    await page.goto(`${world.org}/lightning/n/Connection_Settings`);
    await page.getByLabel('Endpoint').fill(world.gateway);
    await page.getByLabel('Pairing Code').fill(await world.pairingCode());
    await page.getByRole('button', { name: 'Pair', exact: true }).click();
    await page.getByText('Paired. The org and the gateway know each other now.').waitFor();
}

/** What an admin does once, so that others can use the app: in Setup, and on Connection Settings. */
export async function setUp(world, page, { frame = false } = {}) {
    await logIn(world, page);
    await assign(world, page, 'Causeway Admin', ADMIN.username);
    await addRemoteSite(world, page, 'Gateway', world.gateway);
    if (frame) {
        await addTrustedUrl(world, page, 'Gateway_Page', world.gateway);
    }
    await pair(world, page);
}

/** Starts the initial sync and sees it end. */
export async function initialSync(world, page) {
    await page.goto(`${world.org}/lightning/n/Synchronization_Information`);
    await page.getByRole('button', { name: 'Force a Synchronization' }).click();
    await page.getByRole('button', { name: 'Kick Off an Initial Sync' }).click();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.locator('[data-id="run"]', { hasText: 'Completed' }).first().waitFor({ timeout: 60000 });
}

/**
 * Looks at a page as it is: accessible, nothing beyond its edges, at both widths. Keeps pictures where
 * LIGHTNING_SHOTS names a folder.
 */
export async function look(page, name) {
    const before = page.viewportSize();
    for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        await page.waitForTimeout(150);
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(beyond <= 0, `${name} is ${beyond} pixels wider than ${width}`);
        const folder = process.env.LIGHTNING_SHOTS;
        if (folder) {
            mkdirSync(folder, { recursive: true });
            await page.screenshot({ path: path.join(folder, `${name}-${width}.png`), fullPage: true });
        }
    }
    await page.setViewportSize(before);
    assert.deepEqual(await findings(page), [], `${name} is accessible`);
}

/** Serious findings of axe-core. */
async function findings(page) {
    await page.evaluate(axeSource);
    return page.evaluate(async () => {
        // Frames are looked at as pages of their own.
        const { violations } = await window.axe.run(document, {
            iframes: false,
            elementRef: true,
            resultTypes: ['violations']
        });
        // The time of a base component's date and time has no label of its own, in an org neither.
        const isForeign = (element) => {
            for (let root = element.getRootNode(); root?.host; root = root.host.getRootNode()) {
                if (root.host.tagName === 'LIGHTNING-TIMEPICKER') {
                    return true;
                }
            }
            return false;
        };
        return violations
            .filter(({ impact }) => impact === 'serious' || impact === 'critical')
            .map(({ id, nodes }) => ({ id, nodes: nodes.filter(({ element }) => !isForeign(element)) }))
            .filter(({ nodes }) => nodes.length > 0)
            .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`);
    });
}
