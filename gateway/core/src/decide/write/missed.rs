//! Edits in Salesforce that a write replaced unread: somebody saved between the reading of the target and the write,
//! and news of it came while the write was in flight. The field's rule is applied to them after the fact.

use crate::decide::field::Crossing;
use crate::decide::merge::FieldCrossing;
use crate::decide::owner::Ladder;
use crate::decide::rules::{Contest, Moved};
use crate::decide::write::{read, same};
use crate::decide::{
    ChangeCause, FieldChange, InFlight, Known, LinkState, Lost, Noted, Presence, RecordState, Side, Snapshot,
};
use crate::id::FieldId;
use crate::mapping::SyncRule;
use crate::record::FieldValue;

/// Weighs the edits that a stored write replaced, once its fields are agreed on. Where Salesforce's wins, the partner
/// takes it, and what was written is overruled, so that it travels back. Gives the history of every value that lost.
/// `by_others`: what stands may be somebody else's save, and the write may never have arrived.
pub(super) fn weigh(
    known: Known<'_>,
    link: &mut LinkState,
    record: &mut RecordState,
    flight: &InFlight,
    snapshot: Option<&Snapshot>,
    by_others: bool,
) -> Vec<FieldChange> {
    let mut history = Vec::new();
    if record.presence != Presence::Live {
        return history;
    }
    for (id, expected) in &flight.write.values {
        let noted = known.link.and_then(|link| link.outgoing.noted.get(id));
        let Some((noted, value)) = noted.and_then(|noted| Some((noted, noted.value.as_ref()?))) else {
            continue;
        };
        let stored = match snapshot {
            Some(snapshot) => read(known, snapshot, *id).unwrap_or_else(|| expected.clone()),
            None => expected.clone(),
        };
        // What Salesforce holds instead, or holds by now, is weighed as it is read.
        let is_later = snapshot.is_some_and(|snapshot| noted.at > snapshot.version.modstamp);
        // Where nobody knows whether the write arrived, somebody's later save ends what was noted before it.
        let ended = by_others && snapshot.is_some_and(|snapshot| noted.at < snapshot.version.modstamp);
        if is_later || ended || !same(known, *id, &stored, expected) {
            continue;
        }
        let missed = Missed {
            known,
            id: *id,
            noted,
            value,
            stored,
        };
        history.push(missed.weigh(link, record));
    }
    history
}

/// An edit that was replaced.
struct Missed<'a> {
    known: Known<'a>,
    id: FieldId,
    noted: &'a Noted,
    value: &'a FieldValue,
    stored: FieldValue,
}

impl Missed<'_> {
    fn weigh(&self, link: &mut LinkState, record: &mut RecordState) -> FieldChange {
        let (rule, held, taken, blank) = match self.known.plan.field(self.id) {
            Some(field) => {
                let crossing = FieldCrossing(field);
                let held = record.fields.get(&field.partner).cloned();
                let held = held.unwrap_or(FieldValue::Null);
                (
                    field.rule,
                    held,
                    crossing.to_partner(self.value),
                    crossing.blank_at_partner(self.value),
                )
            }
            None => {
                let ladder = Ladder {
                    plan: self.known.plan,
                    owners: self.known.owners,
                    updates: true,
                };
                let held = FieldValue::Text(record.owner.clone());
                (
                    self.known.plan.owner_rule,
                    held,
                    ladder.to_partner(self.value),
                    false,
                )
            }
        };
        let contest = Contest {
            moved: Moved::Both,
            salesforce_blank: blank,
            partner_blank: held.is_blank(),
            salesforce_time: Some(self.noted.at),
            partner_time: record.times.get(&self.id).copied(),
        };
        // Another record may be recognised by the value that would come back; and one that does not cross cannot.
        let fixed = self.known.plan.identity == Some(self.id) || !self.known.plan.writes_partner();
        let taken = taken.ok().flatten().filter(|_| !fixed);
        let winner = contest.winner(rule);
        let cause = match (rule, winner, &taken) {
            (_, _, None) => ChangeCause::PartnerWins,
            (SyncRule::MostRecent, winner, _) => ChangeCause::MostRecent { winner },
            (_, Side::Salesforce, _) => ChangeCause::SalesforceWins,
            (_, Side::Partner, _) => ChangeCause::PartnerWins,
        };
        let change = FieldChange {
            field: self.id,
            salesforce_before: Some(self.value.clone()),
            salesforce_after: Some(self.stored.clone()),
            partner_before: Some(held.clone()),
            partner_after: Some(held.clone()),
            cause,
            lost: Some(Lost {
                side: Side::Salesforce,
                value: self.value.clone(),
            }),
        };
        let Some(taken) = taken.filter(|_| winner == Side::Salesforce) else {
            return change;
        };
        link.outgoing.overruled.insert(self.id, self.stored.clone());
        match (self.known.plan.field(self.id), &taken) {
            (Some(field), value) => {
                record.fields.insert(field.partner.clone(), value.clone());
            }
            (None, FieldValue::Text(owner)) => record.owner.clone_from(owner),
            (None, _) => {}
        }
        if rule == SyncRule::MostRecent {
            record.times.insert(self.id, self.noted.at);
        }
        FieldChange {
            partner_after: Some(taken.clone()),
            lost: (held != taken).then_some(Lost {
                side: Side::Partner,
                value: held,
            }),
            ..change
        }
    }
}
