//! Receiving what a partner makes, edits, deletes and undeletes.

mod row;

use std::collections::BTreeSet;
use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::decide::partner::{PartnerRefusal, RefusalCode};
use causeway_core::id::{ConnectionId, RecordId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::{Lane, StoreError, Transaction};
use causeway_core::units::partner_news::{
    Address, PartnerPost, PostMode, PostOutcome, PostResult, PostedEvent, receive,
};
use causeway_core::units::{Setting, directory, person};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::app::idempotency::{Idempotency, Once, done_before, once};
use crate::app::read::plan_of;

/// Records that one request may carry at most.
pub const MAX_RECORDS: usize = 1_000;

/// Problems of one request that are named. Its answer is kept, so that it has to stay small.
const MOST_PROBLEMS: usize = 1_000;

/// A partner's request.
#[derive(Debug)]
pub struct Posted {
    /// Connection whose client posted it.
    pub connection: ConnectionId,
    /// Client that posted it.
    pub client: String,
    /// Partner object of the records.
    pub object: String,
    /// What is asked for.
    pub request: Requested,
    /// Makes the request safe to repeat.
    pub idempotency: Option<Idempotency>,
}

/// What a partner asks for. Rows are still text, each the JSON of one record, so that one that makes no sense is
/// refused alone.
#[derive(Debug)]
pub enum Requested {
    /// Records made or edited.
    Edits {
        /// Whether records may be made, or must exist.
        mode: PostMode,
        /// The rows.
        rows: Vec<String>,
    },
    /// Records deleted.
    Deletes {
        /// The rows.
        rows: Vec<String>,
    },
    /// One record deleted.
    Delete(RecordId),
    /// One deleted record brought back.
    Undelete(RecordId),
}

/// What became of one row. It is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowAnswer {
    /// The record, where there is one.
    pub record: Option<RecordId>,
    /// The partner's own id, as posted.
    pub key: Option<String>,
    /// Where the record's latest state stands in the feed.
    pub position: Option<i64>,
    /// What happened.
    pub outcome: RowOutcome,
    /// Why nothing came of a row that was well formed, where that may surprise.
    #[serde(default)]
    pub note: Option<String>,
    /// Whether something may still have to be written to Salesforce.
    pub waiting: bool,
    /// Why the record waits for a person, where it does: the reason's name and what to do.
    pub held: Option<(String, String)>,
    /// What is wrong with a refused row. A field of the record goes by its path in the row, `fields.email`.
    pub problems: Vec<PartnerRefusal>,
}

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RowOutcome {
    /// A record was made.
    Created,
    /// The record changed.
    Updated,
    /// All of it was known already.
    Unchanged,
    /// The record was deleted.
    Deleted,
    /// A deleted record lives again.
    Restored,
    /// Nothing of the row was kept.
    Refused,
}

/// Why a request is refused as a whole. Nothing of it was kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// No mapping has this partner object.
    #[error("there is no object {object:?}; mapped are: {}", known.join(", "))]
    NoSuchObject {
        /// Object asked for.
        object: String,
        /// Partner objects there are.
        known: Vec<String>,
    },
    /// The idempotency key was used for another request.
    #[error("this idempotency key was used for another request; use a new key for each new request")]
    KeyReused,
    /// The store failed.
    #[error("the records could not be stored")]
    Store(#[from] StoreError),
}

/// Decides on a partner's request and keeps what follows. When this answers, it is durable and will reach
/// Salesforce. One answer for each row, in order.
///
/// # Errors
/// [`PostError`]; nothing was kept then.
pub async fn post(app: &App, posted: Posted) -> Result<Vec<RowAnswer>, PostError> {
    let (connection, object) = (posted.connection, posted.object);
    let request = posted.idempotency.clone();
    let (before, plans, users) = app
        .store
        .read(move |tx| {
            let before = match &request {
                Some(request) => done_before(tx, request)?,
                None => None,
            };
            Ok((before, tx.plans(connection)?, tx.partner_users(connection)?))
        })
        .await?;
    if let Some(before) = before {
        return answers_of(app, before);
    }
    let Some(plan) = plan_of(&plans, &object) else {
        return Err(PostError::NoSuchObject {
            object,
            known: plans.iter().map(|plan| plan.partner_object.clone()).collect(),
        });
    };
    let owners: BTreeSet<&str> = users
        .iter()
        .map(|user| user.id.as_str())
        .chain([plan.default_owner.as_str()])
        .collect();
    let batch = Batch::of(plan, &owners, posted.request);
    let at = app.clock.now();
    let (client, idempotency) = (posted.client, posted.idempotency);
    let done = app
        .store
        .write(Lane::Interactive, move |tx| {
            once(tx, idempotency.as_ref(), at, |tx| {
                decide(tx, connection, &object, &client, &batch, at)
            })
        })
        .await?;
    answers_of(app, done)
}

fn answers_of(app: &App, done: Once<Vec<RowAnswer>>) -> Result<Vec<RowAnswer>, PostError> {
    match done {
        Once::Done(answers) => {
            app.outbox_bell.notify_one();
            Ok(answers)
        }
        Once::DoneBefore(answers) => Ok(answers),
        Once::KeyReused => Err(PostError::KeyReused),
    }
}

