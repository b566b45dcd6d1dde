// What Apex names beyond what its type checker sees: the fields of queries, and names in strings.
import { lexed, literals, named } from "./soql.mjs";

export function apexReferences({ project, inventory, must, refuse }) {
    for (const path of project.files.filter((file) => /\.(cls|trigger)$/.test(file))) {
        const source = project.read(path);
        const { code, strings } = lexed(source);
        for (const { line, text } of literals(source)) {
            query(`${path}:${line}`, text);
        }
        const each = (text, pattern, exists, what) => {
            for (const { index, 1: name } of text.matchAll(pattern)) {
                must(exists(name), `${path}:${text.slice(0, index).split("\n").length}`, `${what} ${name}`);
            }
        };
        const permission = (name) => inventory.has("customPermission", name);
        each(code, /\bLabel\.(\w+)/g, (name) => inventory.labels.has(name), "label");
        each(code, /(?<![\w.])Page\.(\w+)/g, (name) => inventory.has("page", name), "page");
        each(source, /\bcheckPermission\(\s*'(\w+)'/g, permission, "custom permission");
        // Tests name what does not exist to see what happens then.
        if (!/@IsTest/i.test(code)) {
            each(source, /\bType\.forName\(\s*'(\w+)'/g, (name) => inventory.has("class", name), "class");
            for (const { line, text } of strings) {
                string(`${path}:${line}`, text);
            }
        }
    }

    function string(at, text) {
        if (/^\s*SELECT\s+\w[^:]*\sFROM\s+\w+/i.test(text)) {
            query(at, text);
        } else if (/^\w+__[ce]$/.test(text)) {
            const isField = [...inventory.fields.values()].some(({ name }) => name === text);
            must(isField || inventory.object(text), at, `object or field ${text}`);
        }
    }

    function query(at, text) {
        let names;
        try {
            names = named(text);
        } catch (error) {
            refuse(`${at} this query cannot be read: ${error.message.split("\n")[0]}`);
            return;
        }
        for (const { object, field, children } of names) {
            const resolved = objectOf(object);
            if (children !== undefined) {
                must(inventory.childObject(resolved, children), at, `child relationship ${object}.${children}`);
            } else if (field === undefined) {
                must(resolved && inventory.object(resolved), at, `object ${object}`);
            } else if (resolved && inventory.object(resolved)) {
                must(inventory.field(resolved, field), at, `field ${object}.${field}`);
            }
        }
    }

    /** `Account/Contacts` is the object of the accounts' contacts. */
    function objectOf(path) {
        const [first, ...rest] = path.split("/");
        return rest.reduce((object, relationship) => object && inventory.childObject(object, relationship), first);
    }
}
