"use strict";

// Everything that comes from the org goes into the page as text, never as markup.

const byId = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");

function element(name, options, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(options || {})) {
    if (key === "class") made.className = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

async function read(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function turn(path, method, body) {
  const options = { method };
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(path, options).catch(() => {
    throw new Error("the org does not answer");
  });
  if (!answer.ok) {
    const errors = await answer.json().catch(() => []);
    throw new Error(Array.isArray(errors) && errors[0] ? errors[0].message : `${answer.status}`);
  }
}

function reachable(error) {
  const told = byId("unreachable");
  told.hidden = !error;
  told.textContent = error ? `The org does not answer (${error.message}). What is shown may be old.` : "";
}

// The org, its limits and its users

const LIMITS = {
  DailyApiRequests: "API requests, 24 h",
  DailyBulkApiBatches: "Bulk batches, 24 h",
  DailyBulkV2IngestRecords: "Bulk 2.0 ingest rows, 24 h",
  DailyBulkV2QueryJobs: "Bulk 2.0 query jobs, 24 h",
  DailyBulkV2QueryFileStorageMB: "Bulk 2.0 results in MB, 24 h",
};

async function showOrg() {
  const org = await read("/emulator/org");
  document.title = `${org.name} – emulated org`;
  byId("org-name").textContent = org.name || "Unnamed org";
  const [first, last] = org.apiVersions;
  const facts = [
    ["Edition", org.isSandbox ? `${org.edition}, sandbox` : org.edition],
    ["Organization id", org.id],
    ["Org clock (UTC)", moment(org.now)],
    ["API versions", `${first}.0 to ${last}.0`],
    ["My Domain", org.instanceUrl],
  ];
  byId("org-facts").replaceChildren(...facts.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value))));

  const versions = byId("api-version");
  if (!versions.options.length) {
    for (let version = last; version >= first; version -= 1) {
      versions.append(element("option", { value: `v${version}.0` }, `${version}.0`));
    }
  }
  const shown = org.allocations
    .filter((allocation) => LIMITS[allocation.name])
    .map(({ name, used, maximum }) => [LIMITS[name], used, maximum]);
  const long = org.concurrentLongRequests;
  shown.splice(1, 0, ["Requests of 20 s or longer at once", long.used, long.maximum]);
  byId("limits").replaceChildren(...shown.map(([name, used, maximum]) =>
    element("div", { class: "limit" },
      element("span", {}, name),
      element("span", { class: "number" }, `${number.format(used)} of ${number.format(maximum)}`),
      element("meter", { min: 0, max: Math.max(maximum, 1), value: used, high: maximum * 0.9, "aria-label": name }))));
}

async function showUsers() {
  const users = await read("/emulator/users");
  const select = byId("as-user");
  const chosen = select.value;
  select.replaceChildren(...users.filter((user) => user.isActive).map((user) =>
    element("option", { value: user.username }, user.name ? `${user.username} (${user.name})` : user.username)));
  if (chosen) select.value = chosen;
}

function moment(text) {
  return new Date(text).toISOString().replace("T", " ").slice(0, 19);
}

// Objects

let objects = [];
const sorting = { key: "name", descending: false };

async function loadObjects() {
  objects = await read("/emulator/objects");
  showObjects();
}

function showObjects() {
  const wanted = byId("objects-filter").value.trim().toLowerCase();
  const filledOnly = byId("objects-filled").checked;
  const shown = objects
    .filter((object) => object.name.toLowerCase().includes(wanted) || object.label.toLowerCase().includes(wanted))
    .filter((object) => !filledOnly || object.records + object.deleted > 0);
  const { key, descending } = sorting;
  shown.sort((one, other) => {
    const order = key === "name" ? 0 : one[key] - other[key];
    const decided = order || one.name.localeCompare(other.name) * (key !== "name" && descending ? -1 : 1);
    return descending ? -decided : decided;
  });
  const rows = shown.map((object) => element("tr", {},
    element("td", {}, element("span", {}, object.name), " ",
      element("span", { class: "soft" }, object.label === object.name ? "" : object.label)),
    count(object.records), count(object.deleted)));
  fill("objects", rows, objects.length ? "No object fits the filter." : "The org has no objects.");
}

const count = (value) => element("td", { class: value ? "number" : "number none" }, number.format(value));

function fill(table, rows, empty) {
  const body = document.querySelector(`#${table} tbody`);
  if (rows.length) {
    body.replaceChildren(...rows);
    return;
  }
  const columns = document.querySelectorAll(`#${table} thead th`).length;
  body.replaceChildren(element("tr", {},
    element("td", { colspan: columns }, element("p", { class: "empty" }, empty))));
}

