//! What tests begin with.

use std::collections::BTreeMap;

use causeway_core::Instant;
use causeway_core::decide::{
    Agreed, AgreedPair, ChangeSource, Effects, FieldTimes, LinkEffect, LinkRef, LinkStatus, MergedInto,
    Outcome, Outgoing, Presence, RecordEffect,
};
use causeway_core::id::{
    ConnectionId, FieldId, InboxId, MappingId, PlanRevision, RunId, SalesforceId, TenantId,
};
use causeway_core::mapping::{DeletePolicy, Direction, MappingPlan, Scope, SyncRule};
use causeway_core::ports::connections::{Connection, Environment, NewConnection, Sealed};
use causeway_core::ports::inbox::{ChangeKind, ReceivedChange};
use causeway_core::ports::links::{Caused, Linked, Write, Written};
use causeway_core::ports::{Lane, StoreError, Transaction};
use causeway_core::record::{FieldValue, Fields};
use causeway_core::version::SalesforceVersion;
use causeway_store::Store;

pub const CONTACTS: MappingId = MappingId(1);
pub const PUSHED: ChangeSource = ChangeSource::Push { inbox: InboxId(7) };

/// Second number `second` of a day in November.
pub fn at(second: i64) -> Instant {
    Instant::from_timestamp_micros(1_763_800_000_000_000 + second * 1_000_000).unwrap()
}

/// The id of contact number `number`.
pub fn contact_id(number: u32) -> SalesforceId {
    SalesforceId::parse(&format!("003ZM{number:010}")).unwrap()
}

pub fn account_id(number: u32) -> SalesforceId {
    SalesforceId::parse(&format!("001ZM{number:010}")).unwrap()
}

pub fn version(second: i64) -> SalesforceVersion {
    SalesforceVersion {
        modstamp: at(second),
        observed: at(second + 1),
    }
}

pub fn new_connection(name: &str) -> NewConnection {
    NewConnection {
        tenant: "Miller & Sons".to_owned(),
        connection: Connection {
            id: ConnectionId(0),
            tenant: TenantId(0),
            name: name.to_owned(),
            environment: Environment::Sandbox,
            login_url: "https://test.salesforce.com".to_owned(),
            consumer_key: "3MVG9".to_owned(),
            username: "integration@miller.example".to_owned(),
            sealed_private_key: Sealed(vec![0, 1, 254, 255]),
            api_version: "67.0".to_owned(),
            organization: None,
            instance_url: None,
            integration_user: None,
            daily_calls: None,
            daily_allowance: None,
            enabled: true,
            created_at: at(0),
        },
        clients: Vec::new(),
        users: Vec::new(),
    }
}

/// A connection in the store.
pub async fn connection(store: &Store, name: &str) -> ConnectionId {
    let new = new_connection(name);
    store
        .write(Lane::Interactive, move |unit| unit.add_connection(&new, at(0)))
        .await
        .unwrap()
}

pub fn plan(mapping: MappingId, revision: i64, partner_object: &str) -> MappingPlan {
    MappingPlan {
        mapping,
        revision: PlanRevision(revision),
        partner_object: partner_object.to_owned(),
        salesforce_object: "Contact".to_owned(),
        direction: Direction::SalesforceToPartner,
        scope: Scope::PastAndFuture,
        delete_policy: DeletePolicy::Delete,
        default_owner: "u-1".to_owned(),
        partner_delete_policy: DeletePolicy::Ask,
        salesforce_default_owner: None,
        owner_rule: SyncRule::default(),
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
        fields: Vec::new(),
        last_field_id: FieldId(0),
        default_account: None,
    }
}

pub fn text(text: &str) -> FieldValue {
    FieldValue::Text(text.to_owned())
}

pub fn named(last_name: &str) -> Fields {
    BTreeMap::from([("last_name".to_owned(), text(last_name))])
}

