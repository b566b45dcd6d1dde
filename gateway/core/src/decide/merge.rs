//! Both sides of a record, put together field by field and with the owner. Everything that is heard leads here.
//!
//! A single value that cannot cross holds the whole record: half a record would be worse than none.

use std::collections::BTreeMap;

use crate::Instant;
use crate::decide::breaker::Step;
use crate::decide::field::{Crossing, Merged, View};
use crate::decide::{
    Agreed, ChangeCause, FieldChange, FieldTimes, Known, LinkState, Outgoing, Presence, RecordEffect,
    RecordState, SalesforceWrite, Snapshot, WriteKind, owner,
};
use crate::id::FieldId;
use crate::mapping::{ConversionCause, ConversionProblem, FieldPlan, MappingPlan, SyncRule, convert};
use crate::owners::OwnerDirectory;
use crate::record::{FieldValue, Fields};

/// What is known of both sides.
#[derive(Clone, Copy)]
pub(super) struct Sides<'a> {
    pub(super) plan: &'a MappingPlan,
    pub(super) owners: &'a OwnerDirectory,
    pub(super) agreed: &'a Agreed,
    pub(super) outgoing: &'a Outgoing,
    /// The partner's record; none while there is none.
    pub(super) partner: Option<Partner<'a>>,
    /// What was read of Salesforce; a field that was not is as it was agreed.
    pub(super) snapshot: Option<&'a Snapshot>,
    /// Whether what was agreed is weighed anew.
    pub(super) again: bool,
    /// The write that was just settled.
    pub(super) written: Option<&'a SalesforceWrite>,
    /// Whether all that Salesforce holds is what the gateway made the record with: nobody edited it there.
    pub(super) own_creation: bool,
}

/// The partner's side.
#[derive(Clone, Copy)]
pub(super) struct Partner<'a> {
    pub(super) fields: &'a Fields,
    pub(super) owner: &'a str,
    pub(super) times: &'a FieldTimes,
}

impl<'a> From<&'a RecordState> for Partner<'a> {
    fn from(record: &'a RecordState) -> Self {
        Partner {
            fields: &record.fields,
            owner: &record.owner,
            times: &record.times,
        }
    }
}

/// Both sides after their merge.
#[derive(Debug, Default)]
pub(super) struct Merge {
    /// Agreed pairs.
    pub(super) agreed: Agreed,
    /// What the partner holds.
    pub(super) fields: Fields,
    pub(super) owner: String,
    pub(super) times: FieldTimes,
    pub(super) history: Vec<FieldChange>,
    /// What is to be written to Salesforce.
    pub(super) writes: BTreeMap<FieldId, FieldValue>,
    /// Salesforce values that these writes replace.
    pub(super) overruled: BTreeMap<FieldId, FieldValue>,
    /// Whether Salesforce has to be read before it can be said whether something more is to be written.
    pub(super) open: bool,
    /// Whether one side's value was put over the other's edit.
    pub(super) overwrites: bool,
}

static NO_AGREED: Agreed = Agreed(BTreeMap::new());
static NO_OUTGOING: Outgoing = Outgoing {
    pending: false,
    in_flight: None,
    overruled: BTreeMap::new(),
    noted: BTreeMap::new(),
    turns: None,
    generation: 0,
};

impl<'a> Sides<'a> {
    pub(super) fn new(known: Known<'a>, snapshot: Option<&'a Snapshot>) -> Self {
        Sides {
            plan: known.plan,
            owners: known.owners,
            agreed: known.link.map_or(&NO_AGREED, |link| &link.agreed),
            outgoing: known.link.map_or(&NO_OUTGOING, |link| &link.outgoing),
            partner: known.record.map(Partner::from),
            snapshot,
            again: known
                .link
                .is_some_and(|link: &LinkState| link.plan != known.plan.revision),
            written: None,
            own_creation: snapshot.is_some_and(|snapshot| known.is_own_creation(snapshot)),
        }
    }

