//! Everything there is: the org, the package, the network, the gateway with its store, the partner, and time.

use std::collections::BTreeSet;

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, FieldId, LinkId};
use causeway_core::ports::connections::{Connection, Environment, NewConnection, PartnerUser, Sealed};
use causeway_core::ports::inbox::{IdempotencyKey, ReceivedChange, SavedAnswer};
use causeway_core::ports::{Lane, StoreError, Transaction};
use causeway_core::units::partner_news::{self, PostResult};
use causeway_core::units::{Setting as UnitSetting, directory};
use chrono::{DateTime, TimeDelta};

use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::gateway::Worker;
use crate::memory::Memory;
use crate::network::{Fate, UnderWay};
use crate::org::ingest::Work;
use crate::org::schema::Object;
use crate::org::{GATEWAY_USER, Org, id};
use crate::partner::{Partner, Request};
use crate::setting::{PARTNER_USERS, SALESFORCE_USERS, Setting, partner_object};
use crate::truth::Truth;

/// A promise that was not kept, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Broken {
    /// What was seen.
    pub what: String,
}

impl Broken {
    /// A broken promise.
    pub fn new(what: impl Into<String>) -> Broken {
        Broken { what: what.into() }
    }

    /// The words without the numbers: two failures of one kind have the same.
    pub fn kind(&self) -> String {
        let words = self.what.split([';', ':']).next().unwrap_or_default();
        words
            .chars()
            .filter(|letter| letter.is_ascii_alphabetic())
            .collect()
    }
}

/// Something on its way.
#[derive(Debug, Clone)]
pub enum Message {
    /// The package posts to the gateway.
    Push {
        /// Idempotency key.
        key: String,
        /// What changed.
        changes: Vec<ReceivedChange>,
    },
    /// The partner posts to the gateway.
    Post(Request),
    /// The gateway writes to the org.
    Write {
        /// The object.
        object: Object,
        /// The rows.
        work: Vec<Work>,
    },
}

/// The world.
#[derive(Debug)]
pub struct World {
    /// What is fixed.
    pub setting: Setting,
    /// The connection.
    pub connection: ConnectionId,
    /// The time, for everybody.
    pub now: Instant,
    /// Salesforce.
    pub org: Org,
    /// The gateway's store: all that survives a crash.
    pub store: Memory,
    /// Messages under way.
    pub under_way: UnderWay<Message>,
    /// The partner.
    pub partner: Partner,
    /// The gateway's workers: nothing of them survives a crash.
    pub workers: Vec<Worker>,
    /// What really happened.
    pub truth: Truth,
    /// What was met.
    pub met: Coverage,
    /// Chance, for the step that runs.
    pub dice: Dice,
    /// Whether anything goes wrong at present.
    pub faults_on: bool,
    /// Fields into which a person brought a value back.
    pub restored: BTreeSet<(LinkId, FieldId)>,
    /// Records made in Salesforce that were looked at.
    pub checked_made: usize,
    /// Numbers given so far.
    pub serial: u64,
    /// What happened, for somebody who replays a history.
    pub trace: Option<Vec<String>>,
}

impl World {
    /// The world of a seed, before anything happened.
    ///
    /// # Errors
    /// A setting that cannot be.
    pub fn new(seed: u64) -> Result<World, Broken> {
        let setting = Setting::draw(seed).map_err(Broken::new)?;
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap_or_default();
        let mut store = Memory::default();
        let connection = store
            .unit(|tx| connect(tx, &setting, now))
            .map_err(|error| Broken::new(format!("the world could not be made: {error}")))?;
        Ok(World {
            org: Org::new(now, setting.automation, 15_000),
            connection,
            now,
            store,
            under_way: UnderWay::default(),
            partner: Partner::default(),
            workers: Worker::crew(setting.workers),
            truth: Truth::default(),
            met: Coverage::default(),
            dice: Dice::new(seed, 2),
            faults_on: true,
            restored: BTreeSet::new(),
            checked_made: 0,
            serial: 0,
            trace: None,
            setting,
        })
    }

