//! Duplicate rules: a record that matches another is refused, or saved only on demand.
//!
//! Source: Salesforce Metadata API Developer Guide, `DuplicateRule` and `MatchingRule`; REST API Developer Guide,
//! Duplicate Rule Header; SOAP API Developer Guide, `DuplicateResult`, whose names the JSON is believed to take. Rows of
//! one save are not compared with each other (Salesforce Help, Things to Know About Duplicate Rules). Fields match
//! exactly, but for the case of texts (believed); the fuzzy methods of standard rules are not known here, so no rule is
//! active that metadata or a knob did not bring.

use serde_json::{Map, Value as Json, json};

use super::draft::Fields;
use super::outcome::Refusal;
use super::row::Row;
use super::write::Transaction;
use crate::schema::Object;
use crate::value::Value;

/// What a request says about duplicates, and in which API version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuplicateOptions {
    /// Whether rules that only alert let the record be saved.
    pub allow_save: bool,
    /// Whether refusals show the fields that were compared, not the id alone.
    pub include_record_details: bool,
    /// The API version of the addresses in refusals.
    pub version: u16,
}

impl Default for DuplicateOptions {
    fn default() -> Self {
        Self {
            allow_save: false,
            include_record_details: false,
            version: 68,
        }
    }
}

/// What a duplicate rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DuplicateAction {
    /// Nothing that the saver notices.
    #[default]
    Allow,
    /// Refuses the save until it is demanded.
    Alert,
    /// Refuses the save.
    Block,
}

/// An active duplicate rule of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateRule {
    /// Its developer name.
    pub name: String,
    /// What its refusals say.
    pub message: String,
    /// What it does about new records.
    pub on_insert: DuplicateAction,
    /// What it does about changed records.
    pub on_update: DuplicateAction,
    /// The matching rules, of which one suffices.
    pub matching: Vec<MatchingRule>,
}

/// When two records match: all fields must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchingRule {
    /// Its developer name.
    pub name: String,
    /// The object whose records are compared with.
    pub object: String,
    /// The fields.
    pub fields: Vec<MatchedField>,
}

/// One pair of fields that must match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedField {
    /// On the record that is saved.
    pub saved: String,
    /// On the records that it is compared with.
    pub other: String,
    /// Whether two fields without a value match.
    pub blanks_match: bool,
}

impl Transaction<'_> {
    /// The refusal of a record that has duplicates; `before` is the record as it was.
    pub(super) fn refuse_duplicates(
        &self,
        object: &Object,
        fields: &Fields,
        before: Option<&Row>,
    ) -> Result<(), Refusal> {
        // Loads with all automation switched off pass duplicate rules as well.
        if object.duplicate_rules.is_empty() || self.rules.is_none() {
            return Ok(());
        }
        let options = self.author.duplicates;
        for rule in &object.duplicate_rules {
            let action = if before.is_some() {
                rule.on_update
            } else {
                rule.on_insert
            };
            let holds = match action {
                DuplicateAction::Allow => false,
                DuplicateAction::Alert => !options.allow_save,
                DuplicateAction::Block => true,
            };
            if !holds {
                continue;
            }
            let results: Vec<Json> = rule
                .matching
                .iter()
                .filter_map(|matching| self.match_result(matching, object, fields, before))
                .collect();
            if !results.is_empty() {
                return Err(Refusal::Duplicates {
                    message: rule.message.clone(),
                    result: Box::new(if self.data.switches.duplicates_without_result {
                        Json::Null
                    } else {
                        json!({
                            "allowSave": action == DuplicateAction::Alert,
                            "duplicateRule": rule.name,
                            "duplicateRuleEntityType": object.name,
                            "errorMessage": rule.message,
                            "matchResults": results,
                        })
                    }),
                });
            }
        }
        Ok(())
    }

    fn match_result(
        &self,
        rule: &MatchingRule,
        object: &Object,
        fields: &Fields,
        before: Option<&Row>,
    ) -> Option<Json> {
        let table = self.data.table(&rule.object)?;
        let mut wanted = Vec::with_capacity(rule.fields.len());
        let mut changed = before.is_none();
        for field in &rule.fields {
            let (saved, _) = object.field(&field.saved)?;
            let (other, _) = table.object.field(&field.other)?;
            let value = fields.get(saved);
            if value.is_null() && !field.blanks_match {
                return None;
            }
            changed |= before.is_some_and(|row| row.get(saved) != value);
            wanted.push((other, value));
        }
        // An edit of other fields makes no duplicate (believed).
        if !changed {
            return None;
        }
        let records: Vec<Json> = table
            .rows()
            .filter(|row| !row.is_deleted() && before.is_none_or(|before| before.id() != row.id()))
            .filter(|row| {
                wanted
                    .iter()
                    .all(|(position, value)| same(row.get(*position), value))
            })
            .filter(|row| !self.wrote(row.id()))
            .map(|row| self.match_record(rule, &table.object, row))
            .collect();
        (!records.is_empty()).then(|| {
            json!({
                "entityType": table.object.name,
                "errors": [],
                "matchEngine": "ExactMatchEngine",
                "matchRecords": records,
                "rule": rule.name,
                "size": records.len(),
                "success": true,
            })
        })
    }

    fn match_record(&self, rule: &MatchingRule, object: &Object, row: &Row) -> Json {
        let options = self.author.duplicates;
        let (name, id, version) = (&object.name, row.id(), options.version);
        let url = format!("/services/data/v{version}.0/sobjects/{name}/{id}");
        let mut record = Map::new();
        record.insert("attributes".to_owned(), json!({ "type": name, "url": url }));
        record.insert("Id".to_owned(), json!(id.as_str()));
        if options.include_record_details {
            let named = object.name_field().map(|(_, field)| field.name.as_str());
            let names = rule.fields.iter().map(|field| field.other.as_str()).chain(named);
            for (position, field) in names.filter_map(|name| object.field(name)) {
                record.insert(field.name.clone(), row.get(position).write_json(field));
            }
        }
        json!({
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": record,
        })
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => {
            let lower = |text: &str| text.to_lowercase();
            left == right || (left.len() == right.len() && lower(left) == lower(right))
        }
        _ => left == right,
    }
}
