//! At rest: both sides hold the same, and it is what the rule makes of the edits that really happened.

use causeway_core::Instant;
use causeway_core::decide::{LinkStatus, Presence, RecordState};
use causeway_core::mapping::{Direction, FieldPlan, MappingPlan, PartnerType, SyncRule};
use causeway_core::ports::links::Linked;
use causeway_core::record::FieldValue;

use crate::invariants::newest::{Newest, newest, read};
use crate::invariants::rest::waits_for_a_person;
use crate::invariants::{field_value, meaning, partner_meaning};
use crate::org::row::{Actor, Edit, Row};
use crate::org::schema::{Field, Nature};
use crate::world::{Broken, World};

/// One field of one linked pair, with all that ever happened to it.
struct Case<'a> {
    plan: &'a MappingPlan,
    field: &'a FieldPlan,
    nature: Nature,
    row: &'a Row,
    /// Saves of the row's field, in the order in which they could be seen.
    saves: Vec<&'a Edit>,
    /// The last edit by anybody but the gateway.
    human: Option<&'a Edit>,
    /// When somebody but the gateway last saved the row.
    saved: Option<Instant>,
    /// The latest moment at which the field may seem edited in Salesforce; none where it cannot be told.
    touched: Option<Instant>,
    /// The partner's newest edit.
    newest: Option<(Instant, FieldValue)>,
    /// Whether that cannot be told.
    unclear: bool,
    /// Everything that the partner was told is stored.
    edits: Vec<FieldValue>,
    /// Whether the partner's record began without the field.
    began_blank: bool,
    partner: FieldValue,
    /// What the partner ever posted for the field, in any record: a record that is made anew carries older values.
    posted: Vec<FieldValue>,
    /// Whether the partner's record has the field at all.
    present: bool,
    /// Every save of every row: a record that is made anew carries values of the row before it.
    everywhere: &'a [Edit],
}

impl World {
    /// Checks every field of every linked pair.
    ///
    /// # Errors
    /// The first that is not as it must be.
    pub fn check_fields(&mut self) -> Result<(), Broken> {
        let mut met = Vec::new();
        for linked in self.store.all_links(self.connection) {
            let (LinkStatus::Linked, Some(record)) = (&linked.link.status, &linked.record) else {
                continue;
            };
            let row = linked.link.salesforce_id.and_then(|id| self.org.row(id));
            let Some(row) = row.filter(|row| row.is_live() && record.presence == Presence::Live) else {
                continue;
            };
            if waits_for_a_person(&linked, &self.store.all_links(self.connection), 4) {
                continue;
            }
            let plan = self.plan_of(&linked)?;
            for field in plan.synced_fields() {
                let Some(described) = row.object.field(&field.salesforce.name) else {
                    continue;
                };
                let case = self.case(plan, field, described, row, record);
                let checked = self.check_case(&case, &linked, &mut met);
                checked.map_err(|broken| {
                    Broken::new(format!(
                        "{} of {} ({:?}, {:?}): {}; row holds {:?}, record {:?}; saves {:?}; edits {:?}; {:?}",
                        field.salesforce.name,
                        row.id,
                        field.rule,
                        plan.direction,
                        broken.what,
                        row.get(described.name),
                        case.partner,
                        case.saves,
                        self.truth.edits_of(record.id, &field.partner),
                        linked.link,
                    ))
                })?;
            }
        }
        for name in met {
            self.met.met(&name);
        }
        Ok(())
    }