    /// Writes a line for somebody who replays.
    pub fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{} {}", self.now.format("%d %H:%M:%S%.3f"), line()));
        }
    }

    /// Runs a unit. In a world where one thing happens at a time nobody can be first, and nothing is corrupt.
    ///
    /// # Errors
    /// Any error of the store.
    pub fn unit<T>(
        &mut self,
        name: &str,
        unit: impl FnOnce(&mut dyn Transaction) -> Result<T, StoreError>,
    ) -> Result<T, Broken> {
        let before = self
            .trace
            .is_some()
            .then(|| self.store.all_links(self.connection));
        let result = self
            .store
            .unit(unit)
            .map_err(|error| Broken::new(format!("the unit {name} failed: {error}")));
        if let Some(before) = before {
            self.tell_links(name, &before);
        }
        result
    }

    /// What becomes of a request.
    pub fn fate(&mut self, what: &str, latest: TimeDelta) -> Fate {
        if !self.faults_on {
            return Fate::Delivered;
        }
        let fate = Fate::draw(&mut self.dice, self.setting.faults.network, latest);
        if fate != Fate::Delivered {
            self.met.met(&format!("{what} {}", fate.name()));
            self.tell(|| format!("network: {what} {}", fate.name()));
        }
        fate
    }

    /// Lets time pass; messages arrive on their way.
    ///
    /// # Errors
    /// What the gateway broke.
    pub fn pass(&mut self, time: TimeDelta) -> Result<(), Broken> {
        let target = self.now + time;
        while let Some(at) = self.under_way.next_at().filter(|at| *at <= target) {
            self.now = self.now.max(at);
            self.org.pass_to(self.now);
            if let Some(message) = self.under_way.arrived(self.now) {
                self.met.met("late arrival");
                self.deliver(message)?;
            }
        }
        self.now = target;
        self.org.pass_to(target);
        Ok(())
    }

    /// A message arrives. True: it was taken.
    ///
    /// # Errors
    /// What the gateway broke.
    pub fn deliver(&mut self, message: Message) -> Result<bool, Broken> {
        match message {
            Message::Push { key, changes } => self.receive_push(&key, &changes),
            Message::Post(request) => self.receive_post(&request).map(|()| true),
            Message::Write { object, work } => {
                self.org.collections(object, &work);
                Ok(true)
            }
        }
    }

    fn receive_push(&mut self, key: &str, changes: &[ReceivedChange]) -> Result<bool, Broken> {
        let (connection, now) = (self.connection, self.now);
        self.tell(|| {
            let ids: Vec<String> = changes
                .iter()
                .map(|change| format!("{:?} {} {}", change.kind, change.salesforce_id, change.fields))
                .collect();
            format!("push {key}: {}", ids.join(", "))
        });
        self.unit("receive changes", |tx| {
            let key = idempotency("POST /v1/salesforce/changes", key);
            if tx.answered(&key)?.is_none() {
                tx.receive(connection, changes, Lane::Interactive, now)?;
                tx.save_answer(&key, &answer(), now)?;
            }
            Ok(true)
        })
    }

    fn receive_post(&mut self, request: &Request) -> Result<(), Broken> {
        let (connection, at) = (self.connection, self.now);
        let object = request.object.name();
        self.tell(|| format!("posted {:?} {:?}", request.mode, request.posts));
        let results: Option<Vec<PostResult>> = self.unit("receive posts", |tx| {
            if let Some(key) = &request.key {
                let key = idempotency("POST /v1/records", key);
                if tx.answered(&key)?.is_some() {
                    return Ok(None);
                }
                tx.save_answer(&key, &answer(), at)?;
            }
            let plans = tx.plans(connection)?;
            let Some(plan) = plans.iter().find(|plan| plan.salesforce_object == object) else {
                return Ok(None);
            };
            let owners = directory(&tx.partner_users(connection)?);
            let setting = UnitSetting {
                connection,
                plan,
                owners: &owners,
                at,
                lane: Lane::Interactive,
            };
            partner_news::receive(tx, &setting, "partner", request.mode, &request.posts).map(Some)
        })?;
        let Some(results) = results else {
            self.met.met("idempotent repeat");
            return Ok(());
        };
        self.tell(|| format!("post {:?} -> {results:?}", request.posts));
        for (post, result) in request.posts.iter().zip(&results) {
            self.note_result(request.object, post, result);
        }
        self.truth.note(&request.posts, &results, at);
        Ok(())
    }

    fn note_result(&mut self, object: Object, post: &partner_news::PartnerPost, result: &PostResult) {
        use partner_news::{PostOutcome, PostedEvent};
        let word = match &result.outcome {
            PostOutcome::Created => "created",
            PostOutcome::Updated => "updated",
            PostOutcome::Unchanged => "unchanged",
            PostOutcome::Deleted => "deleted",
            PostOutcome::Restored => "restored",
            PostOutcome::Refused(refusals) => {
                for refusal in refusals {
                    self.met.met(&format!("refused {:?}", refusal.code));
                }
                "refused"
            }
        };
        self.met.met(&format!("post {word}"));
        if let (Some(record), false) = (result.record, matches!(result.outcome, PostOutcome::Refused(_))) {
            match post.happened {
                PostedEvent::Delete => self.partner.forget(object, record),
                PostedEvent::Upsert { .. } | PostedEvent::Undelete => self.partner.learn(object, record),
            }
        }
    }

    /// The object of a partner object.
    pub fn object_of(&self, partner: &str) -> Option<Object> {
        crate::org::schema::OBJECTS
            .into_iter()
            .find(|object| partner_object(*object) == partner)
    }
}

fn idempotency(route: &str, key: &str) -> IdempotencyKey {
    IdempotencyKey {
        client: "client".to_owned(),
        route: route.to_owned(),
        key: key.to_owned(),
    }
}

fn answer() -> SavedAnswer {
    SavedAnswer {
        body_hash: [0; 32],
        status: 202,
        body: "{}".to_owned(),
    }
}

fn connect(tx: &mut dyn Transaction, setting: &Setting, now: Instant) -> Result<ConnectionId, StoreError> {
    let users = PARTNER_USERS.iter().map(|user| PartnerUser {
        id: (*user).to_owned(),
        email: format!("{user}@example.com"),
        name: (*user).to_owned(),
        active: true,
        salesforce_user: SALESFORCE_USERS
            .iter()
            .find(|(partner, _)| partner == user)
            .map(|(_, user)| id(user)),
    });
    let connection = tx.add_connection(
        &NewConnection {
            tenant: "tenant".to_owned(),
            connection: Connection {
                id: ConnectionId(0),
                tenant: causeway_core::id::TenantId(0),
                name: "org".to_owned(),
                environment: Environment::Production,
                login_url: "https://login.salesforce.com".to_owned(),
                consumer_key: "key".to_owned(),
                username: "gateway@example.com".to_owned(),
                sealed_private_key: Sealed(Vec::new()),
                api_version: "67.0".to_owned(),
                organization: None,
                instance_url: None,
                integration_user: Some(id(GATEWAY_USER)),
                daily_calls: Some(setting.cap),
                daily_allowance: None,
                enabled: true,
                created_at: now,
            },
            clients: Vec::new(),
            users: users.collect(),
        },
        now,
    )?;
    for (plan, document) in setting.plans.iter().zip(&setting.documents) {
        tx.next_mapping(connection)?;
        tx.add_plan(connection, plan, document, now)?;
    }
    Ok(connection)
}
