//! What a mapping's direction asks of it: which rules fit, and what the partner's writes need in Salesforce.

use crate::id::{FieldId, SalesforceId};
use crate::mapping::catalog::{PartnerType, SalesforceField, SalesforceObject, SalesforceType};
use crate::mapping::document::{DeletePolicy, Direction, FieldMapping, MappingDocument, SyncRule};
use crate::mapping::marks;
use crate::mapping::nearest::suggestion;
use crate::mapping::plan::{FieldPlan, MappingProblem};

/// An external id field must hold this many characters: what connection, record and generation come to.
const EXTERNAL_ID_LENGTH: u32 = 32;

/// Heading settings that were checked.
#[derive(Debug, Default)]
pub(super) struct Writing {
    pub(super) salesforce_default_owner: Option<SalesforceId>,
    pub(super) owner_rule: SyncRule,
    pub(super) external_id: Option<String>,
    pub(super) last_written: Option<String>,
}

/// Checks what the direction asks of the document as a whole.
pub(super) fn heading(
    document: &MappingDocument,
    object: &SalesforceObject,
    problems: &mut Vec<MappingProblem>,
) -> Writing {
    let writes = document.direction != Direction::SalesforceToPartner;
    if document.partner_delete_policy == DeletePolicy::Archive {
        problems.push(problem(
            "partnerDeletePolicy",
            "Salesforce keeps no archive; write `delete`, `unlink` or `ask`.",
        ));
    }
    let owner_rule = owner_rule(document, problems);
    let external_id = document
        .external_id
        .as_deref()
        .and_then(|name| external_id(name, object, problems));
    if writes && document.external_id.is_none() && document.identity.is_none() {
        problems.push(problem(
            "externalId",
            "records that the partner makes must be found again in Salesforce: name a unique external id field of text, \
             for example `CausewayId__c`; where the object takes none, name an `identity`.",
        ));
    }
    if writes {
        required_fields(document, object, problems);
        one_source(document, problems);
    }
    let last_written = marks::check(document, external_id.as_deref(), object, problems);
    Writing {
        last_written,
        salesforce_default_owner: default_owner(document, object, problems),
        owner_rule,
        external_id,
    }
}

/// Checks whether a field's rule fits the direction, and whether Salesforce takes what it writes.
pub(super) fn rule(
    path: &str,
    field: &FieldMapping,
    direction: Direction,
    salesforce: Option<&SalesforceField>,
    problems: &mut Vec<MappingProblem>,
) {
    let at = format!("{path}.rule");
    if field.rule == SyncRule::DoNotSync && field.required {
        problems.push(problem(
            &at,
            &format!(
                "the partner requires `{}`, so it cannot be left out of the sync; choose another rule, or make it \
                 optional.",
                field.partner
            ),
        ));
    }
    if !fits(field.rule, direction) {
        problems.push(problem(&at, &misfit(field.rule, direction)));
        return;
    }
    let Some(salesforce) = salesforce else { return };
    let writes = matches!(
        field.rule,
        SyncRule::Partner | SyncRule::PartnerUnlessBlank | SyncRule::MostRecent
    );
    let name = &salesforce.name;
    if writes && salesforce.calculated {
        problems.push(problem(
            &at,
            &format!(
                "`{name}` is a formula, which nobody can write; write `salesforce`, or map another field."
            ),
        ));
    } else if writes && !(salesforce.createable && salesforce.updateable) {
        problems.push(problem(
            &at,
            &format!(
                "the integration user may not write `{name}`; give it edit access to the field, or write `salesforce`."
            ),
        ));
    }
}

