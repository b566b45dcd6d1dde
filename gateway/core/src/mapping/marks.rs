//! What the gateway writes into Salesforce records for their readers there: the partner's id, and when it last wrote.

use crate::mapping::catalog::{SalesforceField, SalesforceObject, SalesforceType};
use crate::mapping::document::{Direction, MappingDocument, SyncRule};
use crate::mapping::nearest::suggestion;
use crate::mapping::plan::MappingProblem;
use crate::mapping::writing::problem;

/// Checks `markLinked` and `lastWritten`, and that no mapped field is one of the gateway's own. `external_id`: the
/// external id field, where it is in order. The API name of the field that each write stamps.
pub(super) fn check(
    document: &MappingDocument,
    external_id: Option<&str>,
    object: &SalesforceObject,
    problems: &mut Vec<MappingProblem>,
) -> Option<String> {
    let writes = document.direction != Direction::SalesforceToPartner;
    if document.mark_linked {
        mark_linked(document, external_id, object, problems);
    }
    let last_written = document.last_written.as_deref();
    if last_written.is_some() && !writes && !document.mark_linked {
        problems.push(problem(
            "lastWritten",
            "this mapping writes nothing to Salesforce; leave it out, or write `\"markLinked\": true`.",
        ));
    }
    let last_written = last_written.and_then(|name| stamped(name, object, problems));
    let own_id = document
        .external_id
        .as_deref()
        .filter(|_| writes || document.mark_linked);
    mapped(document, own_id, "carries the gateway's own ids", problems);
    mapped(
        document,
        last_written.as_deref(),
        "is set by the gateway's own writes",
        problems,
    );
    last_written
}

fn mark_linked(
    document: &MappingDocument,
    external_id: Option<&str>,
    object: &SalesforceObject,
    problems: &mut Vec<MappingProblem>,
) {
    const AT: &str = "markLinked";
    if document.external_id.is_none() {
        problems.push(problem(
            AT,
            "linked records are marked in the field that `externalId` names; name one, for example `Partner_Id__c`.",
        ));
        return;
    }
    let field = external_id.and_then(|name| object.fields.get(name));
    if let Some(field) = field.filter(|field| !field.updateable) {
        problems.push(unwritable(AT, field));
    }
}

fn stamped(name: &str, object: &SalesforceObject, problems: &mut Vec<MappingProblem>) -> Option<String> {
    const AT: &str = "lastWritten";
    let found = object
        .fields
        .values()
        .find(|field| field.name.eq_ignore_ascii_case(name));
    let Some(field) = found else {
        let near = suggestion(name, object.fields.keys().map(String::as_str));
        problems.push(problem(
            AT,
            &format!(
                "`{}` has no field `{name}` that the integration user can see; deploy it first.{near}",
                object.name
            ),
        ));
        return None;
    };
    if field.kind != SalesforceType::Datetime {
        let message = format!("`{}` is no date/time field; name one.", field.name);
        problems.push(problem(AT, &message));
        return None;
    }
    if !(field.createable && field.updateable) {
        problems.push(unwritable(AT, field));
        return None;
    }
    Some(field.name.clone())
}

fn unwritable(at: &str, field: &SalesforceField) -> MappingProblem {
    let message = if field.calculated {
        format!(
            "`{}` is a formula, which nobody can write; name another field.",
            field.name
        )
    } else {
        format!(
            "the integration user may not edit `{}`; give it edit access to the field.",
            field.name
        )
    };
    problem(at, &message)
}

