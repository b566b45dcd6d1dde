// What Visualforce pages and components name.
export function visualforceReferences({ project, inventory, must }) {
    const component = (kind) => (name) => inventory.has(kind, name);
    for (const path of project.files.filter((file) => /\.(page|component)$/.test(file))) {
        const text = project.read(path);
        const each = (pattern, exists, what) => {
            for (const { index, 0: all, ...match } of text.matchAll(pattern)) {
                const names = [match[1], match[2]].filter(Boolean);
                const line = text.slice(0, index).split("\n").length;
                must(exists(...names), `${path}:${line}`, `${what} ${names.join(".")}`);
            }
        };
        const classes = (names) => names.split(/, */).every(component("class"));
        each(/\bstandardController="(\w+)"/g, inventory.object, "object");
        each(/\b(?:controller|extensions)="([\w, ]+)"/g, classes, "class");
        each(/\$Label\.(\w+)/g, (name) => inventory.labels.has(name), "label");
        each(/\$Page\.(\w+)/g, component("page"), "page");
        each(/\$Permission\.(\w+)/g, component("customPermission"), "custom permission");
        each(/<c:(\w+)/g, component("component"), "component");
        each(/\$ObjectType\.(\w+)\.fields\.(\w+)/gi, inventory.field, "field");
        const [, controller] = /\bstandardController="(\w+)"/.exec(text) ?? [];
        if (controller) {
            each(new RegExp(`(?<![\\w.])(${controller})\\.(?!fields\\b)(\\w+)`, "g"), inventory.field, "field");
        }
    }
}
