// jsforce, driven as an application would drive it.
//
// What is expected comes from the Salesforce guides (REST API, Bulk API 2.0, Bulk API, OAuth), never from
// what the emulated organisation happens to answer.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import jsforce from 'jsforce';
import { assertion } from './assertion.mjs';
import { authorize } from './browser.mjs';
import { environment, testCase } from './cases.mjs';

const ORG = environment('ORG_URL');
const ADMIN = environment('ORG_ADMIN');
const WEB_APP = {
  clientId: environment('WEB_CONSUMER_KEY'),
  clientSecret: environment('WEB_CONSUMER_SECRET'),
  redirectUri: environment('WEB_CALLBACK'),
  loginUrl: ORG,
};
const ID = /^[a-zA-Z0-9]{18}$/;
const VERSION = '68.0';

const jwt = () =>
  assertion({
    issuer: environment('JWT_CONSUMER_KEY'),
    subject: ADMIN,
    audience: ORG,
    keyFile: environment('JWT_PRIVATE_KEY'),
  });
const grant = () => ({
  grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
  assertion: jwt(),
});
const emulator = async (path, body) => {
  const response = await fetch(`${ORG}/emulator/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body ?? {}),
  });
  if (!response.ok) throw new Error(`/emulator/${path} answered ${response.status}: ${await response.text()}`);
};
/** The error a call ends with. */
const failure = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('the call was expected to fail');
};
const ok = (results) => {
  for (const result of [results].flat()) assert.equal(result.success, true, JSON.stringify(result));
  return results;
};

const conn = new jsforce.Connection({ loginUrl: ORG, version: VERSION });

await testCase('authorize: JWT bearer grant', async () => {
  const user = await conn.authorize(grant());
  assert.match(user.id, /^005[a-zA-Z0-9]{15}$/);
  assert.match(user.organizationId, /^00D[a-zA-Z0-9]{15}$/);
  assert.equal(conn.instanceUrl, ORG);
  assert.match(conn.accessToken, /^00D[a-zA-Z0-9]{12,15}![.\w]+$/);
});
await testCase('identity: of the logged in user', async () => {
  const identity = await conn.identity();
  assert.equal(identity.username, ADMIN);
  assert.equal(identity.user_id, conn.userInfo.id);
  assert.equal(identity.organization_id, conn.userInfo.organizationId);
  assert.ok(identity.urls.rest.includes('/services/data/v'));
});
await testCase('limits: daily API requests', async () => {
  const limits = await conn.limits();
  assert.ok(limits.DailyApiRequests.Max > 0);
  assert.ok(limits.DailyApiRequests.Remaining <= limits.DailyApiRequests.Max);
  assert.ok(limits.DailyBulkV2QueryJobs.Max > 0);
});
await testCase('limitInfo: API usage is read from the answer header', async () => {
  await conn.query('SELECT Id FROM User LIMIT 1');
  const { used, limit } = conn.limitInfo.apiUsage;
  assert.ok(used > 0 && limit >= used);
});

// Describe
await testCase('describeGlobal: objects with their key prefixes', async () => {
  const { sobjects, encoding, maxBatchSize } = await conn.describeGlobal();
  assert.equal(encoding, 'UTF-8');
  assert.equal(maxBatchSize, 200);
  const account = sobjects.find((object) => object.name === 'Account');
  assert.equal(account.keyPrefix, '001');
  assert.equal(account.queryable, true);
  assert.ok(account.urls.describe.endsWith('/sobjects/Account/describe'));
});
await testCase('describe: fields, relationships and picklist values', async () => {
  const contact = await conn.sobject('Contact').describe();
  const field = (name) => contact.fields.find((candidate) => candidate.name === name);
  assert.equal(field('LastName').nillable, false);
  assert.deepEqual(field('AccountId').referenceTo, ['Account']);
  assert.equal(field('AccountId').relationshipName, 'Account');
  assert.equal(field('Email').type, 'email');
  assert.equal(field('MailingAddress').type, 'address');
  assert.ok(field('LeadSource').picklistValues.some(({ value }) => value === 'Web'));
  assert.equal(field('Partner_Id__c').externalId, true);
  const account = await conn.sobject('Account').describe();
  assert.ok(account.childRelationships.some((child) => child.relationshipName === 'Contacts'));
});
await testCase('describe$: is answered from the cache the second time', async () => {
  const lead = conn.sobject('Lead');
  const first = await lead.describe$();
  assert.equal(first.name, 'Lead');
  assert.equal(await lead.describe$(), first);
});
await testCase('describe: an unknown object is NOT_FOUND', async () => {
  assert.equal((await failure(conn.sobject('Nothing__c').describe())).errorCode, 'NOT_FOUND');
});

// Records
const accountId = await testCase('create: one record', async () => {
  const result = ok(await conn.sobject('Account').create({ Name: 'Conformance Ltd', NumberOfEmployees: 42 }));
  assert.match(result.id, /^001/);
  assert.match(result.id, ID);
  return result.id;
});
await testCase('retrieve: one record with all its fields', async () => {
  const account = await conn.sobject('Account').retrieve(accountId);
  assert.equal(account.Name, 'Conformance Ltd');
  assert.equal(account.NumberOfEmployees, 42);
  assert.equal(account.OwnerId, conn.userInfo.id);
  assert.equal(account.attributes.type, 'Account');
  assert.match(account.CreatedDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/);
});
await testCase('retrieve: chosen fields alone', async () => {
  const account = await conn.sobject('Account').retrieve(accountId, { fields: ['Name'] });
  const { attributes, ...fields } = account;
  assert.deepEqual(fields, { Name: 'Conformance Ltd', Id: accountId });
});
await testCase('update: one record', async () => {
  ok(await conn.sobject('Account').update({ Id: accountId, Name: 'Conformance AG', AnnualRevenue: 1250000 }));
  const account = await conn.sobject('Account').retrieve(accountId);
  assert.equal(account.Name, 'Conformance AG');
  assert.equal(account.AnnualRevenue, 1250000);
});
await testCase('update: null empties a field', async () => {
  ok(await conn.sobject('Account').update({ Id: accountId, NumberOfEmployees: null }));
  assert.equal((await conn.sobject('Account').retrieve(accountId)).NumberOfEmployees, null);
});
await testCase('create: a missing required field is REQUIRED_FIELD_MISSING', async () => {
  const error = await failure(conn.sobject('Contact').create({ FirstName: 'Nameless' }));
  assert.equal(error.errorCode, 'REQUIRED_FIELD_MISSING');
  assert.match(error.message, /LastName/);
});
await testCase('create: an unknown field is INVALID_FIELD', async () => {
  const error = await failure(conn.sobject('Contact').create({ LastName: 'X', Nothing__c: 1 }));
  assert.equal(error.errorCode, 'INVALID_FIELD');
});
await testCase('delete: one record, which then is gone', async () => {
  const { id } = ok(await conn.sobject('Lead').create({ LastName: 'Gone', Company: 'Gone Ltd' }));
  ok(await conn.sobject('Lead').delete(id));
  const error = await failure(conn.sobject('Lead').retrieve(id));
  assert.match(error.errorCode, /^(NOT_FOUND|ENTITY_IS_DELETED)$/);
});
await testCase('record: a reference reads, writes and deletes', async () => {
  const { id } = ok(await conn.sobject('Lead').create({ LastName: 'Referred', Company: 'Referred Ltd' }));
  const record = conn.sobject('Lead').record(id);
  ok(await record.update({ Company: 'Referred GmbH' }));
  assert.equal((await record.retrieve()).Company, 'Referred GmbH');
  ok(await record.destroy());
});

// Collections
let contacts = [];
await testCase('create: many records in one request', async () => {
  const rows = Array.from({ length: 12 }, (_, index) => ({
    FirstName: 'Row',
    LastName: `Collection ${String(index).padStart(2, '0')}`,
    AccountId: accountId,
    Email: `row${index}@collection.example`,
  }));
  const results = ok(await conn.sobject('Contact').create(rows));
  assert.equal(new Set(results.map(({ id }) => id)).size, 12);
  contacts = results.map(({ id }) => id);
});
await testCase('create: 450 records are sent in chunks of 200', async () => {
  const rows = Array.from({ length: 450 }, (_, index) => ({ LastName: `Bulky ${index}`, Company: 'Chunks' }));
  const results = ok(await conn.sobject('Lead').create(rows, { allowRecursive: true }));
  assert.equal(results.length, 450);
  const [{ expr0 }] = (await conn.query("SELECT COUNT(Id) FROM Lead WHERE Company = 'Chunks'")).records;
  assert.equal(expr0, 450);
});
await testCase('create: more than 200 records in one request are EXCEEDED_ID_LIMIT', async () => {
  const rows = Array.from({ length: 201 }, (_, index) => ({ LastName: `X ${index}`, Company: 'X' }));
  assert.match(String(await failure(conn.sobject('Lead').create(rows))), /EXCEEDED_ID_LIMIT/);
});
await testCase('retrieve: many records keep their order', async () => {
  const wanted = [contacts[3], contacts[1], contacts[2]];
  const rows = await conn.sobject('Contact').retrieve(wanted);
  assert.deepEqual(rows.map(({ Id }) => Id), wanted);
  assert.equal(rows[0].LastName, 'Collection 03');
});
await testCase('update: many records', async () => {
  const rows = contacts.map((Id, index) => ({ Id, Title: `Title ${index}` }));
  ok(await conn.sobject('Contact').update(rows));
  assert.equal((await conn.sobject('Contact').retrieve(contacts[7])).Title, 'Title 7');
});
await testCase('create: a part of a collection fails, the rest is saved', async () => {
  const results = await conn.sobject('Contact').create([{ LastName: 'Fine' }, { FirstName: 'Wrong' }]);
  assert.equal(results[0].success, true);
  assert.equal(results[1].success, false);
  assert.equal(results[1].errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
  assert.deepEqual(results[1].errors[0].fields, ['LastName']);
});
await testCase('create: allOrNone rolls the whole collection back', async () => {
  const rows = [{ LastName: 'Rolled back' }, { FirstName: 'Wrong' }];
  const results = await conn.sobject('Contact').create(rows, { allOrNone: true });
  assert.equal(results[0].success, false);
  assert.equal(results[0].errors[0].statusCode, 'ALL_OR_NONE_OPERATION_ROLLED_BACK');
  assert.equal(await conn.sobject('Contact').count({ LastName: 'Rolled back' }), 0);
});
await testCase('delete: many records', async () => {
  ok(await conn.sobject('Contact').destroy(contacts.slice(10)));
  assert.equal(await conn.sobject('Contact').count({ AccountId: accountId }), 10);
});

// Upsert
await testCase('upsert: an unknown key creates', async () => {
  const result = ok(await conn.sobject('Contact').upsert({ LastName: 'Upserted', Partner_Id__c: 'P-1' }, 'Partner_Id__c'));
  assert.match(result.id, /^003/);
  assert.equal(result.created, true);
});
await testCase('upsert: a known key updates', async () => {
  const result = ok(await conn.sobject('Contact').upsert({ LastName: 'Changed', Partner_Id__c: 'P-1' }, 'Partner_Id__c'));
  assert.notEqual(result.created, true);
  const found = await conn.sobject('Contact').find({ Partner_Id__c: 'P-1' }, ['LastName']);
  assert.deepEqual(found.map(({ LastName }) => LastName), ['Changed']);
});
await testCase('upsert: many records, some new and some known', async () => {
  const rows = ['P-1', 'P-2', 'P-3'].map((key) => ({ LastName: `Many ${key}`, Partner_Id__c: key }));
  const results = ok(await conn.sobject('Contact').upsert(rows, 'Partner_Id__c'));
  assert.equal(results.length, 3);
  assert.equal(await conn.sobject('Contact').count({ LastName: { $like: 'Many P-%' } }), 3);
});
await testCase('upsert: a parent is named by its external id', async () => {
  ok(await conn.sobject('Account').upsert({ Name: 'Parent by key', Partner_Id__c: 'A-1' }, 'Partner_Id__c'));
  const row = { LastName: 'Child by key', Partner_Id__c: 'P-4', Account: { Partner_Id__c: 'A-1' } };
  ok(await conn.sobject('Contact').upsert(row, 'Partner_Id__c'));
  const child = await conn.sobject('Contact').findOne({ Partner_Id__c: 'P-4' }, 'Id, Account.Name');
  assert.equal(child.Account.Name, 'Parent by key');
});

// Queries
await testCase('query: a page of records with attributes', async () => {
  const { totalSize, done, records } = await conn.query(`SELECT Id, Name FROM Contact WHERE AccountId = '${accountId}' ORDER BY Name`);
  assert.equal(totalSize, 10);
  assert.equal(done, true);
  assert.equal(records[0].Name, 'Row Collection 00');
  assert.equal(records[0].attributes.url, `/services/data/v${VERSION}/sobjects/Contact/${records[0].Id}`);
});
await testCase('queryMore: follows the locator of a page', async () => {
  const seen = [];
  const request = { method: 'GET', url: '/query?q=SELECT+Id+FROM+Lead', headers: { 'Sforce-Query-Options': 'batchSize=200' } };
  let page = await conn.request(request);
  const { totalSize } = page;
  assert.equal(page.records.length, 200);
  assert.match(page.nextRecordsUrl, /^\/services\/data\/v68\.0\/query\/.+-200$/);
  seen.push(...page.records);
  while (!page.done) {
    page = await conn.queryMore(page.nextRecordsUrl);
    seen.push(...page.records);
  }
  assert.equal(seen.length, totalSize);
  assert.equal(new Set(seen.map(({ Id }) => Id)).size, totalSize);
});
await testCase('query: autoFetch reads all pages', async () => {
  const { totalSize } = await conn.query('SELECT Id FROM Lead');
  const headers = { 'Sforce-Query-Options': 'batchSize=200' };
  const records = await conn.query('SELECT Id FROM Lead', { autoFetch: true, maxFetch: 5000, headers });
  assert.equal(records.records.length, totalSize);
});
await testCase('query: events are given as records arrive', async () => {
  const records = [];
  const query = conn.query('SELECT Id FROM Lead').on('record', (record) => records.push(record));
  await new Promise((resolve, reject) => {
    query.on('end', resolve).on('error', reject).run({ autoFetch: true, maxFetch: 5000 });
  });
  assert.equal(records.length, query.totalSize);
});
await testCase('query: maxFetch stops early', async () => {
  const query = conn.sobject('Lead').find({}, ['Id']).maxFetch(25).autoFetch(true);
  assert.equal((await query.execute()).length, 25);
});
await testCase('query: as a stream of CSV', async () => {
  const stream = conn.query(`SELECT LastName FROM Contact WHERE AccountId = '${accountId}'`).stream('csv');
  const text = Buffer.concat(await stream.toArray()).toString();
  const [head, ...rows] = text.trim().split('\n');
  assert.equal(head, 'LastName');
  assert.equal(rows.length, 10);
});
await testCase('find: conditions, sort, limit and skip', async () => {
  const rows = await conn
    .sobject('Contact')
    .find({ AccountId: accountId, LastName: { $like: 'Collection%' } }, ['LastName'])
    .sort({ LastName: -1 })
    .limit(3)
    .skip(2);
  assert.deepEqual(rows.map(({ LastName }) => LastName), ['Collection 07', 'Collection 06', 'Collection 05']);
});
await testCase('find: $in, $ne and $or', async () => {
  const rows = await conn
    .sobject('Contact')
    .find({ AccountId: accountId, $or: [{ LastName: { $in: ['Collection 01', 'Collection 02'] } }, { Title: 'Title 5' }], Title: { $ne: 'Title 1' } })
    .sort('LastName')
    .execute();
  assert.deepEqual(rows.map(({ LastName }) => LastName), ['Collection 02', 'Collection 05']);
});
await testCase('find: by date and time', async () => {
  const { SfDate } = jsforce;
  const count = await conn.sobject('Contact').count({ CreatedDate: { $gte: SfDate.toDateTimeLiteral(new Date(Date.now() - 3600e3)) }, AccountId: accountId });
  assert.equal(count, 10);
  assert.equal(await conn.sobject('Contact').count({ CreatedDate: SfDate.TOMORROW }), 0);
});
await testCase('findOne: nothing found is null', async () => {
  assert.equal(await conn.sobject('Contact').findOne({ LastName: 'Nobody at all' }), null);
});
await testCase('query: fields of the parent', async () => {
  const { records } = await conn.query(`SELECT LastName, Account.Name, Account.Owner.Username FROM Contact WHERE Id = '${contacts[0]}'`);
  assert.equal(records[0].Account.Name, 'Conformance AG');
  assert.equal(records[0].Account.Owner.Username, ADMIN);
  assert.equal(records[0].Account.attributes.type, 'Account');
});
await testCase('query: children of a record', async () => {
  const { records } = await conn.query(`SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName LIMIT 2) FROM Account WHERE Id = '${accountId}'`);
  assert.equal(records[0].Contacts.totalSize, 2);
  assert.equal(records[0].Contacts.done, true);
  assert.deepEqual(records[0].Contacts.records.map(({ LastName }) => LastName), ['Collection 00', 'Collection 01']);
});
await testCase('include: children through the query builder', async () => {
  const rows = await conn.sobject('Account').find({ Id: accountId }, 'Id, Name').include('Contacts').select('LastName').where({ Title: 'Title 4' }).end();
  assert.deepEqual(rows[0].Contacts.records.map(({ LastName }) => LastName), ['Collection 04']);
});
await testCase('query: COUNT()', async () => {
  assert.equal((await conn.query(`SELECT COUNT() FROM Contact WHERE AccountId = '${accountId}'`)).totalSize, 10);
});
await testCase('query: GROUP BY with aggregates and HAVING', async () => {
  const { records } = await conn.query("SELECT Company, COUNT(Id) total, MAX(LastName) FROM Lead GROUP BY Company HAVING COUNT(Id) > 400");
  assert.equal(records.length, 1);
  assert.equal(records[0].Company, 'Chunks');
  assert.equal(records[0].total, 450);
  assert.equal(records[0].expr0, 'Bulky 99');
  assert.equal(records[0].attributes.type, 'AggregateResult');
});
await testCase('query: semi-join', async () => {
  const { records } = await conn.query("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE LastName = 'Collection 03')");
  assert.deepEqual(records.map(({ Id }) => Id), [accountId]);
});
await testCase('query: a malformed query is MALFORMED_QUERY', async () => {
  assert.equal((await failure(conn.query('SELEC Id FROM Account'))).errorCode, 'MALFORMED_QUERY');
});
await testCase('query: an unknown field is INVALID_FIELD and shows the place', async () => {
  const error = await failure(conn.query('SELECT Id, Nothing__c FROM Account'));
  assert.equal(error.errorCode, 'INVALID_FIELD');
  assert.match(error.message, /ERROR at Row:1:Column:12\nNo such column 'Nothing__c' on entity 'Account'/);
});
await testCase('query: an unknown object is INVALID_TYPE', async () => {
  assert.equal((await failure(conn.query('SELECT Id FROM Nothing__c'))).errorCode, 'INVALID_TYPE');
});
await testCase('query: scanAll shows what lies in the recycle bin', async () => {
  const soql = "SELECT Id, IsDeleted FROM Lead WHERE LastName = 'Gone'";
  assert.equal((await conn.query(soql)).totalSize, 0);
  const { records } = await conn.query(soql, { scanAll: true });
  assert.deepEqual(records.map(({ IsDeleted }) => IsDeleted), [true]);
});
await testCase('find: destroy deletes what is found', async () => {
  const results = ok(await conn.sobject('Lead').find({ Company: 'Chunks', LastName: { $like: 'Bulky 44%' } }).destroy({ allowBulk: false }));
  assert.equal(results.length, 11);
});
await testCase('find: update changes what is found', async () => {
  const query = conn.sobject('Contact').find({ AccountId: accountId, Title: 'Title 3' });
  ok(await query.update({ Department: 'Dept. ${Title}' }, { allowBulk: false }));
  assert.equal((await conn.sobject('Contact').retrieve(contacts[3])).Department, 'Dept. Title 3');
});

// What changed: whole minutes that have passed, so the clock moves on first.
await emulator('clock', { advanceSeconds: 120 });
const window = () => [new Date(Date.now() - 30 * 60e3), new Date(Date.now() + 120e3)];
await testCase('updated: ids within a window', async () => {
  const { ids, latestDateCovered } = await conn.sobject('Contact').updated(...window());
  assert.ok(ids.includes(contacts[0]));
  assert.ok(latestDateCovered);
});
await testCase('deleted: ids within a window', async () => {
  const { deletedRecords } = await conn.sobject('Contact').deleted(...window());
  assert.deepEqual(deletedRecords.map(({ id }) => id).sort(), contacts.slice(10).sort());
});

// Composite requests, by the request function
await testCase('request: composite with a reference to an earlier result', async () => {
  const answer = await conn.requestPost('/composite', {
    allOrNone: true,
    compositeRequest: [
      { method: 'POST', url: `/services/data/v${VERSION}/sobjects/Account`, referenceId: 'parent', body: { Name: 'Composite' } },
      { method: 'POST', url: `/services/data/v${VERSION}/sobjects/Contact`, referenceId: 'child', body: { LastName: 'Of composite', AccountId: '@{parent.id}' } },
    ],
  });
  assert.deepEqual(answer.compositeResponse.map(({ httpStatusCode }) => httpStatusCode), [201, 201]);
  const child = await conn.sobject('Contact').retrieve(answer.compositeResponse[1].body.id);
  assert.equal(child.AccountId, answer.compositeResponse[0].body.id);
});
await testCase('request: composite batch', async () => {
  const answer = await conn.requestPost('/composite/batch', {
    batchRequests: [
      { method: 'GET', url: `v${VERSION}/sobjects/Account/${accountId}?fields=Name` },
      { method: 'GET', url: `v${VERSION}/sobjects/Account/001000000000000AAA` },
    ],
  });
  assert.equal(answer.hasErrors, true);
  assert.deepEqual(answer.results.map(({ statusCode }) => statusCode), [200, 404]);
  assert.equal(answer.results[0].result.Name, 'Conformance AG');
});
await testCase('request: composite tree', async () => {
  const answer = await conn.requestPost('/composite/tree/Account', {
    records: [{ attributes: { type: 'Account', referenceId: 'a' }, Name: 'Tree', Contacts: { records: [{ attributes: { type: 'Contact', referenceId: 'b' }, LastName: 'Leaf' }] } }],
  });
  assert.equal(answer.hasErrors, false);
  assert.deepEqual(answer.results.map(({ referenceId }) => referenceId), ['a', 'b']);
});

// Bulk API 2.0
conn.bulk2.pollInterval = 100;
conn.bulk2.pollTimeout = 30000;
let bulkIds = [];
await testCase('bulk2: insert and read the successful results', async () => {
  const rows = Array.from({ length: 30 }, (_, index) => ({ LastName: `Bulk2 "${index}", x`, Company: 'Bulk2 Ltd' }));
  const { successfulResults, failedResults, unprocessedRecords } = await conn.bulk2.loadAndWaitForResults({ object: 'Lead', operation: 'insert', input: rows });
  assert.equal(successfulResults.length, 30);
  assert.equal(failedResults.length, 0);
  assert.equal(unprocessedRecords.length, 0);
  assert.equal(successfulResults[0].sf__Created, 'true');
  assert.deepEqual(new Set(successfulResults.map(({ LastName }) => LastName)), new Set(rows.map(({ LastName }) => LastName)));
  bulkIds = successfulResults.map(({ sf__Id }) => sf__Id);
});
await testCase('bulk2: query reads what was written', async () => {
  const stream = await conn.bulk2.query("SELECT Id, LastName, Company FROM Lead WHERE Company = 'Bulk2 Ltd'");
  const rows = await stream.toArray();
  assert.deepEqual(rows.map(({ Id }) => Id).sort(), [...bulkIds].sort());
  assert.ok(rows.some(({ LastName }) => LastName === 'Bulk2 "7", x'));
});
await testCase('bulk2: query of deleted records with scanAll', async () => {
  const stream = await conn.bulk2.query("SELECT Id, IsDeleted FROM Lead WHERE LastName = 'Gone'", { scanAll: true });
  assert.deepEqual((await stream.toArray()).map(({ IsDeleted }) => IsDeleted), ['true']);
});
await testCase('bulk2: query job step by step', async () => {
  const job = conn.bulk2.job('query', { id: (await conn.requestPost('/jobs/query', { operation: 'query', query: "SELECT Id FROM Lead WHERE Company = 'Bulk2 Ltd'" })).id });
  await job.poll(100, 30000);
  const info = await job.check();
  assert.equal(info.state, 'JobComplete');
  assert.equal(info.numberRecordsProcessed, 30);
  assert.equal(info.object, 'Lead');
  await job.delete();
});
await testCase('bulk2: update from a stream of CSV', async () => {
  const csv = `Id,Title\n${bulkIds.map((id) => `${id},By stream`).join('\n')}\n`;
  const { successfulResults } = await conn.bulk2.loadAndWaitForResults({ object: 'Lead', operation: 'update', input: Readable.from([csv]) });
  assert.equal(successfulResults.length, 30);
  assert.equal(await conn.sobject('Lead').count({ Title: 'By stream' }), 30);
});
await testCase('bulk2: upsert by external id, some rows refused', async () => {
  const input = [{ LastName: 'Bulk P-1', Partner_Id__c: 'P-1' }, { LastName: 'Bulk P-9', Partner_Id__c: 'P-9' }, { LastName: '', Partner_Id__c: 'P-10' }];
  const { successfulResults, failedResults } = await conn.bulk2.loadAndWaitForResults({ object: 'Contact', operation: 'upsert', externalIdFieldName: 'Partner_Id__c', input });
  assert.deepEqual(Object.fromEntries(successfulResults.map((row) => [row.Partner_Id__c, row.sf__Created])), { 'P-1': 'false', 'P-9': 'true' });
  assert.equal(failedResults.length, 1);
  assert.match(failedResults[0].sf__Error, /^REQUIRED_FIELD_MISSING:/);
});
await testCase('bulk2: ingest job step by step, with CRLF and semicolons', async () => {
  const job = conn.bulk2.createJob({ object: 'Lead', operation: 'insert', lineEnding: 'CRLF', columnDelimiter: 'SEMICOLON' });
  await job.open();
  assert.equal(job.getInfo().state, 'Open');
  await job.uploadData('LastName;Company\r\nSemi;Bulk2 steps\r\n');
  await job.close();
  await job.poll(100, 30000);
  assert.equal((await job.check()).numberRecordsProcessed, 1);
  assert.match(await job.getSuccessfulResults(true), /sf__Id/);
  await job.delete();
  assert.equal(await conn.sobject('Lead').count({ Company: 'Bulk2 steps' }), 1);
});
await testCase('bulk2: abort leaves the records untouched', async () => {
  const job = conn.bulk2.createJob({ object: 'Lead', operation: 'insert' });
  await job.open();
  await job.uploadData([{ LastName: 'Aborted', Company: 'Aborted' }]);
  await job.abort();
  assert.equal((await job.check()).state, 'Aborted');
  assert.equal(await conn.sobject('Lead').count({ Company: 'Aborted' }), 0);
});
await testCase('bulk2: delete', async () => {
  const { successfulResults } = await conn.bulk2.loadAndWaitForResults({ object: 'Lead', operation: 'delete', input: bulkIds.map((Id) => ({ Id })) });
  assert.equal(successfulResults.length, 30);
  assert.equal(await conn.sobject('Lead').count({ Company: 'Bulk2 Ltd' }), 0);
});
await testCase('bulk2: a query that is malformed is refused', async () => {
  assert.ok(await failure(conn.bulk2.query('SELECT Id, Nothing__c FROM Lead').then((stream) => stream.toArray())));
});

// Bulk API, the first
conn.bulk.pollInterval = 100;
conn.bulk.pollTimeout = 30000;
let bulk1Ids = [];
await testCase('bulk: insert', async () => {
  const rows = Array.from({ length: 5 }, (_, index) => ({ LastName: `Bulk1 ${index}`, Company: 'Bulk1 Ltd' }));
  const results = ok(await conn.bulk.load('Lead', 'insert', rows));
  bulk1Ids = results.map(({ id }) => id);
  assert.equal(bulk1Ids.length, 5);
});
await testCase('bulk: query', async () => {
  const rows = await (await conn.bulk.query("SELECT Id, LastName FROM Lead WHERE Company = 'Bulk1 Ltd'")).toArray();
  assert.deepEqual(rows.map(({ Id }) => Id).sort(), [...bulk1Ids].sort());
});
await testCase('bulk: update', async () => {
  ok(await conn.bulk.load('Lead', 'update', bulk1Ids.map((Id) => ({ Id, Title: 'Bulk1' }))));
  assert.equal(await conn.sobject('Lead').count({ Title: 'Bulk1' }), 5);
});
await testCase('bulk: upsert', async () => {
  ok(await conn.bulk.load('Contact', 'upsert', { extIdField: 'Partner_Id__c' }, [{ LastName: 'Bulk1 upsert', Partner_Id__c: 'B-1' }]));
  assert.equal(await conn.sobject('Contact').count({ Partner_Id__c: 'B-1' }), 1);
});
await testCase('bulk: delete', async () => {
  ok(await conn.bulk.load('Lead', 'delete', bulk1Ids.map((Id) => ({ Id }))));
  assert.equal(await conn.sobject('Lead').count({ Company: 'Bulk1 Ltd' }), 0);
});

// Sessions
await testCase('session: one that ends in the middle of a run is renewed by the refresh function', async () => {
  let renewals = 0;
  const renewing = new jsforce.Connection({
    instanceUrl: ORG,
    accessToken: conn.accessToken,
    version: VERSION,
    refreshFn: async (_, done) => {
      renewals += 1;
      const token = await conn.oauth2.requestToken(grant());
      done(null, token.access_token, token);
    },
  });
  await renewing.query('SELECT Id FROM User LIMIT 1');
  await emulator('tokens/expire');
  assert.equal((await renewing.query('SELECT Id FROM User LIMIT 1')).totalSize, 1);
  assert.equal(renewals, 1);
});
await testCase('session: without a way to renew it is INVALID_SESSION_ID', async () => {
  const error = await failure(conn.query('SELECT Id FROM User LIMIT 1'));
  assert.equal(error.errorCode, 'INVALID_SESSION_ID');
  assert.equal(error.message, 'Session expired or invalid');
  await conn.authorize(grant());
});

// OAuth 2.0
const connected = { oauth2: undefined, web: undefined, rotated: undefined };
await testCase('oauth2: web server flow with PKCE', async () => {
  const oauth2 = new jsforce.OAuth2({ ...WEB_APP, useVerifier: true });
  const address = oauth2.getAuthorizationUrl({ scope: 'api refresh_token id', state: 'st&te' });
  assert.match(address, /code_challenge=/);
  const back = await authorize(address, { username: ADMIN, password: environment('ORG_PASSWORD'), callback: WEB_APP.redirectUri });
  assert.equal(back.searchParams.get('state'), 'st&te');
  const web = new jsforce.Connection({ oauth2, version: VERSION });
  const user = await web.authorize(back.searchParams.get('code'));
  assert.equal(user.id, conn.userInfo.id);
  assert.ok(web.refreshToken);
  assert.equal((await web.identity()).username, ADMIN);
  Object.assign(connected, { oauth2, web });
});
await testCase('oauth2: a code serves once', async () => {
  const oauth2 = new jsforce.OAuth2({ ...WEB_APP, useVerifier: true });
  const back = await authorize(oauth2.getAuthorizationUrl({ scope: 'api refresh_token' }), { username: ADMIN, password: environment('ORG_PASSWORD'), callback: WEB_APP.redirectUri });
  const code = back.searchParams.get('code');
  assert.ok((await oauth2.requestToken(code)).access_token);
  assert.equal((await failure(oauth2.requestToken(code))).name, 'invalid_grant');
});
await testCase('oauth2: a wrong verifier is refused', async () => {
  const oauth2 = new jsforce.OAuth2({ ...WEB_APP, useVerifier: true });
  const back = await authorize(oauth2.getAuthorizationUrl({ scope: 'api' }), { username: ADMIN, password: environment('ORG_PASSWORD'), callback: WEB_APP.redirectUri });
  oauth2.codeVerifier = 'x'.repeat(64);
  assert.equal((await failure(oauth2.requestToken(back.searchParams.get('code')))).name, 'invalid_grant');
});
await testCase('oauth2: access denied comes back to the application', async () => {
  const oauth2 = new jsforce.OAuth2({ ...WEB_APP, useVerifier: true });
  const address = oauth2.getAuthorizationUrl({ scope: 'api', prompt: 'login consent' });
  const back = await authorize(address, { username: ADMIN, password: environment('ORG_PASSWORD'), callback: WEB_APP.redirectUri, decide: 'deny' });
  assert.equal(back.searchParams.get('error'), 'access_denied');
});
await testCase('oauth2: a session that ends is refreshed, and the refresh token rotates', async () => {
  const { web } = connected;
  const before = web.refreshToken;
  let renewed;
  web.on('refresh', (accessToken, token) => (renewed = token));
  await emulator('tokens/expire');
  assert.equal((await web.query('SELECT Id FROM User LIMIT 1')).totalSize, 1);
  assert.ok(renewed.access_token);
  assert.ok(renewed.refresh_token);
  assert.notEqual(renewed.refresh_token, before);
  connected.rotated = { old: before, token: renewed };
});
await testCase('oauth2: a rotated refresh token that is used again revokes the grant', async () => {
  const { oauth2, rotated } = connected;
  assert.equal((await failure(oauth2.refreshToken(rotated.old))).name, 'invalid_grant');
  assert.equal((await failure(oauth2.refreshToken(rotated.token.refresh_token))).name, 'invalid_grant');
});
await testCase('oauth2: username and password are refused', async () => {
  const error = await failure(new jsforce.OAuth2(WEB_APP).authenticate(ADMIN, environment('ORG_PASSWORD')));
  assert.match(error.name, /^(invalid_grant|unsupported_grant_type)$/);
});
await testCase('oauth2: an unknown refresh token is "expired access/refresh token"', async () => {
  const error = await failure(new jsforce.OAuth2(WEB_APP).refreshToken('5Aep861nothing'));
  assert.equal(error.name, 'invalid_grant');
  assert.equal(error.message, 'expired access/refresh token');
});
await testCase('logout: revokes the session', async () => {
  const leaving = new jsforce.Connection({ loginUrl: ORG, version: VERSION });
  await leaving.authorize(grant());
  const token = leaving.accessToken;
  await leaving.logout();
  const after = new jsforce.Connection({ instanceUrl: ORG, accessToken: token, version: VERSION });
  assert.equal((await failure(after.query('SELECT Id FROM User LIMIT 1'))).errorCode, 'INVALID_SESSION_ID');
});
process.exit(0);
