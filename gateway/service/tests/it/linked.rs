//! A gateway's parts linked with an emulated org, without HTTP in front: what most tests start from.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway::app::administer::{ConnectionSettings, add_connection, apply_mapping};
use causeway::app::inbox::decide_inbox;
use causeway::app::outgoing::{Round, write_outgoing};
use causeway::app::post::{Posted, Requested, RowAnswer, RowOutcome, post};
use causeway::app::sync::progress::SyncProgress;
use causeway::app::sync::{self, SyncEnd};
use causeway::app::{App, AppOptions};
use causeway::clock::{Clock, SystemClock};
use causeway::salesforce::rest::{JsonRecord, Seen};
use causeway::salesforce::{Salesforce, SalesforceClients};
use causeway::vault::Vault;
use causeway_core::Instant;
use causeway_core::id::{ConnectionId, Position, RecordId, RunId};
use causeway_core::mapping::MappingDocument;
use causeway_core::ports::connections::{Environment, PartnerUser};
use causeway_core::ports::links::HeldRecord;
use causeway_core::ports::outbox::OutgoingBacklog;
use causeway_core::ports::records::{RecordFilter, StoredRecord};
use causeway_core::ports::runs::{Run, RunKind};
use causeway_core::schedule::RetrySchedule;
use causeway_core::units::partner_news::PostMode;
use causeway_store::{Store, StoreOptions};
use emulated_org::{EmulatedOrg, Options};
use secrecy::{SecretBox, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub const CONSUMER_KEY: &str = "3MVG9-causeway";
const MASTER_KEY: [u8; 32] = [7; 32];
pub const LOGIN_ROUTE: &str = "/services/oauth2/token";

/// A gateway's app on SQLite, with a connection to an emulated org.
pub struct Linked {
    pub org: EmulatedOrg,
    pub app: Arc<App>,
    pub connection: ConnectionId,
    folder: TempDir,
}

/// The system's clock, an hour ahead: leases of a process that was killed have run out by it.
#[derive(Debug)]
struct AnHourLater;

impl Clock for AnHourLater {
    fn now(&self) -> Instant {
        SystemClock.now() + chrono::TimeDelta::hours(1)
    }
}

/// A key pair: the private key and the public key, both PEM.
pub fn key_pair() -> (SecretString, String) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    (
        SecretString::from(pem("PRIVATE KEY", private.as_ref())),
        pem("RSA PUBLIC KEY", pair.public_key().as_ref()),
    )
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

/// Retries that end in moments.
pub fn quick_retries() -> RetrySchedule {
    RetrySchedule {
        first: Duration::from_millis(5),
        longest: Duration::from_millis(20),
        attempts: 4,
    }
}

pub fn quick_options() -> AppOptions {
    AppOptions {
        inbox_retries: RetrySchedule {
            attempts: u32::MAX,
            ..quick_retries()
        },
        sync_retries: quick_retries(),
        outbox_retries: RetrySchedule {
            attempts: u32::MAX,
            ..quick_retries()
        },
        write_within: Duration::from_secs(5),
        unanswered_within: Duration::from_millis(200),
        ..AppOptions::default()
    }
}

pub fn partner_user(id: &str, email: &str) -> PartnerUser {
    PartnerUser {
        id: id.to_owned(),
        email: email.to_owned(),
        name: id.to_owned(),
        active: true,
        salesforce_user: None,
    }
}

/// Accounts, contacts that refer to them, and opportunities with amounts.
pub fn documents() -> Vec<MappingDocument> {
    let texts = [
        r#"{"partnerObject":"account","salesforceObject":"Account","direction":"salesforceToPartner","defaultOwner":"u-default",
            "fields":[{"partner":"name","type":"Text","salesforce":"Name","required":true},
                      {"partner":"phone","type":"Phone","salesforce":"Phone"}]}"#,
        r#"{"partnerObject":"contact","salesforceObject":"Contact","direction":"salesforceToPartner","defaultOwner":"u-default",
            "fields":[{"partner":"last_name","type":"Text","salesforce":"LastName","required":true},
                      {"partner":"email","type":"Email","salesforce":"Email"},
                      {"partner":"birthday","type":"Date","salesforce":"Birthdate"},
                      {"partner":"account","type":"Reference","salesforce":"AccountId"}]}"#,
        r#"{"partnerObject":"deal","salesforceObject":"Opportunity","direction":"salesforceToPartner","defaultOwner":"u-default",
            "fields":[{"partner":"name","type":"Text","salesforce":"Name"},
                      {"partner":"amount","type":"Currency","salesforce":"Amount"},
                      {"partner":"stage","type":"SingleChoice","salesforce":"StageName"},
                      {"partner":"account","type":"Reference","salesforce":"AccountId"}]}"#,
    ];
    texts
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect()
}

