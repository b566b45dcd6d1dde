// Metadata XML against the types that Salesforce generates from its WSDL: unknown elements, wrong values, missing
// required elements, elements twice. Argument: the project's folder.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { metadataOf, openProject, report } from "./project.mjs";

const declarations = readFileSync(
    join(dirname(createRequire(import.meta.url).resolve("@salesforce/types/metadata")), "metadata.d.ts"),
    "utf8",
);

// The file's name says it, and in source format these stand in files of their own.
const NEVER_REQUIRED = new Set(["fullName", "content"]);

// A string to the WSDL; in source format its elements stand there as they are, each of this one name.
const WRITTEN_OUT = new Map([["LightningComponentBundle.targetConfigs", "targetConfig"]]);

/** Type -> { elements: Map(name -> {type, many, required}) } or { values: Set } or { alias }. */
const types = new Map();
for (const [, name, base, body] of declarations.matchAll(
    /^export (?:declare )?(?:type|interface) (\w+) (?:= |extends )?(?:(\w+) &? ?)?\{\n(.*?)^\}/gms,
)) {
    const elements = new Map();
    for (const [, element, optional, type, many] of body.matchAll(
        /^ {4}(\w+)(\??): ([\w' |]+?)(\[\])?(?: \| null)?;$/gm,
    )) {
        elements.set(element, { type, many: many !== undefined, required: optional === "" && many === undefined });
    }
    types.set(name, { base, elements });
}
for (const [, name, values] of declarations.matchAll(/^export type (\w+) = ('[^;]+);$/gm)) {
    types.set(name, { values: new Set([...values.matchAll(/'([^']*)'/g)].map(([, value]) => value)) });
}

function elementsOf(name) {
    const type = types.get(name);
    return new Map([...(type.base ? elementsOf(type.base) : []), ...type.elements]);
}

function check(element, typeName, path, findings) {
    const allowed = elementsOf(typeName);
    const seen = new Set();
    for (const child of element.children) {
        const rule = allowed.get(child.name);
        if (rule === undefined) {
            findings.push(`${path}:${child.line} ${typeName} has no element ${child.name}`);
            continue;
        }
        if (seen.has(child.name) && !rule.many) {
            findings.push(`${path}:${child.line} ${typeName} has two elements ${child.name}`);
        }
        seen.add(child.name);
        const inside = WRITTEN_OUT.get(`${typeName}.${child.name}`);
        if (inside !== undefined) {
            for (const { name, line } of child.children.filter(({ name }) => name !== inside)) {
                findings.push(`${path}:${line} ${child.name} has no element ${name}`);
            }
            continue;
        }
        checkValue(child, rule.type, path, findings);
    }
    for (const [name, rule] of allowed) {
        if (rule.required && !seen.has(name) && !NEVER_REQUIRED.has(name)) {
            findings.push(`${path}:${element.line} ${typeName} lacks the required element ${name}`);
        }
    }
}

function checkValue(element, typeName, path, findings) {
    const type = types.get(typeName);
    if (type?.elements !== undefined) {
        check(element, typeName, path, findings);
        return;
    }
    const wrong =
        element.children.length > 0 ||
        (type?.values !== undefined && !type.values.has(element.text)) ||
        (typeName === "boolean" && !["true", "false"].includes(element.text)) ||
        (typeName === "number" && !/^-?\d+(\.\d+)?$/.test(element.text));
    if (wrong) {
        findings.push(`${path}:${element.line} ${element.name} cannot be "${element.text}": it is a ${typeName}`);
    }
}

if (types.size < 1000) {
    throw new Error("The types of @salesforce/types are not written as this check reads them");
}
const project = openProject(process.argv[2]);
const files = metadataOf(project, [...project.files, ...project.around]);
const findings = [];
for (const { path, root, error } of files) {
    if (error !== undefined) {
        findings.push(`${path}: not well-formed: ${error}`);
    } else if (types.get(root.name)?.elements === undefined) {
        findings.push(`${path}:${root.line} there is no metadata type ${root.name}`);
    } else {
        check(root, root.name, path, findings);
    }
}
report(findings, `${files.length} files`);
