// The base components bring 2,000 icons as templates, which take most of the build's time. Only those that some source
// names are built.
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';

const LIBRARIES = ['Action', 'Custom', 'Doctype', 'Standard', 'Utility'];

export function icons({ base, sources }) {
    let named;
    return {
        name: 'icons',
        resolveId(id) {
            const library = /^lightning\/iconSvgTemplates([A-Z][a-z]+?)(Rtl)?$/.exec(id);
            return library && LIBRARIES.includes(library[1]) ? `\0sf:icons/${library[1].toLowerCase()}` : null;
        },
        async load(id) {
            if (!id.startsWith('\0sf:icons/')) {
                return null;
            }
            named ??= await namedIcons(sources);
            const library = id.slice('\0sf:icons/'.length);
            const folder = path.join(
                base,
                `src/lightning/iconSvgTemplates${library[0].toUpperCase()}${library.slice(1)}/buildTemplates/${library}`
            );
            const known = new Set((await readdir(folder)).filter((file) => file.endsWith('.html')));
            const found = [...named].filter(
                (icon) => icon.startsWith(`${library}:`) && known.has(`${icon.slice(library.length + 1)}.html`)
            );
            const imports = found.map(
                (icon, index) => `import icon${index} from ${JSON.stringify(path.join(folder, `${icon.split(':')[1]}.html`))};`
            );
            const entries = found.map((icon, index) => `${JSON.stringify(icon.replace(':', '_'))}: icon${index}`);
            return `${imports.join('\n')}\nexport default { ${entries.join(', ')} };`;
        }
    };
}

async function namedIcons(sources) {
    const found = new Set();
    for (const source of sources) {
        for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
            if (entry.isFile() && /\.(js|html)$/.test(entry.name) && !entry.parentPath.includes('iconSvgTemplates')) {
                const text = await readFile(path.join(entry.parentPath, entry.name), 'utf8');
                for (const [icon] of text.matchAll(/\b(?:action|custom|doctype|standard|utility):[a-z0-9_]+/g)) {
                    found.add(icon);
                }
            }
        }
    }
    return found;
}