/// Leads, contacts and accounts that travel both ways.
pub fn two_way_documents(default_owner: &str) -> Vec<MappingDocument> {
    let document = |partner: &str, salesforce: &str, fields: Value| {
        serde_json::from_value(json!({
            "partnerObject": partner, "salesforceObject": salesforce, "direction": "both",
            "defaultOwner": "u-default", "salesforceDefaultOwner": default_owner, "externalId": "Partner_Id__c",
            "partnerDeletePolicy": "delete", "fields": fields,
        }))
        .unwrap()
    };
    vec![
        document(
            "account",
            "Account",
            json!([{"partner": "name", "type": "Text", "salesforce": "Name", "required": true, "rule": "mostRecent"},
                   {"partner": "phone", "type": "Phone", "salesforce": "Phone", "rule": "mostRecent"}]),
        ),
        document(
            "contact",
            "Contact",
            json!([{"partner": "last_name", "type": "Text", "salesforce": "LastName", "required": true,
                    "rule": "mostRecent"},
                   {"partner": "account", "type": "Reference", "salesforce": "AccountId", "rule": "mostRecent"}]),
        ),
        document(
            "lead",
            "Lead",
            json!([{"partner": "last_name", "type": "Text", "salesforce": "LastName", "required": true,
                    "rule": "mostRecent"},
                   {"partner": "company", "type": "Text", "salesforce": "Company", "required": true,
                    "rule": "mostRecent"},
                   {"partner": "phone", "type": "Phone", "salesforce": "Phone", "rule": "mostRecent"},
                   {"partner": "title", "type": "Text", "salesforce": "Title", "rule": "partner"}]),
        ),
    ]
}

async fn app(folder: &TempDir, clock: Arc<dyn Clock>, options: AppOptions) -> Arc<App> {
    let url = format!("sqlite://{}", folder.path().join("causeway.db").display());
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    let salesforce = SalesforceClients::new(Arc::clone(&clock), quick_retries()).unwrap();
    let vault = Vault::new(&SecretBox::from(MASTER_KEY.to_vec().into_boxed_slice())).unwrap();
    Arc::new(App::new(store, clock, salesforce, Arc::new(vault), options))
}

impl Linked {
    /// An org and a gateway that know each other; nothing is mapped.
    pub async fn start(options: AppOptions, users: Vec<PartnerUser>) -> Linked {
        Linked::start_on(Options::default(), options, users).await
    }

    /// As [`Linked::start`], with an org of these options.
    pub async fn start_on(org: Options, options: AppOptions, users: Vec<PartnerUser>) -> Linked {
        Linked::start_capped(org, options, users, None).await
    }

    /// As [`Linked::start_on`], with a cap of calls.
    pub async fn start_capped(
        org: Options,
        options: AppOptions,
        users: Vec<PartnerUser>,
        daily_calls: Option<u64>,
    ) -> Linked {
        let folder = tempfile::tempdir().unwrap();
        Linked::start_in(folder, org, options, users, daily_calls).await
    }

