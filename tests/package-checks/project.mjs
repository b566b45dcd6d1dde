// The package's sources: which files there are, what each declares, and its XML as a tree.
import { readdirSync, readFileSync, existsSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { SaxesParser } from "saxes";

/** Reads sfdx-project.json and lists the files of its package directories, as paths from the project's folder. */
export function openProject(folder) {
    const settings = JSON.parse(readFileSync(join(folder, "sfdx-project.json"), "utf8"));
    const below = (path) => (existsSync(join(folder, path)) ? filesBelow(join(folder, path)) : []);
    const list = (paths) =>
        paths
            .flatMap(below)
            .map((path) => relative(folder, path))
            .sort();
    return {
        folder,
        settings,
        files: list(settings.packageDirectories.map(({ path }) => path)),
        // Metadata around the package, which is deployed by hand.
        around: list(["sfdx-package"]),
        read: (path) => readFileSync(join(folder, path), "utf8"),
        has: (path) => existsSync(join(folder, path)),
    };
}

function filesBelow(folder) {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)],
    );
}

/** The metadata files with their XML; files that are not well-formed come with an error instead. */
export function metadataOf(project, files = project.files) {
    return files.filter((path) => path.endsWith("-meta.xml")).map((path) => ({ path, ...parsed(project, path) }));
}

function parsed(project, path) {
    try {
        return { root: parseXml(project.read(path)), ...named(path) };
    } catch (error) {
        return { error: error.message };
    }
}

/** `Outbox__c.object-meta.xml` is the component Outbox__c; fields and list views belong to their folder's object. */
function named(path) {
    const [, name, suffix] = /^(.*)\.([^.]+)-meta\.xml$/.exec(basename(path));
    const [, object] = /objects\/([^/]+)\//.exec(path) ?? [];
    return { name: decodeURIComponent(name), suffix, object };
}

/** @returns the root as {name, line, text, children}; namespaces are left away. */
export function parseXml(text) {
    const parser = new SaxesParser({ xmlns: true });
    const above = [];
    let root;
    parser.on("opentag", (tag) => {
        const element = { name: tag.local, line: parser.line, text: "", children: [] };
        root ??= element;
        above.at(-1)?.children.push(element);
        above.push(element);
    });
    parser.on("text", (part) => {
        if (above.length > 0) {
            above.at(-1).text += part;
        }
    });
    parser.on("closetag", () => {
        const element = above.pop();
        element.text = element.children.length > 0 ? "" : element.text.trim();
    });
    parser.on("error", (error) => {
        throw error;
    });
    parser.write(text).close();
    return root;
}

/** All elements of that name below an element, however deep. */
export function elements(root, name) {
    return root.children.flatMap((child) => [...(child.name === name ? [child] : []), ...elements(child, name)]);
}

/** The child elements of that name. */
export function children(element, name) {
    return element.children.filter((child) => child.name === name);
}

/** The text of a child element; undefined where there is none. */
export function textOf(element, name) {
    return children(element, name)[0]?.text;
}

/** Prints what a check found and how much it looked at; ends with an error if it found anything. */
export function report(findings, count) {
    for (const finding of findings) {
        console.log(finding);
    }
    console.log(`checked ${count}`);
    process.exitCode = findings.length > 0 ? 1 : 0;
}
