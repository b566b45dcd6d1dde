// A world for one test: an emulated org with the package and its pages, a gateway on SQLite, and a browser. Org and
// gateway are two sites to the browser, as they are in life. Everything is gone afterwards.
import { execFile, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const project = path.resolve(import.meta.dirname, '../../..');
const installed = createRequire(path.join(process.env.LIGHTNING_TOOLS, 'package.json'));
const { chromium } = installed('playwright-core');
export const axeSource = readFileSync(installed.resolve('axe-core/axe.min.js'), 'utf8');

const binaries = path.join(process.env.CARGO_TARGET_DIR ?? path.join(project, 'target'), 'debug');
const ORG = process.env.EMULATED_ORG ?? path.join(binaries, 'emulated-org');
const GATEWAY = process.env.CAUSEWAY ?? path.join(binaries, 'causeway');
const CONSUMER_KEY = '3MVG9.causeway.lightning';
const CONNECTION = 'acme';
export const PARTNER = `${CONNECTION}-partner`;
const ORG_CLIENT = `${CONNECTION}-org`;
const INTEGRATION = 'iris.gateway@northwind.example';
export const ADMIN = { username: 'admin@northwind.example', password: 'Lightning-1' };

const FLAGS = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync'
];

/** Mappings of what the journeys touch: contacts both ways, the rest to the partner. */
function mappings(owner, contact) {
    const text = (partner, salesforce, more = {}) => ({ partner, type: 'Text', salesforce, ...more });
    const oneWay = { direction: 'salesforceToPartner', defaultOwner: 'desk' };
    return [
        {
            ...oneWay,
            partnerObject: 'account',
            salesforceObject: 'Account',
            fields: [text('name', 'Name', { required: true }), { partner: 'phone', type: 'Phone', salesforce: 'Phone' }]
        },
        {
            partnerObject: 'contact',
            salesforceObject: 'Contact',
            direction: 'both',
            defaultOwner: 'desk',
            salesforceDefaultOwner: owner,
            externalId: 'Partner_Id__c',
            fields: [
                text('first_name', 'FirstName', { rule: 'mostRecent' }),
                text('last_name', 'LastName', { required: true, rule: 'mostRecent' }),
                { partner: 'email', type: 'Email', salesforce: 'Email', rule: 'mostRecent' },
                { partner: 'phone', type: 'Phone', salesforce: 'Phone', rule: 'mostRecent' },
                text('title', 'Title', { rule: 'mostRecent' }),
                text('department', 'Department', { rule: 'partner' })
            ],
            ...contact
        },
        {
            ...oneWay,
            partnerObject: 'lead',
            salesforceObject: 'Lead',
            fields: [
                text('last_name', 'LastName', { required: true }),
                text('company', 'Company', { required: true }),
                { partner: 'email', type: 'Email', salesforce: 'Email' }
            ]
        }
    ];
}

export class World {
    #processes = [];
    #browser;
    #recorder;
    /** What went wrong on any page. */
    problems = [];
    /** What any page asked for. */
    requests = [];
    /** What the org and others asked the gateway for, where it is recorded. */
    calls = [];

    /**
     * @param {object} options records: how large the org's company is; installed: whether the package is installed as a
     * managed one, whose protected settings are hidden; recorded: whether calls of the gateway are recorded; config:
     * what the gateway's configuration says besides; support: whether it names a contact; dailyCalls: API calls that the
     * org allows in a day; contact: more of the contacts' mapping
     */
    static async start({ records = 60, ...more } = {}) {
        for (const binary of [ORG, GATEWAY]) {
            if (!existsSync(binary)) {
                throw new Error(`${binary} is missing: cargo build --package emulated-org --package causeway`);
            }
        }
        const world = new World();
        try {
            await world.#start(records, more);
        } catch (error) {
            await world.stop();
            throw error;
        }
        return world;
    }