    /// As [`Linked::start_capped`], with the database in this folder.
    pub async fn start_in(
        folder: TempDir,
        org: Options,
        options: AppOptions,
        users: Vec<PartnerUser>,
        daily_calls: Option<u64>,
    ) -> Linked {
        let org = EmulatedOrg::start(org).await.unwrap();
        let (private_key, public_key) = key_pair();
        org.register_app(emulated_org::App::pre_authorized(CONSUMER_KEY, public_key))
            .unwrap();
        let app = app(&folder, Arc::new(SystemClock), options).await;
        let connection = add_connection(
            &app,
            ConnectionSettings {
                tenant: "acme".to_owned(),
                name: "acme".to_owned(),
                environment: Environment::Sandbox,
                login_url: org.url().to_owned(),
                consumer_key: CONSUMER_KEY.to_owned(),
                username: org.admin_username().to_owned(),
                private_key,
                api_version: "67.0".to_owned(),
                daily_calls,
                clients: Vec::new(),
                users,
            },
        )
        .await
        .unwrap();
        Linked {
            org,
            app,
            connection,
            folder,
        }
    }

    /// The configuration under which the binary works on the same database.
    pub fn config_file(&self) -> PathBuf {
        let file = self.folder.path().join("causeway.toml");
        std::fs::write(
            &file,
            format!(
                "[http]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite://causeway.db\"\n\
                 [secrets]\nmaster_key = \"{}\"\n[log]\nfilter = \"warn\"\n",
                STANDARD.encode(MASTER_KEY)
            ),
        )
        .unwrap();
        file
    }

    /// The same an hour later, after the processes that worked on the database have ended.
    pub async fn an_hour_later(self) -> Linked {
        self.app.store.clone().close().await;
        let app = app(&self.folder, Arc::new(AnHourLater), self.app.options.clone()).await;
        Linked { app, ..self }
    }

    /// An org with an external id on its objects, and a gateway that maps leads, contacts and accounts both ways.
    pub async fn both_ways(options: AppOptions) -> Linked {
        Linked::both_ways_capped(options, None).await
    }

    /// As [`Linked::both_ways`], with a cap of calls.
    pub async fn both_ways_capped(options: AppOptions, daily_calls: Option<u64>) -> Linked {
        let metadata = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/end-to-end/metadata");
        let org = Options {
            sfdx_source: vec![PathBuf::from(metadata)],
            ..Options::default()
        };
        let linked = Linked::start_capped(org, options, Vec::new(), daily_calls).await;
        let admin = linked.admin().await;
        for document in two_way_documents(&admin) {
            linked.map(&document).await;
        }
        linked
    }

    /// Id of the user whom the gateway acts as.
    pub async fn admin(&self) -> String {
        let soql = format!(
            "SELECT Id FROM User WHERE Username = '{}'",
            self.org.admin_username()
        );
        let users = self.rows(&soql).await;
        users[0]["Id"].as_str().unwrap().to_owned()
    }

    /// What the org answers to a query.
    pub async fn rows(&self, soql: &str) -> Vec<JsonRecord> {
        self.salesforce()
            .await
            .query(soql, Seen::Live)
            .all()
            .await
            .unwrap()
    }

    /// Posts records as the partner; none is refused. Their numbers, in order.
    pub async fn post(&self, object: &str, rows: &[Value]) -> Vec<RecordId> {
        let answers = self.posted(object, rows).await;
        answers
            .into_iter()
            .map(|answer| {
                assert_ne!(answer.outcome, RowOutcome::Refused, "{answer:?}");
                answer.record.unwrap()
            })
            .collect()
    }

    /// Posts records as the partner.
    pub async fn posted(&self, object: &str, rows: &[Value]) -> Vec<RowAnswer> {
        let requested = Requested::Edits {
            mode: PostMode::Upsert,
            rows: rows.iter().map(Value::to_string).collect(),
        };
        self.ask(object, requested).await
    }

    /// Asks for something as the partner.
    pub async fn ask(&self, object: &str, request: Requested) -> Vec<RowAnswer> {
        let posted = Posted {
            connection: self.connection,
            client: "partner".to_owned(),
            object: object.to_owned(),
            request,
            idempotency: None,
        };
        post(&self.app, posted).await.unwrap()
    }

