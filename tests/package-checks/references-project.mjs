// What sfdx-project.json and the manifest name; and that the manifest names all there is.
import { basename, dirname } from "node:path";
import { children, elements, parseXml, textOf } from "./project.mjs";

const PROJECT = "sfdx-project.json";
const MANIFEST = "sfdx-package/package.xml";

export function projectReferences({ project, inventory, must }) {
    for (const directory of project.settings.packageDirectories) {
        const { path, definitionFile, postInstallScript, uninstallScript } = directory;
        must(project.has(path), PROJECT, `folder ${path}`);
        for (const script of [postInstallScript, uninstallScript].filter(Boolean)) {
            must(inventory.has("class", script), PROJECT, `class ${script}`);
        }
        must(!definitionFile || project.has(definitionFile), PROJECT, `file ${definitionFile}`);
    }
    if (project.has(MANIFEST)) {
        manifest(parseXml(project.read(MANIFEST)));
    }

    /** The translation of an object, such as Contact-de, brings along those of its fields. */
    function listedAs(path, declared, name, object) {
        if (declared.name !== "CustomFieldTranslation") {
            return [declared.name, object === undefined ? name : `${object}.${name}`];
        }
        const translation = basename(dirname(path));
        const field = `${translation.slice(0, translation.lastIndexOf("-"))}.${name}`;
        must(inventory.qualifiedField(field), path, `field ${field}`);
        return ["CustomObjectTranslation", translation];
    }

    function manifest(root) {
        const members = (type) => children(type, "members").map(({ text }) => text);
        const types = new Map(elements(root, "types").map((type) => [textOf(type, "name"), members(type)]));
        for (const name of types.get("CustomObject") ?? []) {
            must(name === "*" || inventory.object(name), MANIFEST, `object ${name}`);
        }
        for (const name of types.get("CustomField") ?? []) {
            must(name === "*" || inventory.qualifiedField(name), MANIFEST, `field ${name}`);
        }
        for (const { path, root: declared, name, object } of inventory.metadata) {
            // The translation of an object brings those of its fields.
            const isBrought = declared.name === "CustomFieldTranslation" && types.has("CustomObjectTranslation");
            // A custom object brings along what belongs to it, a standard one does not.
            if (isBrought) {
                continue;
            }
            if (path.startsWith("force-app/") && !inventory.has("object", object)) {
                const [type, member] = listedAs(path, declared, name, object);
                const listed = types.get(type) ?? [];
                must(listed.includes("*") || listed.includes(member), MANIFEST, `member ${member} of ${type}`);
            } else if (path.startsWith("force-app/") && declared.name === "CustomObject") {
                const listed = types.get("CustomObject") ?? [];
                must(listed.includes(name), MANIFEST, `member ${name} of CustomObject`);
            }
        }
    }
}
