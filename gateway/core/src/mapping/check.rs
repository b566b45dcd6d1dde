//! The check that turns a mapping document into a plan, reporting every problem and how to mend it.

use std::collections::BTreeMap;

use crate::id::{FieldId, MappingId, PlanRevision};
use crate::mapping::catalog::{PartnerType, SalesforceField, SalesforceObject, SalesforceType};
use crate::mapping::document::{Direction, FieldMapping, MappingDocument, SyncRule};
use crate::mapping::nearest::suggestion;
use crate::mapping::pairing;
use crate::mapping::plan::{FieldPlan, MappingPlan, MappingProblem};
use crate::mapping::writing;

/// The longest partner name, in characters.
const LONGEST_NAME: usize = 64;

impl MappingPlan {
    /// Checks a document against what Salesforce describes.
    ///
    /// `previous` is the plan this one replaces: fields that keep their partner name and their Salesforce field
    /// keep their id, and an id once given is never given to another field.
    ///
    /// # Errors
    /// Every problem found, never only the first.
    pub fn check(
        mapping: MappingId,
        revision: PlanRevision,
        document: &MappingDocument,
        object: &SalesforceObject,
        previous: Option<&MappingPlan>,
    ) -> Result<MappingPlan, Vec<MappingProblem>> {
        let mut check = Check {
            object,
            problems: Vec::new(),
        };
        check.heading(document);
        let writing = writing::heading(document, object, &mut check.problems);
        let fields: Vec<Option<FieldPlan>> = document
            .fields
            .iter()
            .enumerate()
            .map(|(at, field)| check.field(at, field, document.direction))
            .collect();
        check.together(&document.fields);
        writing::identity(document, object, &mut check.problems);
        if !check.problems.is_empty() {
            return Err(check.problems);
        }
        let mut fields: Vec<FieldPlan> = fields.into_iter().flatten().collect();
        let last_field_id = give_ids(&mut fields, previous);
        Ok(MappingPlan {
            mapping,
            revision,
            partner_object: document.partner_object.clone(),
            salesforce_object: object.name.clone(),
            direction: document.direction,
            scope: document.scope,
            delete_policy: document.delete_policy,
            default_owner: document.default_owner.clone(),
            partner_delete_policy: document.partner_delete_policy,
            salesforce_default_owner: writing.salesforce_default_owner,
            owner_rule: writing.owner_rule,
            mark_linked: document.mark_linked,
            last_written: writing.last_written,
            external_id: writing.external_id,
            identity: writing::identity_id(document, &fields),
            mergeable: object.fields.contains_key("MasterRecordId"),
            convertible: object.fields.contains_key("IsConverted"),
            has_created_by: object.fields.contains_key("CreatedById"),
            has_last_modified_by: object.fields.contains_key("LastModifiedById"),
            keep_owner_on_update: document.keep_owner_on_update,
            has_owner: object.fields.contains_key("OwnerId"),
            fields,
            last_field_id,
            default_account: None,
        })
    }
}

struct Check<'a> {
    object: &'a SalesforceObject,
    problems: Vec<MappingProblem>,
}

impl<'a> Check<'a> {
    fn problem(&mut self, at: String, message: String) {
        self.problems.push(MappingProblem { at, message });
    }

    fn heading(&mut self, document: &MappingDocument) {
        self.partner_name("partnerObject".to_owned(), &document.partner_object);
        if !document.salesforce_object.eq_ignore_ascii_case(&self.object.name) {
            self.problem(
                "salesforceObject".to_owned(),
                format!(
                    "`{}` is not the object that was described; write `{}`.",
                    document.salesforce_object, self.object.name
                ),
            );
        } else if !self.object.fields.contains_key("SystemModstamp") {
            self.problem(
                "salesforceObject".to_owned(),
                format!(
                    "`{}` shows no SystemModstamp, so its changes cannot be put in order; choose another object, or \
                     give the integration user access to it.",
                    self.object.name
                ),
            );
        }
        if document.default_owner.trim().is_empty() {
            self.problem(
                "defaultOwner".to_owned(),
                "a default owner is mandatory: write the id of the partner user who owns records whose Salesforce \
                 owner has no partner user."
                    .to_owned(),
            );
        }
        if document
            .fields
            .iter()
            .all(|field| field.rule == SyncRule::DoNotSync)
        {
            self.problem(
                "fields".to_owned(),
                "no field moves; map at least one with a rule other than `doNotSync`.".to_owned(),
            );
        }
    }

