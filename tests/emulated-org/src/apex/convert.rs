//! Lead conversion with triggers: those of the account, contact and opportunity that are made, then those of the lead's
//! update.
//!
//! Source: Salesforce Help, Guidelines for Mapping Custom Lead Fields and Lead Settings, "Require validation for
//! converted leads", which new organisations have: triggers run then.

use std::sync::Arc;

use apex_runtime::run::trigger::TriggerEvent;
use apex_runtime::run::{Interrupt, Machine};

use super::session::{Mark, Rights, Session};
use super::values::Names;
use super::write::{Kind, Line};
use crate::data::{Conversion, Draft, Operation, Outcome, Prepared, Refusal, Row};
use crate::id::RecordId;
use crate::schema::Object;
use crate::value::Value;

/// The objects that a conversion makes records of, and where the lead names them.
const MADE: [(&str, &str); 3] = [
    ("Account", "ConvertedAccountId"),
    ("Contact", "ConvertedContactId"),
    ("Opportunity", "ConvertedOpportunityId"),
];

impl Session<'_> {
    pub(super) fn convert_with_triggers(
        &self,
        machine: &mut Machine<'_>,
        lead: RecordId,
        conversion: &Conversion,
    ) -> Result<Outcome, Interrupt> {
        let start = self.mark();
        let refused = |outcome: Outcome| {
            self.roll_back_to(start);
            Ok(outcome)
        };
        // Done once without triggers, to see what is made.
        let rehearsed = self.store_conversion(lead, conversion);
        if rehearsed.is_err() {
            return refused(rehearsed);
        }
        let made = self.made_of(lead, conversion);
        self.roll_back_to(start);
        let mut given = conversion.clone();
        for (object, mut draft) in made {
            if let (Some(account), Some((at, _))) = (given.account, object.field("AccountId")) {
                draft.values.retain(|(known, _)| *known != at);
                draft.values.push((at, Value::Id(account)));
            }
            let create = Operation::Create {
                object: Arc::clone(&object),
                draft,
            };
            let mut lines = vec![self.line(&Ok(create), None, Rights::System)];
            if matches!(lines.first(), Some(line) if line.outcome.is_none()) {
                self.group(machine, &object, Kind::Insert, &[0], &mut lines)?;
            }
            match lines.pop().and_then(|line| line.outcome) {
                Some(Ok(saved)) => match object.name.as_str() {
                    "Account" => given.account = Some(saved.id),
                    "Contact" => given.contact = Some(saved.id),
                    _ => given.opportunity = Some(saved.id),
                },
                Some(Err(refusal)) => return refused(Err(refusal)),
                None => return refused(Err(Refusal::NoMatch)),
            }
        }
        self.update_lead(machine, lead, &given, start)
    }

    /// The lead's own part, with its update triggers.
    fn update_lead(
        &self,
        machine: &mut Machine<'_>,
        lead: RecordId,
        conversion: &Conversion,
        start: Mark,
    ) -> Result<Outcome, Interrupt> {
        let Some(object) = self.schema.object("Lead").cloned() else {
            return Ok(Err(Refusal::NoMatch));
        };
        let program = &*self.installed.program;
        let names = Names::of(&object, program);
        let has = |event: TriggerEvent| !program.triggers_for(&object.name, event.written()).is_empty();
        let row = || self.read(|data| data.table("Lead")?.shared(&lead).cloned());
        let before = row();
        let here = self.mark();
        let mut outcome = self.store_conversion(lead, conversion);
        let mut line = Line {
            prepared: Some(Prepared {
                operation: Operation::Update {
                    object: Arc::clone(&object),
                    id: lead,
                    draft: Draft::default(),
                },
                before,
                proposed: row().map_or_else(Vec::new, |row| values_of(&object, &row)),
            }),
            outcome: None,
            record: None,
        };
        if outcome.is_ok() && has(TriggerEvent::BeforeUpdate) {
            self.roll_back_to(here);
            let mut lines = [line];
            let event = TriggerEvent::BeforeUpdate;
            self.before(machine, (&object, &names), event, &[0], &mut lines)?;
            let [after] = lines;
            line = after;
            outcome = match (line.outcome.take(), &line.prepared) {
                (Some(refused), _) => refused,
                (None, Some(prepared)) if changes(&prepared.operation) => {
                    let update = prepared.operation.clone();
                    let stored = self.write(Rights::System, |transaction| transaction.store(update));
                    stored.and_then(|_| self.store_conversion(lead, conversion))
                }
                (None, _) => self.store_conversion(lead, conversion),
            };
        }
        if outcome.is_ok() && has(TriggerEvent::AfterUpdate) {
            line.outcome = Some(outcome.clone());
            let mut lines = [line];
            let event = TriggerEvent::AfterUpdate;
            self.after(machine, (&object, &names), event, &[0], &mut lines)?;
            let [after] = lines;
            outcome = after.outcome.unwrap_or(outcome);
        }
        if outcome.is_err() {
            self.roll_back_to(start);
        }
        Ok(outcome)
    }

    fn store_conversion(&self, lead: RecordId, conversion: &Conversion) -> Outcome {
        let operation = Operation::ConvertLead {
            lead,
            conversion: conversion.clone(),
        };
        self.write(Rights::System, |transaction| transaction.store(operation))
    }

    /// The records that a conversion that was done has made, as operations would make them.
    fn made_of(&self, lead: RecordId, conversion: &Conversion) -> Vec<(Arc<Object>, Draft)> {
        let given = [conversion.account, conversion.contact, conversion.opportunity];
        let new = MADE.iter().zip(given).filter(|(_, given)| given.is_none());
        let made = new.filter_map(|((object, field), _)| {
            let object = Arc::clone(self.schema.object(object)?);
            self.read(|data| {
                let leads = data.table("Lead")?;
                let (position, _) = leads.object.field(field)?;
                let Value::Id(id) = leads.get(&lead)?.get(position) else {
                    return None;
                };
                let row = data.table(&object.name)?.get(id)?;
                let mut values = values_of(&object, row);
                values.retain(|(position, value)| {
                    let field = object.fields.get(*position);
                    !value.is_null()
                        && field.is_some_and(|field| field.createable && !field.kind.is_compound())
                });
                let draft = Draft {
                    values,
                    parents: Vec::new(),
                };
                Some((object, draft))
            })
        });
        made.collect()
    }
}

fn changes(operation: &Operation) -> bool {
    matches!(operation, Operation::Update { draft, .. } if !draft.values.is_empty())
}

fn values_of(object: &Object, row: &Row) -> Vec<(usize, Value)> {
    let positions = 0..object.fields.len();
    positions
        .map(|position| (position, row.get(position).clone()))
        .collect()
}