/// What a row gave, or everything that is wrong with it.
type Row<T> = Result<T, Vec<PartnerRefusal>>;

/// The rows of a request that make sense, and which those are.
struct Batch {
    mode: PostMode,
    posts: Vec<PartnerPost>,
    /// For each row the partner's own id in it, and what is wrong where it is not among the posts.
    rows: Vec<(Option<String>, Row<()>)>,
}

impl Batch {
    fn of(plan: &MappingPlan, owners: &BTreeSet<&str>, request: Requested) -> Batch {
        let mut batch = Batch {
            mode: PostMode::Upsert,
            posts: Vec::new(),
            rows: Vec::new(),
        };
        match request {
            Requested::Edits { mode, rows } => {
                batch.mode = mode;
                rows.iter()
                    .for_each(|row| batch.push(row::edit(row, plan, owners)));
            }
            Requested::Deletes { rows } => rows.iter().for_each(|row| batch.push(row::delete(row))),
            Requested::Delete(record) => batch.push((None, Ok(of_record(record, PostedEvent::Delete)))),
            Requested::Undelete(record) => batch.push((None, Ok(of_record(record, PostedEvent::Undelete)))),
        }
        batch
    }

    fn push(&mut self, (key, row): (Option<String>, Row<PartnerPost>)) {
        self.rows.push((key, row.map(|post| self.posts.push(post))));
    }
}

fn of_record(record: RecordId, happened: PostedEvent) -> PartnerPost {
    PartnerPost {
        address: Address::Record(record),
        key: None,
        if_position: None,
        changed_at: None,
        happened,
    }
}

fn decide(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    object: &str,
    client: &str,
    batch: &Batch,
    at: Instant,
) -> Result<Vec<RowAnswer>, StoreError> {
    let plans: Vec<Arc<MappingPlan>> = tx.plans(connection)?;
    let plan = plan_of(&plans, object).ok_or_else(|| StoreError::Conflict {
        what: format!("the mapping of {object}"),
    })?;
    let owners = directory(&tx.partner_users(connection)?);
    let setting = Setting {
        connection,
        plan,
        owners: &owners,
        at,
        lane: Lane::Interactive,
    };
    let mut results = receive(tx, &setting, client, batch.mode, &batch.posts)?.into_iter();
    let answers: Result<Vec<RowAnswer>, StoreError> = batch
        .rows
        .iter()
        .map(|(key, row)| match row {
            Err(problems) => Ok(refused(key.clone(), problems.clone())),
            Ok(()) => match results.next() {
                Some(result) => Ok(answer(plan, key.clone(), result)),
                None => Err(StoreError::Corrupt {
                    detail: "fewer results than posts".to_owned(),
                }),
            },
        })
        .collect();
    let mut answers = answers?;
    cap_problems(&mut answers);
    Ok(answers)
}

/// Leaves each row so many problems, and of the rows after the request's share is spent one that says so.
fn cap_problems(answers: &mut [RowAnswer]) {
    let mut left = MOST_PROBLEMS;
    for RowAnswer { problems, .. } in answers {
        problems.truncate(row::MOST_PROBLEMS);
        match left.checked_sub(problems.len()) {
            Some(rest) => left = rest,
            None => {
                left = 0;
                let code = problems
                    .first()
                    .map_or(RefusalCode::WrongType, |first| first.code);
                *problems = vec![PartnerRefusal::of_record(
                    code,
                    "this request has too many problems to name them all; mend the rows before, or send fewer at once",
                )];
            }
        }
    }
}

fn refused(key: Option<String>, problems: Vec<PartnerRefusal>) -> RowAnswer {
    RowAnswer {
        record: None,
        key,
        position: None,
        outcome: RowOutcome::Refused,
        note: None,
        waiting: false,
        held: None,
        problems,
    }
}

fn answer(plan: &MappingPlan, key: Option<String>, result: PostResult) -> RowAnswer {
    let (outcome, problems) = match result.outcome {
        PostOutcome::Created => (RowOutcome::Created, Vec::new()),
        PostOutcome::Updated => (RowOutcome::Updated, Vec::new()),
        PostOutcome::Unchanged => (RowOutcome::Unchanged, Vec::new()),
        PostOutcome::Deleted => (RowOutcome::Deleted, Vec::new()),
        PostOutcome::Restored => (RowOutcome::Restored, Vec::new()),
        PostOutcome::Refused(refusals) => (
            RowOutcome::Refused,
            refusals
                .into_iter()
                .map(|refusal| in_row(plan, refusal))
                .collect(),
        ),
    };
    RowAnswer {
        record: result.record,
        key,
        position: result.position.map(|position| position.0),
        outcome,
        note: result.note,
        waiting: result.waiting,
        held: result
            .held
            .map(|reason| (person::code(&reason).to_owned(), reason.summary())),
        problems,
    }
}

/// A field goes by its path in the row, so that it is not taken for a member of that name.
fn in_row(plan: &MappingPlan, refusal: PartnerRefusal) -> PartnerRefusal {
    let is_field = |name: &str| plan.fields.iter().any(|field| field.partner == name);
    PartnerRefusal {
        field: refusal.field.map(|name| {
            if is_field(&name) {
                format!("fields.{name}")
            } else {
                name
            }
        }),
        ..refusal
    }
}