    fn case<'a>(
        &'a self,
        plan: &'a MappingPlan,
        field: &'a FieldPlan,
        described: &Field,
        row: &'a Row,
        record: &RecordState,
    ) -> Case<'a> {
        let mut saves: Vec<&Edit> = self
            .org
            .journal
            .iter()
            .filter(|edit| edit.row == row.id && edit.field == described.name)
            .collect();
        saves.sort_by_key(|edit| edit.at);
        let human = saves
            .iter()
            .rev()
            .find(|edit| edit.actor != Actor::Gateway)
            .copied();
        let edits = self.truth.edits_of(record.id, &field.partner);
        let (newest, unclear) = match newest(field, &edits, |value| {
            let means = meaning(described.nature, value);
            let meant = |edit: &&Edit| partner_meaning(field, described.nature, &edit.stored);
            saves.iter().any(|edit| meant(edit) == Some(means.clone())) || means.is_empty()
        }) {
            Newest::None => (None, false),
            Newest::Known(at, value) => (Some((at, value)), false),
            Newest::Unclear => (None, true),
        };
        Case {
            plan,
            field,
            nature: described.nature,
            row,
            saved: self.org.touched(row.id),
            touched: self.touched(row, described.name, human),
            human,
            saves,
            newest,
            unclear,
            edits: edits.iter().filter_map(|edit| read(field, edit)).collect(),
            began_blank: edits.first().map(|edit| edit.serial) > self.truth.first_of(record.id),
            everywhere: &self.org.journal,
            posted: self
                .truth
                .edits
                .iter()
                .filter(|edit| edit.field == field.partner)
                .filter_map(|edit| read(field, edit))
                .collect(),
            present: record.fields.contains_key(&field.partner),
            partner: self.resolved(record.fields.get(&field.partner)),
        }
    }

    /// The latest save of a row by anybody but the gateway. None: a save of the gateway that did not write the field
    /// came after its last edit, so that the edit may have been taken for as late as that.
    fn touched(&self, row: &Row, field: &str, human: Option<&Edit>) -> Option<Instant> {
        let of_row = || self.org.journal.iter().filter(|edit| edit.row == row.id);
        let gateway = |edit: &&Edit| edit.actor == Actor::Gateway;
        let written: Vec<Instant> = of_row()
            .filter(gateway)
            .filter(|edit| edit.field == field)
            .map(|edit| edit.stamp)
            .collect();
        let after = human.map(|human| human.stamp);
        let other = of_row()
            .filter(gateway)
            .any(|edit| Some(edit.stamp) >= after && !written.contains(&edit.stamp));
        let latest = self.org.touched(row.id);
        latest.filter(|_| !other)
    }

    /// A partner's value; another record is named by its Salesforce id where it has one.
    fn resolved(&self, value: Option<&FieldValue>) -> FieldValue {
        let Some(FieldValue::Record(record)) = value else {
            return value.cloned().unwrap_or(FieldValue::Null);
        };
        let links = self.store.all_links(self.connection);
        let named = links.iter().find(|linked| linked.link.record == Some(*record));
        match named.map(|linked| (&linked.link.status, linked.link.salesforce_id)) {
            Some((LinkStatus::Merged { into }, _)) => FieldValue::Reference(*into),
            Some((_, Some(id))) => FieldValue::Reference(id),
            Some((LinkStatus::Creating | LinkStatus::Held { .. }, None)) => FieldValue::Record(*record),
            // It ended before it was ever in Salesforce.
            _ => FieldValue::Null,
        }
    }

    fn check_case(&self, case: &Case<'_>, linked: &Linked, met: &mut Vec<String>) -> Result<(), Broken> {
        let equal = case.equal();
        if !equal && !case.may_differ() {
            return Err(Broken::new("the sides differ"));
        }
        met.push(format!(
            "{:?} {}",
            case.field.rule,
            if equal { "equal" } else { "differs rightly" }
        ));
        let restored = self.restored.contains(&(linked.link.id, case.field.id));
        let blind = case.saves.iter().any(|edit| edit.blind);
        if restored || case.field.partner_type == PartnerType::Reference {
            return Ok(());
        }
        case.check_not_invented()?;
        // A record that came back begins anew, with what the side holds that brought it back.
        let record = linked.link.record;
        let came_back = self.org.came_back(case.row.id)
            || linked.link.outgoing.generation > 0
            || self.truth.lives.iter().any(|life| Some(life.record) == record);
        if came_back {
            met.push("came back".to_owned());
            return Ok(());
        }
        if case.unclear {
            met.push("order of the partner's edits unclear".to_owned());
            return Ok(());
        }
        if blind {
            met.push("edit within the window between reading and writing".to_owned());
            return Ok(());
        }
        if case.plan.direction == Direction::Both {
            case.check_rule(met)?;
            self.check_lost(case, linked, met)?;
        }
        Ok(())
    }

    /// A newest edit that does not stand is in the history.
    fn check_lost(&self, case: &Case<'_>, linked: &Linked, met: &mut Vec<String>) -> Result<(), Broken> {
        let told = |value: &FieldValue| {
            self.store.all_history(self.connection).iter().any(|entry| {
                let of = entry.link == linked.link.id && entry.field == case.field.id;
                let held = [
                    entry.lost.as_ref().map(|lost| &lost.value),
                    entry.salesforce_before.as_ref(),
                    entry.salesforce_after.as_ref(),
                    entry.partner_before.as_ref(),
                    entry.partner_after.as_ref(),
                ];
                of && held
                    .into_iter()
                    .flatten()
                    .any(|held| case.means(held) == case.means(value))
            })
        };
        if let Some((_, newest)) = &case.newest
            && case.means(newest) != case.means(&case.partner)
        {
            met.push("partner's edit lost".to_owned());
            if !told(newest) {
                return Err(Broken::new(format!(
                    "the history does not tell of the lost {newest:?}"
                )));
            }
        }
        // No value is no loss.
        if let Some(human) = case.human.filter(|_| case.human_means() != Some(String::new()))
            && case.human_means() != Some(case.salesforce_means())
        {
            met.push("Salesforce edit lost".to_owned());
            if !told(&field_value(&human.stored)) {
                return Err(Broken::new(format!(
                    "the history does not tell of the lost {:?}",
                    human.stored
                )));
            }
        }
        Ok(())
    }
}

