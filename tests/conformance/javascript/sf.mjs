// The Salesforce CLI, run as a person would run it: every case is a command, judged by its JSON answer and
// by what a second command then finds.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { environment, testCase } from './cases.mjs';

const ORG = environment('ORG_URL');
const ADMIN = environment('ORG_ADMIN');
const home = mkdtempSync(join(tmpdir(), 'conformance-sf-'));
writeFileSync(join(home, 'sfdx-project.json'), '{"packageDirectories":[{"path":"force-app","default":true}],"sourceApiVersion":"68.0"}');

const surroundings = {
  PATH: process.env.PATH,
  HOME: home,
  SF_DISABLE_TELEMETRY: 'true',
  SF_AUTOUPDATE_DISABLE: 'true',
  SF_SKIP_NEW_VERSION_CHECK: 'true',
  SF_DISABLE_LOG_FILE: 'true',
  SF_USE_GENERIC_UNIX_KEYCHAIN: 'true',
  SF_DISABLE_DNS_CHECK: 'true',
  // Polling with the default interval of five seconds would be most of the run.
  SF_BULK_POLL_INTERVAL: '100',
};

/** Runs a command, answers its exit code and what it printed. */
function run(args, extra = {}) {
  return new Promise((resolve) => {
    const options = { cwd: home, env: { ...surroundings, ...extra }, maxBuffer: 64 << 20, timeout: 110_000 };
    execFile(process.execPath, [environment('SF_BINARY'), ...args], options, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

/** The result of a command that succeeds. */
async function sf(command, ...args) {
  const { code, stdout, stderr } = await run([...command.split(' '), ...args, '--json']);
  let answer;
  try {
    answer = JSON.parse(stdout);
  } catch {
    throw new Error(`${command} printed no JSON: ${stdout.slice(0, 200)} ${stderr.slice(0, 300)}`);
  }
  if (answer.status !== 0) throw new Error(`${answer.name}: ${answer.message}`);
  assert.equal(code, 0);
  return answer.result;
}

/** The error of a command that fails. */
async function failure(command, ...args) {
  const { stdout } = await run([...command.split(' '), ...args, '--json']);
  const answer = JSON.parse(stdout);
  assert.notEqual(answer.status, 0, 'the command was expected to fail');
  return answer;
}

const org = ['--target-org', 'conformance'];
const count = async (where) => (await sf('data query', ...org, '--query', `SELECT Id FROM Lead WHERE ${where}`)).totalSize;
const csv = (name, lines) => {
  const path = join(home, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
};

// Logins
await testCase('org login jwt', async () => {
  const result = await sf('org login jwt', '--client-id', environment('JWT_CONSUMER_KEY'), '--jwt-key-file', environment('JWT_PRIVATE_KEY'), '--username', ADMIN, '--instance-url', ORG, '--alias', 'conformance', '--set-default');
  assert.equal(result.username, ADMIN);
  assert.match(result.orgId, /^00D[a-zA-Z0-9]{15}$/);
  assert.equal(result.instanceUrl, ORG);
});
await testCase('org login jwt: an unknown user is refused', async () => {
  const error = await failure('org login jwt', '--client-id', environment('JWT_CONSUMER_KEY'), '--jwt-key-file', environment('JWT_PRIVATE_KEY'), '--username', 'nobody@northwind.example', '--instance-url', ORG);
  assert.match(error.message, /user hasn't approved this consumer/);
});
await testCase('org display', async () => {
  const result = await sf('org display', ...org);
  assert.equal(result.username, ADMIN);
  assert.equal(result.connectedStatus, 'Connected');
  assert.equal(result.apiVersion, '68.0');
});
await testCase('org login access-token', async () => {
  // In a home of its own: the same user's login by JWT would be replaced, and a bare token cannot be renewed.
  const other = { HOME: mkdtempSync(join(home, 'other-')), SF_ACCESS_TOKEN: await jwtToken() };
  const login = await run(['org', 'login', 'access-token', '--instance-url', ORG, '--no-prompt', '--alias', 'bytoken', '--json'], other);
  const { status, message, result } = JSON.parse(login.stdout);
  assert.equal(status, 0, message);
  assert.equal(result.username, ADMIN);
  const query = await run(['data', 'query', '--target-org', 'bytoken', '--query', 'SELECT Id FROM User LIMIT 1', '--json'], other);
  assert.equal(JSON.parse(query.stdout).result.totalSize, 1);
});
await testCase('org list', async () => {
  const { other = [], nonScratchOrgs = [] } = await sf('org list');
  assert.ok([...other, ...nonScratchOrgs].some(({ username, connectedStatus }) => username === ADMIN && connectedStatus === 'Connected'));
});
await testCase('org list limits', async () => {
  const limits = await sf('org list limits', ...org);
  const daily = limits.find(({ name }) => name === 'DailyApiRequests');
  assert.ok(daily.max > 0 && daily.remaining <= daily.max);
});
await testCase('org list sobject record-counts', async () => {
  const counts = await sf('org list sobject record-counts', ...org, '--sobject', 'Account', '--sobject', 'Contact');
  assert.deepEqual(counts.map(({ name }) => name).sort(), ['Account', 'Contact']);
  assert.ok(counts.every(({ count: records }) => records > 0));
});
await testCase('org open --url-only', async () => {
  const { url, username } = await sf('org open', ...org, '--url-only');
  assert.equal(username, ADMIN);
  assert.ok(url.startsWith(ORG));
});

// Describe
await testCase('sobject list', async () => {
  const names = await sf('sobject list', ...org, '--sobject', 'all');
  assert.ok(names.includes('Account') && names.includes('Contact'));
});
await testCase('sobject describe', async () => {
  const contact = await sf('sobject describe', ...org, '--sobject', 'Contact');
  assert.equal(contact.keyPrefix, '003');
  assert.ok(contact.fields.some(({ name, externalId }) => name === 'Partner_Id__c' && externalId));
});

// Records
const accountId = await testCase('data create record', async () => {
  const { id, success } = await sf('data create record', ...org, '--sobject', 'Account', '--values', "Name='By the CLI' NumberOfEmployees=7");
  assert.equal(success, true);
  assert.match(id, /^001[a-zA-Z0-9]{15}$/);
  return id;
});
await testCase('data create record: a refused value', async () => {
  const { message } = await failure('data create record', ...org, '--sobject', 'Contact', '--values', "FirstName='Nameless'");
  assert.match(message, /Required fields are missing: \[LastName\]/);
});
await testCase('data get record --record-id', async () => {
  const record = await sf('data get record', ...org, '--sobject', 'Account', '--record-id', accountId);
  assert.equal(record.Name, 'By the CLI');
  assert.equal(record.NumberOfEmployees, 7);
});
await testCase('data get record --where', async () => {
  const record = await sf('data get record', ...org, '--sobject', 'Account', '--where', "Name='By the CLI'");
  assert.equal(record.Id, accountId);
});
await testCase('data update record --record-id', async () => {
  await sf('data update record', ...org, '--sobject', 'Account', '--record-id', accountId, '--values', "Website=cli.example Phone='+49 30 1'");
  const record = await sf('data get record', ...org, '--sobject', 'Account', '--record-id', accountId);
  assert.equal(record.Phone, '+49 30 1');
});
await testCase('data update record --where', async () => {
  await sf('data update record', ...org, '--sobject', 'Account', '--where', "Name='By the CLI'", '--values', "Industry='Energy'");
  const { records } = await sf('data query', ...org, '--query', `SELECT Industry FROM Account WHERE Id = '${accountId}'`);
  assert.equal(records[0].Industry, 'Energy');
});
await testCase('data delete record', async () => {
  const { id } = await sf('data create record', ...org, '--sobject', 'Lead', '--values', "LastName='To delete' Company='CLI delete'");
  await sf('data delete record', ...org, '--sobject', 'Lead', '--record-id', id);
  assert.equal(await count("Company = 'CLI delete'"), 0);
});

// Queries
await testCase('data query', async () => {
  const { totalSize, done, records } = await sf('data query', ...org, '--query', `SELECT Id, Name, Owner.Username FROM Account WHERE Id = '${accountId}'`);
  assert.equal(totalSize, 1);
  assert.equal(done, true);
  assert.equal(records[0].Owner.Username, ADMIN);
});
await testCase('data query --result-format csv', async () => {
  const { stdout, code } = await run(['data', 'query', ...org, '--query', `SELECT Id, Name FROM Account WHERE Id = '${accountId}'`, '--result-format', 'csv']);
  assert.equal(code, 0);
  assert.deepEqual(stdout.trim().split('\n').slice(-2), ['Id,Name', `${accountId},By the CLI`]);
});
await testCase('data query as a table', async () => {
  const { stdout, stderr, code } = await run(['data', 'query', ...org, '--query', `SELECT Name, NumberOfEmployees FROM Account WHERE Id = '${accountId}'`]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /By the CLI/);
  assert.match(stdout, /Total number of records retrieved: 1/);
});
await testCase('data query --file', async () => {
  const file = csv('query.soql', ["SELECT COUNT() FROM Account"]);
  assert.ok((await sf('data query', ...org, '--file', file)).totalSize > 0);
});
await testCase('data query --all-rows', async () => {
  const { records } = await sf('data query', ...org, '--all-rows', '--query', "SELECT IsDeleted FROM Lead WHERE Company = 'CLI delete'");
  assert.deepEqual(records.map(({ IsDeleted }) => IsDeleted), [true]);
});
await testCase('data query: an unknown field', async () => {
  const { message } = await failure('data query', ...org, '--query', 'SELECT Nothing__c FROM Account');
  assert.match(message, /No such column 'Nothing__c' on entity 'Account'/);
});

// Trees
writeFileSync(join(home, 'tree.json'), JSON.stringify({
  records: [{ attributes: { type: 'Account', referenceId: 'parent' }, Name: 'Tree Ltd', Contacts: { records: [{ attributes: { type: 'Contact', referenceId: 'one' }, LastName: 'Leaf One' }, { attributes: { type: 'Contact', referenceId: 'two' }, LastName: 'Leaf Two' }] } }],
}));
await testCase('data import tree --files', async () => {
  const results = await sf('data import tree', ...org, '--files', join(home, 'tree.json'));
  assert.deepEqual(results.map(({ refId }) => refId).sort(), ['one', 'parent', 'two']);
  assert.deepEqual(results.map(({ type }) => type).sort(), ['Account', 'Contact', 'Contact']);
});
const exported = join(home, 'exported');
await testCase('data export tree', async () => {
  await sf('data export tree', ...org, '--query', "SELECT Id, Name FROM Account WHERE Name = 'Tree Ltd'", '--output-dir', exported);
  const [file] = readdirSync(exported);
  const { records } = JSON.parse(readFileSync(join(exported, file), 'utf8'));
  assert.deepEqual(records.map(({ Name }) => Name), ['Tree Ltd']);
});
const planned = join(home, 'planned');
await testCase('data export tree --plan with children', async () => {
  await sf('data export tree', ...org, '--plan', '--query', "SELECT Id, Name, (SELECT LastName FROM Contacts) FROM Account WHERE Name = 'Tree Ltd'", '--output-dir', planned);
  const plan = JSON.parse(readFileSync(join(planned, readdirSync(planned).find((name) => name.includes('plan'))), 'utf8'));
  assert.deepEqual(plan.map(({ sobject }) => sobject), ['Account', 'Contact']);
});
await testCase('data import tree --plan', async () => {
  const plan = join(planned, readdirSync(planned).find((name) => name.includes('plan')));
  const results = await sf('data import tree', ...org, '--plan', plan);
  assert.equal(results.length, 3);
  const { totalSize } = await sf('data query', ...org, '--query', "SELECT Id FROM Contact WHERE Account.Name = 'Tree Ltd'");
  assert.equal(totalSize, 4);
});

// Bulk
await testCase('data import bulk', async () => {
  const file = csv('import.csv', ['LastName,Company', ...Array.from({ length: 40 }, (_, row) => `Bulk ${row},"CLI, bulk"`)]);
  const { jobId, processedRecords, successfulRecords, failedRecords } = await sf('data import bulk', ...org, '--sobject', 'Lead', '--file', file, '--wait', '5');
  assert.match(jobId, /^750/);
  assert.deepEqual([processedRecords, successfulRecords, failedRecords], [40, 40, 0]);
  assert.equal(await count("Company = 'CLI, bulk'"), 40);
});
await testCase('data import bulk: refused rows end in an error', async () => {
  const file = csv('refused.csv', ['LastName,Company', 'Fine,CLI refused', ',CLI refused']);
  const error = await failure('data import bulk', ...org, '--sobject', 'Lead', '--file', file, '--wait', '5');
  assert.match(`${error.name} ${error.message}`, /fail/i);
  assert.equal(await count("Company = 'CLI refused'"), 1);
});
await testCase('data import bulk without waiting, then data import resume', async () => {
  const file = csv('async.csv', ['LastName,Company', 'Later,CLI async']);
  const { jobId } = await sf('data import bulk', ...org, '--sobject', 'Lead', '--file', file);
  const { processedRecords } = await sf('data import resume', '--job-id', jobId, '--wait', '5');
  assert.equal(processedRecords, 1);
});
await testCase('data bulk results', async () => {
  const file = csv('results.csv', ['LastName,Company', 'Seen,CLI results', ',CLI results']);
  const { data } = await failure('data import bulk', ...org, '--sobject', 'Lead', '--file', file, '--wait', '5');
  const job = data?.jobId ?? (await latestJob());
  const results = await sf('data bulk results', ...org, '--job-id', job);
  assert.deepEqual([results.processedRecords, results.successfulRecords, results.failedRecords], [2, 1, 1]);
  assert.match(readFileSync(join(home, results.failedFilePath), 'utf8'), /REQUIRED_FIELD_MISSING/);
});
const bulkFile = join(home, 'export.csv');
await testCase('data export bulk', async () => {
  const { totalSize } = await sf('data export bulk', ...org, '--query', "SELECT Id, LastName, Company FROM Lead WHERE Company = 'CLI, bulk'", '--output-file', bulkFile, '--wait', '5');
  assert.equal(totalSize, 40);
  const [head, ...rows] = readFileSync(bulkFile, 'utf8').trim().split('\n');
  assert.equal(head.replaceAll('"', ''), 'Id,LastName,Company');
  assert.equal(rows.length, 40);
});
await testCase('data export bulk --result-format json', async () => {
  const file = join(home, 'export.json');
  await sf('data export bulk', ...org, '--query', "SELECT LastName FROM Lead WHERE Company = 'CLI, bulk'", '--output-file', file, '--result-format', 'json', '--wait', '5');
  assert.ok(JSON.parse(readFileSync(file, 'utf8')).some(({ LastName }) => LastName === 'Bulk 39'));
});
const ids = () => readFileSync(bulkFile, 'utf8').trim().split('\n').slice(1).map((row) => row.split(',')[0].replaceAll('"', ''));
await testCase('data update bulk', async () => {
  const file = csv('update.csv', ['Id,Title', ...ids().map((id) => `${id},Updated`)]);
  const { successfulRecords } = await sf('data update bulk', ...org, '--sobject', 'Lead', '--file', file, '--wait', '5');
  assert.equal(successfulRecords, 40);
  assert.equal(await count("Title = 'Updated'"), 40);
});
await testCase('data upsert bulk', async () => {
  const file = csv('upsert.csv', ['LastName,Partner_Id__c', 'Upserted,CLI-1', 'Upserted,CLI-2']);
  for (const pass of [1, 2]) {
    const { jobInfo, records } = await sf('data upsert bulk', ...org, '--sobject', 'Contact', '--external-id', 'Partner_Id__c', '--file', file, '--wait', '5');
    assert.equal(Number(jobInfo.numberRecordsProcessed), 2, `pass ${pass}`);
    assert.equal(records.successfulResults[0].sf__Created, pass === 1 ? 'true' : 'false');
  }
  const { totalSize } = await sf('data query', ...org, '--query', "SELECT Id FROM Contact WHERE LastName = 'Upserted'");
  assert.equal(totalSize, 2);
});
await testCase('data delete bulk', async () => {
  const file = csv('delete.csv', ['Id', ...ids()]);
  const { jobInfo } = await sf('data delete bulk', ...org, '--sobject', 'Lead', '--file', file, '--wait', '5');
  assert.equal(Number(jobInfo.numberRecordsProcessed), 40);
  assert.equal(await count("Company = 'CLI, bulk'"), 0);
});

// Any request
await testCase('api request rest: GET', async () => {
  const { stdout, code } = await run(['api', 'request', 'rest', `/services/data/v68.0/sobjects/Account/${accountId}?fields=Name`, ...org]);
  assert.equal(code, 0);
  assert.equal(JSON.parse(stdout).Name, 'By the CLI');
});
await testCase('api request rest: POST', async () => {
  const { stdout, code } = await run(['api', 'request', 'rest', 'services/data/v68.0/sobjects/Lead', ...org, '--method', 'POST', '--body', '{"LastName":"Rest","Company":"CLI rest"}']);
  assert.equal(code, 0, stdout);
  assert.equal(JSON.parse(stdout).success, true);
});
await testCase('api request rest: upsert by PATCH', async () => {
  const path = 'services/data/v68.0/sobjects/Contact/Partner_Id__c/CLI-3';
  const { stdout, code } = await run(['api', 'request', 'rest', path, ...org, '--method', 'PATCH', '--body', '{"LastName":"Patched"}']);
  assert.equal(code, 0, stdout);
  const record = await sf('data get record', ...org, '--sobject', 'Contact', '--where', "Partner_Id__c='CLI-3'");
  assert.equal(record.LastName, 'Patched');
});
await testCase('api request rest --include shows status and usage', async () => {
  const { stdout } = await run(['api', 'request', 'rest', 'services/data/v68.0/limits', ...org, '--include']);
  assert.match(stdout, /HTTP\/1\.1 200/);
  assert.match(stdout, /sforce-limit-info: ?api-usage=\d+\/\d+/i);
});
await testCase('api request rest: an error keeps its body', async () => {
  const { stdout } = await run(['api', 'request', 'rest', 'services/data/v68.0/sobjects/Nothing__c', ...org]);
  assert.equal(JSON.parse(stdout)[0].errorCode, 'NOT_FOUND');
});

// Metadata
const NAMESPACE = 'http://soap.sforce.com/2006/04/metadata';
const source = (path, text) => {
  const file = join(home, 'force-app/main/default', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
};
const metadata = (path, type, inside) => source(path, `<?xml version="1.0" encoding="UTF-8"?>\n<${type} xmlns="${NAMESPACE}">\n${inside}\n</${type}>\n`);
const permissionSet = (field) => metadata('permissionsets/Conformance.permissionset-meta.xml', 'PermissionSet', `<classAccesses><apexClass>ConformanceGreeter</apexClass><enabled>true</enabled></classAccesses>
<fieldPermissions><editable>true</editable><field>${field}</field><readable>true</readable></fieldPermissions>
<label>Conformance</label>`);
metadata('objects/Lead/fields/Conformance__c.field-meta.xml', 'CustomField', '<fullName>Conformance__c</fullName><label>Conformance</label><length>40</length><type>Text</type>');
source('classes/ConformanceGreeter.cls', 'public with sharing class ConformanceGreeter {\n}\n');
metadata('classes/ConformanceGreeter.cls-meta.xml', 'ApexClass', '<apiVersion>68.0</apiVersion><status>Active</status>');
permissionSet('Lead.Conformance__c');
const deploy = async (extra, ...args) => {
  const { stdout, stderr } = await run(['project', 'deploy', 'start', ...org, '--source-dir', 'force-app', ...(args.includes('--async') ? [] : ['--wait', '5']), '--json', ...args], extra);
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`deploy printed no JSON: ${stdout.slice(0, 200)} ${stderr.slice(0, 300)}`);
  }
};
const REST = { SF_ORG_METADATA_REST_DEPLOY: 'true' };
await testCase('project deploy start --dry-run', async () => {
  const { status, result, message } = await deploy({}, '--dry-run');
  assert.equal(status, 0, message);
  assert.equal(result.checkOnly, true);
  const { message: unknown } = await failure('data query', ...org, '--query', 'SELECT Conformance__c FROM Lead');
  assert.match(unknown, /No such column/);
});
await testCase('project deploy start by SOAP', async () => {
  const { status, result, message } = await deploy({});
  assert.equal(status, 0, message);
  assert.equal(result.status, 'Succeeded');
  assert.deepEqual([result.numberComponentsDeployed, result.numberComponentsTotal, result.numberComponentErrors], [3, 3, 0]);
  assert.deepEqual(result.files.map(({ fullName, state }) => `${fullName} ${state}`).sort(), ['Conformance Created', 'ConformanceGreeter Created', 'ConformanceGreeter Created', 'Lead.Conformance__c Created']);
  await sf('data create record', ...org, '--sobject', 'Lead', '--values', "LastName='Deployed' Company='CLI deploy' Conformance__c='yes'");
  assert.equal(await count("Conformance__c = 'yes'"), 1);
});
await testCase('project deploy start by REST', async () => {
  source('classes/ConformanceGreeter.cls', 'public with sharing class ConformanceGreeter {\n    // by REST\n}\n');
  const { status, result, message } = await deploy(REST);
  assert.equal(status, 0, message);
  assert.equal(result.status, 'Succeeded');
  assert.ok(result.files.some(({ fullName, state }) => fullName === 'ConformanceGreeter' && state === 'Changed'), JSON.stringify(result.files));
  const { records } = await sf('data query', ...org, '--use-tooling-api', '--query', "SELECT Name, Body FROM ApexClass WHERE Name = 'ConformanceGreeter'");
  assert.match(records[0].Body, /by REST/);
});
for (const [protocol, extra] of [['SOAP', {}], ['REST', REST]]) {
  await testCase(`project deploy start by ${protocol}: what is not there is told with its file`, async () => {
    permissionSet('Lead.Ghost__c');
    const { status, result } = await deploy(extra);
    permissionSet('Lead.Conformance__c');
    assert.equal(status, 1);
    assert.equal(result.status, 'Failed');
    const failed = result.files.find(({ state }) => state === 'Failed');
    assert.match(failed.error, /In field: field - no CustomField named Lead\.Ghost__c found/);
    assert.match(failed.filePath, /Conformance\.permissionset-meta\.xml$/);
  });
}
await testCase('project deploy start: the table of errors', async () => {
  permissionSet('Lead.Ghost__c');
  const { code, stdout, stderr } = await run(['project', 'deploy', 'start', ...org, '--source-dir', 'force-app', '--wait', '5']);
  permissionSet('Lead.Conformance__c');
  assert.equal(code, 1);
  assert.match(`${stdout}${stderr}`.replace(/\s+/g, ' '), /no CustomField named Lead\.Ghost__c found/);
});
await testCase('project deploy start --async, then project deploy report', async () => {
  const { result } = await deploy({}, '--async');
  assert.match(result.id, /^0Af/);
  const report = await sf('project deploy report', ...org, '--job-id', result.id);
  assert.equal(report.status, 'Succeeded');
});
// Apex
const APEX = '<apiVersion>68.0</apiVersion><status>Active</status>';
const apexClass = (name, text) => {
  source(`classes/${name}.cls`, text);
  metadata(`classes/${name}.cls-meta.xml`, 'ApexClass', APEX);
};
const requests = [];
const listener = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    requests.push({ method: request.method, url: request.url, body: Buffer.concat(chunks).toString() });
    response.end('heard');
  });
});
await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
const heard = `http://127.0.0.1:${listener.address().port}`;
apexClass('ConformanceCall', `public class ConformanceCall implements Queueable, Database.AllowsCallouts {
    private Id account;
    public ConformanceCall(Id account) {
        this.account = account;
    }
    public void execute(QueueableContext context) {
        HttpRequest request = new HttpRequest();
        request.setMethod('POST');
        request.setEndpoint('${heard}/accounts');
        request.setBody(account);
        HttpResponse response = new Http().send(request);
        update new Account(Id = account, Site = response.getBody());
    }
}
`);
source('triggers/ConformanceTrigger.trigger', `trigger ConformanceTrigger on Account (before insert, after insert) {
    for (Account account : Trigger.new) {
        if (!account.Name.startsWith('Call ')) {
            continue;
        }
        if (Trigger.isBefore) {
            account.Name = account.Name + '!';
        } else {
            System.enqueueJob(new ConformanceCall(account.Id));
        }
    }
}
`);
metadata('triggers/ConformanceTrigger.trigger-meta.xml', 'ApexTrigger', APEX);
metadata('remoteSiteSettings/Conformance.remoteSite-meta.xml', 'RemoteSiteSetting', `<disableProtocolSecurity>false</disableProtocolSecurity><isActive>true</isActive><url>${heard}</url>`);
const tests = (expected) => apexClass('ConformanceTest', `@IsTest
private class ConformanceTest {
    private class Heard implements HttpCalloutMock {
        public HttpResponse respond(HttpRequest request) {
            HttpResponse response = new HttpResponse();
            response.setBody('mock');
            return response;
        }
    }
    @IsTest
    static void calls() {
        Test.setMock(HttpCalloutMock.class, new Heard());
        Test.startTest();
        insert new Account(Name = 'Call me');
        Test.stopTest();
        Account made = [SELECT Name, Site FROM Account];
        System.assertEquals('${expected}', made.Site);
        System.assertEquals('Call me!', made.Name);
    }
    @IsTest
    static void leavesOthersAlone() {
        insert new Account(Name = 'Quiet');
        System.assertEquals('Quiet', [SELECT Name FROM Account].Name);
    }
}
`);
await testCase('project deploy start: what does not compile is told with its line', async () => {
  tests('mock');
  apexClass('ConformanceGreeter', 'public with sharing class ConformanceGreeter {\n    Integer number = \'text\';\n}\n');
  const { status, result } = await deploy({});
  apexClass('ConformanceGreeter', 'public with sharing class ConformanceGreeter {\n}\n');
  assert.equal(status, 1);
  const failed = result.files.find(({ state }) => state === 'Failed');
  assert.equal(failed.fullName, 'ConformanceGreeter');
  assert.equal(failed.lineNumber, 2);
  assert.match(failed.error, /Illegal assignment from String to Integer/);
});
await testCase('project deploy start --test-level: a failing test refuses the deployment', async () => {
  tests('another');
  const { status, result } = await deploy({}, '--test-level', 'RunLocalTests');
  tests('mock');
  assert.equal(status, 1);
  assert.deepEqual([result.numberTestErrors, result.numberTestsTotal], [1, 2]);
  const [failed] = [result.details.runTestResult.failures].flat();
  assert.equal(failed.methodName, 'calls');
  assert.match(failed.message, /Expected: another, Actual: mock/);
});
await testCase('project deploy start --test-level: a trigger, a queueable and their tests', async () => {
  const { status, result, message } = await deploy({}, '--test-level', 'RunLocalTests');
  assert.equal(status, 0, message ?? JSON.stringify(result.details.componentFailures));
  assert.deepEqual([result.numberTestErrors, result.numberTestsCompleted], [0, 2]);
});
await testCase('data create record fires a trigger, whose queueable calls a server', async () => {
  const { id } = await sf('data create record', ...org, '--sobject', 'Account', '--values', "Name='Call home'");
  for (let wait = 0; wait < 100 && requests.length === 0; wait += 1) await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(requests, [{ method: 'POST', url: '/accounts', body: id }]);
  let record = await sf('data get record', ...org, '--sobject', 'Account', '--record-id', id);
  for (let wait = 0; wait < 20 && !record.Site; wait += 1) record = await sf('data get record', ...org, '--sobject', 'Account', '--record-id', id);
  assert.deepEqual([record.Name, record.Site], ['Call home!', 'heard']);
  const { records } = await sf('data query', ...org, '--query', 'SELECT Status, JobType, ApexClass.Name FROM AsyncApexJob');
  assert.ok(records.some(({ Status, JobType, ApexClass }) => Status === 'Completed' && JobType === 'Queueable' && ApexClass.Name === 'ConformanceCall'), JSON.stringify(records));
});
listener.close();
for (const [how, args] of [['--synchronous', ['--synchronous']], ['--wait', ['--wait', '5']]]) {
  await testCase(`apex run test ${how} --code-coverage`, async () => {
    const { summary, tests: ran, coverage } = await sf('apex run test', ...org, ...args, '--class-names', 'ConformanceTest', '--code-coverage');
    assert.deepEqual([summary.outcome, summary.testsRan, summary.passing], ['Passed', 2, 2]);
    assert.deepEqual(ran.map(({ MethodName, Outcome }) => `${MethodName} ${Outcome}`).sort(), ['calls Pass', 'leavesOthersAlone Pass']);
    assert.equal(summary.orgWideCoverage, '100%');
    const covered = coverage.coverage.map(({ name, coveredPercent }) => `${name} ${coveredPercent}`).sort();
    assert.deepEqual(covered, ['ConformanceCall 100', 'ConformanceTrigger 100']);
  });
}
await testCase('apex run test: an unknown class', async () => {
  const { message } = await failure('apex run test', ...org, '--synchronous', '--class-names', 'GhostTest');
  assert.match(message, /This class name's value is invalid: GhostTest/);
});
await testCase('org list metadata-types', async () => {
  const { metadataObjects } = await sf('org list metadata-types', ...org);
  assert.ok(metadataObjects.some(({ xmlName, suffix }) => xmlName === 'ApexClass' && suffix === 'cls'));
});
await testCase('org list metadata', async () => {
  const listed = await sf('org list metadata', ...org, '--metadata-type', 'ApexClass');
  assert.ok([listed].flat().some(({ fullName }) => fullName === 'ConformanceGreeter'));
});

// Sessions
await testCase('a session that has expired is renewed', async () => {
  const answer = await fetch(`${ORG}/emulator/tokens/expire`, { method: 'POST' });
  assert.ok(answer.ok);
  assert.equal((await sf('data query', ...org, '--query', 'SELECT Id FROM User LIMIT 1')).totalSize, 1);
});
await testCase('org logout', async () => {
  await sf('org logout', ...org, '--no-prompt');
  const error = await failure('org display', ...org);
  assert.match(error.name, /NoAuthInfoFound|NamedOrgNotFound/);
});
rmSync(home, { recursive: true, force: true });
process.exit(0);

async function jwtToken() {
  const { assertion } = await import('./assertion.mjs');
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: assertion({ issuer: environment('JWT_CONSUMER_KEY'), subject: ADMIN, audience: ORG, keyFile: environment('JWT_PRIVATE_KEY') }),
  });
  return (await (await fetch(`${ORG}/services/oauth2/token`, { method: 'POST', body })).json()).access_token;
}

async function latestJob() {
  const token = await jwtToken();
  const answer = await fetch(`${ORG}/services/data/v68.0/jobs/ingest`, { headers: { authorization: `Bearer ${token}` } });
  return (await answer.json()).records.at(-1).id;
}
