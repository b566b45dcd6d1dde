// Builds the Lightning pages: the package's components, unchanged, in a shell of our own. What it imports lies in the
// folder that scripts/lightning-pages installs the tools into, so that nothing is installed below the project.
import { createRequire } from 'node:module';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { icons } from './icons.mjs';
import { labelsOf } from './labels.mjs';
import { packageComponents, virtualModules } from './modules.mjs';

const [tools, target] = process.argv.slice(2);
const here = path.resolve(import.meta.dirname, '..');
const project = path.resolve(here, '../..');
const installed = createRequire(path.join(tools, 'package.json'));
const { rollup } = installed('rollup');
const replace = installed('@rollup/plugin-replace');
const lwc = installed('@lwc/rollup-plugin');
const base = path.dirname(installed.resolve('lightning-base-components/package.json'));
const designSystem = path.join(tools, 'node_modules/@salesforce-ux/design-system/assets');

// Its own list of modules, with their places.
const baseModules = installed('lightning-base-components/package.json').lwc.modules.map((entry) =>
    'dir' in entry ? { dir: path.join(base, entry.dir) } : { ...entry, path: path.join(base, entry.path) }
);
const packageFolder = path.join(project, 'force-app');
const components = await packageComponents(packageFolder);
const shell = path.join(here, 'shell');
const entry = path.join(shell, 'entry/main.js');
const bundle = await rollup({
    input: entry,
    plugins: [
        virtualModules({ tools, entry, packageFolder, components, labels: await labelsOf(project, shell) }),
        icons({ base, sources: [base, shell, packageFolder] }),
        replace({
            preventAssignment: true,
            values: { 'process.env.NODE_ENV': '"production"', 'import.meta.env.SSR': 'false' }
        }),
        (lwc.default ?? lwc)({
            rootDir: path.join(shell, 'modules'),
            modules: [
                ...components.map(({ name, folder }) => ({ name: `c/${name}`, path: path.join(folder, `${name}.js`) })),
                { dir: path.join(shell, 'modules') },
                ...baseModules
            ],
            enableSyntheticElementInternals: true,
            enableLwcOn: true,
            enableDynamicComponents: true,
            enableLightningWebSecurityTransforms: false,
            exclude: [/\0sf:/, /scopedImports/, /lightning-base-components\/external/]
        })
    ],
    // What base components warn of is not ours to mend; what does not resolve would fail in the browser.
    onwarn(warning) {
        if (warning.code === 'UNRESOLVED_IMPORT' || warning.code === 'MISSING_EXPORT') {
            throw new Error(warning.message);
        }
    }
});

const fresh = `${target}.new`;
await rm(fresh, { recursive: true, force: true });
await mkdir(path.join(fresh, 'assets'), { recursive: true });
await bundle.write({
    dir: path.join(fresh, 'assets'),
    format: 'es',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js'
});
await styles();
await writeFile(path.join(fresh, 'index.html'), await readFile(path.join(shell, 'entry/index.html')));
await cp(path.join(shell, 'entry/shell.css'), path.join(fresh, 'assets/shell.css'));
await cp(path.join(shell, 'entry/favicon.svg'), path.join(fresh, 'assets/favicon.svg'));
await rm(target, { recursive: true, force: true });
await cp(fresh, target, { recursive: true });
await rm(fresh, { recursive: true });
console.log(`${(await readdir(path.join(target, 'assets'))).length} files in ${target}`);

// The org serves one flat folder.
async function styles() {
    const source = await readFile(path.join(designSystem, 'styles/salesforce-lightning-design-system.min.css'), 'utf8');
    const copied = new Map();
    const text = source.replace(/url\(\.\.\/(images\/[^)]+)\)/g, (_, file) => {
        const name = file.replaceAll('/', '-').replace('@', '-');
        copied.set(file, name);
        return `url(${name})`;
    });
    await writeFile(path.join(fresh, 'assets/design-system.css'), text);
    for (const [file, name] of copied) {
        const from = path.join(designSystem, file);
        if (existsSync(from)) {
            await cp(from, path.join(fresh, 'assets', name));
        }
    }
}
