//! Plans that tests of the use cases share.

use std::sync::Arc;

use causeway_core::id::{MappingId, PlanRevision};
use causeway_core::mapping::{
    MappingDocument, MappingPlan, SalesforceField, SalesforceObject, SalesforceType,
};

/// A Salesforce field that may hold null and be written.
pub(super) fn field(name: &str, kind: SalesforceType) -> SalesforceField {
    SalesforceField {
        name: name.to_owned(),
        kind,
        length: 80,
        precision: 0,
        scale: 0,
        nillable: true,
        createable: true,
        updateable: true,
        calculated: false,
        defaulted_on_create: false,
        external_id: false,
        unique: false,
        filterable: true,
        reference_to: Vec::new(),
        picklist_values: Vec::new(),
        restricted_picklist: false,
    }
}

/// A plan for contacts that maps their names. Salesforce describes these fields beside Id, Name and SystemModstamp.
pub(super) fn contact_plan(others: &[(&str, SalesforceType)]) -> Arc<MappingPlan> {
    let document: MappingDocument = serde_json::from_str(
        r#"{"partnerObject":"contact","salesforceObject":"Contact","direction":"salesforceToPartner",
            "defaultOwner":"u","fields":[{"partner":"name","type":"Text","salesforce":"Name"}]}"#,
    )
    .unwrap();
    let own = [
        ("Id", SalesforceType::Id),
        ("Name", SalesforceType::String),
        ("SystemModstamp", SalesforceType::Datetime),
    ];
    let object = SalesforceObject {
        name: "Contact".to_owned(),
        fields: own
            .iter()
            .chain(others)
            .map(|(name, kind)| ((*name).to_owned(), field(name, *kind)))
            .collect(),
    };
    Arc::new(MappingPlan::check(MappingId(1), PlanRevision(1), &document, &object, None).unwrap())
}
