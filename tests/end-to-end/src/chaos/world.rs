//! Two orgs that get the same saves, one with the package, and a gateway on the same clock.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use causeway::app::AppOptions;
use causeway::clock::Clock as GatewayClock;
use causeway::config::{Config, Sources};
use causeway::startup::{RunningGateway, build_app_with, spawn_on};
use chrono::{DateTime, Utc};
use emulated_org::apex::CpuPace;
use emulated_org::apex::callout::RemoteSite;
use emulated_org::{App, Clock, EmulatedOrg, NewUser, Options};
use serde_json::Value;

use super::Plan;
use crate::ScenarioError;
use crate::company;
use crate::gateway::{ConnectionSetup, Gateway, PARTNER_CLIENT};
use crate::org_client::OrgClient;
use crate::partner::Partner;

const CONNECTION: &str = "chaos";
const CONSUMER_KEY: &str = "3MVG9.causeway.chaos";
/// Objects whose records are saved, with the partner's names for them.
pub const OBJECTS: [(&str, &str); 3] = [("Account", "account"), ("Contact", "contact"), ("Lead", "lead")];

/// A record in both orgs.
#[derive(Debug, Clone)]
pub struct Twins {
    /// Object.
    pub object: &'static str,
    /// Id in the org with the package.
    pub id: String,
    /// Id in the twin.
    pub twin: String,
}

/// Somebody who works in both orgs and has no right to the package.
#[derive(Debug)]
pub struct Person {
    /// Name to log in with.
    pub username: String,
    /// In the org with the package.
    pub org: OrgClient,
    /// In the twin.
    pub twin: OrgClient,
}

/// The orgs, the gateway and the people.
#[expect(missing_debug_implementations, reason = "orgs and gateways have none")]
pub struct World {
    /// The org with the package.
    pub org: EmulatedOrg,
    /// The org without it.
    pub twin: EmulatedOrg,
    /// The clock of all.
    pub clock: Clock,
    /// People.
    pub people: Vec<Person>,
    /// Records that live.
    pub live: Vec<Twins>,
    /// Records in the recycle bin.
    pub binned: Vec<Twins>,
    /// Records whose latest news could be kept in no way.
    pub unnoted: std::collections::BTreeSet<String>,
    /// Contacts by the account that takes them along when it goes.
    pub children: std::collections::BTreeMap<String, Vec<String>>,
    /// Faults that are still to come before each has come once more.
    pub deck: Vec<super::faults::Card>,
    /// Saves that the present season still lasts, and what it is.
    pub season: Option<(super::faults::Season, u32)>,
    /// Makes names unique.
    pub named: u64,
    /// The admin of the org with the package, and of the twin.
    pub admins: (OrgClient, OrgClient),
    partner: Partner,
    gateway: RunningGateway,
    folder: tempfile::TempDir,
}

/// The org's clock as the gateway reads it.
#[derive(Debug)]
struct Shared(Clock);

impl GatewayClock for Shared {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }
}

