// Modules that have no file: what the platform gives to components under names of its own.
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';

const I18N = {
    lang: 'language.name',
    locale: 'language.locale',
    timeZone: 'language.timeZone',
    currency: '"EUR"',
    'number.groupingSeparator': 'language.groups',
    'number.decimalSeparator': 'language.decimals',
    'dateTime.shortDateFormat': 'language.shortDate',
    'dateTime.mediumDateFormat': 'language.mediumDate',
    'dateTime.longDateFormat': 'language.longDate',
    'dateTime.shortTimeFormat': 'language.shortTime',
    'dateTime.mediumTimeFormat': 'language.mediumTime',
    firstDayOfWeek: '2'
};

export function virtualModules({ tools, entry, packageFolder, components, labels }) {
    return {
        name: 'virtual-modules',
        resolveId(id, importer) {
            if (id === 'lwc' || id.startsWith('@lwc/')) {
                return moduleOf(id, tools);
            }
            if (sourceOf(id, components, labels) !== null) {
                return `\0sf:${id}`;
            }
            // Modules are searched from a folder with a package.json: the package has none, what has no file no folder.
            const isHomeless = importer?.startsWith('\0sf:') || importer?.startsWith(packageFolder);
            return isHomeless && /^[a-z]/.test(id) ? this.resolve(id, entry, { skipSelf: true }) : null;
        },
        load(id) {
            return id.startsWith('\0sf:') ? sourceOf(id.slice('\0sf:'.length), components, labels) : null;
        }
    };
}

function sourceOf(id, components, labels) {
    if (id === 'shell:texts') {
        return `export default ${JSON.stringify(labels)};`;
    }
    if (id === 'shell:components') {
        const exposed = components.filter(({ isExposed }) => isExposed).map(({ name }) => name);
        const imports = exposed.map((name) => `import ${name} from 'c/${name}';`);
        return `${imports.join('\n')}\nexport default { ${exposed.join(', ')} };`;
    }
    if (id === '@salesforce/apex') {
        return `export { refreshApex, getSObjectValue } from 'shell/apex';`;
    }
    if (id.startsWith('@salesforce/apex/')) {
        const [className, method] = id.slice('@salesforce/apex/'.length).split('.');
        return `import { apexMethod } from 'shell/apex';\nexport default apexMethod('${className}', '${method}');`;
    }
    if (id.startsWith('@salesforce/label/c.')) {
        const name = id.slice('@salesforce/label/c.'.length);
        if (!(name in labels.languages.en)) {
            throw new Error(`There is no label ${name}`);
        }
        return `import { label } from 'shell/language';\nexport default label(${JSON.stringify(name)});`;
    }
    if (id === '@salesforce/user/Id') {
        return `import { context } from 'shell/server';\nexport default context.user.id;`;
    }
    const format = id.startsWith('@salesforce/i18n/') ? I18N[id.slice('@salesforce/i18n/'.length)] : undefined;
    return format ? `import { language } from 'shell/language';\nexport default ${format};` : null;
}

// The form with import and export; what Node resolves is the other.
async function moduleOf(id, tools) {
    const folder = path.join(tools, 'node_modules', id);
    const { module, main } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
    return path.join(folder, module ?? main);
}

/** The package's components, with their folders; several folders may be called lwc. */
export async function packageComponents(root) {
    const found = [];
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        const name = entry.name.replace('.js-meta.xml', '');
        if (name !== entry.name) {
            const metadata = await readFile(path.join(entry.parentPath, entry.name), 'utf8');
            found.push({ name, folder: entry.parentPath, isExposed: metadata.includes('<isExposed>true<') });
        }
    }
    return found;
}