/// What the gateway writes by itself would come back as news of a mapped field.
fn mapped(document: &MappingDocument, own: Option<&str>, why: &str, problems: &mut Vec<MappingProblem>) {
    let Some(own) = own else { return };
    for (at, field) in document.fields.iter().enumerate() {
        if field.rule != SyncRule::DoNotSync && field.salesforce.eq_ignore_ascii_case(own) {
            problems.push(problem(
                &format!("fields[{at}].salesforce"),
                &format!("`{}` {why}; remove it from the fields.", field.salesforce),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::id::{MappingId, PlanRevision};
    use crate::mapping::catalog::PartnerType;
    use crate::mapping::catalog::{SalesforceObject, SalesforceType};
    use crate::mapping::document::{Direction, MappingDocument};
    use crate::mapping::plan::MappingPlan;
    use crate::mapping::sample::{contact, document, field, two_way};

    const STAMP: &str = "Last_Written__c";

    /// The sample contact with a field for the moment of the last write.
    fn object() -> SalesforceObject {
        let mut object = contact();
        let mut stamp = object.fields["CausewayId__c"].clone();
        stamp.name = STAMP.to_owned();
        stamp.kind = SalesforceType::Datetime;
        object.fields.insert(STAMP.to_owned(), stamp);
        object
    }

    fn read_only(name: &str) -> SalesforceObject {
        let mut object = object();
        object.fields.get_mut(name).unwrap().updateable = false;
        object
    }

    fn marking(document: MappingDocument) -> MappingDocument {
        MappingDocument {
            external_id: Some("CausewayId__c".to_owned()),
            mark_linked: true,
            last_written: Some("last_written__C".to_owned()),
            ..document
        }
    }

    fn one_way() -> MappingDocument {
        document(vec![field("last_name", PartnerType::Text, "LastName")])
    }

    fn check(document: &MappingDocument, object: &SalesforceObject) -> Result<MappingPlan, Vec<String>> {
        MappingPlan::check(MappingId(1), PlanRevision(1), document, object, None)
            .map_err(|problems| problems.into_iter().map(|problem| problem.to_string()).collect())
    }

    #[test]
    fn records_are_marked_and_stamped_in_every_direction() {
        let both = two_way(one_way().fields);
        for document in [marking(one_way()), marking(both)] {
            let plan = check(&document, &object()).unwrap();
            assert_eq!(
                plan.marked_field(),
                Some("CausewayId__c"),
                "{:?}",
                document.direction
            );
            assert_eq!(plan.last_written.as_deref(), Some(STAMP));
        }
        let plan = check(&one_way(), &object()).unwrap();
        assert_eq!((plan.marked_field(), plan.last_written.as_ref()), (None, None));
        let unmarked = MappingDocument {
            mark_linked: false,
            last_written: None,
            ..marking(one_way())
        };
        assert_eq!(check(&unmarked, &object()).unwrap().marked_field(), None);
    }

    #[test]
    fn what_stands_in_the_way_is_named_with_its_remedy() {
        let without_field = MappingDocument {
            external_id: None,
            last_written: None,
            ..marking(one_way())
        };
        let of_text = MappingDocument {
            last_written: Some("LastName".to_owned()),
            ..marking(one_way())
        };
        let misspelt = MappingDocument {
            last_written: Some("Last_Writen__c".to_owned()),
            ..marking(one_way())
        };
        let never = MappingDocument {
            mark_linked: false,
            ..marking(one_way())
        };
        let mut both_mapped = marking(one_way());
        both_mapped
            .fields
            .push(field("id_there", PartnerType::Text, "CausewayId__c"));
        both_mapped
            .fields
            .push(field("seen", PartnerType::DateTime, STAMP));
        for (document, object, at, words) in [
            (without_field, object(), "markLinked", "`externalId`"),
            (
                marking(one_way()),
                read_only("CausewayId__c"),
                "markLinked",
                "edit access",
            ),
            (marking(one_way()), read_only(STAMP), "lastWritten", "edit access"),
            (of_text, object(), "lastWritten", "no date/time field"),
            (misspelt, object(), "lastWritten", "Last_Written__c"),
            (never, object(), "lastWritten", "writes nothing"),
            (both_mapped.clone(), object(), "fields[1].salesforce", "own ids"),
            (both_mapped, object(), "fields[2].salesforce", "own writes"),
        ] {
            let problems = check(&document, &object).unwrap_err();
            assert!(
                problems
                    .iter()
                    .any(|problem| problem.starts_with(at) && problem.contains(words)),
                "{at}: {problems:?}"
            );
        }
        assert_eq!(one_way().direction, Direction::SalesforceToPartner);
    }
}
