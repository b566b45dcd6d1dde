//! What holds after every step.

use std::collections::BTreeSet;

use causeway_core::Instant;
use causeway_core::id::SalesforceId;

use crate::org::Made;
use crate::org::ingest::Work;
use crate::org::row::{Actor, Row, Value};
use crate::world::{Broken, Message, World};

impl World {
    /// Checks what holds after every step.
    ///
    /// # Errors
    /// What does not.
    pub fn check_steady(&mut self) -> Result<(), Broken> {
        self.check_budget()?;
        self.check_made()
    }

    /// The budget is never passed.
    fn check_budget(&self) -> Result<(), Broken> {
        let spent = self.org.spent();
        if spent > self.setting.cap {
            return Err(Broken::new(format!(
                "{spent} calls were made in 24 hours, but only {} may be",
                self.setting.cap
            )));
        }
        Ok(())
    }

    /// Nothing is made twice, or anew after it was deleted.
    fn check_made(&mut self) -> Result<(), Broken> {
        let made = self.org.made.len();
        for at in self.checked_made..made {
            let Some(new) = self.org.made.get(at).cloned() else {
                continue;
            };
            let earlier = self.org.made.iter().take(at).rev();
            let twin = earlier
                .into_iter()
                .find(|earlier| earlier.external == new.external);
            if let Some(twin) = twin {
                let erased = self
                    .org
                    .row(twin.id)
                    .is_some_and(|row| row.gone.is_some_and(|gone| gone.erased));
                let unseen = new.unmarked && self.lost_sight_of(twin);
                if !erased && !unseen {
                    return Err(Broken::new(format!(
                        "{} was made twice in Salesforce: {} and {}",
                        new.external, twin.id, new.id
                    )));
                }
                self.met.met(if erased {
                    "made anew after it was erased"
                } else {
                    "made anew unrecognised"
                });
            }
            self.check_twin(new.id, new.read_at.unwrap_or(new.at))?;
        }
        self.checked_made = made;
        Ok(())
    }

    /// Whether a record without an external id could not be found by what was sent: somebody deleted or converted it, or
    /// gave it another identity.
    fn lost_sight_of(&self, made: &Made) -> bool {
        let Some(row) = self.org.row(made.id) else {
            return true;
        };
        let plan = self.setting.plan(row.object);
        let field = plan.and_then(|plan| plan.field(plan.identity?));
        let edited = field.is_some_and(|field| {
            self.org.journal.iter().any(|edit| {
                edit.row == row.id && edit.field == field.salesforce.name && edit.actor != Actor::Gateway
            })
        });
        edited || !row.is_live() || row.converted.is_some()
    }

    /// No record is made beside one that carries its identity and was there before the gateway looked.
    fn check_twin(&self, id: SalesforceId, since: Instant) -> Result<(), Broken> {
        let Some(row) = self.org.row(id) else {
            return Ok(());
        };
        let Some(plan) = self.setting.plan(row.object) else {
            return Ok(());
        };
        let Some(field) = plan.identity.and_then(|id| plan.field(id)) else {
            return Ok(());
        };
        let name = field.salesforce.name.as_str();
        // What it was made with: somebody may have edited it within the same step.
        let mut edits = self.org.journal.iter();
        let first = edits.find(|edit| edit.row == id && edit.field == name);
        let Some(Value::Text(own)) = first.map(|edit| &edit.stored) else {
            return Ok(());
        };
        let before = |other: &&Row| {
            other.id != id
                && other.object == row.object
                && other.is_live()
                && other.converted.is_none()
                && *other.get(name) == Value::Text(own.clone())
        };
        let mut others = self.org.rows().filter(before);
        let twin = others.find(|other| {
            let edits = self.org.journal.iter();
            let mut edits = edits.filter(|edit| edit.row == other.id && edit.field == name);
            let lived_before = self.org.lives_since(other.id).is_some_and(|at| at < since);
            lived_before && edits.all(|edit| edit.at < since)
        });
        match twin {
            Some(twin) => Err(Broken::new(format!(
                "{id} was made beside {}, which carries {own:?} too",
                twin.id
            ))),
            None => Ok(()),
        }
    }

    /// At most one write of a record is under way.
    ///
    /// # Errors
    /// A second one.
    pub fn check_one_write(&self, work: &[Work]) -> Result<(), Broken> {
        let mut busy: BTreeSet<String> = BTreeSet::new();
        for message in self.under_way.messages() {
            if let Message::Write { work, .. } = message {
                busy.extend(work.iter().map(target));
            }
        }
        busy.extend(self.org.running_work().map(target));
        match work.iter().map(target).find(|target| busy.contains(target)) {
            Some(target) => Err(Broken::new(format!(
                "a second write of {target} was sent while one was under way"
            ))),
            None => Ok(()),
        }
    }

    /// Every save that the gateway's user made.
    pub fn gateway_saves(&self) -> usize {
        let edits = self.org.journal.iter();
        edits.filter(|edit| edit.actor == Actor::Gateway).count() + self.org.gateway_deletes
    }
}

fn target(work: &Work) -> String {
    match work {
        Work::Upsert { external, .. } => external.clone(),
        Work::Insert { label, .. } => label.clone(),
        Work::Update { id, .. } | Work::Delete { id } => id.to_string(),
    }
}
