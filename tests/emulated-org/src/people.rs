//! People at work in the organisation: what they do on its pages, which the REST API has no call for or which
//! must happen in another user's name than the caller's.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::data::{
    Author, Authority, Conversion, Draft, DuplicateOptions, Operation, Outcome, Refusal, SaveError, Saved,
};
use crate::dice::Dice;
use crate::http::record::{ReadError, RecordReader};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::{Object, Schema};

/// One thing that a person does. The knob takes it as `{"update": {"id": "001…", "fields": {…}}}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Deed {
    /// Makes a record.
    Create {
        /// The object's API name.
        object: String,
        /// Its fields, as REST takes them.
        fields: Map<String, Json>,
    },
    /// Changes a record.
    Update {
        /// The record.
        id: String,
        /// The fields to change, as REST takes them.
        fields: Map<String, Json>,
    },
    /// Puts a record into the recycle bin.
    Delete {
        /// The record.
        id: String,
    },
    /// Takes a record out of the recycle bin.
    Undelete {
        /// The record.
        id: String,
    },
    /// Deletes a record for good.
    HardDelete {
        /// The record.
        id: String,
    },
    /// Merges records.
    Merge {
        /// The record that stays.
        master: String,
        /// The one or two that go.
        losers: Vec<String>,
        /// Fields of the master to change.
        #[serde(default)]
        fields: Map<String, Json>,
    },
    /// Converts a lead.
    ConvertLead(LeadConversion),
}

/// What a person makes of a lead.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct LeadConversion {
    /// The lead.
    pub id: String,
    /// The existing account to use, or none.
    pub account: Option<String>,
    /// The existing contact to use, or none.
    pub contact: Option<String>,
    /// The name of the new opportunity, or the company's.
    pub opportunity_name: Option<String>,
    /// Whether no opportunity is made.
    pub without_opportunity: bool,
    /// The lead's new status, or the first one that counts as converted.
    pub status: Option<String>,
}

/// What became of a deed.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// It is done, or refused.
    Now(Outcome),
    /// Its transaction has begun and commits later; the ticket finds the outcome then.
    Later(u64),
}

/// Transactions of people that commit late.
#[derive(Clone, Copy, Debug, Default)]
pub struct LateCommits {
    /// How many of 100 deeds.
    pub percent: u8,
    /// How long after their stamps they commit.
    pub delay: TimeDelta,
    /// Decides which deeds.
    pub seed: u64,
    rolled: u64,
}

/// The stream of dice that late commits roll.
const LATE_COMMITS: u64 = 3;

impl LateCommits {
    /// A share of all deeds from now on.
    #[must_use]
    pub fn new(percent: u8, delay: TimeDelta, seed: u64) -> Self {
        Self {
            percent,
            delay,
            seed,
            rolled: 0,
        }
    }

    fn roll(&mut self) -> Option<TimeDelta> {
        self.rolled += 1;
        let late = Dice::new(self.seed, LATE_COMMITS, self.rolled).chance(self.percent.into());
        late.then_some(self.delay)
    }
}

impl Org {
    /// Does a deed in a user's name, now. With `delay` its stamps are those of now, but nobody sees it earlier
    /// than that time after; meanwhile its rows are locked.
    pub fn act(&self, user: RecordId, deed: &Deed, delay: Option<TimeDelta>) -> Done {
        self.catch_up();
        let schema = self.schema();
        let operation = match deed.operation(&schema) {
            Ok(operation) => operation,
            Err(error) => return Done::Now(Err(error.into())),
        };
        let author = Author {
            user,
            now: self.clock.now(),
            authority: Authority::User,
            duplicates: DuplicateOptions::default(),
        };
        let delay = delay.or_else(|| {
            let mut late = self.late_commits.lock().unwrap_or_else(PoisonError::into_inner);
            late.roll()
        });
        if let Some(at) = delay.and_then(|delay| author.now.checked_add_signed(delay)) {
            return match self.commit_late(author, operation, at) {
                Ok(ticket) => Done::Later(ticket),
                Err(error) => Done::Now(Err(error.into())),
            };
        }
        let mut claim = self.row_locks.claim();
        let mut outcomes = self.save_locked(author, vec![Ok(operation)], false, None, &mut claim);
        Done::Now(outcomes.pop().unwrap_or(Err(Refusal::NoMatch)))
    }

    /// What became of the deeds that committed late, by ticket.
    #[must_use]
    pub fn committed_late(&self) -> BTreeMap<u64, Outcome> {
        self.catch_up();
        self.agenda.committed()
    }
}

impl Done {
    /// The record, where the deed is done.
    #[must_use]
    pub fn saved(&self) -> Option<Saved> {
        match self {
            Self::Now(Ok(saved)) => Some(*saved),
            _ => None,
        }
    }
}

impl Deed {
    fn operation(&self, schema: &Schema) -> Result<Operation, SaveError> {
        let draft = |object: &Object, fields: &Map<String, Json>| -> Result<Draft, SaveError> {
            let reader = RecordReader { schema, text: "" };
            reader.draft(object, fields, &[]).map_err(|error| match error {
                ReadError::Record(error) => error,
                ReadError::Request(error) => SaveError::new(error.code, error.message),
            })
        };
        Ok(match self {
            Self::Create { object, fields } => {
                let object = schema.object(object).ok_or_else(|| {
                    let message = format!("sObject type '{object}' is not supported.");
                    SaveError::new("INVALID_TYPE", message)
                })?;
                Operation::Create {
                    draft: draft(object, fields)?,
                    object: Arc::clone(object),
                }
            }
            Self::Update { id, fields } => {
                let (object, id) = record(schema, id)?;
                Operation::Update {
                    draft: draft(&object, fields)?,
                    object,
                    id,
                }
            }
            Self::Delete { id } => {
                let (object, id) = record(schema, id)?;
                Operation::Delete { object, id }
            }
            Self::Undelete { id } => {
                let (object, id) = record(schema, id)?;
                Operation::Undelete { object, id }
            }
            Self::HardDelete { id } => {
                let (object, id) = record(schema, id)?;
                Operation::HardDelete { object, id }
            }
            Self::Merge {
                master,
                losers,
                fields,
            } => {
                let (object, master) = record(schema, master)?;
                let losers = losers
                    .iter()
                    .map(|loser| record(schema, loser).map(|(_, id)| id))
                    .collect::<Result<_, _>>()?;
                Operation::Merge {
                    draft: draft(&object, fields)?,
                    object,
                    master,
                    losers,
                }
            }
            Self::ConvertLead(conversion) => {
                let existing = |id: &Option<String>| {
                    id.as_deref()
                        .map(|id| record(schema, id).map(|(_, id)| id))
                        .transpose()
                };
                Operation::ConvertLead {
                    lead: record(schema, &conversion.id)?.1,
                    conversion: Conversion {
                        account: existing(&conversion.account)?,
                        contact: existing(&conversion.contact)?,
                        opportunity: None,
                        opportunity_name: conversion.opportunity_name.clone(),
                        without_opportunity: conversion.without_opportunity,
                        status: conversion.status.clone(),
                    },
                }
            }
        })
    }
}

fn record(schema: &Schema, id: &str) -> Result<(Arc<Object>, RecordId), SaveError> {
    let parsed = RecordId::parse(id).and_then(|id| Some((schema.object_by_prefix(id.prefix())?, id)));
    parsed
        .map(|(object, id)| (Arc::clone(object), id))
        .ok_or_else(|| SaveError::new("MALFORMED_ID", format!("malformed id {id}")))
}