function sortObjects(event) {
  const button = event.target.closest("button[data-sort]");
  if (!button) return;
  const key = button.dataset.sort;
  sorting.descending = sorting.key === key ? !sorting.descending : key !== "name";
  sorting.key = key;
  for (const header of document.querySelectorAll("#objects th")) header.removeAttribute("aria-sort");
  button.parentElement.setAttribute("aria-sort", sorting.descending ? "descending" : "ascending");
  showObjects();
}

// Queries: as a client sends them, with a session of the chosen user

const sessions = new Map();
let pages = null;

async function token(username) {
  if (!sessions.has(username)) {
    const answer = await fetch("/emulator/tokens", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ username }),
    });
    const body = await answer.json();
    if (!answer.ok) throw refusal(answer.status, body);
    sessions.set(username, body.access_token);
  }
  return sessions.get(username);
}

async function ask(username, path, again = true) {
  const begun = performance.now();
  const session = await token(username);
  const answer = await fetch(path, { headers: { Authorization: `Bearer ${session}` }, cache: "no-store" });
  const body = await answer.json().catch(() => null);
  if (answer.status === 401 && again) {
    sessions.delete(username);
    return ask(username, path, false);
  }
  if (!answer.ok) throw refusal(answer.status, body);
  return { body, milliseconds: performance.now() - begun };
}

function refusal(status, body) {
  const error = new Error("refused");
  error.status = status;
  error.errors = Array.isArray(body) ? body : [];
  return error;
}

async function runQuery(event) {
  if (event) event.preventDefault();
  const soql = byId("soql").value;
  const resource = byId("with-deleted").checked ? "queryAll" : "query";
  pages = { username: byId("as-user").value, at: 0, starts: [0], rows: 0, links: [] };
  pages.links.push(`/services/data/${byId("api-version").value}/${resource}?q=${encodeURIComponent(soql)}`);
  await showPage(0);
}

async function showPage(at) {
  const target = byId("query-result");
  const button = byId("run");
  button.disabled = true;
  button.textContent = "Running…";
  target.setAttribute("aria-busy", "true");
  try {
    const { body, milliseconds } = await ask(pages.username, pages.links[at]);
    pages.at = at;
    pages.links.length = at + 1;
    if (body.nextRecordsUrl) pages.links.push(body.nextRecordsUrl);
    pages.starts[at + 1] = pages.starts[at] + body.records.length;
    target.replaceChildren(...result(body, milliseconds));
  } catch (error) {
    target.replaceChildren(problem(error));
  } finally {
    target.removeAttribute("aria-busy");
    button.disabled = false;
    button.textContent = "Run query";
    refresh();
  }
}

function problem(error) {
  if (error.status === undefined) return element("div", { class: "problem" }, `The org does not answer: ${error.message}`);
  const box = element("div", { class: "problem" });
  if (!error.errors.length) box.append(`${error.status}, without an error that can be read`);
  for (const { errorCode, message } of error.errors) {
    box.append(element("strong", {}, `${error.status} ${errorCode}`));
    const lines = message.replace(/^\n/, "").split("\n");
    const place = lines.findIndex((line) => line.startsWith("ERROR at Row"));
    // The caret stands below its place only in a fixed pitch, with every blank kept.
    if (place >= 0) box.append(element("pre", {}, lines.splice(0, place + 1).join("\n")));
    box.append(element("p", {}, lines.join("\n")));
  }
  return box;
}

function result(body, milliseconds) {
  const { at, starts, links } = pages;
  const first = starts[at] + 1;
  const last = starts[at] + body.records.length;
  const range = body.records.length ? `Rows ${number.format(first)} to ${number.format(last)} of ` : "";
  const told = element("span", {}, range, element("strong", {}, number.format(body.totalSize)),
    body.records.length ? "" : " rows", ` in ${number.format(Math.round(milliseconds))} ms`);
  const bar = element("div", { class: "summary" }, told);
  if (links.length > 1) {
    bar.append(pageButton("Previous page", at - 1, at > 0), pageButton("Next page", at + 1, Boolean(links[at + 1])));
  }
  if (!body.records.length) {
    const nothing = body.totalSize ? "The query only counts." : "No record fits.";
    return [bar, element("div", { class: "scroll" }, element("p", { class: "empty" }, nothing))];
  }
  const rows = body.records.map((record) => flatten(record, ""));
  const named = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  // A parent that one record lacks is null where the others have the parent's fields.
  const columns = named.filter((column) => !named.some((other) => other.startsWith(`${column}.`)));
  const head = element("tr", {}, ...columns.map((column) => element("th", { scope: "col" }, column)));
  const lines = rows.map((row) => element("tr", {}, ...columns.map((column) => cell(held(row, column)))));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines));
  return [bar, element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Result of the query" }, table)];
}

