//! The organisation's own rules on a record's way into the database.

use std::sync::Arc;

use super::derive::derive;
use super::draft::Fields;
use super::outcome::SaveError;
use super::plan::Plan;
use super::row::{Row, Stamp};
use super::validate::storable;
use super::write::Transaction;
use crate::automation::{Rule, Tally};
use crate::formula::{Context, Save};
use crate::id::RecordId;
use crate::schema::Object;
use crate::soql::passes;

impl Transaction<'_> {
    /// Lets the before-save rules change the fields, then asks the validation rules.
    ///
    /// # Errors
    /// A trigger that throws, every validation rule that refuses, or the first field that a rule set to what it cannot hold.
    pub(super) fn run_rules(
        &mut self,
        object: &Object,
        plan: &Plan,
        fields: &mut Fields,
        before: Option<&Row>,
    ) -> Result<(), Vec<SaveError>> {
        let Some((rules, tally)) = self.rules.clone() else {
            return Ok(());
        };
        let rules = rules.of(object);
        if rules.is_empty() && object.validation_rules.is_empty() {
            return Ok(());
        }
        let stamp: Arc<Stamp> = before.map_or_else(|| Arc::from([]), |row| Arc::clone(row.stamp()));
        let id = before.map_or(RecordId::MIN, Row::id);
        let as_row = |fields: &Fields| Row::new(id, false, fields.clone().into_values(), Arc::clone(&stamp));
        if !self.before_save_done {
            self.run_flows(object, plan, fields, before)
                .map_err(|error| vec![error])?;
        }
        let row = as_row(fields);
        let thrown = rules.iter().find_map(|rule| match rule {
            Rule::Throws(rule) if passes(&rule.when, &row, self.data) => Some(rule),
            _ => None,
        });
        if let Some(rule) = thrown {
            let event = if before.is_some() {
                "BeforeUpdate"
            } else {
                "BeforeInsert"
            };
            let message = format!(
                "{}Trigger: execution of {event}\n\ncaused by: {}",
                object.name, rule.message
            );
            let error = SaveError::new("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message);
            if !self.data.switches.exceptions_refuse_their_row_alone {
                self.thrown = Some(error.clone());
            }
            return Err(vec![error]);
        }
        let refusals = self.refusals(object, rules, (&row, before), &tally);
        if refusals.is_empty() {
            Ok(())
        } else {
            Err(refusals)
        }
    }

    /// Lets the before-save rules change the fields; the positions of those they changed.
    pub(super) fn run_flows(
        &self,
        object: &Object,
        plan: &Plan,
        fields: &mut Fields,
        before: Option<&Row>,
    ) -> Result<Vec<usize>, SaveError> {
        let mut changed = Vec::new();
        let Some((rules, tally)) = self.rules.clone() else {
            return Ok(changed);
        };
        let stamp: Arc<Stamp> = before.map_or_else(|| Arc::from([]), |row| Arc::clone(row.stamp()));
        let id = before.map_or(RecordId::MIN, Row::id);
        for rule in rules.of(object) {
            let Rule::BeforeSave(update) = rule else { continue };
            let row = Row::new(id, false, fields.clone().into_values(), Arc::clone(&stamp));
            let applies = |when| passes(when, &row, self.data);
            if !update.when.as_ref().is_none_or(applies) {
                continue;
            }
            let changes = update.changes(|position| row.get(position));
            if !changes.is_empty() {
                tally.count_before_save();
                changed.extend(changes.iter().map(|(position, _)| *position));
                self.change(object, plan, fields, changes)?;
            }
        }
        Ok(changed)
    }

    fn change(
        &self,
        object: &Object,
        plan: &Plan,
        fields: &mut Fields,
        changes: Vec<(usize, crate::value::Value)>,
    ) -> Result<(), SaveError> {
        let mut changed = Vec::with_capacity(changes.len());
        for (position, value) in changes {
            if let Some(field) = object.fields.get(position) {
                fields.set(position, storable(field, value)?);
                changed.push(field.name.as_str());
            }
        }
        derive(
            object,
            plan,
            fields,
            &|name| changed.contains(&name),
            self.author.second(),
        )
    }

    fn refusals(
        &self,
        object: &Object,
        rules: &[Rule],
        (row, before): (&Row, Option<&Row>),
        tally: &Tally,
    ) -> Vec<SaveError> {
        let save = Save {
            before,
            user: self.author.user,
            access: self.access.as_deref(),
        };
        let context = Context::saving(self.data, object, row, self.author.now, save);
        let by_formula = rules.iter().filter_map(|rule| match rule {
            Rule::Formula(rule) => Some(rule),
            _ => None,
        });
        let mut refusals: Vec<SaveError> = object
            .validation_rules
            .iter()
            .chain(by_formula)
            .filter_map(|rule| rule.refusal(&context))
            .inspect(|_| tally.count_refused())
            .collect();
        for rule in rules {
            if let Rule::Validation(rule) = rule
                && passes(&rule.when, row, self.data)
            {
                tally.count_refused();
                refusals.push(SaveError {
                    code: "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                    message: rule.message.clone(),
                    fields: rule.field.iter().cloned().collect(),
                });
            }
        }
        refusals
    }
}
