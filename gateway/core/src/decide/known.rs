//! What a decision may look at, and the state it starts from.

use crate::decide::write::sent_identity;
use crate::decide::{
    Agreed, Effects, HeldReason, Identity, LinkEffect, LinkRef, LinkState, LinkStatus, Outcome, Outgoing,
    RecordEffect, RecordState, Snapshot,
};
use crate::id::{ConnectionId, LinkId, SalesforceId};
use crate::mapping::MappingPlan;
use crate::owners::OwnerDirectory;
use crate::record::Fields;
use crate::version::SalesforceVersion;

/// What a decision may look at. All of it was read in the transaction that will write the effects.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The connection, which is part of the external ids of its records.
    pub connection: ConnectionId,
    /// The plan in force.
    pub plan: &'a MappingPlan,
    /// Users of both sides.
    pub owners: &'a OwnerDirectory,
    /// The link, if there is one. News of a Salesforce record that no link names belongs to the link whose external
    /// id it carries (of the same generation), else to a link that waits to be made ([`LinkState::salesforce_id`] is
    /// none) and holds the identity it carries.
    pub link: Option<&'a LinkState>,
    /// The partner record behind the link, if there is one. Each [`crate::record::FieldValue::Record`] in it whose
    /// Salesforce record is known by now stands as a [`crate::record::FieldValue::Reference`].
    pub record: Option<&'a RecordState>,
    /// Another link that holds the identity, or the key, which the news or the target carries (see
    /// [`Identity::of_snapshot`] and [`Identity::of_fields`]). A link of its own that waits to be made and is given as
    /// `link` is no other.
    pub holder: Option<Holder>,
}

/// A link that holds an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The link.
    pub link: LinkId,
    /// Whether its Salesforce record waits to be made.
    pub creating: bool,
}

impl Known<'_> {
    /// The external id that the record which the link makes carries.
    pub(super) fn external_id(&self) -> Option<String> {
        let link = self.link?;
        link.record
            .map(|record| MappingPlan::external_id_of(self.connection, record, link.outgoing.generation))
    }

    /// Whether a record is the one that the link was to make, as the gateway made it: nobody saved it since.
    pub(super) fn is_own_creation(&self, snapshot: &Snapshot) -> bool {
        let waits = self.link.is_some_and(|link| link.status == LinkStatus::Creating);
        let carried = snapshot.external_id.as_ref().and_then(Option::as_ref);
        waits
            && carried.is_some()
            && carried == self.external_id().as_ref()
            && snapshot.made_by_gateway == Some(true)
            && snapshot.by_gateway == Some(true)
    }

    /// The link as it stands; a link not made yet begins as a tombstone of nothing.
    pub(super) fn link_effect(&self) -> LinkEffect {
        let link = self.link;
        LinkEffect {
            existing: link.map(reference),
            salesforce_id: link.and_then(|link| link.salesforce_id),
            status: link.map_or(LinkStatus::Deleted, |link| link.status.clone()),
            version: link.map_or(SalesforceVersion::NEVER, |link| link.version),
            // What a link agrees on was agreed under its own plan, until it is weighed again.
            plan: link.map_or(self.plan.revision, |link| link.plan),
            agreed: link.map_or_else(Agreed::default, |link| link.agreed.clone()),
            outgoing: link.map_or_else(Outgoing::default, |link| link.outgoing.clone()),
            ready: false,
            reserve: Vec::new(),
            release: Vec::new(),
            absorb: None,
        }
    }

    /// Effects that write the link alone.
    pub(super) fn link_only(&self, link: LinkEffect, outcome: Outcome) -> Effects {
        let _ = self;
        Effects {
            link,
            record: None,
            history: Vec::new(),
            outcome,
        }
    }

    /// Holds the record. Its partner record, if there is one, stays as it was.
    pub(super) fn hold(&self, link: LinkEffect, reason: HeldReason) -> Effects {
        let link = LinkEffect {
            status: LinkStatus::Held { reason },
            // Pairs that were agreed on under another plan are weighed again once the record goes on.
            plan: if link.agreed.0.is_empty() {
                self.plan.revision
            } else {
                link.plan
            },
            ready: false,
            ..link
        };
        self.link_only(link, Outcome::Held)
    }

    /// Whether a link effect changes nothing.
    pub(super) fn is_as_known(&self, effect: &LinkEffect) -> bool {
        self.link.is_some() && self.link_effect() == *effect
    }

    /// Which identities to reserve and which to set free when a record's fields become others. `None`: there is no
    /// living record on that side of the change.
    pub(super) fn identities(
        &self,
        before: Option<&Fields>,
        after: Option<&Fields>,
    ) -> (Vec<Identity>, Vec<Identity>) {
        let before = before.and_then(|fields| Identity::of_fields(self.plan, fields));
        let after = after.and_then(|fields| Identity::of_fields(self.plan, fields));
        if before == after {
            return (Vec::new(), Vec::new());
        }
        let free = self.holder.is_none();
        let sent = self.sent();
        (
            after
                .into_iter()
                .filter(|one| free && Some(one) != sent.as_ref())
                .collect(),
            before
                .into_iter()
                .filter(|one| Some(one) != sent.as_ref())
                .collect(),
        )
    }

    /// The identity value of a create in flight without an external id. It stays reserved until the create is settled:
    /// nothing else tells the record that it may have made.
    pub(super) fn sent(&self) -> Option<Identity> {
        let flight = self.link?.outgoing.in_flight.as_ref()?;
        Identity::of_salesforce(self.plan, sent_identity(self.plan, flight)??)
    }

    /// The identities to set free when the link ends: another record may carry the value from now on. The partner's
    /// own key stays with its record for as long as that can come back.
    pub(super) fn ended(&self, keeps_key: bool) -> Vec<Identity> {
        let Some(record) = self.record else {
            return Vec::new();
        };
        let key = record.key.clone().filter(|_| !keeps_key).map(Identity::Key);
        key.into_iter()
            .chain(Identity::of_fields(self.plan, &record.fields))
            .filter(|one| Some(one) != self.sent().as_ref())
            .collect()
    }

    /// The identity by which the record is recognised, in words for a person.
    pub(super) fn identity_text(&self, fields: &Fields, otherwise: SalesforceId) -> String {
        match Identity::of_fields(self.plan, fields) {
            Some(Identity::Value(text) | Identity::Key(text)) => text,
            None => otherwise.to_string(),
        }
    }
}

/// A link as it was read.
pub(super) fn reference(link: &LinkState) -> LinkRef {
    LinkRef {
        id: link.id,
        record: link.record,
        revision: link.revision,
    }
}

/// A record as it was read.
pub(super) fn record_effect(record: &RecordState) -> RecordEffect {
    RecordEffect {
        fields: record.fields.clone(),
        owner: record.owner.clone(),
        presence: record.presence,
        times: record.times.clone(),
        key: record.key.clone(),
        successor: record.successor,
    }
}