function held(row, column) {
  if (row.has(column)) return row.get(column);
  const parents = column.split(".").map((_, at, parts) => parts.slice(0, at).join("."));
  return parents.some((parent) => row.get(parent) === null) ? null : undefined;
}

function pageButton(text, at, works) {
  const button = element("button", { type: "button", class: "plain" }, text);
  button.disabled = !works;
  button.addEventListener("click", async () => {
    await showPage(at);
    // The button went with its page; who pages by keyboard goes on from the same one, or from the rows.
    const same = [...document.querySelectorAll("#query-result .summary button")].find((other) => other.textContent === text && !other.disabled);
    (same || document.querySelector("#query-result .scroll"))?.focus();
  });
  return button;
}

function flatten(record, prefix) {
  const cells = new Map();
  for (const [name, value] of Object.entries(record)) {
    if (name === "attributes") continue;
    if (value && typeof value === "object" && !Array.isArray(value) && !Array.isArray(value.records)) {
      for (const [inner, held] of flatten(value, `${prefix}${name}.`)) cells.set(inner, held);
    } else {
      cells.set(prefix + name, value);
    }
  }
  return cells;
}

function cell(value) {
  if (value === null || value === undefined) return element("td", { class: "none" }, value === null ? "null" : "");
  if (Array.isArray(value.records)) {
    const named = value.records.slice(0, 3).map((record) =>
      [...flatten(record, "").values()].map((held) => (held === null ? "null" : String(held))).join(" "));
    const more = value.totalSize > named.length ? ` … (${number.format(value.totalSize)})` : "";
    return element("td", { class: "value" }, named.join("; ") + more);
  }
  const text = String(value);
  if (typeof value === "number") return element("td", { class: "number" }, text);
  return element("td", { class: /^[0-9A-Za-z]{18}$/.test(text) || /^\d{4}-\d\d-\d\d/.test(text) ? "still" : "value" }, text);
}

// Requests

let requests = [];

async function loadRequests() {
  const log = await read("/emulator/requests?last=500");
  requests = log.latest.reverse();
  byId("requests-total").textContent = `${number.format(log.total)} so far`;
  showRequests();
}

function showRequests() {
  const wanted = byId("requests-filter").value.trim().toLowerCase();
  const failedOnly = byId("requests-failed").checked;
  const failed = (request) => request.status === 0 || request.status >= 400;
  const shown = requests
    .filter((request) => !failedOnly || failed(request))
    .filter((request) => `${request.method} ${decoded(request.uri)} ${request.status} ${request.client || ""}`.toLowerCase().includes(wanted))
    .slice(0, 200);
  fill("requests", shown.map((request) => element("tr", failed(request) ? { class: "failed" } : {},
    element("td", { class: "still" }, moment(request.at).slice(11)),
    element("td", { class: "mono" }, request.method),
    element("td", { class: "path" }, decoded(request.uri)),
    element("td", { class: "status" }, request.status === 0 ? "cut" : String(request.status)),
    element("td", { class: "number" }, duration(request.microseconds)),
    count(request.apiCalls),
    element("td", { class: "soft" }, request.client || ""))),
  requests.length ? "No request fits the filter." : "Nobody has asked this org anything yet.");
}

function decoded(uri) {
  try {
    return decodeURIComponent(uri.replaceAll("+", " "));
  } catch {
    return uri;
  }
}

function duration(microseconds) {
  if (microseconds < 10000) return `${(microseconds / 1000).toFixed(1)} ms`;
  if (microseconds < 1e6) return `${Math.round(microseconds / 1000)} ms`;
  return `${(microseconds / 1e6).toFixed(1)} s`;
}

// Faults

