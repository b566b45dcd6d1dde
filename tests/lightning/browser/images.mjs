// Writes the pictures of the documentation: the pages as a first-time admin sees them.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { activate, assignLayout, initialSync, openApp, setUp } from './steps.mjs';
import { World } from './world.mjs';

const [folder] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const world = await World.start({ records: 400, contact: { markLinked: true, lastWritten: 'Last_Synced__c' } });
try {
    const page = await world.open();
    const picture = async (name) => {
        await page.locator('[data-id="toast"]').waitFor({ state: 'detached' });
        await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
    };
    await setUp(world, page, { frame: true });
    await page.getByLabel('Data Owner').fill('desk');
    await page.getByRole('button', { name: 'Save Settings' }).click();
    await page.getByText('All settings are saved.').waitFor();
    await picture('connection-settings');
    const { id } = await world.api('POST', 'sobjects/Contact', {
        FirstName: 'Lena',
        LastName: 'Okafor',
        Email: 'lena.okafor@northwind.example',
        Title: 'Head of Purchasing',
        Department: 'Purchasing'
    });
    await initialSync(world, page);
    await picture('synchronization-information');
    await activate(world, page, 'Contact', 'Causeway Contact');
    await assignLayout(world, page, 'Contact', 'System Administrator', 'Causeway Contact Layout');
    await page.goto(`${world.org}/lightning/page/home`);
    await openApp(page, 'Causeway');
    await page.goto(`${world.org}/lightning/r/Contact/${id}/view`);
    await page.locator('c-record-panel [data-id="status"]', { hasText: 'Up to date' }).waitFor();
    // The partner's page stands in the Visualforce page of the layout.
    const partner = page.frameLocator('iframe').frameLocator('iframe');
    await partner.getByText('Okafor').first().waitFor();
    await picture('contact');
} finally {
    await world.stop();
}