impl World {
    /// Starts everything, and pairs.
    pub(super) async fn start(plan: &Plan) -> Result<World, ScenarioError> {
        let folder = tempfile::tempdir().map_err(|source| ScenarioError::File {
            path: "a temporary folder".to_owned(),
            source,
        })?;
        let clock = Clock::system();
        let files = Gateway::prepare(
            folder.path(),
            &format!("sqlite://{}", folder.path().join("causeway.db").display()),
        )?;
        let subscriber = Path::new(env!("CARGO_MANIFEST_DIR")).join("subscriber");
        let options = |packages| Options {
            sfdx_source: vec![subscriber.clone()],
            packages,
            clock: clock.clone(),
            session_timeout: Duration::from_hours(100_000),
            ..Options::default()
        };
        let org = start_org(options(vec![plan.package.clone()]), &files).await?;
        let twin = start_org(options(Vec::new()), &files).await?;
        for org in [&org, &twin] {
            org.org().set_cpu_pace(CpuPace {
                per_millisecond: 10,
                stops: true,
            });
        }
        let key = files.app_private_key()?;
        let mut people = Vec::new();
        for number in 0..5 {
            let username = format!("person{number}@chaos.example");
            for org in [&org, &twin] {
                org.create_user(&NewUser {
                    first_name: "Person".to_owned(),
                    last_name: number.to_string(),
                    username: username.clone(),
                    is_active: true,
                })
                .map_err(|error| broken(&error))?;
            }
            people.push(Person {
                org: OrgClient::login(org.url(), CONSUMER_KEY, &username, &key).await?,
                twin: OrgClient::login(twin.url(), CONSUMER_KEY, &username, &key).await?,
                username,
            });
        }
        let admins = (
            OrgClient::login(org.url(), CONSUMER_KEY, org.admin_username(), &key).await?,
            OrgClient::login(twin.url(), CONSUMER_KEY, twin.admin_username(), &key).await?,
        );
        files.connect(&ConnectionSetup {
            name: CONNECTION.to_owned(),
            org_url: org.url().to_owned(),
            consumer_key: CONSUMER_KEY.to_owned(),
            username: org.integration_username().to_owned(),
            users: vec![(
                company::DEFAULT_OWNER.to_owned(),
                "desk@partner.example".to_owned(),
                "Desk".to_owned(),
            )],
        })?;
        let documents = company::mappings()?;
        files.apply_mappings(CONNECTION, documents.get(..OBJECTS.len()).unwrap_or_default())?;
        let printed = files.command(&["connection", "pair", CONNECTION])?;
        let code = printed
            .lines()
            .find(|line| line.starts_with("pairing code"))
            .and_then(|line| line.split_whitespace().last())
            .ok_or(ScenarioError::Missing("pairing code"))?;
        let gateway = serve(folder.path(), &clock).await?;
        let partner = Partner::new(&files, &format!("{CONNECTION}-{PARTNER_CLIENT}"))?;
        org.org().add_remote_site(RemoteSite::new(gateway.url()));
        let world = World {
            org,
            twin,
            clock,
            people,
            live: Vec::new(),
            binned: Vec::new(),
            unnoted: Default::default(),
            children: Default::default(),
            deck: Vec::new(),
            season: None,
            named: 0,
            admins,
            partner,
            gateway,
            folder,
        };
        let url = world.gateway.url().to_owned();
        world.apex(&format!("Pairing.pair('{url}', '{code}');"))?;
        world.settle()?;
        Ok(world)
    }

    /// Whether a record takes others along when it goes, or goes along.
    pub fn is_family(&self, id: &str) -> bool {
        self.children.contains_key(id) || self.children.values().flatten().any(|child| child == id)
    }

    /// Notes records that went with their parent. Whether there were any.
    pub fn deleted_with_children(&mut self, swept: &[String]) -> bool {
        self.unnoted.extend(swept.iter().cloned());
        !swept.is_empty()
    }

    /// Waits until no job of the orgs is due.
    pub(super) fn settle(&self) -> Result<(), ScenarioError> {
        for org in [&self.org, &self.twin] {
            let ended = tokio::task::block_in_place(|| org.org().wait_for_apex(Duration::from_secs(60)));
            if !ended {
                return Err(ScenarioError::Timeout {
                    what: "the org's jobs".to_owned(),
                    seconds: 60,
                });
            }
        }
        Ok(())
    }

    fn apex(&self, text: &str) -> Result<Vec<String>, ScenarioError> {
        let org = self.org.org();
        tokio::task::block_in_place(|| org.run_anonymous_apex(org.admin, text))
            .map_err(|error| ScenarioError::Process(format!("Apex: {error:?}")))
    }

    fn told(&self, expression: &str) -> Result<String, ScenarioError> {
        let log = self.apex(&format!("System.debug('told ' + {expression});"))?;
        let told = log.iter().find_map(|line| line.split("told ").nth(1));
        told.map(str::to_owned)
            .ok_or(ScenarioError::Missing("debug line"))
    }