/// Effects that make a record for contact `number` and link it.
pub fn first_contact(number: u32, last_name: &str) -> Effects {
    Effects {
        link: LinkEffect {
            existing: None,
            salesforce_id: Some(contact_id(number)),
            status: LinkStatus::Linked,
            version: version(i64::from(number)),
            plan: PlanRevision(1),
            agreed: agreed(last_name),
            outgoing: Outgoing::default(),
            ready: false,
            reserve: Vec::new(),
            release: Vec::new(),
            absorb: None,
        },
        record: Some(RecordEffect {
            fields: named(last_name),
            owner: "u-1".to_owned(),
            presence: Presence::Live,
            times: FieldTimes::new(),
            key: None,
            successor: None,
        }),
        history: Vec::new(),
        outcome: Outcome::Created,
    }
}

/// Effects that write a new name to a link as it was read.
pub fn renamed(linked: &Linked, last_name: &str) -> Effects {
    let mut effects = first_contact(0, last_name);
    effects.link.existing = Some(link_ref(linked));
    effects.link.salesforce_id = linked.link.salesforce_id;
    effects.link.version = version(1000);
    effects.outcome = Outcome::Updated;
    effects
}

pub fn link_ref(linked: &Linked) -> LinkRef {
    LinkRef {
        id: linked.link.id,
        record: linked.link.record,
        revision: linked.link.revision,
    }
}

pub fn agreed(last_name: &str) -> Agreed {
    Agreed(BTreeMap::from([(
        FieldId(1),
        AgreedPair::new(text(last_name), text(last_name)),
    )]))
}

/// Applies effects inside a unit.
pub fn apply_in(
    unit: &mut dyn Transaction,
    connection: ConnectionId,
    effects: &[Effects],
    second: i64,
) -> Result<Vec<Written>, StoreError> {
    let caused: Vec<Caused> = effects
        .iter()
        .map(|effects| Caused {
            effects: effects.clone(),
            source: PUSHED,
            saved_by: None,
        })
        .collect();
    unit.apply(&Write {
        connection,
        mapping: CONTACTS,
        partner_object: "contact",
        at: at(second),
        lane: Lane::Interactive,
        effects: &caused,
    })
}

/// Applies effects in a unit of their own.
pub async fn apply(
    store: &Store,
    connection: ConnectionId,
    effects: Vec<Effects>,
    second: i64,
) -> Result<Vec<Written>, StoreError> {
    store
        .write(Lane::Interactive, move |unit| {
            apply_in(unit, connection, &effects, second)
        })
        .await
}

/// The link of contact `number`.
pub async fn linked(store: &Store, connection: ConnectionId, number: u32) -> Option<Linked> {
    store
        .read(move |unit| {
            let mut found = unit.linked(connection, CONTACTS, &[contact_id(number)])?;
            Ok(found.remove(&contact_id(number)))
        })
        .await
        .unwrap()
}

/// News of contact `number`.
pub fn change(number: u32, second: i64) -> ReceivedChange {
    ReceivedChange {
        object: "Contact".to_owned(),
        salesforce_id: contact_id(number),
        kind: ChangeKind::Upsert,
        version: version(second),
        fields: format!("{{\"LastName\":\"{number} at {second}\"}}"),
        changed: BTreeMap::new(),
        merged: MergedInto::Unknown,
        source: "package".to_owned(),
    }
}

/// Receives changes at a second.
pub async fn received(
    store: &Store,
    connection: ConnectionId,
    lane: Lane,
    changes: Vec<ReceivedChange>,
    second: i64,
) -> Vec<InboxId> {
    store
        .write(Lane::Interactive, move |unit| {
            unit.receive(connection, &changes, lane, at(second))
        })
        .await
        .unwrap()
}

/// A queued initial run of these mappings.
pub async fn run(store: &Store, connection: ConnectionId, mappings: &[MappingId], second: i64) -> RunId {
    let mappings = mappings.to_vec();
    store
        .write(Lane::Interactive, move |unit| {
            unit.start_run(
                connection,
                causeway_core::ports::runs::RunKind::Initial,
                &mappings,
                at(second),
            )
        })
        .await
        .unwrap()
}