async function showFaults() {
  const { active, chaos, lockedRows } = await read("/emulator/faults");
  const told = [];
  if (active.lateCommits) told.push(`Late commits: ${active.lateCommits.percent} % of deeds, ${active.lateCommits.milliseconds} ms late, seed ${active.lateCommits.seed}`);
  if (active.chaos) {
    const kinds = active.chaos.kinds.length === 9 ? "all kinds" : active.chaos.kinds.join(", ");
    const client = active.chaos.client ? `, client ${active.chaos.client} only` : "";
    told.push(`Chaos: ${active.chaos.percent} % of answers, ${kinds}${client}, seed ${active.chaos.seed}`);
  }
  if (active.lockedRows) told.push(`Locked rows: ${active.lockedRows.percent} % of rows, seed ${active.lockedRows.seed}`);
  for (const { requests: left, status, code } of active.answerNext) told.push(`Canned error: ${status} ${code} for ${left} more`);
  if (active.delayMilliseconds) told.push(`Every request waits ${active.delayMilliseconds} ms`);
  if (active.cutAfterNextWrites) told.push(`Answers of writes to be lost: ${active.cutAfterNextWrites}`);
  if (active.cutNextResultPages) told.push(`Result pages to be cut: ${active.cutNextResultPages}`);
  if (active.longRequests) told.push(`Long requests of other clients under way: ${active.longRequests}`);
  if (active.holdLocksMilliseconds) told.push(`Locks are held for ${active.holdLocksMilliseconds} ms`);
  const happened = Object.entries(chaos).map(([kind, times]) => `${kind} ${number.format(times)}`);
  if (lockedRows) happened.push(`locked rows ${number.format(lockedRows)}`);
  const parts = [told.length
    ? element("ul", {}, ...told.map((text) => element("li", {}, text)))
    : element("p", {}, "No fault is active.")];
  if (happened.length) parts.push(element("p", {}, `Gone wrong so far: ${happened.join(", ")}`));
  byId("faults-active").replaceChildren(...parts);
}

const KNOBS = {
  lateCommits: (form) => ["/emulator/faults", { lateCommits: numbers(form) }, "Late commits are set."],
  chaos: (form) => {
    const { kind, client, ...counts } = fields(form);
    const chaos = { percent: Number(counts.percent), seed: Number(counts.seed) };
    if (kind) chaos.kinds = [kind];
    if (client) chaos.client = client;
    return ["/emulator/faults", { chaos }, "Chaos is set."];
  },
  lockedRows: (form) => ["/emulator/faults", { lockedRows: numbers(form) }, "Locked rows are set."],
  answerNext: (form) => {
    const { code, requests: times, status } = fields(form);
    return ["/emulator/faults", { answerNext: { requests: Number(times), status: Number(status), code } }, "The errors wait for requests."];
  },
  slow: (form) => ["/emulator/faults", numbers(form), "Slow and lost answers are set."],
  held: (form) => ["/emulator/faults", numbers(form), "Other clients are set."],
  clock: (form) => {
    const { amount, unit } = numbers(form);
    return ["/emulator/clock", { advanceSeconds: amount * unit }, "The clock has moved."];
  },
  sessions: () => ["/emulator/tokens/expire", undefined, "All sessions have ended."],
};

const fields = (form) => Object.fromEntries(new FormData(form));
const numbers = (form) => Object.fromEntries(Object.entries(fields(form)).map(([name, value]) => [name, Number(value)]));

async function turnKnob(event) {
  const form = event.target.closest("form[data-knob]");
  if (!form) return;
  event.preventDefault();
  const [path, body, done] = KNOBS[form.dataset.knob](form);
  await told(turn(path, "POST", body), done);
}

async function told(work, done) {
  const line = byId("faults-told");
  try {
    await work;
    line.className = "";
    line.textContent = done;
  } catch (error) {
    line.className = "bad";
    line.textContent = `Not done: ${error.message}`;
  }
  refresh();
}

// The whole page

let refreshing = false;

async function refresh() {
  if (refreshing) return;
  refreshing = true;
  try {
    await Promise.all([showOrg(), loadRequests(), showFaults(), loadObjects()]);
    reachable(null);
  } catch (error) {
    reachable(error);
  } finally {
    refreshing = false;
  }
}

async function begin() {
  byId("query-form").addEventListener("submit", runQuery);
  byId("soql").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) runQuery(event);
  });
  document.querySelector("#objects thead").addEventListener("click", sortObjects);
  for (const id of ["objects-filter", "objects-filled"]) byId(id).addEventListener("input", showObjects);
  for (const id of ["requests-filter", "requests-failed"]) byId(id).addEventListener("input", showRequests);
  byId("requests-clear").addEventListener("click", async () => {
    await turn("/emulator/requests", "DELETE").catch(reachable);
    refresh();
  });
  byId("faults-reset").addEventListener("click", () => told(turn("/emulator/faults", "DELETE"), "All faults have ended."));
  document.querySelector(".knobs").addEventListener("submit", turnKnob);

  await Promise.all([refresh(), showUsers().catch(reachable)]);
  const asked = new URLSearchParams(location.search);
  if (asked.has("as")) byId("as-user").value = asked.get("as");
  if (asked.has("soql")) {
    byId("soql").value = asked.get("soql");
    await runQuery();
  }
  setInterval(() => {
    if (byId("requests-live").checked && !document.hidden) refresh();
  }, 2000);
}

begin();