    /// Works on the outbox once.
    pub async fn write_once(&self) -> Round {
        let stop = CancellationToken::new();
        Box::pin(write_outgoing(&self.app, "test", &stop)).await.unwrap()
    }

    /// Works on the outbox until nothing waits in it any more.
    pub async fn drain_outbox(&self) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            if self.write_once().await.claimed == 0 {
                let waiting = self.outbox().await;
                if waiting.links == 0 {
                    return;
                }
                assert!(
                    tokio::time::Instant::now() < deadline,
                    "the outbox does not drain: {waiting:?}"
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// What waits in the outbox.
    pub async fn outbox(&self) -> OutgoingBacklog {
        let connection = self.connection;
        self.app
            .store
            .read(move |tx| tx.outgoing_backlog(connection))
            .await
            .unwrap()
    }

    /// Held records.
    pub async fn held(&self) -> Vec<HeldRecord> {
        let connection = self.connection;
        self.app
            .store
            .read(move |tx| tx.held(connection, None, 1_000))
            .await
            .unwrap()
    }

    /// Carries a sync of this kind out.
    pub async fn sync_kind(&self, kind: RunKind) -> Run {
        let run = sync::start(&self.app, self.connection, kind, Vec::new())
            .await
            .unwrap();
        assert_eq!(self.work_on(run).await, SyncEnd::Completed);
        self.run(run).await
    }

    /// As [`Linked::start`], with [`documents`] mapped.
    pub async fn mapped(options: AppOptions, users: Vec<PartnerUser>) -> Linked {
        let linked = Linked::start(options, users).await;
        for document in documents() {
            linked.map(&document).await;
        }
        linked
    }

    pub async fn map(&self, document: &MappingDocument) {
        Box::pin(apply_mapping(&self.app, self.connection, document))
            .await
            .unwrap();
    }

    pub async fn salesforce(&self) -> Arc<Salesforce> {
        let connection = self.connection;
        let known = self
            .app
            .store
            .read(move |tx| tx.connection(connection))
            .await
            .unwrap()
            .unwrap();
        self.app.salesforce.client(&self.app.vault, &known).unwrap()
    }

    pub async fn queue_sync(&self) -> RunId {
        sync::start(&self.app, self.connection, RunKind::Initial, Vec::new())
            .await
            .unwrap()
    }

    /// Works on a run once.
    pub async fn work_on(&self, run: RunId) -> SyncEnd {
        let (progress, _) = watch::channel(SyncProgress::default());
        let stop = CancellationToken::new();
        Box::pin(sync::run_once(&self.app, self.connection, run, &progress, &stop))
            .await
            .unwrap()
    }

    /// Queues an initial sync and works on it until it is completed.
    pub async fn sync(&self) -> Run {
        let run = self.queue_sync().await;
        assert_eq!(self.work_on(run).await, SyncEnd::Completed);
        self.run(run).await
    }

    pub async fn run(&self, run: RunId) -> Run {
        let connection = self.connection;
        self.app
            .store
            .read(move |tx| tx.run(connection, run))
            .await
            .unwrap()
            .unwrap()
    }

    /// Decides the inbox until nothing is claimable any more.
    pub async fn drain_inbox(&self) {
        while Box::pin(decide_inbox(&self.app, "test")).await.unwrap().claimed > 0 {}
    }

    /// All live records of an object.
    pub async fn records(&self, object: &str) -> Vec<StoredRecord> {
        let (connection, object) = (self.connection, object.to_owned());
        self.app
            .store
            .read(move |tx| tx.records(connection, &object, &RecordFilter::default(), None, 1_000_000))
            .await
            .unwrap()
    }

    /// The whole feed.
    pub async fn feed(&self) -> Vec<StoredRecord> {
        let connection = self.connection;
        self.app
            .store
            .read(move |tx| tx.feed(connection, None, Position(0), 1_000_000))
            .await
            .unwrap()
    }
}
