//! The order in which objects are synced.

use std::sync::Arc;

use causeway_core::mapping::MappingPlan;

/// Plans with those first that others refer to, so that most references lead somewhere when their record comes.
/// Where objects refer to each other in a ring, the order given decides.
pub(in crate::app) fn parents_first(plans: &[Arc<MappingPlan>]) -> Vec<Arc<MappingPlan>> {
    let mut waiting: Vec<Arc<MappingPlan>> = plans.to_vec();
    let mut ordered = Vec::with_capacity(plans.len());
    while !waiting.is_empty() {
        let free = waiting
            .iter()
            .position(|plan| {
                !waiting.iter().any(|other| {
                    other.salesforce_object != plan.salesforce_object
                        && refers(plan, &other.salesforce_object)
                })
            })
            .unwrap_or(0);
        ordered.push(waiting.remove(free));
    }
    ordered
}

fn refers(plan: &MappingPlan, object: &str) -> bool {
    plan.synced_fields().any(|field| {
        field
            .salesforce
            .reference_to
            .iter()
            .any(|target| target == object)
    })
}

#[cfg(test)]
mod tests {
    use causeway_core::id::{FieldId, MappingId, PlanRevision};
    use causeway_core::mapping::{
        DeletePolicy, Direction, FieldPlan, PartnerType, SalesforceField, SalesforceType, Scope, SyncRule,
    };

    use super::*;
    use crate::app::sample::field;

    fn plan(number: i64, object: &str, targets: &[&str]) -> Arc<MappingPlan> {
        let fields = targets
            .iter()
            .zip(1..)
            .map(|(target, id)| FieldPlan {
                id: FieldId(id),
                partner: target.to_lowercase(),
                partner_type: PartnerType::Reference,
                salesforce: SalesforceField {
                    reference_to: vec![(*target).to_owned()],
                    ..field(&format!("{target}Id"), SalesforceType::Reference)
                },
                rule: SyncRule::Salesforce,
                required: false,
                max_length: None,
                choices: std::collections::BTreeMap::new(),
            })
            .collect();
        Arc::new(MappingPlan {
            mapping: MappingId(number),
            revision: PlanRevision(1),
            partner_object: object.to_lowercase(),
            salesforce_object: object.to_owned(),
            direction: Direction::SalesforceToPartner,
            scope: Scope::PastAndFuture,
            delete_policy: DeletePolicy::Delete,
            default_owner: "u".to_owned(),
            partner_delete_policy: DeletePolicy::Ask,
            salesforce_default_owner: None,
            owner_rule: SyncRule::Salesforce,
            external_id: None,
            mark_linked: false,
            last_written: None,
            identity: None,
            mergeable: false,
            convertible: false,
            has_created_by: false,
            has_last_modified_by: false,
            keep_owner_on_update: false,
            has_owner: true,
            fields,
            last_field_id: FieldId(9),
            default_account: None,
        })
    }

    fn order(plans: &[Arc<MappingPlan>]) -> Vec<String> {
        parents_first(plans)
            .iter()
            .map(|plan| plan.salesforce_object.clone())
            .collect()
    }

    #[test]
    fn parents_come_before_children() {
        assert_eq!(
            order(&[
                plan(1, "Task", &["Contact", "Opportunity"]),
                plan(2, "Opportunity", &["Account"]),
                plan(3, "Contact", &["Account"]),
                plan(4, "Account", &[]),
            ]),
            ["Account", "Opportunity", "Contact", "Task"]
        );
    }

    #[test]
    fn rings_and_references_to_itself_do_not_hang_it() {
        assert_eq!(
            order(&[
                plan(1, "A", &["B", "A"]),
                plan(2, "B", &["A"]),
                plan(3, "C", &["Elsewhere"])
            ]),
            ["C", "A", "B"]
        );
        assert!(order(&[]).is_empty());
    }
}
