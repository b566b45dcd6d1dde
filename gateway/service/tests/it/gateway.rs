//! A real gateway on a free port with a store of its own, and callers with keys of their own.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use causeway::app::{App, AppOptions};
use causeway::clock::Clock;
use causeway::config::{Config, Sources};
use causeway::startup::{self, RunningGateway};
use causeway::vault::client_secret_purpose;
use causeway_core::id::{ConnectionId, MappingId, PlanRevision, SalesforceId, TenantId};
use causeway_core::mapping::{
    MappingDocument, MappingPlan, SalesforceField, SalesforceObject, SalesforceType,
};
use causeway_core::ports::Lane;
use causeway_core::ports::connections::{
    Client, ClientKey, Connection, Environment, NewConnection, PartnerUser, Sealed,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The org that the connection `acme` is linked with.
pub const ORGANIZATION: &str = "00D8a00001rBqb8EAC";
/// Shared secret of every HS256 client.
pub const SECRET: &str = "a-secret-of-the-tests-with-many-characters";
/// Every scope there is.
pub const ALL_SCOPES: [&str; 11] = [
    "salesforce:write",
    "records:read",
    "records:write",
    "syncs:read",
    "syncs:write",
    "logs:read",
    "decisions:write",
    "connection:read",
    "connection:write",
    "embed:write",
    "embed:templates",
];

/// A running gateway with the connections `acme` and `other`.
pub struct Gateway {
    running: Option<RunningGateway>,
    /// Talks to it.
    pub http: reqwest::Client,
    /// Its folder.
    pub folder: TempDir,
    /// The connection `acme`.
    pub connection: ConnectionId,
}

/// An RSA key pair.
pub struct RsaKeys {
    /// The private key (PEM).
    pub private: String,
    /// The public key (PEM).
    pub public: String,
}

/// A key pair, made once for all tests.
pub fn rsa() -> &'static RsaKeys {
    static KEYS: OnceLock<RsaKeys> = OnceLock::new();
    KEYS.get_or_init(|| {
        use aws_lc_rs::encoding::{Pkcs8V1Der, PublicKeyX509Der};
        use aws_lc_rs::signature::KeyPair as _;
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        RsaKeys {
            private: pem("PRIVATE KEY", private.as_ref()),
            public: pem("PUBLIC KEY", public.as_ref()),
        }
    })
}

fn pem(name: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> = body
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {name}-----\n{}\n-----END {name}-----\n",
        lines.join("\n")
    )
}

impl Gateway {
    /// A gateway with the default limits.
    pub async fn start() -> Gateway {
        Gateway::start_with("").await
    }

    /// A gateway with further sections of configuration.
    pub async fn start_with(sections: &str) -> Gateway {
        Gateway::start_on(&format!("[store]\nurl = \"sqlite://causeway.db\"\n{sections}")).await
    }

    /// A gateway with these sections of configuration, which name its store.
    pub async fn start_on(sections: &str) -> Gateway {
        let folder = configured(sections);
        let running = spawn(&folder).await;
        let connection = add_connections(running.app()).await;
        Gateway::new(running, folder, connection)
    }

    /// A gateway with the default limits and a clock of the test's.
    pub async fn start_at(clock: Arc<dyn Clock>) -> Gateway {
        let folder = configured("[store]\nurl = \"sqlite://causeway.db\"\n");
        let config = loaded(&folder);
        let app = startup::build_app_with(&config, clock, AppOptions::default())
            .await
            .unwrap();
        let running = startup::spawn_on(config, app).await.unwrap();
        let connection = add_connections(running.app()).await;
        Gateway::new(running, folder, connection)
    }

    /// A gateway on what an earlier one left in this folder.
    pub async fn reopen(folder: TempDir) -> Gateway {
        let running = spawn(&folder).await;
        let found = running
            .app()
            .store
            .read(|tx| tx.connection_named("acme"))
            .await
            .unwrap();
        Gateway::new(running, folder, found.unwrap().id)
    }

