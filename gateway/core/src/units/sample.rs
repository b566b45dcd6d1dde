//! Links, records and claims, to be bent by tests.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::Instant;
use crate::decide::{
    Agreed, InFlight, LinkState, LinkStatus, Outgoing, Presence, RecordState, SalesforceWrite, WriteKind,
};
use crate::id::{ConnectionId, LinkId, MappingId, PlanRevision, RecordId, SalesforceId};
use crate::mapping::sample::{field, plan};
use crate::mapping::{MappingPlan, PartnerType};
use crate::ports::Lane;
use crate::ports::links::Linked;
use crate::ports::outbox::OutgoingClaim;
use crate::record::{FieldValue, Fields};
use crate::version::SalesforceVersion;

pub(super) fn at(seconds: i64) -> Instant {
    Instant::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

pub(super) fn version(seconds: i64) -> SalesforceVersion {
    SalesforceVersion {
        modstamp: at(seconds),
        observed: at(seconds),
    }
}

pub(crate) fn sf(number: u32) -> SalesforceId {
    SalesforceId::parse(&format!("003{number:012}")).unwrap()
}

pub(super) fn text(value: &str) -> FieldValue {
    FieldValue::Text(value.to_owned())
}

/// Contacts, recognised by their address, with an external id.
pub(super) fn contact_plan() -> MappingPlan {
    let mut plan = plan(vec![field("email", PartnerType::Email, "Email")]);
    plan.external_id = Some("Causeway_Id__c".to_owned());
    plan.identity = Some(plan.fields[0].id);
    plan
}

/// A link of the number with its record.
pub(crate) fn linked(number: i64, salesforce_id: Option<SalesforceId>, email: &str) -> Linked {
    Linked {
        mapping: MappingId(1),
        link: LinkState {
            id: LinkId(number),
            salesforce_id,
            record: Some(RecordId(number)),
            status: match salesforce_id {
                Some(_) => LinkStatus::Linked,
                None => LinkStatus::Creating,
            },
            version: version(10),
            revision: 1,
            plan: PlanRevision(1),
            agreed: Agreed::default(),
            outgoing: Outgoing::default(),
        },
        record: Some(RecordState {
            id: RecordId(number),
            fields: Fields::from([("email".to_owned(), text(email))]),
            owner: "u".to_owned(),
            presence: Presence::Live,
            times: BTreeMap::new(),
            key: None,
            successor: None,
        }),
    }
}

pub(super) fn claim(link: i64) -> OutgoingClaim {
    OutgoingClaim {
        connection: ConnectionId(1),
        link: LinkId(link),
        mapping: MappingId(1),
        lane: Lane::Interactive,
        fence: 1,
        attempts: 0,
        abandoned: 0,
    }
}

/// A write that may be under way until then.
pub(super) fn in_flight(until: Instant) -> InFlight {
    InFlight {
        write: SalesforceWrite {
            kind: WriteKind::Update,
            values: BTreeMap::new(),
        },
        basis: BTreeMap::new(),
        since: at(0),
        until,
        job: None,
    }
}