impl Case<'_> {
    fn means(&self, value: &FieldValue) -> String {
        meaning(self.nature, value)
    }

    fn salesforce_means(&self) -> String {
        self.means(&field_value(self.row.get(&self.field.salesforce.name)))
    }

    fn human_means(&self) -> Option<String> {
        self.human.map(|edit| self.means(&field_value(&edit.stored)))
    }

    fn equal(&self) -> bool {
        let salesforce = self.row.get(&self.field.salesforce.name);
        let crossed = partner_meaning(self.field, self.nature, salesforce);
        crossed == Some(self.means(&self.partner))
    }

    fn favours_partner(&self) -> bool {
        matches!(self.field.rule, SyncRule::Partner | SyncRule::PartnerUnlessBlank)
    }

    /// Whether the sides may rightly hold different values.
    fn may_differ(&self) -> bool {
        let name = &self.field.salesforce.name;
        let salesforce = self.row.get(name);
        if partner_meaning(self.field, self.nature, salesforce).is_none() {
            return true;
        }
        let blank = self.salesforce_means().is_empty();
        let one_way = match self.plan.direction {
            Direction::SalesforceToPartner => self.field.rule == SyncRule::SalesforceUnlessBlank && blank,
            Direction::PartnerToSalesforce => {
                // What the partner never gave it does not own, and nothing comes the other way.
                !self.present
                    || self.field.rule == SyncRule::PartnerUnlessBlank && self.means(&self.partner).is_empty()
            }
            Direction::Both => false,
        };
        // What the org itself makes of the partner's value is not fought.
        let stored_otherwise = self.favours_partner()
            && self
                .saves
                .iter()
                .rev()
                .find(|edit| edit.actor == Actor::Gateway)
                .is_some_and(|edit| {
                    edit.written != edit.stored
                        && edit.stored == *salesforce
                        && partner_meaning(self.field, self.nature, &edit.written)
                            == Some(self.means(&self.partner))
                });
        one_way || stored_otherwise
    }

    /// Both sides hold something that somebody really wrote.
    fn check_not_invented(&self) -> Result<(), Broken> {
        let mut known: Vec<String> = vec![String::new()];
        known.extend(self.posted.iter().map(|value| self.means(value)));
        for edit in self
            .everywhere
            .iter()
            .filter(|edit| edit.field == self.field.salesforce.name)
        {
            if edit.actor != Actor::Gateway || edit.stored != edit.written {
                known.extend(partner_meaning(self.field, self.nature, &edit.stored));
            }
        }
        if known.contains(&self.means(&self.partner)) {
            return Ok(());
        }
        Err(Broken::new("the partner holds what nobody wrote"))
    }

    fn check_rule(&self, met: &mut Vec<String>) -> Result<(), Broken> {
        let stands_human = self.human_means() == Some(self.salesforce_means());
        let newest = self.newest.as_ref().map(|(_, value)| self.means(value));
        let stands_newest = newest.as_ref() == Some(&self.means(&self.partner));
        match self.field.rule {
            SyncRule::Salesforce => match self.human {
                Some(_) if !stands_human => Err(Broken::new("Salesforce's last edit does not stand")),
                _ => Ok(()),
            },
            SyncRule::SalesforceUnlessBlank => match self.human_means() {
                Some(value) if !value.is_empty() && !stands_human => Err(Broken::new(
                    "Salesforce's last edit does not stand, though it is not blank",
                )),
                _ => Ok(()),
            },
            SyncRule::Partner => match newest {
                Some(_) if !stands_newest => Err(Broken::new("the partner's newest edit does not stand")),
                _ => Ok(()),
            },
            SyncRule::PartnerUnlessBlank => match newest {
                Some(value) if !value.is_empty() && !stands_newest => Err(Broken::new(
                    "the partner's newest edit does not stand, though it is not blank",
                )),
                _ => Ok(()),
            },
            SyncRule::MostRecent => self.check_most_recent(stands_human, stands_newest, met),
            SyncRule::DoNotSync => Ok(()),
        }
    }

    fn check_most_recent(
        &self,
        stands_human: bool,
        stands_newest: bool,
        met: &mut Vec<String>,
    ) -> Result<(), Broken> {
        let (human, newest) = match (self.human, &self.newest) {
            (Some(human), Some(newest)) => (human, newest),
            (Some(_), None) if !stands_human => {
                return Err(Broken::new(
                    "Salesforce alone edited, and its edit does not stand",
                ));
            }
            // A save of the row may be taken for an edit of each of its fields.
            (None, Some(newest))
                if !stands_newest && !self.altered() && self.saved.is_none_or(|at| newest.0 > at) =>
            {
                return Err(Broken::new(
                    "the partner alone edited, and its edit does not stand",
                ));
            }
            _ => return Ok(()),
        };
        // A value that a side had held before is no news when it comes back unseen: a partner that posts what it holds
        // anyway, without a time, may repeat the whole of a record or mean it, and nothing tells which. It holds a choice
        // of Salesforce's by the partner's own name.
        let means = |edit: &&Edit| self.means(&field_value(&edit.stored));
        let crossed = |edit: &&Edit| partner_meaning(self.field, self.nature, &edit.stored);
        let returned = self
            .saves
            .iter()
            .filter(|edit| !std::ptr::eq(**edit, human))
            .any(|edit| Some(means(edit)) == self.human_means());
        let held = |value: &&FieldValue| self.means(value) == self.means(&newest.1);
        let repeated = self.edits.iter().filter(held).count() > 1
            || (self.began_blank && self.means(&newest.1).is_empty())
            || self
                .saves
                .iter()
                .any(|edit| edit.actor != Actor::Gateway && crossed(edit) == Some(self.means(&newest.1)));
        // Where the sides first meet, a value comes before none.
        let first = self.saves.first().is_some_and(|edit| std::ptr::eq(*edit, human));
        let first_blank =
            (first || self.row.made_by == Actor::Human) && self.human_means() == Some(String::new());
        let met_blank = self.edits.len() == 1 || self.row.made_by == Actor::Human;
        let blank = first_blank || (self.means(&newest.1).is_empty() && met_blank);
        // An option that is not shared is none of the partner's business.
        let unshared = partner_meaning(self.field, self.nature, &human.stored).is_none();
        if returned || repeated || blank || unshared || self.altered() {
            return Ok(());
        }
        // The record's stamp is the bound where a field's own time is not told; any save of the row moves it.
        if self.touched.is_some_and(|touched| newest.0 > touched) {
            met.push("most recent: partner's must stand".to_owned());
            if !stands_newest {
                return Err(Broken::new(
                    "the partner's edit is the most recent, but does not stand",
                ));
            }
        } else if human.stamp >= newest.0 {
            met.push("most recent: Salesforce's must stand".to_owned());
            if !stands_human {
                return Err(Broken::new(
                    "Salesforce's edit is the most recent, but does not stand",
                ));
            }
        }
        Ok(())
    }

    /// Whether the org made something else of what the gateway wrote.
    fn altered(&self) -> bool {
        self.saves
            .iter()
            .any(|edit| edit.actor == Actor::Gateway && edit.written != edit.stored)
    }
}
