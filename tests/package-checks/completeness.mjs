// What must be there beside what is there: descriptors of classes, permissions for fields, translations, versions.
// Arguments: the project's folder, the standard objects.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { inventoryOf } from "./inventory.mjs";
import { elements, openProject, report, textOf } from "./project.mjs";

const API_VERSION = "67.0";
const project = openProject(process.argv[2]);
const inventory = inventoryOf(project, JSON.parse(readFileSync(process.argv[3], "utf8")));
const findings = [];
let count = 0;

function must(holds, finding) {
    count += 1;
    if (!holds) {
        findings.push(finding);
    }
}

// Sources with a descriptor, and descriptors with a source.
for (const path of project.files.filter((file) => /\.(cls|trigger|page|component)$/.test(file))) {
    must(project.files.includes(`${path}-meta.xml`), `${path} has no ${basename(path)}-meta.xml`);
}
for (const { path, root, suffix } of inventory.metadata) {
    if (["cls", "trigger", "page", "component"].includes(suffix)) {
        must(project.files.includes(path.replace(/-meta\.xml$/, "")), `${path} describes a file that does not exist`);
    }
    for (const { text, line } of elements(root, "apiVersion")) {
        must(text === API_VERSION, `${path}:${line} is of API version ${text}, not ${API_VERSION}`);
    }
}
must(
    project.settings.sourceApiVersion === API_VERSION,
    `sfdx-project.json is of API version ${project.settings.sourceApiVersion}, not ${API_VERSION}`,
);

// A field that no permission set grants is seen by nobody; required ones are granted by themselves.
const NOT_GRANTED = fieldsWithReason("fields-without-permission.txt");
const granted = new Set(
    inventory.metadata
        .filter(({ suffix }) => suffix === "permissionset")
        .flatMap(({ root }) => elements(root, "fieldPermissions").map((entry) => textOf(entry, "field"))),
);
for (const [name, { path, root, object }] of inventory.fields) {
    const settings = inventory.components.get("object").get(object);
    const byItself =
        textOf(root, "required") === "true" ||
        object.endsWith("__e") ||
        (settings && textOf(settings.root, "customSettingsType") !== undefined);
    const names =
        object === "Activity"
            ? ["Task", "Event"].map((kind) => `${kind}.${basename(path, ".field-meta.xml")}`)
            : [name];
    for (const needed of byItself ? [] : names) {
        must(
            granted.has(needed) || NOT_GRANTED.has(needed),
            `${path} is in no permission set, and no reason is given (${needed})`,
        );
        must(
            !(granted.has(needed) && NOT_GRANTED.has(needed)),
            `${needed} is in a permission set although a reason says why not`,
        );
    }
}
for (const [name, reason] of NOT_GRANTED) {
    must(inventory.fields.has(name), `sfdx-package/fields-without-permission.txt names ${name}, which does not exist`);
    must(reason !== "", `sfdx-package/fields-without-permission.txt gives no reason for ${name}`);
}

function fieldsWithReason(file) {
    const path = `sfdx-package/${file}`;
    const lines = project.has(path) ? project.read(path).split("\n") : [];
    return new Map(
        lines
            .filter((line) => line !== "" && !line.startsWith("#"))
            .map((line) => {
                const [name, ...reason] = line.split(" ");
                return [name, reason.join(" ").trim()];
            }),
    );
}

// Every language has every label, application and tab with a label of its own, and every placeholder of the original.
const originals = {
    customLabels: new Map([...inventory.labels].map(([name, { label }]) => [name, textOf(label, "value")])),
    customApplications: new Map(
        [...inventory.components.get("application")].map(([name, { root }]) => [name, textOf(root, "label") ?? ""]),
    ),
    customTabs: new Map(
        [...inventory.components.get("tab")]
            .map(([name, { root }]) => [name, textOf(root, "label")])
            .filter(([, label]) => label !== undefined),
    ),
};
const placeholders = (text) => [...new Set(text.match(/\{\d+\}/g) ?? [])].sort().join();
for (const { path, root, suffix } of inventory.metadata.filter(({ suffix }) => suffix === "translation")) {
    for (const [element, all] of Object.entries(originals)) {
        const translated = new Map(
            root.children
                .filter(({ name }) => name === element)
                .map((entry) => [textOf(entry, "name"), textOf(entry, "label") ?? ""]),
        );
        for (const [name, original] of all) {
            const text = translated.get(name) ?? "";
            must(text !== "", `${path} lacks ${name} of ${element}`);
            must(
                text === "" || placeholders(text) === placeholders(original),
                `${path}: ${name} has other placeholders than the original`,
            );
        }
    }
}

// The gateway is told the version by a constant; the package gets it from the project.
const [versionClass] = project.files.filter((path) => path.endsWith("/PackageVersion.cls"));
const [, current] = /CURRENT\s*=\s*'([^']*)'/.exec(versionClass ? project.read(versionClass) : "") ?? [];
const main =
    project.settings.packageDirectories.find((directory) => directory.default) ??
    project.settings.packageDirectories[0];
if (main.versionNumber !== undefined) {
    const [major, minor] = main.versionNumber.split(".");
    // Packages on top are released together with the main one.
    for (const { path, versionNumber, dependencies = [] } of project.settings.packageDirectories) {
        for (const version of [versionNumber, ...dependencies.map((dependency) => dependency.versionNumber)]) {
            must(
                version.startsWith(`${major}.${minor}.`),
                `sfdx-project.json: ${path} is of, or depends on, ${version}, not ${major}.${minor}`,
            );
        }
    }
    must(
        current === `${major}.${minor}`,
        `PackageVersion.CURRENT is ${current}, but sfdx-project.json says ${main.versionNumber}`,
    );
}
report(findings, `${count} rules`);
