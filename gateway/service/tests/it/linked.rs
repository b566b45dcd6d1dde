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
use causeway::app::initial_sync::progress::SyncProgress;
use causeway::app::initial_sync::{self, SyncEnd};
use causeway::app::{App, AppOptions};
use causeway::clock::{Clock, SystemClock};
use causeway::salesforce::{Salesforce, SalesforceClients};
use causeway::vault::Vault;
use causeway_core::Instant;
use causeway_core::id::{ConnectionId, Position, RunId};
use causeway_core::mapping::MappingDocument;
use causeway_core::ports::connections::{Environment, PartnerUser};
use causeway_core::ports::records::{RecordFilter, StoredRecord};
use causeway_core::ports::runs::Run;
use causeway_core::schedule::RetrySchedule;
use causeway_store::{Store, StoreOptions};
use emulated_org::{EmulatedOrg, Options};
use secrecy::{SecretBox, SecretString};
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
        let org = EmulatedOrg::start(Options::default()).await.unwrap();
        let (private_key, public_key) = key_pair();
        org.register_app(emulated_org::App::pre_authorized(CONSUMER_KEY, public_key))
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
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
        initial_sync::start(&self.app, self.connection, Vec::new())
            .await
            .unwrap()
    }

    /// Works on a run once.
    pub async fn work_on(&self, run: RunId) -> SyncEnd {
        let (progress, _) = watch::channel(SyncProgress::default());
        let stop = CancellationToken::new();
        Box::pin(initial_sync::run_once(
            &self.app,
            self.connection,
            run,
            &progress,
            &stop,
        ))
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
