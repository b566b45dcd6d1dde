//! What a deployment deletes, and what keeps it from being deleted.
//!
//! Source: Metadata API Developer Guide, Deleting Components from an Organization.

use super::catalog;
use super::deploy::{Attempt, broken};
use super::package::Doomed;
use super::result::Problem;
use super::schema_change::{self, ChangeError, IN_USE};
use super::store::Components;
use super::world::World;
use crate::org::Org;
use crate::schema::Schema;

impl Attempt {
    /// A formula or a rule that reads what is to be deleted.
    fn formula_on(&self, doomed: &Doomed) -> Option<String> {
        if self.broken.is_empty() {
            return None;
        }
        let mut without = self.whole.clone();
        remove(&mut without, doomed).ok()?;
        let broken = without.recheck();
        let (kind, name) = broken.iter().find(|broken| self.broken.contains(broken))?;
        Some(format!("{kind} - {name}"))
    }

    /// A duplicate rule that goes by a matching rule that is to be deleted.
    fn rule_by(&self, doomed: &Doomed) -> Option<String> {
        if doomed.kind != "MatchingRule" {
            return None;
        }
        self.schema.objects().find_map(|object| {
            let found = object.duplicate_rules.iter().find(|rule| {
                let mut matching = rule.matching.iter();
                matching.any(|rule| format!("{}.{}", rule.object, rule.name) == doomed.name)
            })?;
            Some(format!("DuplicateRule - {}.{}", object.name, found.name))
        })
    }

    /// What is to be deleted although what stays names it.
    pub(super) fn doomed_in_use(
        &self,
        org: &Org,
        stored: &Components,
    ) -> Result<Vec<(&'static str, String, String, Problem)>, ChangeError> {
        let mut refused = Vec::new();
        for doomed in &self.package.doomed {
            let Some(kind) = catalog::type_name(&doomed.kind) else {
                continue;
            };
            let automated = doomed.kind == "CustomField"
                && doomed.name.split_once('.').is_some_and(|(object, _)| {
                    org.schema()
                        .object(object)
                        .is_some_and(|object| !org.automation.rules().of(object).is_empty())
                });
            let others = stored.iter().find(|other| {
                let other = &other.component;
                let stays = !self
                    .package
                    .components
                    .iter()
                    .any(|new| new.kind == other.kind && new.name == other.name)
                    && !self
                        .package
                        .doomed
                        .iter()
                        .any(|gone| gone.kind == other.kind && gone.name == other.name);
                // Permissions are taken away with what they are for.
                if !stays || matches!(other.kind, "PermissionSet" | "Profile") {
                    return false;
                }
                let mut without = self.schema.clone();
                let world = World {
                    schema: &self.schema,
                    stored,
                    package: &self.package.components,
                    doomed: &self.package.doomed,
                };
                let whole = World {
                    schema: &org.schema(),
                    doomed: &[],
                    ..world
                };
                if broken(other, &world).is_none() || broken(other, &whole).is_some() {
                    return false;
                }
                let one = std::slice::from_ref(doomed);
                if remove(&mut without, doomed).is_err() {
                    return false;
                }
                let alone = World {
                    schema: &without,
                    doomed: one,
                    ..world
                };
                broken(other, &alone).is_some()
            });
            let standard = matches!(doomed.kind.as_str(), "CustomObject" | "CustomField")
                && !doomed
                    .name
                    .rsplit('.')
                    .next()
                    .is_some_and(|name| name.contains("__"));
            let lookup = self.lookup_to(doomed);
            let formula = self.formula_on(doomed).or_else(|| self.rule_by(doomed));
            let text = match others {
                // The words are believed.
                _ if standard => format!("Cannot delete what is standard: {}", doomed.name),
                _ if formula.is_some() => format!("{IN_USE} : {}", formula.unwrap_or_default()),
                _ if lookup.is_some() => format!("{IN_USE} : CustomField - {}", lookup.unwrap_or_default()),
                // Record types are not deleted by the Metadata API (Metadata API Developer Guide, RecordType).
                _ if doomed.kind == "RecordType" => {
                    "Record types cannot be deleted through the Metadata API".to_owned()
                }
                Some(other) => format!("{IN_USE} : {} - {}", other.component.kind, other.component.name),
                None if automated => {
                    "not supported: deleting a field of an object with rules of the test's own".to_owned()
                }
                None => continue,
            };
            refused.push((
                kind,
                doomed.name.clone(),
                doomed.file.to_owned(),
                Problem::new(text),
            ));
        }
        Ok(refused)
    }

    /// A field that stays and refers to an object that is to be deleted.
    fn lookup_to(&self, doomed: &Doomed) -> Option<String> {
        if doomed.kind != "CustomObject" {
            return None;
        }
        let refers = |parents: &[String]| {
            parents
                .iter()
                .any(|parent| parent.eq_ignore_ascii_case(&doomed.name))
        };
        self.schema.objects().find_map(|object| {
            let mut fields = object.fields.iter();
            let field = fields.find(|field| field.custom && refers(&field.reference_to))?;
            Some(format!("{}.{}", object.name, field.name))
        })
    }
}

/// Takes what is to be deleted out of a schema; what is not there is left.
pub(super) fn remove(schema: &mut Schema, doomed: &Doomed) -> Result<(), ChangeError> {
    match doomed.kind.as_str() {
        "CustomObject" if doomed.name.contains("__") && schema.object(&doomed.name).is_some() => {
            schema.remove_object(&doomed.name)?;
        }
        "FieldSet" => {
            let (object, name) = doomed.name.split_once('.').unwrap_or_default();
            for object in schema_change::behind(object) {
                if schema.object(object).is_some() {
                    schema.change_object(object, |object| {
                        object.field_sets.retain(|known| known.full_name != name);
                    })?;
                }
            }
        }
        "ValidationRule" => {
            let (object, rule) = doomed.name.split_once('.').unwrap_or_default();
            for object in schema_change::behind(object) {
                if schema.object(object).is_some() {
                    schema.remove_validation_rule(object, rule)?;
                }
            }
        }
        "DuplicateRule" => {
            let (object, rule) = doomed.name.split_once('.').unwrap_or_default();
            if schema.object(object).is_some() {
                schema.remove_duplicate_rule(object, rule)?;
            }
        }
        "CustomField" => {
            let (object, field) = doomed.name.split_once('.').unwrap_or_default();
            for object in schema_change::behind(object) {
                if field.ends_with("__c") && schema.object(object).is_some() {
                    schema.remove_field(object, field)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}