/// Checks the field by which records are recognised.
pub(super) fn identity(
    document: &MappingDocument,
    object: &SalesforceObject,
    problems: &mut Vec<MappingProblem>,
) {
    let Some(name) = &document.identity else { return };
    let Some(mapped) = document.fields.iter().find(|field| field.partner == *name) else {
        let near = suggestion(name, document.fields.iter().map(|field| field.partner.as_str()));
        problems.push(problem(
            "identity",
            &format!("no mapped partner field is called `{name}`.{near}"),
        ));
        return;
    };
    let recognisable = matches!(
        mapped.partner_type,
        PartnerType::Text
            | PartnerType::Email
            | PartnerType::Phone
            | PartnerType::SingleChoice
            | PartnerType::Number
            | PartnerType::Currency
    );
    if !recognisable {
        problems.push(problem(
            "identity",
            &format!(
                "records cannot be recognised by a {:?} field; name a text, e-mail, phone or number field.",
                mapped.partner_type
            ),
        ));
        return;
    }
    if mapped.rule == SyncRule::DoNotSync {
        problems.push(problem(
            "identity",
            &format!("`{name}` does not sync, so both sides' records cannot be recognised by it; give it another rule."),
        ));
        return;
    }
    let named = |field: &&SalesforceField| field.name.eq_ignore_ascii_case(&mapped.salesforce);
    let looked_for = document.direction != Direction::SalesforceToPartner;
    let Some(salesforce) = object.fields.values().find(named).filter(|_| looked_for) else {
        return;
    };
    if document.external_id.is_none() && !salesforce.createable {
        problems.push(problem(
            "identity",
            &format!(
                "without an external id a record that the partner makes is found again by `{0}`, which the integration \
                 user may not set; give it that right, or name another field or an `externalId`.",
                salesforce.name
            ),
        ));
    } else if !salesforce.filterable {
        problems.push(problem(
            "identity",
            &format!(
                "Salesforce cannot look records up by `{}`, a field that no query may filter by; name a field that it \
                 can filter by.",
                mapped.salesforce
            ),
        ));
    }
}

/// The id of the field by which records are recognised, once fields have ids.
pub(super) fn identity_id(document: &MappingDocument, fields: &[FieldPlan]) -> Option<FieldId> {
    let name = document.identity.as_ref()?;
    fields
        .iter()
        .find(|field| field.partner == *name)
        .map(|field| field.id)
}

fn fits(rule: SyncRule, direction: Direction) -> bool {
    match (direction, rule) {
        (Direction::Both, _) | (_, SyncRule::DoNotSync) => true,
        (Direction::SalesforceToPartner, SyncRule::Salesforce | SyncRule::SalesforceUnlessBlank) => true,
        (Direction::PartnerToSalesforce, SyncRule::Partner | SyncRule::PartnerUnlessBlank) => true,
        (Direction::SalesforceToPartner | Direction::PartnerToSalesforce, _) => false,
    }
}

fn misfit(rule: SyncRule, direction: Direction) -> String {
    let (carries, fitting) = match direction {
        Direction::SalesforceToPartner => (
            "from Salesforce to the partner only",
            "`salesforce`, `salesforceUnlessBlank` or `doNotSync`",
        ),
        _ => (
            "from the partner to Salesforce only",
            "`partner`, `partnerUnlessBlank` or `doNotSync`",
        ),
    };
    format!(
        "this mapping carries records {carries}, so {rule:?} cannot decide; write {fitting}, or the direction `both`."
    )
}

fn owner_rule(document: &MappingDocument, problems: &mut Vec<MappingProblem>) -> SyncRule {
    let usual = match document.direction {
        Direction::PartnerToSalesforce => SyncRule::Partner,
        Direction::SalesforceToPartner | Direction::Both => SyncRule::Salesforce,
    };
    let rule = document.owner_rule.unwrap_or(usual);
    if !fits(rule, document.direction) {
        problems.push(problem("ownerRule", &misfit(rule, document.direction)));
    }
    rule
}