    fn field(&mut self, at: usize, field: &FieldMapping, direction: Direction) -> Option<FieldPlan> {
        let path = format!("fields[{at}]");
        self.partner_name(format!("{path}.partner"), &field.partner);
        self.max_length(&path, field);
        let salesforce = self.salesforce_field(&path, &field.salesforce);
        writing::rule(&path, field, direction, salesforce, &mut self.problems);
        let salesforce = salesforce?;
        self.pairing(&path, field.partner_type, salesforce);
        let choices = self.choices(&path, field, salesforce);
        Some(FieldPlan {
            id: FieldId::OWNER,
            partner: field.partner.clone(),
            partner_type: field.partner_type,
            salesforce: salesforce.clone(),
            rule: field.rule,
            required: field.required,
            max_length: field.max_length,
            choices,
        })
    }

    fn partner_name(&mut self, at: String, name: &str) {
        let problem = if name.is_empty() {
            "is empty"
        } else if name.chars().count() > LONGEST_NAME {
            "is longer than 64 characters"
        } else if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
            "does not begin with a lower-case letter"
        } else if !name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
        {
            "has other characters than lower-case letters, digits and `_`"
        } else {
            return;
        };
        self.problem(
            at,
            format!("the partner name `{name}` {problem}; write it like `last_name`."),
        );
    }

    fn max_length(&mut self, path: &str, field: &FieldMapping) {
        let message = match (field.max_length, field.partner_type) {
            (None, _) => return,
            (Some(0), _) => "no value fits into 0 characters; raise the limit or leave it out.".to_owned(),
            (
                Some(_),
                PartnerType::Text
                | PartnerType::MultiLine
                | PartnerType::Email
                | PartnerType::Phone
                | PartnerType::Address,
            ) => return,
            (Some(_), other) => format!("{other:?} values have no length; leave the limit out."),
        };
        self.problem(format!("{path}.maxLength"), message);
    }

    fn salesforce_field(&mut self, path: &str, name: &str) -> Option<&'a SalesforceField> {
        let object = self.object;
        let found = object.fields.get(name).or_else(|| {
            object
                .fields
                .values()
                .find(|field| field.name.eq_ignore_ascii_case(name))
        });
        if found.is_none() {
            let message = if name.is_empty() {
                "the name of the Salesforce field is empty; write its API name, for example `LastName`."
                    .to_owned()
            } else if name.contains('.') {
                format!(
                    "`{name}` is a field of a related object; map fields of `{}` itself.",
                    object.name
                )
            } else {
                format!(
                    "`{}` has no field `{name}` that the integration user can see.{}",
                    object.name,
                    suggestion(name, object.fields.keys().map(String::as_str))
                )
            };
            self.problem(format!("{path}.salesforce"), message);
        }
        found
    }

    fn pairing(&mut self, path: &str, partner: PartnerType, field: &SalesforceField) {
        if pairing::pairs(partner, field.kind) {
            return;
        }
        let name = &field.name;
        let partners = pairing::partners(field.kind);
        if let Some(best) = partners.first() {
            self.problem(
                format!("{path}.type"),
                format!(
                    "`{name}` is a {} field, which {partner:?} does not take: {partner:?} reads {}. Write `{best:?}`, \
                     or map another field.",
                    described(field.kind),
                    pairing::readable(partner)
                ),
            );
            return;
        }
        let message = match field.kind {
            SalesforceType::Address | SalesforceType::Location => format!(
                "`{name}` is a compound field; map its components one by one{}.",
                self.components(field)
            ),
            SalesforceType::Base64 => {
                format!(
                    "`{name}` holds a file's bytes, which do not sync; remove this field from the mapping."
                )
            }
            _ => format!(
                "`{name}` has no fixed type ({}), so its values cannot be converted; remove this field from the \
                 mapping.",
                described(field.kind)
            ),
        };
        self.problem(format!("{path}.salesforce"), message);
    }

    /// The component fields of a compound one, as ` (…)`. Standard addresses share a prefix (`MailingAddress`,
    /// `MailingCity`); custom locations and addresses name theirs `Place__Latitude__s`.
    fn components(&self, compound: &SalesforceField) -> String {
        let name = compound.name.as_str();
        let prefix = match name.strip_suffix("__c") {
            Some(custom) => format!("{custom}__"),
            None => name.strip_suffix("Address").unwrap_or(name).to_owned(),
        };
        const PARTS: [&str; 9] = [
            "Street",
            "City",
            "State",
            "StateCode",
            "PostalCode",
            "Country",
            "CountryCode",
            "Latitude",
            "Longitude",
        ];
        let parts: Vec<String> = PARTS
            .iter()
            .flat_map(|part| [format!("{prefix}{part}"), format!("{prefix}{part}__s")])
            .filter(|part| self.object.fields.contains_key(part))
            .map(|part| format!("`{part}`"))
            .collect();
        if parts.is_empty() {
            String::new()
        } else {
            format!(" ({})", parts.join(", "))
        }
    }

    fn choices(
        &mut self,
        path: &str,
        field: &FieldMapping,
        salesforce: &SalesforceField,
    ) -> BTreeMap<String, Option<String>> {
        let mut choices = BTreeMap::new();
        let takes_choices = matches!(
            field.partner_type,
            PartnerType::SingleChoice | PartnerType::MultiChoice
        );
        if !field.choices.is_empty() && !takes_choices {
            self.problem(
                format!("{path}.choices"),
                format!(
                    "{:?} fields have no options; remove the choices, or make the field a SingleChoice or MultiChoice.",
                    field.partner_type
                ),
            );
            return choices;
        }
        for (at, choice) in field.choices.iter().enumerate() {
            let path = format!("{path}.choices[{at}]");
            let option = &choice.salesforce;
            if option.is_empty() {
                self.problem(
                    format!("{path}.salesforce"),
                    "the Salesforce option is empty; write its API value.".to_owned(),
                );
            } else if salesforce.restricted_picklist && !salesforce.picklist_values.contains(option) {
                let near = suggestion(option, salesforce.picklist_values.iter().map(String::as_str));
                self.problem(
                    format!("{path}.salesforce"),
                    format!("`{}` has no active option `{option}`.{near}", salesforce.name),
                );
            }
            if choice.partner.as_deref().is_some_and(str::is_empty) {
                self.problem(
                    format!("{path}.partner"),
                    "the partner's option is empty; name one, or write null for an option that does not sync."
                        .to_owned(),
                );
            }
            if choices.insert(option.clone(), choice.partner.clone()).is_some() {
                self.problem(
                    format!("{path}.salesforce"),
                    format!("the option `{option}` is mapped twice; keep one of the two."),
                );
            }
        }
        choices
    }

    fn together(&mut self, fields: &[FieldMapping]) {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, field) in fields.iter().enumerate() {
            let first = *seen.entry(&field.partner).or_insert(at);
            if first != at && !field.partner.is_empty() {
                self.problem(
                    format!("fields[{at}].partner"),
                    format!(
                        "`{}` is mapped already by fields[{first}]; a partner field has one source.",
                        field.partner
                    ),
                );
            }
        }
    }
}