    fn new(running: RunningGateway, folder: TempDir, connection: ConnectionId) -> Gateway {
        Gateway {
            running: Some(running),
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(30))
                .build()
                .unwrap(),
            folder,
            connection,
        }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        self.running.as_ref().unwrap().url()
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        self.url().strip_prefix("http://").unwrap()
    }

    /// Its use cases.
    pub fn app(&self) -> &Arc<App> {
        self.running.as_ref().unwrap().app()
    }

    /// Stops it in good order.
    pub async fn stop(mut self) {
        self.running.take().unwrap().stop().await;
    }

    /// Stops it in good order and keeps what it wrote.
    pub async fn stop_and_keep(mut self) -> TempDir {
        self.running.take().unwrap().stop().await;
        self.folder
    }

    /// Claims of a good token of this client.
    pub fn claims(&self, client: &str) -> Value {
        json!({"iss": client, "aud": self.url(), "exp": now() + 300})
    }

    /// A good token of an HS256 client.
    pub fn token(&self, client: &str) -> String {
        hs256(&self.claims(client), SECRET)
    }

    /// GET with a token.
    pub async fn get(&self, client: &str, path: &str) -> Response {
        self.http
            .get(format!("{}{path}", self.url()))
            .bearer_auth(self.token(client))
            .send()
            .await
            .unwrap()
    }

    /// GET, which must succeed.
    pub async fn get_json(&self, client: &str, path: &str) -> Value {
        let answer = self.get(client, path).await;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// GET of `/v1/connection` with this bearer token.
    pub async fn with_token(&self, token: &str) -> Response {
        self.http
            .get(format!("{}/v1/connection", self.url()))
            .bearer_auth(token)
            .send()
            .await
            .unwrap()
    }

    /// Posts changes as the client `pump`.
    pub async fn push(&self, changes: Value) -> Response {
        self.http
            .post(format!("{}/v1/salesforce/changes", self.url()))
            .bearer_auth(self.token("pump"))
            .json(&json!({"organizationId": ORGANIZATION, "packageVersion": "1.0", "changes": changes}))
            .send()
            .await
            .unwrap()
    }

    /// Posts changes and waits until nothing waits in the inbox.
    pub async fn push_and_settle(&self, changes: Value) {
        let answer = self.push(changes).await;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(status, StatusCode::ACCEPTED, "{body}");
        assert_eq!(body["rejected"], 0, "{body}");
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let connection = self.connection;
            let backlog = self
                .app()
                .store
                .read(move |tx| tx.backlog(connection))
                .await
                .unwrap();
            if backlog.changes == 0 {
                return;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "the inbox does not drain: {backlog:?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Puts mappings of Account and Contact in force.
    pub async fn map_accounts_and_contacts(&self) {
        let account = object("Account", &[("Name", SalesforceType::String, &[])]);
        let contact = object(
            "Contact",
            &[
                ("LastName", SalesforceType::String, &[]),
                ("Email", SalesforceType::Email, &[]),
                ("Birthdate", SalesforceType::Date, &[]),
                ("Amount__c", SalesforceType::Currency, &[]),
                ("AccountId", SalesforceType::Reference, &["Account"]),
            ],
        );
        for (object, document) in [
            (
                account,
                json!({"partnerObject": "account", "salesforceObject": "Account",
                    "direction": "salesforceToPartner", "defaultOwner": "u-1",
                    "fields": [{"partner": "name", "type": "Text", "salesforce": "Name"}]}),
            ),
            (
                contact,
                json!({"partnerObject": "contact", "salesforceObject": "Contact",
                    "direction": "salesforceToPartner", "defaultOwner": "u-1",
                    "fields": [
                        {"partner": "last_name", "type": "Text", "salesforce": "LastName", "required": true},
                        {"partner": "email", "type": "Email", "salesforce": "Email"},
                        {"partner": "birthday", "type": "Date", "salesforce": "Birthdate"},
                        {"partner": "amount", "type": "Currency", "salesforce": "Amount__c"},
                        {"partner": "account", "type": "Reference", "salesforce": "AccountId"}]}),
            ),
        ] {
            self.map(document, object).await;
        }
    }

    /// Puts a mapping in force.
    pub async fn map(&self, document: Value, object: SalesforceObject) {
        let document: MappingDocument = serde_json::from_value(document).unwrap();
        let text = serde_json::to_string(&document).unwrap();
        let connection = self.connection;
        self.app()
            .store
            .write(Lane::Interactive, move |tx| {
                let mapping: MappingId = tx.next_mapping(connection)?;
                let plan = MappingPlan::check(mapping, PlanRevision(1), &document, &object, None).unwrap();
                tx.add_plan(connection, &plan, &text, chrono::Utc::now())
            })
            .await
            .unwrap();
    }
}

/// Asserts that an answer is this problem, and gives its document.
pub async fn problem(answer: Response, id: &str) -> Value {
    let status = answer.status();
    let content_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
    let request_id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let text = answer.text().await.unwrap();
    assert_eq!(content_type, "application/problem+json", "{text}");
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["type"], format!("urn:causeway:problem:{id}"), "{text}");
    assert_eq!(document["status"], status.as_u16(), "{text}");
    assert_eq!(document["instance"], format!("urn:causeway:request:{request_id}"));
    assert!(!document["title"].as_str().unwrap().is_empty());
    assert!(!document["detail"].as_str().unwrap().is_empty());
    document
}

/// Seconds since 1970.
pub fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// A token signed with a shared secret.
pub fn hs256(claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

/// A token signed with the RSA key of the tests.
pub fn rs256(claims: &Value) -> String {
    let key = EncodingKey::from_rsa_pem(rsa().private.as_bytes()).unwrap();
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), claims, &key).unwrap()
}

/// A token with any header and any signature.
pub fn forged(header: &Value, claims: &Value, signature: &[u8]) -> String {
    format!(
        "{}.{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string()),
        URL_SAFE_NO_PAD.encode(signature)
    )
}

