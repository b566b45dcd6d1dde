// Lints the Lightning Web Components. Argument: the project's folder.
import { ESLint } from "eslint";
import { join, relative } from "node:path";
import { openProject, report } from "./project.mjs";
import config from "./eslint.config.mjs";

const project = openProject(process.argv[2]);
const paths = project.files.filter((path) => /\/lwc\/.*\.js$/.test(path));
const eslint = new ESLint({
    cwd: project.folder,
    overrideConfigFile: true,
    overrideConfig: config,
    allowInlineConfig: true,
});
const results = paths.length > 0 ? await eslint.lintFiles(paths.map((path) => join(project.folder, path))) : [];
report(
    results.flatMap(({ filePath, messages }) =>
        messages.map(
            ({ line, ruleId, message }) => `${relative(project.folder, filePath)}:${line} ${ruleId}: ${message}`,
        ),
    ),
    paths.length > 0 ? `${paths.length} files` : "nothing: there is no component yet",
);
