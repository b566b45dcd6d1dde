// Verdicts on SOQL: the documents', the organisation's and those of parsers that were written elsewhere.
//
// Three kinds of cases:
// - `valid: …`, `malformed: …`, `refused: …`: our list, each query with the section that decides it
//   (`queries.json`). Malformed queries break the grammar; refused ones are well formed but not allowed.
// - `parser: …`: what a parser says of the grammar of the same queries. Where it differs from the document,
//   the difference must stand in `differences.json` with the document that decides against the parser.
// - `found in …`: queries that stand in the packages' own documentation, read at run time.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApexParserFactory, ThrowingErrorListener } from '@apexdevtools/apex-parser';
import { isQueryValid } from '@jetstreamapp/soql-parser-js';
import jsforce from 'jsforce';
import { assertion } from './assertion.mjs';
import { environment, testCase } from './cases.mjs';

const ORG = environment('ORG_URL');
const LISTS = environment('SOQL_LISTS');
const list = (name) => JSON.parse(readFileSync(join(LISTS, name), 'utf8'));

const conn = new jsforce.Connection({ loginUrl: ORG, version: '68.0' });
await conn.authorize({
  grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
  assertion: assertion({
    issuer: environment('JWT_CONSUMER_KEY'),
    subject: environment('ORG_ADMIN'),
    audience: ORG,
    keyFile: environment('JWT_PRIVATE_KEY'),
  }),
});

/** `valid`, or the code and message of the error. */
async function verdict(soql) {
  const url = `${ORG}/services/data/v68.0/query?q=${encodeURIComponent(soql)}`;
  const ask = () => fetch(url, { headers: { authorization: `Bearer ${conn.accessToken}` } });
  // An idle connection may be closed just as it is used again; a query can simply be asked once more.
  const response = await ask().catch(ask);
  const body = await response.json();
  if (response.ok) return { valid: true };
  return { valid: false, status: response.status, code: body[0].errorCode, message: body[0].message };
}

const parsers = {
  '@jetstreamapp/soql-parser-js': (soql) => isQueryValid(soql, { allowApexBindVariables: false }),
  '@apexdevtools/apex-parser': (soql) => {
    const parser = ApexParserFactory.createParser(soql);
    parser.removeErrorListeners();
    parser.addErrorListener(new ThrowingErrorListener());
    try {
      parser.query();
    } catch {
      return false;
    }
    const END_OF_INPUT = -1;
    return parser.getCurrentToken().type === END_OF_INPUT;
  },
};
const differences = list('differences.json');
const label = (soql) => JSON.stringify(soql).slice(1, -1) || '(empty)';

for (const { source, valid, malformed, refused } of list('queries.json')) {
  for (const soql of valid) {
    await testCase(`valid: ${label(soql)}`, async () => {
      const answer = await verdict(soql);
      assert.ok(answer.valid, `${source}: ${answer.code}: ${answer.message}`);
    });
  }
  for (const soql of malformed) {
    await testCase(`malformed: ${label(soql)}`, async () => {
      const answer = await verdict(soql);
      assert.equal(answer.valid, false, `${source}: accepted`);
      assert.equal(answer.status, 400);
      assert.match(answer.code, /^(MALFORMED_QUERY|INVALID_FIELD|INVALID_TYPE)$/);
    });
  }
  for (const soql of refused) {
    await testCase(`refused: ${label(soql)}`, async () => {
      const answer = await verdict(soql);
      assert.equal(answer.valid, false, `${source}: accepted`);
      assert.equal(answer.status, 400);
    });
  }
  for (const [name, accepts] of Object.entries(parsers)) {
    await testCase(`parser: ${name} agrees on ${source}`, async () => {
      const known = differences[name] ?? {};
      const surprises = [];
      for (const soql of [...valid, ...malformed]) {
        const differs = accepts(soql) !== valid.includes(soql);
        if (differs && !known[soql]) surprises.push(`${valid.includes(soql) ? 'refuses' : 'accepts'} ${soql}`);
        if (!differs && known[soql]) surprises.push(`no longer differs on ${soql}`);
      }
      assert.deepEqual(surprises, []);
    });
  }
}

// Queries in the packages' own documentation. They name objects that no organisation need have: what counts
// is whether the organisation calls them malformed.
const packages = join(import.meta.dirname, 'node_modules');
for (const file of ['@jetstreamapp/soql-parser-js/README.md', '@jetstreamapp/soql-parser-js/CHANGELOG.md']) {
  const text = readFileSync(join(packages, file), 'utf8');
  const found = new Set([...text.matchAll(/`(SELECT [^`]+? FROM [^`]+?)`/gi)].map(([, soql]) => soql.replaceAll('\\n', '\n')));
  const known = differences[file] ?? {};
  for (const soql of found) {
    await testCase(`found in ${file}: ${label(soql)}`, async () => {
      const answer = await verdict(soql);
      const wellFormed = answer.valid || answer.code !== 'MALFORMED_QUERY';
      const expected = known[soql] ? !isQueryValid(soql) : isQueryValid(soql);
      assert.equal(wellFormed, expected, `the parser says ${expected ? 'valid' : 'invalid'}: ${answer.code}: ${answer.message}`);
    });
  }
}
process.exit(0);