    /// When Salesforce's value of a field was edited: told with the reading, or by news of this value during a write;
    /// else no later than the record's stamp. None: it never was.
    pub(super) fn salesforce_time(
        &self,
        id: FieldId,
        name: &str,
        value: Option<&FieldValue>,
    ) -> Option<Instant> {
        let snapshot = self.snapshot.filter(|_| !self.own_creation)?;
        let noted = self.outgoing.noted.get(&id);
        let noted = noted.filter(|noted| noted.value.is_none() || noted.value.as_ref() == value);
        let told = snapshot.changed.get(name).or(noted.map(|noted| &noted.at));
        Some(told.copied().unwrap_or(snapshot.version.modstamp))
    }

    /// Whether a field's time of Salesforce's is that of the gateway's own write. A field that was not in the write was
    /// changed by somebody before it, and no later.
    pub(super) fn is_ours(&self, id: FieldId, time: Option<Instant>) -> bool {
        let wrote = self
            .written
            .is_some_and(|write| write.kind == WriteKind::Create || write.values.contains_key(&id));
        (wrote || !self.agreed.0.contains_key(&id))
            && self
                .snapshot
                .is_some_and(|snapshot| snapshot.is_own_write(time.unwrap_or(snapshot.version.modstamp)))
    }

    /// Merges both sides.
    ///
    /// # Errors
    /// Every value that cannot cross.
    pub(super) fn merge(&self) -> Result<Merge, Vec<ConversionProblem>> {
        let mut merge = Merge::default();
        let mut problems = self
            .snapshot
            .map(|snapshot| snapshot.unreadable.clone())
            .unwrap_or_default();
        for plan in &self.plan.fields {
            if self
                .snapshot
                .is_some_and(|snapshot| is_unreadable(snapshot, plan))
            {
                continue;
            }
            match self.field(plan).and_then(|merged| self.require(plan, merged)) {
                Ok(merged) => {
                    if let Some(value) = merged.partner.clone() {
                        merge.fields.insert(plan.partner.clone(), value);
                    }
                    merge.add(plan.id, merged, self.time_of(plan.id));
                }
                Err(problem) => problems.push(problem),
            }
        }
        match owner::merge(self) {
            Ok(merged) => {
                if let Some(FieldValue::Text(owner)) = &merged.partner {
                    merge.owner.clone_from(owner);
                }
                merge.history.extend(self.unmapped());
                merge.add(FieldId::OWNER, merged, self.time_of(FieldId::OWNER));
            }
            Err(problem) => problems.push(problem),
        }
        if problems.is_empty() {
            Ok(merge)
        } else {
            Err(problems)
        }
    }

    /// How a mapped field is seen from both sides.
    pub(super) fn view<'b>(&'b self, plan: &'b FieldPlan, crossing: &'b FieldCrossing<'b>) -> View<'b> {
        let salesforce = self
            .snapshot
            .and_then(|snapshot| snapshot.fields.get(&plan.salesforce.name));
        let salesforce_time = self.salesforce_time(plan.id, &plan.salesforce.name, salesforce);
        View {
            id: plan.id,
            rule: plan.rule,
            crossing,
            to_partner: self.plan.writes_partner(),
            to_salesforce: self.plan.writes_salesforce() && plan.salesforce.updateable,
            agreed: self.agreed.0.get(&plan.id),
            salesforce,
            partner: self.partner.and_then(|partner| partner.fields.get(&plan.partner)),
            overruled: self.outgoing.overruled.get(&plan.id),
            ours: self.is_ours(plan.id, salesforce_time),
            salesforce_time,
            partner_time: self.time_of(plan.id),
            again: self.again,
        }
    }

    fn field(&self, plan: &FieldPlan) -> Result<Merged, ConversionProblem> {
        self.view(plan, &FieldCrossing(plan)).merge()
    }

    fn time_of(&self, id: FieldId) -> Option<Instant> {
        self.partner.and_then(|partner| partner.times.get(&id).copied())
    }

    /// Refuses a blank where the partner takes none.
    fn require(&self, plan: &FieldPlan, merged: Merged) -> Result<Merged, ConversionProblem> {
        let blank = merged.partner.as_ref().is_none_or(FieldValue::is_blank);
        if plan.required && blank && self.plan.writes_partner() {
            return Err(plan.problem(ConversionCause::Required));
        }
        Ok(merged)
    }

