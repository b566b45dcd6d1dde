// Whatever metadata, Visualforce, Apex and the project's own files name must exist.
// Arguments: the project's folder, the standard objects.
import { readFileSync } from "node:fs";
import { inventoryOf } from "./inventory.mjs";
import { openProject, report } from "./project.mjs";
import { apexReferences } from "./references-apex.mjs";
import { metadataReferences } from "./references-metadata.mjs";
import { projectReferences } from "./references-project.mjs";
import { visualforceReferences } from "./references-visualforce.mjs";

const project = openProject(process.argv[2]);
const inventory = inventoryOf(project, JSON.parse(readFileSync(process.argv[3], "utf8")));
const findings = [];
let count = 0;

/** Counts a reference; `at` is the path and line of what names something, `what` the kind and name of that. */
function must(exists, at, what) {
    count += 1;
    if (!exists) {
        findings.push(`${at} there is no ${what}`);
    }
}

for (const references of [metadataReferences, visualforceReferences, apexReferences, projectReferences]) {
    references({ project, inventory, must, refuse: (finding) => findings.push(finding) });
}
report(findings, `${count} references`);
