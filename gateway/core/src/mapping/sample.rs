//! A described object and a document that fits it, to be bent by tests.

use crate::id::{MappingId, PlanRevision};
use crate::mapping::catalog::{PartnerType, SalesforceField, SalesforceObject, SalesforceType};
use crate::mapping::document::{
    ChoiceMapping, DeletePolicy, Direction, FieldMapping, MappingDocument, Scope, SyncRule,
};
use crate::mapping::plan::{FieldPlan, MappingPlan, MappingProblem};

/// A field of a type, as generous as Salesforce allows.
pub(crate) fn salesforce_field(name: &str, kind: SalesforceType) -> SalesforceField {
    SalesforceField {
        name: name.to_owned(),
        kind,
        length: 0,
        precision: 0,
        scale: 0,
        nillable: true,
        createable: true,
        updateable: true,
        defaulted_on_create: false,
        calculated: false,
        external_id: false,
        unique: false,
        filterable: true,
        reference_to: Vec::new(),
        picklist_values: Vec::new(),
        restricted_picklist: false,
    }
}

/// A contact with one field of each type, and then some.
pub(crate) fn contact() -> SalesforceObject {
    use SalesforceType as S;
    let fields = [
        ("Id", S::Id),
        ("OwnerId", S::Reference),
        ("SystemModstamp", S::Datetime),
        ("AccountId", S::Reference),
        ("FirstName", S::String),
        ("LastName", S::String),
        ("Description", S::Textarea),
        ("Email", S::Email),
        ("Phone", S::Phone),
        ("Birthdate", S::Date),
        ("LastActivityAt__c", S::Datetime),
        ("LeadSource", S::Picklist),
        ("Level__c", S::Picklist),
        ("Languages__c", S::Multipicklist),
        ("Employees__c", S::Int),
        ("Score__c", S::Double),
        ("Share__c", S::Percent),
        ("Budget__c", S::Currency),
        ("HasOptedOutOfEmail", S::Boolean),
        ("MailingAddress", S::Address),
        ("MailingStreet", S::Textarea),
        ("MailingCity", S::String),
        ("Place__c", S::Location),
        ("Place__Latitude__s", S::Double),
        ("Photo__c", S::Base64),
        ("Homepage__c", S::Url),
        ("Anything__c", S::Anytype),
        ("CausewayId__c", S::String),
        ("Formula__c", S::Double),
        ("CreatedById", S::Reference),
        ("LastModifiedById", S::Reference),
    ];
    let mut object = SalesforceObject {
        name: "Contact".to_owned(),
        fields: fields
            .into_iter()
            .map(|(name, kind)| (name.to_owned(), salesforce_field(name, kind)))
            .collect(),
    };
    let level = object.fields.get_mut("Level__c").unwrap();
    level.restricted_picklist = true;
    level.picklist_values = ["Primary", "Secondary", "Tertiary"].map(str::to_owned).into();
    let external_id = object.fields.get_mut("CausewayId__c").unwrap();
    (external_id.external_id, external_id.unique, external_id.length) = (true, true, 64);
    let formula = object.fields.get_mut("Formula__c").unwrap();
    (formula.calculated, formula.createable, formula.updateable) = (true, false, false);
    object
}

/// A pair of fields with the ordinary rule.
pub(crate) fn field(partner: &str, partner_type: PartnerType, salesforce: &str) -> FieldMapping {
    FieldMapping {
        partner: partner.to_owned(),
        partner_type,
        salesforce: salesforce.to_owned(),
        rule: SyncRule::Salesforce,
        required: false,
        max_length: None,
        choices: Vec::new(),
    }
}

/// Pairs of options; an empty partner option stands for one that does not sync.
pub(crate) fn choices(pairs: &[(&str, &str)]) -> Vec<ChoiceMapping> {
    pairs
        .iter()
        .map(|(salesforce, partner)| ChoiceMapping {
            salesforce: (*salesforce).to_owned(),
            partner: (!partner.is_empty()).then(|| (*partner).to_owned()),
        })
        .collect()
}

/// A document over the sample contact.
pub(crate) fn document(fields: Vec<FieldMapping>) -> MappingDocument {
    MappingDocument {
        partner_object: "contact".to_owned(),
        salesforce_object: "Contact".to_owned(),
        direction: Direction::SalesforceToPartner,
        scope: Scope::PastAndFuture,
        delete_policy: DeletePolicy::Delete,
        default_owner: "u-default".to_owned(),
        partner_delete_policy: DeletePolicy::Ask,
        salesforce_default_owner: None,
        owner_rule: None,
        external_id: None,
        mark_linked: false,
        last_written: None,
        identity: None,
        keep_owner_on_update: false,
        fields,
    }
}

/// A document that carries records both ways.
pub(crate) fn two_way(fields: Vec<FieldMapping>) -> MappingDocument {
    MappingDocument {
        direction: Direction::Both,
        partner_delete_policy: DeletePolicy::Delete,
        salesforce_default_owner: Some("005000000000008".to_owned()),
        external_id: Some("CausewayId__c".to_owned()),
        ..document(fields)
    }
}

/// The check of a document against the sample contact.
pub(crate) fn check(document: &MappingDocument) -> Result<MappingPlan, Vec<MappingProblem>> {
    MappingPlan::check(MappingId(1), PlanRevision(1), document, &contact(), None)
}

/// The plan of fields over the sample contact.
pub(crate) fn plan(fields: Vec<FieldMapping>) -> MappingPlan {
    check(&document(fields)).unwrap()
}

/// The plan of one field over the sample contact.
pub(crate) fn field_plan(field: FieldMapping) -> FieldPlan {
    plan(vec![field]).fields.remove(0)
}
