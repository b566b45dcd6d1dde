// Every text in each language: the package's from its metadata, the shell's own beside it.
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';

const ENTITIES = { amp: '&', apos: "'", gt: '>', lt: '<', quot: '"' };

export async function labelsOf(project, shell) {
    const shared = path.join(project, 'force-app/main/shared');
    const metadata = await readFile(path.join(shared, 'labels/CustomLabels.labels-meta.xml'), 'utf8');
    const languages = { en: pairs(metadata, 'labels', 'fullName', 'value') };
    for (const file of await readdir(path.join(shared, 'translations'))) {
        const translated = await readFile(path.join(shared, 'translations', file), 'utf8');
        languages[file.split('.')[0]] = pairs(translated, 'customLabels', 'name', 'label');
    }
    const own = {};
    for (const language of Object.keys(languages)) {
        own[language] = JSON.parse(await readFile(path.join(shell, `labels/${language}.json`), 'utf8'));
    }
    return { languages, own };
}

function pairs(metadata, element, name, value) {
    const found = {};
    for (const [, body] of metadata.matchAll(new RegExp(`<${element}>([\\s\\S]*?)</${element}>`, 'g'))) {
        found[textOf(body, name)] = textOf(body, value);
    }
    return found;
}

function textOf(body, element) {
    const [, text] = new RegExp(`<${element}\\s*>([\\s\\S]*?)</${element}\\s*>`).exec(body) ?? [];
    if (text === undefined) {
        throw new Error(`No <${element}> in ${body}`);
    }
    return text
        .trim()
        .replace(/&(#?\w+);/g, (_, entity) => ENTITIES[entity] ?? String.fromCodePoint(Number(entity.slice(1))));
}
