// What metadata files name.
import { children, elements, textOf } from "./project.mjs";
import { LIST_COLUMNS, RELATED_LISTS, STANDARD_COMPONENTS } from "./standard-names.mjs";

export function metadataReferences({ inventory, must, refuse }) {
    const component = (kind) => (name) => inventory.has(kind, name);

    // Suffix of a file -> its elements whose text is a name -> what it names.
    const names = {
        app: {
            tabs: ["tab", inventory.tab],
            defaultLandingTab: ["tab", inventory.tab],
            utilityBar: ["Lightning page", component("flexiPage")],
        },
        field: { referenceTo: ["object", inventory.object] },
        flexipage: { sobjectType: ["object", inventory.object] },
        permissionset: {
            apexClass: ["class", component("class")],
            apexPage: ["page", component("page")],
            application: ["application", component("application")],
            field: ["field", inventory.qualifiedField],
            object: ["object", inventory.object],
            tab: ["tab", inventory.tab],
        },
        tab: {
            page: ["page", component("page")],
            flexiPage: ["Lightning page", component("flexiPage")],
            lwcComponent: ["component", (name) => inventory.bundles.has(name)],
        },
    };

    // Suffix of a file -> what else is to be looked at.
    const more = { field: formula, flexipage, layout, listView, permissionset, tab, translation };

    for (const file of inventory.metadata) {
        for (const [element, [what, exists]] of Object.entries(names[file.suffix] ?? {})) {
            each(file, element, exists, (name) => `${what} ${name}`);
        }
        more[file.suffix]?.(file);
    }

    function each({ path, root }, element, exists, what) {
        for (const { text, line } of elements(root, element)) {
            must(exists(text), `${path}:${line}`, what(text));
        }
    }

    function permissionset({ path, root }) {
        for (const entry of elements(root, "customPermissions")) {
            const name = textOf(entry, "name");
            must(inventory.has("customPermission", name), `${path}:${entry.line}`, `custom permission ${name}`);
        }
        for (const { text, line } of elements(root, "object")) {
            if (inventory.isStandardObject(text)) {
                refuse(`${path}:${line} permissions on the standard object ${text} are lost at installation`);
            }
        }
    }

    function layout(file) {
        const object = file.name.slice(0, file.name.indexOf("-"));
        must(inventory.object(object), `${file.path}:1`, `object ${object}`);
        each(
            file,
            "field",
            (name) => inventory.field(object, name),
            (name) => `field ${object}.${name}`,
        );
        each(file, "page", component("page"), (name) => `page ${name}`);
        const related = (name) => RELATED_LISTS.has(name) || inventory.qualifiedField(name);
        each(file, "relatedList", related, (name) => `related list ${name}`);
    }

    function listView(file) {
        const { object } = file;
        const columns = LIST_COLUMNS[inventory.has("object", object) ? "custom" : object];
        const exists = (name) => (name.endsWith("__c") ? inventory.field(object, name) : columns?.has(name));
        each(file, "columns", exists, (name) => `column ${name} of ${object}`);
        each(file, "field", exists, (name) => `column ${name} of ${object}`);
    }

    function tab({ path, root, name }) {
        if (textOf(root, "customObject") === "true") {
            must(inventory.object(name), `${path}:1`, `object ${name}`);
        }
    }

    function formula({ path, root, object }) {
        for (const { text, line } of elements(root, "formula")) {
            for (const [custom] of text.matchAll(/\b(\w+__r\.)*\w+__p?c\b/g)) {
                must(inventory.field(object, custom), `${path}:${line}`, `field ${object}.${custom}`);
            }
        }
    }

    function flexipage({ path, root }) {
        const object = textOf(root, "sobjectType");
        const regions = new Set(elements(root, "flexiPageRegions").map((region) => textOf(region, "name")));
        for (const instance of elements(root, "componentInstance")) {
            const name = textOf(instance, "componentName");
            const exists = STANDARD_COMPONENTS.has(name) || inventory.bundles.has(name.replace(/^c:/, ""));
            must(exists, `${path}:${instance.line}`, `component ${name}`);
            for (const property of elements(instance, "componentInstanceProperties")) {
                const value = textOf(property, "value") ?? "";
                if (textOf(property, "name") === "pageName") {
                    must(inventory.has("page", value), `${path}:${property.line}`, `page ${value}`);
                } else if (value.startsWith("Facet-")) {
                    must(regions.has(value), `${path}:${property.line}`, `region ${value}`);
                }
            }
        }
        for (const { text, line } of [...elements(root, "fieldItem"), ...elements(root, "leftValue")]) {
            for (const [, name] of text.matchAll(/Record\.([\w.]+)/g)) {
                must(inventory.field(object, name), `${path}:${line}`, `field ${object}.${name}`);
            }
        }
    }

    function translation({ path, root }) {
        const originals = {
            customLabels: (name) => inventory.labels.has(name),
            customTabs: inventory.tab,
            customApplications: component("application"),
        };
        for (const [element, exists] of Object.entries(originals)) {
            for (const entry of children(root, element)) {
                const name = textOf(entry, "name");
                must(exists(name), `${path}:${entry.line}`, `${element} ${name}`);
            }
        }
    }
}
