//! What a person reads of marking, in the log.

use causeway_core::Instant;
use causeway_core::failure::{Call, Failure, policy};
use causeway_core::id::{ConnectionId, RunId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::logs::{LogDirection, LogMethod, NewLogEntry};
use causeway_core::ports::marks::MarkLink;
use serde_json::{Value, json};

use crate::app::failure::told;
use crate::app::sync::marking::writer::Refused;

/// Records of a page that are told of one by one; the others are counted.
const TOLD: usize = 100;

/// Tells of the marking of one mapping.
#[derive(Debug, Clone, Copy)]
pub(super) struct Teller<'a> {
    pub connection: ConnectionId,
    pub run: RunId,
    pub plan: &'a MappingPlan,
    pub field: &'a str,
    pub at: Instant,
}

impl Teller<'_> {
    /// Records were given their ids.
    pub(super) fn given(&self, records: u64) -> NewLogEntry {
        NewLogEntry {
            object: "*".to_owned(),
            data: json!({
                "partnerObject": self.plan.partner_object,
                "salesforceObject": self.plan.salesforce_object,
                "field": self.field,
                "marked": records,
            })
            .to_string(),
            ..self.entry(200, String::new())
        }
    }

    /// A record carries what is not the gateway's to replace.
    pub(super) fn others(&self, link: &MarkLink, held: &str) -> NewLogEntry {
        let cause = format!(
            "`{}` of the record holds `{}`, which is not its id at the partner and was left as it is. Empty the field \
             if nobody needs that value.",
            self.field,
            short(held)
        );
        self.of(link, 409, cause)
    }

    /// Records that Salesforce refused.
    pub(super) fn refused(&self, refused: &[Refused]) -> Vec<NewLogEntry> {
        let mut entries: Vec<NewLogEntry> = refused
            .iter()
            .take(TOLD)
            .map(|one| {
                let failure = Failure::from(one.failure.clone());
                let cause = told(&failure, &policy(&failure, Call::Write));
                self.of(&one.row.link, 422, cause)
            })
            .collect();
        let further = refused.len().saturating_sub(TOLD);
        entries.extend((further > 0).then(|| {
            let cause = format!("{further} further records could not be given their id at the partner.");
            NewLogEntry {
                object: "*".to_owned(),
                ..self.entry(422, cause)
            }
        }));
        entries
    }

    /// Salesforce refuses all.
    pub(super) fn all_refused(&self, message: &str) -> NewLogEntry {
        let cause = format!(
            "Linked records cannot be given their id at the partner in `{}`: {message}",
            self.field
        );
        NewLogEntry {
            object: "*".to_owned(),
            ..self.entry(403, cause)
        }
    }

    fn of(&self, link: &MarkLink, status: u16, cause: String) -> NewLogEntry {
        let id = Value::String(link.external_id(self.connection));
        NewLogEntry {
            salesforce_id: Some(link.salesforce_id),
            record: Some(link.record),
            data: Value::Object([(self.field.to_owned(), id)].into_iter().collect()).to_string(),
            ..self.entry(status, cause)
        }
    }

    fn entry(&self, status: u16, cause: String) -> NewLogEntry {
        NewLogEntry {
            at: self.at,
            direction: LogDirection::Outgoing,
            method: LogMethod::Put,
            status,
            object: self.plan.partner_object.clone(),
            salesforce_id: None,
            record: None,
            run: Some(self.run),
            data: "{}".to_owned(),
            cause: cause.replace('\0', ""),
        }
    }
}

/// What a field holds, short enough for a sentence.
fn short(held: &str) -> String {
    held.chars().take(80).collect()
}