    /// What leaves the partner's record because the mapping no longer has the field.
    fn unmapped(&self) -> impl Iterator<Item = FieldChange> {
        let plan = self.plan;
        self.agreed
            .0
            .iter()
            .filter(move |(id, _)| **id != FieldId::OWNER && plan.field(**id).is_none())
            .map(|(id, pair)| withdrawn(*id, pair, ChangeCause::Unmapped))
    }
}

impl Merge {
    fn add(&mut self, id: FieldId, merged: Merged, time: Option<Instant>) {
        self.history.extend(merged.change);
        self.agreed.0.extend(merged.pair.map(|pair| (id, pair)));
        self.writes.extend(merged.write.map(|value| (id, value)));
        self.overruled.extend(merged.overruled.map(|value| (id, value)));
        self.times.extend(merged.time.or(time).map(|time| (id, time)));
        self.open |= merged.open;
        self.overwrites |= merged.overwrites;
    }

    /// The record after the merge; none where it stays as it was.
    pub(super) fn record(&self, record: Option<&RecordState>) -> Option<RecordEffect> {
        let effect = RecordEffect {
            fields: self.fields.clone(),
            owner: self.owner.clone(),
            presence: Presence::Live,
            times: self.times.clone(),
            key: record.and_then(|record| record.key.clone()),
            successor: None,
        };
        let changed = record.is_none_or(|record| crate::decide::known::record_effect(record) != effect);
        changed.then_some(effect)
    }

    /// Whether the partner sees another record than before.
    pub(super) fn moves_partner(&self, record: &RecordState) -> bool {
        record.presence != Presence::Live || record.fields != self.fields || record.owner != self.owner
    }

    /// What the merge does, as far as loops go. `sends`: whether it ends in a write to Salesforce.
    pub(super) fn step(&self, record: Option<&RecordState>, sends: bool) -> Step {
        Step {
            overwrites: self.overwrites,
            to_partner: record.is_some_and(|record| self.moves_partner(record)),
            to_salesforce: sends,
        }
    }

    /// What the partner holds in the fields that are written.
    pub(super) fn basis(&self, plan: &MappingPlan) -> BTreeMap<FieldId, FieldValue> {
        self.writes
            .keys()
            .map(|id| {
                let value = match plan.field(*id) {
                    Some(field) => self
                        .fields
                        .get(&field.partner)
                        .cloned()
                        .unwrap_or(FieldValue::Null),
                    None => FieldValue::Text(self.owner.clone()),
                };
                (*id, value)
            })
            .collect()
    }
}

/// A mapped field's own conversion.
pub(super) struct FieldCrossing<'a>(pub(super) &'a FieldPlan);

impl Crossing for FieldCrossing<'_> {
    fn to_partner(&self, salesforce: &FieldValue) -> Result<Option<FieldValue>, ConversionProblem> {
        convert::to_partner(self.0, salesforce)
    }

    fn to_salesforce(&self, partner: &FieldValue) -> Result<Option<FieldValue>, ConversionProblem> {
        convert::to_salesforce(self.0, partner).map(Some)
    }

    fn same_in_salesforce(&self, one: &FieldValue, other: &FieldValue) -> bool {
        convert::same_meaning(self.0, one, other)
    }
}

/// Whether a field was read but not understood.
pub(super) fn is_unreadable(snapshot: &Snapshot, field: &FieldPlan) -> bool {
    field.rule != SyncRule::DoNotSync
        && snapshot
            .unreadable
            .iter()
            .any(|problem| problem.partner_field == field.partner)
}

/// The change of a field that the partner no longer sees.
pub(super) fn withdrawn(id: FieldId, pair: &crate::decide::AgreedPair, cause: ChangeCause) -> FieldChange {
    FieldChange {
        field: id,
        salesforce_before: Some(pair.salesforce.clone()),
        salesforce_after: None,
        partner_before: Some(pair.partner().clone()),
        partner_after: None,
        cause,
        lost: None,
    }
}