    async #start(
        records,
        { installed = false, recorded = false, config = '', support = true, dailyCalls, contact = {} }
    ) {
        this.folder = await mkdtemp(path.join(tmpdir(), 'causeway-lightning-'));
        const [orgPort, gatewayPort] = [await freePort(), await freePort()];
        this.org = `http://localhost:${orgPort}`;
        this.gateway = `http://127.0.0.1:${gatewayPort}`;
        if (recorded) {
            this.#recorder = await record(gatewayPort, this.calls);
            this.gateway = `http://127.0.0.1:${this.#recorder.address().port}`;
        }
        await this.causeway('keys', 'master', '--out', this.path('master.key'));
        await this.causeway('keys', 'app', '--out', this.path('app'));
        this.#spawn('org', ORG, [
            ...['serve', '--port', orgPort, '--company', records],
            ...[installed ? '--package' : '--sfdx', path.join(project, 'force-app')],
            ...['--sfdx', path.join(import.meta.dirname, 'org')],
            ...(dailyCalls ? ['--daily-api-limit', dailyCalls] : []),
            ...['--my-domain', this.org, '--lightning', process.env.LIGHTNING_PAGES, '--app', `${CONSUMER_KEY}=${this.path('app/app.crt')}`]
        ]);
        await this.#ready(`${this.org}/services/data`);
        await this.emulator('users/password', { username: ADMIN.username, password: ADMIN.password });
        const help = '[support]\nemail = "support@gateway.example"\nphone = "+49 30 1234567"\n';
        await this.#prepareGateway(gatewayPort, `${support ? help : ''}${config}`, contact);
        await this.serve();
    }

    async #prepareGateway(port, more, contact) {
        await writeFile(
            this.path('causeway.toml'),
            `[http]\nlisten = "127.0.0.1:${port}"\npublic_url = "${this.gateway}"\n\n[secrets]\nmaster_key_file = "${this.path('master.key')}"\n\n[store]\nurl = "sqlite://${this.path('causeway.db')}"\n\n${more}`
        );
        const owner = (await this.query(`SELECT Id, Email, Name FROM User WHERE Username = '${ADMIN.username}'`))[0];
        // The gateway enters as a user of its own: what it saves is not a person's.
        await this.emulator('users', { firstName: 'Iris', lastName: 'Gateway', username: INTEGRATION });
        await this.emulator('access', { setProfile: { [INTEGRATION]: 'System Administrator' } });
        const users = [
            { id: 'u-0', email: owner.Email, name: owner.Name },
            { id: 'desk', email: 'desk@partner.example', name: 'Front Desk' }
        ];
        const scopes = 'records:read records:write syncs:read syncs:write logs:read decisions:write connection:read embed:templates';
        const ofOrg = 'salesforce:write connection:read connection:write syncs:read syncs:write logs:read records:read embed:write';
        const lines = [
            `name = "${CONNECTION}"\ntenant = "${CONNECTION}"\nenvironment = "production"\nlogin_url = "${this.org}"`,
            `consumer_key = "${CONSUMER_KEY}"\nusername = "${INTEGRATION}"\nprivate_key_file = "${this.path('app/app.key')}"\napi_version = "67.0"\n`,
            `[[client]]\nid = "${PARTNER}"\nscopes = ${JSON.stringify(scopes.split(' '))}\ngenerate_secret_file = "${this.path('partner.secret')}"\n`,
            `[[client]]\nid = "${ORG_CLIENT}"\nscopes = ${JSON.stringify(ofOrg.split(' '))}\ngenerate_secret_file = "${this.path('org.secret')}"\n`,
            ...users.map(({ id, email, name }) => `[[user]]\nid = "${id}"\nemail = "${email}"\nname = "${name}"\n`)
        ];
        await writeFile(this.path('acme.toml'), lines.join('\n'));
        await this.causeway('connection', 'add', '--file', this.path('acme.toml'));
        for (const [number, document] of mappings(owner.Id, contact).entries()) {
            const file = this.path(`mapping-${number}.json`);
            await writeFile(file, JSON.stringify(document));
            await this.causeway('mapping', 'apply', '--connection', CONNECTION, '--file', file);
        }
    }

    /** Starts the gateway. */
    async serve() {
        this.#spawn('gateway', GATEWAY, ['serve', '--config', this.path('causeway.toml')]);
        await this.#ready(`${this.gateway}/readyz`);
    }

    /** Stops the gateway. */
    async stopGateway() {
        const gateway = this.#processes.findLast(({ spawnfile }) => spawnfile === GATEWAY);
        const gone = new Promise((resolve) => gateway.once('exit', resolve));
        gateway.kill('SIGTERM');
        await gone;
    }

    path(...parts) {
        return path.join(this.folder, ...parts);
    }

    /** Runs a command of the gateway and returns what it prints. */
    async causeway(...parameters) {
        const config = existsSync(this.path('causeway.toml')) ? ['--config', this.path('causeway.toml')] : [];
        const { stdout } = await promisify(execFile)(GATEWAY, [...config, ...parameters]);
        return stdout;
    }

    /** @returns {Promise<string>} a code to pair with */
    async pairingCode() {
        const printed = await this.causeway('connection', 'pair', CONNECTION);
        return printed.match(/\b[0-9A-HJKMNP-TV-Z]{4,}(?:-[0-9A-HJKMNP-TV-Z]{4,})+\b|\b[0-9A-HJKMNP-TV-Z]{20}\b/)[0];
    }

    /** @returns {Promise<{id: string, secret: string}>} the client that the gateway's operator made for the org */
    async orgClient() {
        return { id: ORG_CLIENT, secret: (await readFile(this.path('org.secret'), 'utf8')).trim() };
    }

    /** Turns one of the org's knobs. */
    async emulator(knob, body) {
        return json(await fetch(`${this.org}/emulator/${knob}`, posted(body)));
    }

    /** Asks the org as its admin does by the API. */
    async api(method, address, body) {
        this.token ??= (await this.emulator('tokens', { username: ADMIN.username })).access_token;
        return json(
            await fetch(`${this.org}/services/data/v67.0/${address}`, {
                ...posted(body),
                method,
                headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${this.token}` }
            })
        );
    }

    async query(soql) {
        return (await this.api('GET', `query?q=${encodeURIComponent(soql)}`)).records;
    }

    /** Asks the gateway as the partner does. */
    async partner(method, address, body) {
        const secret = (await readFile(this.path('partner.secret'), 'utf8')).trim();
        const now = Math.floor(Date.now() / 1000);
        const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
        const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ iss: PARTNER, aud: this.gateway, iat: now, exp: now + 300 })}`;
        const token = `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
        return json(
            await fetch(`${this.gateway}${address}`, {
                ...posted(body),
                method,
                headers: {
                    'Content-Type': 'application/json',
                    'Idempotency-Key': `${now}-${Math.random()}`,
                    Authorization: `Bearer ${token}`
                }
            })
        );
    }

    /** Makes a user without any permission set, who may log in. */
    async person(firstName, lastName) {
        const username = `${firstName}.${lastName}@northwind.example`.toLowerCase();
        const password = 'Lightning-2';
        const { id } = await this.emulator('users', { firstName, lastName, username });
        await this.emulator('users/password', { username, password });
        return { id, username, password };
    }

    /** A page in a browser of its own. */
    async open({ width = 1280, height = 900 } = {}) {
        this.#browser ??= await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
        const context = await this.#browser.newContext({ viewport: { width, height }, locale: 'en-US' });
        const page = await context.newPage();
        page.setDefaultTimeout(30000);
        page.on('request', (request) => this.requests.push(request));
        page.on('pageerror', (error) => this.problems.push(error.message));
        page.on('console', (message) => {
            if (message.type() === 'error' && /Content Security Policy|Refused to/.test(message.text())) {
                this.problems.push(message.text());
            }
        });
        return page;
    }

    async stop() {
        await this.#browser?.close();
        this.#recorder?.closeAllConnections();
        this.#recorder?.close();
        for (const process of this.#processes) {
            process.kill('SIGTERM');
        }
        await Promise.all(
            this.#processes.map(
                (process) => process.exitCode ?? process.signalCode ?? new Promise((resolve) => process.once('exit', resolve))
            )
        );
        if (this.folder && !process.env.KEEP_WORLD) {
            await rm(this.folder, { recursive: true, force: true });
        }
    }

    /** What a program has printed. */
    log(name) {
        return readFileSync(this.path(`${name}.log`), 'utf8');
    }

    #spawn(name, binary, parameters) {
        const log = openSync(this.path(`${name}.log`), 'a');
        this.#processes.push(spawn(binary, parameters.map(String), { stdio: ['ignore', log, log] }));
    }

    async #ready(address) {
        const patience = Date.now() + 60000;
        while (Date.now() < patience) {
            const answer = await fetch(address).catch(() => undefined);
            if (answer?.ok) {
                return;
            }
            const gone = [this.#processes.at(-1)].find(({ exitCode }) => exitCode !== null);
            if (gone) {
                throw new Error(`${gone.spawnfile} ended: ${existsSync(this.path('org.log')) ? this.log('org') : ''}`);
            }
            await new Promise((resolve) => setTimeout(resolve, 100));
        }
        throw new Error(`${address} does not answer`);
    }
}

/** Stands before a gateway and notes who calls, by the tokens' issuer; a token itself is not kept. */
async function record(port, calls) {
    const server = http.createServer((request, response) => {
        const token = /^Bearer [^.]+\.([^.]+)\./.exec(request.headers.authorization ?? '');
        const claims = token && JSON.parse(Buffer.from(token[1], 'base64url'));
        const call = { method: request.method, url: request.url, issuer: claims?.iss };
        calls.push(call);
        const { method, url, headers } = request;
        const onward = http.request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
            call.status = answer.statusCode;
            response.writeHead(answer.statusCode, answer.headers);
            answer.pipe(response);
        });
        onward.on('error', () => response.destroy());
        request.pipe(onward);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
}

async function json(answer) {
    const text = await answer.text();
    if (!answer.ok) {
        throw new Error(`${answer.url} answered ${answer.status}: ${text}`);
    }
    return text ? JSON.parse(text) : null;
}

function posted(body) {
    return {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: body === undefined ? undefined : JSON.stringify(body)
    };
}

function freePort() {
    return new Promise((resolve, reject) => {
        const server = createServer();
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

/** Asks again until the answer is what is waited for. */
export async function until(what, ask, seconds = 30) {
    const patience = Date.now() + seconds * 1000;
    let last;
    while (Date.now() < patience) {
        last = await ask().catch((error) => ({ error: error.message }));
        if (last && !last.error) {
            return last;
        }
        await new Promise((resolve) => setTimeout(resolve, 250));
    }
    throw new Error(`Waited for ${what} in vain: ${JSON.stringify(last)}`);
}
