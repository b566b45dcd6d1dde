"""Writes docs/CONFORMANCE.md from the clients' results and judges them.

report.py RESULTS CLIENTS EXCLUSIONS REPORT CLIENT...

The named clients have just been run and are judged; of the others the last results are reported.
"""

import json
import re
import sys
from pathlib import Path

HEAD = """# Conformance

Salesforce clients that were written elsewhere, used against the emulated organisation (`tests/emulated-org`).
`scripts/conformance` installs them at these versions, gives each an organisation of its own, and writes this
file. What a case expects comes from the Salesforce guides; no client and no assertion of a client was edited.
Exclusions stand in `tests/conformance/exclusions.json`, minimums in `tests/conformance/clients.json`.

"""

# scripts/apex-conformance writes what stands between these lines.
APEX = re.compile(r"<!-- scripts/apex-conformance -->.*<!-- end of scripts/apex-conformance -->\n", re.DOTALL)


def apex_section(report):
    """What the report says about Apex, which no client is."""
    found = APEX.search(report.read_text()) if report.exists() else None
    return "\n" + found.group(0) if found else ""


def read_results(path):
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def judge(client, results, excluded):
    """The faults of a client's run, as sentences."""
    passed = sum(result["passed"] for result in results)
    names = [result["name"] for result in results]
    faults = []
    if passed < client["minimum"]:
        faults.append(f"{passed} passed, the minimum is {client['minimum']}")
    for result in results:
        if not result["passed"] and result["name"] not in excluded:
            faults.append(f"failed: {result['name']}: {result.get('detail', '')}")
        if result["passed"] and result["name"] in excluded:
            faults.append(f"passed although excluded: {result['name']}")
    faults += [f"excluded, but there is no such case: {name}" for name in excluded if name not in names]
    faults += [f"named twice: {name}" for name in sorted(set(names)) if names.count(name) > 1]
    return faults


def table_cell(text):
    # The port is another in every run.
    text = re.sub(r"https?://(127\.0\.0\.1|localhost)(:\d+)?", "the organisation's ", text)
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def section(client, results, excluded):
    passed = sum(result["passed"] for result in results)
    lines = [
        f"## {client['title']}",
        "",
        f"{client['package']} {client['version']}. {client['how']}",
        "",
        f"{passed} of {len(results)} passed, {len(excluded)} excluded; the minimum is {client['minimum']}.",
        "",
        "| Case | Result |",
        "|---|---|",
    ]
    for result in results:
        name = result["name"]
        if name in excluded:
            verdict = f"excluded: {excluded[name]}"
        else:
            verdict = "passed" if result["passed"] else f"**failed**: {result.get('detail', '')[:200]}"
        lines.append(f"| {table_cell(name)} | {table_cell(verdict)} |")
    return "\n".join(lines) + "\n"


def main():
    folder, clients, exclusions, report, *chosen = sys.argv[1:]
    clients = json.loads(Path(clients).read_text())
    exclusions = json.loads(Path(exclusions).read_text())
    missing = []
    sections, summary, faults = [], ["| Client | Version | Passed | Excluded | Cases |", "|---|---|---|---|---|"], []
    for name, client in clients.items():
        results = read_results(Path(folder) / f"{name}.jsonl")
        excluded = exclusions.get(name, {})
        if name in chosen:
            faults += [f"{name}: {fault}" for fault in judge(client, results, excluded)]
        else:
            missing += [name] if not results else []
        passed = sum(result["passed"] for result in results)
        summary.append(f"| {client['title']} | {client['version']} | {passed} | {len(excluded)} | {len(results)} |")
        if results:
            sections.append(section(client, results, excluded))
        print(f"{name}: {passed} of {len(results)} passed, {len(excluded)} excluded")
    if missing:
        print(f"{report} stays as it is: there are no results of {', '.join(missing)} yet")
    else:
        apex = apex_section(Path(report))
        Path(report).write_text(HEAD + "\n".join(summary) + "\n\n" + "\n".join(sections) + apex)
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


main()
