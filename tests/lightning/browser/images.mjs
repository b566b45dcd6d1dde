// Writes the pictures of the documentation: the pages as a first-time admin sees them.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { initialSync, setUp } from './steps.mjs';
import { World } from './world.mjs';

const [folder] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const world = await World.start({ records: 400 });
try {
    const page = await world.open();
    const picture = async (name) => {
        await page.locator('[data-id="toast"]').waitFor({ state: 'detached' });
        await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
    };
    await setUp(world, page);
    await picture('connection-settings');
    await initialSync(world, page);
    await picture('synchronization-information');
} finally {
    await world.stop();
}
