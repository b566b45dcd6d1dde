//! What the outcome of a write means.

mod deleted;
mod landed;
mod unknown;
mod unstored;

use crate::Instant;
use crate::decide::write::{Settled, WriteOutcome};
use crate::decide::{
    Effects, HeldReason, Identity, InFlight, Known, LinkState, LinkStatus, Outgoing, Presence, Target,
    WriteKind,
};
use crate::id::FieldId;
use crate::mapping::SyncRule;
use crate::record::FieldValue;

/// Decides what the outcome of the write in flight means. `target` is what was read after it, where that succeeded;
/// without it an unknown outcome stays unknown. What was not stored stays pending, to be prepared again.
///
/// `other` is another link of the Salesforce record that was stored or read, if there is one.
pub fn settle(
    known: Known<'_>,
    other: Option<&LinkState>,
    outcome: &WriteOutcome,
    target: Option<&Target>,
    now: Instant,
) -> Settled {
    let Some((link, flight)) = known
        .link
        .and_then(|link| link.outgoing.in_flight.as_ref().map(|flight| (link, flight)))
    else {
        return Settled::default();
    };
    let landed = Landed {
        known,
        link,
        flight,
        other,
        target,
        now,
        by_others: false,
    };
    let mut settled = landed.end(outcome);
    if let Some(effects) = &mut settled.effects {
        landed.let_go(effects);
    }
    settled
}

/// A write that ended.
struct Landed<'a> {
    known: Known<'a>,
    link: &'a LinkState,
    flight: &'a InFlight,
    other: Option<&'a LinkState>,
    target: Option<&'a Target>,
    now: Instant,
    /// Whether somebody else may have entered what was sent: the outcome was unknown, and theirs is the last save.
    by_others: bool,
}

impl Landed<'_> {
    fn end(&self, outcome: &WriteOutcome) -> Settled {
        match outcome {
            WriteOutcome::Stored { salesforce_id } => self.stored(*salesforce_id),
            WriteOutcome::NotNow => self.not_stored(),
            WriteOutcome::Refused {
                code,
                message,
                fields,
                advice,
            } => self.refused(HeldReason::Refused {
                code: code.clone(),
                message: message.clone(),
                fields: fields.clone(),
                advice: advice.clone(),
            }),
            WriteOutcome::Unknown => match self.target {
                None => Settled::default(),
                Some(Target::Present(snapshot)) if self.flight.write.kind == WriteKind::Update => {
                    self.updated(snapshot)
                }
                Some(target) => match (self.found_in(target), target) {
                    (Some(salesforce_id), _) => self.stored(salesforce_id),
                    (None, Target::Ambiguous(candidates)) if self.is_open() && self.sent().is_some() => {
                        self.ambiguous(candidates)
                    }
                    (None, _) if self.is_open() && self.sent() == Some(None) => {
                        self.ask(HeldReason::OutcomeUnknown)
                    }
                    (None, _) => self.not_stored(),
                },
            },
        }
    }

    /// Sets the identity free under which a create was under way, unless the record has it.
    fn let_go(&self, effects: &mut Effects) {
        let Some(sent) = self
            .known
            .sent()
            .filter(|_| effects.link.outgoing.in_flight.is_none())
        else {
            return;
        };
        let fields = match (&effects.record, self.known.record) {
            (Some(record), _) => Some(&record.fields),
            (None, record) => record.map(|record| &record.fields),
        };
        let carried = fields.and_then(|fields| Identity::of_fields(self.known.plan, fields));
        let link = &mut effects.link;
        let lives = matches!(
            link.status,
            LinkStatus::Creating | LinkStatus::Linked | LinkStatus::Held { .. }
        );
        if (!lives || carried.as_ref() != Some(&sent)) && !link.release.contains(&sent) {
            link.release.push(sent);
        }
    }

    fn rule_of(&self, id: FieldId) -> (SyncRule, &str) {
        match self.known.plan.field(id) {
            Some(field) => (field.rule, field.salesforce.name.as_str()),
            None => (self.known.plan.owner_rule, "OwnerId"),
        }
    }

    /// The link without the write, and as far as known with the record that holds it.
    fn cleared(&self) -> LinkState {
        LinkState {
            outgoing: Outgoing {
                in_flight: None,
                ..self.link.outgoing.clone()
            },
            ..self.link.clone()
        }
    }

    /// Whether the link stands, held or not.
    fn is_open(&self) -> bool {
        self.waits() || matches!(self.link.status, LinkStatus::Held { .. })
    }

    fn waits(&self) -> bool {
        matches!(self.link.status, LinkStatus::Creating | LinkStatus::Linked)
    }

    fn record_is(&self, presence: Presence) -> bool {
        self.known
            .record
            .is_some_and(|record| record.presence == presence)
    }

    /// What the partner holds in a field.
    fn held(&self, id: FieldId) -> Option<FieldValue> {
        let record = self.known.record?;
        match self.known.plan.field(id) {
            Some(field) => record
                .fields
                .get(&field.partner)
                .cloned()
                .or(Some(FieldValue::Null)),
            None => Some(FieldValue::Text(record.owner.clone())),
        }
    }
}

fn settled(effects: Effects) -> Settled {
    Settled {
        effects: Some(Box::new(effects)),
        tombstone: None,
    }
}