    /// How many notes there are to compare objects.
    pub(super) fn markers(&self) -> Result<u64, ScenarioError> {
        let told = self.told("ReconcileMarkers.pending().size()")?;
        told.parse()
            .map_err(|_unreadable| ScenarioError::Missing("number of markers"))
    }

    /// What the package says is wrong, the oldest rows, and the jobs that have not ended.
    pub(super) async fn what_waits(&self) -> Result<String, ScenarioError> {
        let state = self.told(
            "JSON.serialize(new List<Object>{Dispatch_State__c.getOrgDefaults().Trouble__c, \
             Dispatch_State__c.getOrgDefaults().Failures__c, Dispatch_State__c.getOrgDefaults().Next_Attempt__c})",
        )?;
        let rows = "SELECT Name, Object__c, Operation__c, Count__c, Attempts__c, CreatedDate FROM Outbox__c \
                    ORDER BY CreatedDate, Name LIMIT 3";
        let jobs = "SELECT ApexClass.Name, Status, CreatedDate FROM AsyncApexJob \
                    WHERE JobType = 'Queueable' AND Status IN ('Queued', 'Processing', 'Holding')";
        let mut told = format!("at {} {state}", self.clock.now());
        for (what, soql) in [("rows", rows), ("jobs", jobs)] {
            let mut found = self.admins.0.query(soql).await?;
            for row in found.iter_mut().filter_map(Value::as_object_mut) {
                row.remove("attributes");
            }
            told.push_str(&format!(", {what} {}", Value::Array(found)));
        }
        Ok(told)
    }

    /// How many outbox rows there are.
    pub(super) async fn waiting(&self) -> Result<usize, ScenarioError> {
        Ok(self.admins.0.query("SELECT Id FROM Outbox__c").await?.len())
    }

    /// The partner, on the clock of all.
    pub(super) fn partner(&mut self) -> &Partner {
        self.partner.set_ahead(self.clock.now() - Utc::now());
        &self.partner
    }

    /// Waits until the gateway has nothing under way.
    pub(super) async fn gateway_rests(&mut self) -> Result<(), ScenarioError> {
        let mut last = Value::Null;
        for _ in 0..1_200 {
            last = self.partner().get("/v1/connection").await?;
            let runs = self.partner().get("/v1/syncs").await?;
            let is_idle = |run: &Value| matches!(run["state"].as_str(), Some("completed" | "failed"));
            let idle = runs["syncs"].as_array().or(runs["runs"].as_array());
            if last["inbox"]["waiting"] == 0
                && last["outbox"]["waiting"] == 0
                && idle.is_none_or(|runs| runs.iter().all(is_idle))
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(ScenarioError::Timeout {
            what: format!("the gateway: {last}"),
            seconds: 60,
        })
    }

    /// Ends everything.
    pub(super) async fn stop(self) {
        self.gateway.stop().await;
        self.org.stop().await;
        self.twin.stop().await;
        // A folder that stays is the system's to tidy up.
        drop(self.folder.close());
    }
}

async fn start_org(options: Options, files: &Gateway) -> Result<EmulatedOrg, ScenarioError> {
    let org = EmulatedOrg::start(options)
        .await
        .map_err(|error| broken(&error))?;
    let app = App::pre_authorized(CONSUMER_KEY, files.app_certificate()?);
    org.register_app(app).map_err(|error| broken(&error))?;
    Ok(org)
}

async fn serve(folder: &Path, clock: &Clock) -> Result<RunningGateway, ScenarioError> {
    let sources = Sources {
        file: Some(folder.join("causeway.toml")),
        ..Sources::default()
    };
    let config = Config::load(&sources).map_err(|error| broken(&error))?;
    let app = build_app_with(&config, Arc::new(Shared(clock.clone())), AppOptions::default())
        .await
        .map_err(|error| broken(&error))?;
    spawn_on(config, app).await.map_err(|error| broken(&error))
}

fn broken(error: &dyn std::fmt::Display) -> ScenarioError {
    ScenarioError::Process(error.to_string())
}