/// Gives each field its id; returns the greatest id ever given.
fn give_ids(fields: &mut [FieldPlan], previous: Option<&MappingPlan>) -> FieldId {
    let known: BTreeMap<(&str, &str), FieldId> = previous
        .iter()
        .flat_map(|plan| &plan.fields)
        .map(|field| ((field.partner.as_str(), field.salesforce.name.as_str()), field.id))
        .collect();
    let mut last = previous.map_or(FieldId::OWNER, |plan| plan.last_field_id);
    for field in fields {
        field.id = match known.get(&(field.partner.as_str(), field.salesforce.name.as_str())) {
            Some(id) => *id,
            None => {
                last = FieldId(last.0.saturating_add(1));
                last
            }
        };
    }
    last
}

/// A Salesforce type in the words of Salesforce's own set-up pages.
fn described(kind: SalesforceType) -> &'static str {
    match kind {
        SalesforceType::Id => "record id",
        SalesforceType::String => "text",
        SalesforceType::Textarea => "text area",
        SalesforceType::Picklist => "picklist",
        SalesforceType::Multipicklist => "multi-select picklist",
        SalesforceType::Combobox => "combo box",
        SalesforceType::Reference => "lookup",
        SalesforceType::Boolean => "checkbox",
        SalesforceType::Int | SalesforceType::Long | SalesforceType::Double => "number",
        SalesforceType::Currency => "currency",
        SalesforceType::Percent => "percent",
        SalesforceType::Date => "date",
        SalesforceType::Datetime => "date/time",
        SalesforceType::Time => "time",
        SalesforceType::Email => "e-mail",
        SalesforceType::Phone => "phone",
        SalesforceType::Url => "URL",
        SalesforceType::Encryptedstring => "encrypted text",
        SalesforceType::Address => "address",
        SalesforceType::Location => "geolocation",
        SalesforceType::Base64 => "file",
        SalesforceType::Anytype => "any type",
        SalesforceType::Complexvalue => "complex value",
    }
}

#[cfg(test)]
mod tests;