/// A folder with a configuration of these sections.
fn configured(sections: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[http]\nlisten = \"127.0.0.1:0\"\n[secrets]\nmaster_key = \"{}\"\n{sections}",
        STANDARD.encode([7u8; 32])
    );
    std::fs::write(folder.path().join("causeway.toml"), text).unwrap();
    folder
}

fn loaded(folder: &TempDir) -> Config {
    Config::load(&Sources {
        file: Some(folder.path().join("causeway.toml")),
        environment: Vec::new(),
    })
    .unwrap()
}

async fn spawn(folder: &TempDir) -> RunningGateway {
    startup::spawn(loaded(folder)).await.unwrap()
}

async fn add_connections(app: &Arc<App>) -> ConnectionId {
    let seal = |id: &str| {
        ClientKey::Hs256(
            app.vault
                .seal(&client_secret_purpose(id), SECRET.as_bytes())
                .unwrap(),
        )
    };
    let client = |id: &str, key: ClientKey, scopes: &[&str]| Client {
        id: id.to_owned(),
        connection: ConnectionId(0),
        key,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        revoked_at: None,
    };
    let acme = NewConnection {
        tenant: "acme".to_owned(),
        connection: connection("acme", true),
        clients: vec![
            client("pump", seal("pump"), &["salesforce:write"]),
            client("partner", seal("partner"), &ALL_SCOPES),
            client("nobody", seal("nobody"), &[]),
            client(
                "signer",
                ClientKey::Rs256(rsa().public.clone()),
                &["connection:read", "records:read"],
            ),
            Client {
                revoked_at: Some(chrono::Utc::now()),
                ..client("former", seal("former"), &ALL_SCOPES)
            },
        ],
        users: vec![PartnerUser {
            id: "u-1".to_owned(),
            email: "ada@example.com".to_owned(),
            name: "Ada".to_owned(),
            active: true,
            salesforce_user: None,
        }],
    };
    let other = NewConnection {
        tenant: "other".to_owned(),
        connection: connection("other", true),
        clients: vec![client("other-partner", seal("other-partner"), &ALL_SCOPES)],
        users: Vec::new(),
    };
    let off = NewConnection {
        tenant: "off".to_owned(),
        connection: connection("off", false),
        clients: vec![client("off-partner", seal("off-partner"), &ALL_SCOPES)],
        users: Vec::new(),
    };
    app.store
        .write(Lane::Interactive, move |tx| {
            let at = chrono::Utc::now();
            let acme = tx.add_connection(&acme, at)?;
            tx.set_org(
                acme,
                SalesforceId::parse(ORGANIZATION).unwrap(),
                "http://127.0.0.1:9",
            )?;
            let other = tx.add_connection(&other, at)?;
            tx.set_org(
                other,
                SalesforceId::parse("00D8a00001rBqb9").unwrap(),
                "http://127.0.0.1:9",
            )?;
            tx.add_connection(&off, at)?;
            Ok(acme)
        })
        .await
        .unwrap()
}

fn connection(name: &str, enabled: bool) -> Connection {
    Connection {
        id: ConnectionId(0),
        tenant: TenantId(0),
        name: name.to_owned(),
        environment: Environment::Sandbox,
        login_url: "http://127.0.0.1:9".to_owned(),
        consumer_key: "consumer".to_owned(),
        username: format!("integration@{name}.example"),
        sealed_private_key: Sealed(vec![1]),
        api_version: "67.0".to_owned(),
        organization: None,
        instance_url: None,
        integration_user: None,
        daily_calls: None,
        daily_allowance: None,
        enabled,
        created_at: chrono::Utc::now(),
    }
}

/// An object as Salesforce would describe it, with these fields and the system's own. A field `Partner_Id__c` is a
/// unique external id.
pub fn object(name: &str, fields: &[(&str, SalesforceType, &[&str])]) -> SalesforceObject {
    let system = [
        ("Id", SalesforceType::Id, &[][..]),
        ("OwnerId", SalesforceType::Reference, &["User"][..]),
        ("SystemModstamp", SalesforceType::Datetime, &[][..]),
    ];
    SalesforceObject {
        name: name.to_owned(),
        fields: system
            .iter()
            .chain(fields)
            .map(|(name, kind, targets)| {
                let field = SalesforceField {
                    name: (*name).to_owned(),
                    kind: *kind,
                    length: 255,
                    precision: 18,
                    scale: 2,
                    nillable: true,
                    createable: true,
                    updateable: true,
                    defaulted_on_create: false,
                    calculated: false,
                    external_id: *name == "Partner_Id__c",
                    unique: *name == "Partner_Id__c",
                    filterable: true,
                    reference_to: targets.iter().map(|target| (*target).to_owned()).collect(),
                    picklist_values: Vec::new(),
                    restricted_picklist: false,
                };
                (field.name.clone(), field)
            })
            .collect(),
    }
}