fn default_owner(
    document: &MappingDocument,
    object: &SalesforceObject,
    problems: &mut Vec<MappingProblem>,
) -> Option<SalesforceId> {
    const AT: &str = "salesforceDefaultOwner";
    let writes = document.direction != Direction::SalesforceToPartner;
    let Some(text) = &document.salesforce_default_owner else {
        if writes && object.fields.contains_key("OwnerId") {
            problems.push(problem(
                AT,
                "a default owner in Salesforce is mandatory: write the id (005… or 00G…) of the user or queue who owns \
                 records whose partner owner has no Salesforce user.",
            ));
        }
        return None;
    };
    match SalesforceId::parse(text) {
        Ok(id)
            if ["005", "00G"]
                .iter()
                .any(|prefix| id.as_str().starts_with(prefix)) =>
        {
            Some(id)
        }
        Ok(id) => {
            problems.push(problem(
                AT,
                &format!(
                    "`{id}` is neither a user (005…) nor a queue (00G…); copy the id from Setup, Users."
                ),
            ));
            None
        }
        Err(wrong) => {
            problems.push(problem(
                AT,
                &format!("`{text}`: {wrong}; copy the id from Setup, Users."),
            ));
            None
        }
    }
}

fn external_id(name: &str, object: &SalesforceObject, problems: &mut Vec<MappingProblem>) -> Option<String> {
    let found = object
        .fields
        .values()
        .find(|field| field.name.eq_ignore_ascii_case(name));
    let Some(field) = found else {
        let near = suggestion(name, object.fields.keys().map(String::as_str));
        problems.push(problem(
            "externalId",
            &format!(
                "`{}` has no field `{name}` that the integration user can see; deploy it first.{near}",
                object.name
            ),
        ));
        return None;
    };
    let name = &field.name;
    let wrong = if field.kind != SalesforceType::String {
        "is no text field"
    } else if !field.external_id {
        "is not marked as external id"
    } else if !field.unique {
        "is not unique"
    } else if !field.createable {
        "cannot be written by the integration user"
    } else if field.length < EXTERNAL_ID_LENGTH {
        "is too short"
    } else {
        return Some(name.clone());
    };
    problems.push(problem(
        "externalId",
        &format!(
            "`{name}` {wrong}; name a text field of at least {EXTERNAL_ID_LENGTH} characters with External ID and Unique \
             set, which the integration user may edit."
        ),
    ));
    None
}

/// Salesforce refuses a new record that lacks a required field.
fn required_fields(
    document: &MappingDocument,
    object: &SalesforceObject,
    problems: &mut Vec<MappingProblem>,
) {
    let required = object.fields.values().filter(|field| {
        field.createable && !field.nillable && !field.defaulted_on_create && field.name != "OwnerId"
    });
    for field in required {
        let mapped = document.fields.iter().any(|mapped| {
            mapped.rule != SyncRule::DoNotSync && mapped.salesforce.eq_ignore_ascii_case(&field.name)
        });
        if !mapped {
            problems.push(problem(
                "fields",
                &format!(
                    "Salesforce makes no `{}` without `{}`; map that field.",
                    object.name, field.name
                ),
            ));
        }
    }
}

/// A Salesforce field that the partner writes has one source.
fn one_source(document: &MappingDocument, problems: &mut Vec<MappingProblem>) {
    let moving: Vec<(usize, &FieldMapping)> = document
        .fields
        .iter()
        .enumerate()
        .filter(|(_, field)| field.rule != SyncRule::DoNotSync && !field.salesforce.is_empty())
        .collect();
    for (at, field) in &moving {
        let first = moving
            .iter()
            .find(|(_, other)| other.salesforce.eq_ignore_ascii_case(&field.salesforce))
            .map_or(*at, |(first, _)| *first);
        if first != *at {
            problems.push(problem(
                &format!("fields[{at}].salesforce"),
                &format!(
                    "`{}` is mapped already by fields[{first}]; where the partner writes, a Salesforce field has one \
                     source.",
                    field.salesforce
                ),
            ));
        }
    }
}

pub(super) fn problem(at: &str, message: &str) -> MappingProblem {
    MappingProblem {
        at: at.to_owned(),
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests;
