// Apex and metadata XML are formatted as the project's options say; Apex that cannot be parsed is refused as well.
// Arguments: the project's folder, the file of options. With --write after them the files are formatted instead.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import { openProject, report } from "./project.mjs";

const [folder, optionsFile, mode] = process.argv.slice(2);
const options = JSON.parse(readFileSync(optionsFile, "utf8"));
options.plugins = options.plugins.map((plugin) => fileURLToPath(import.meta.resolve(plugin)));

const project = openProject(folder);
const paths = [...project.files, ...project.around].filter((path) => /\.(cls|trigger|xml)$/.test(path));
const findings = [];
for (const path of paths) {
    const file = { ...options, filepath: join(folder, path) };
    try {
        const text = project.read(path);
        const formatted = await format(text, file);
        if (formatted !== text && mode === "--write") {
            writeFileSync(join(folder, path), formatted);
        } else if (formatted !== text) {
            findings.push(`${path} is not formatted; scripts/check-package --format does it`);
        }
    } catch (error) {
        findings.push(`${path} cannot be parsed: ${error.message.split("\n")[0]}`);
    }
}
report(findings, `${paths.length} files`);
