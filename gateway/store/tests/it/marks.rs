//! How far linked records are marked.

use causeway_core::decide::{Effects, HeldReason, InFlight, LinkStatus, SalesforceWrite, WriteKind};
use causeway_core::id::{ConnectionId, LinkId, MappingId};
use causeway_core::ports::Lane;
use causeway_core::ports::marks::{Marking, MarkingRefused, Unmarked};
use causeway_store::Store;

use crate::given::{CONTACTS, apply, at, connection, contact_id, first_contact};
use crate::place::Place;

const FIELD: &str = "Partner_Id__c";

async fn unmarked(store: &Store, id: ConnectionId, after: LinkId, limit: u32) -> Unmarked {
    store
        .read(move |unit| unit.unmarked(id, CONTACTS, after, limit))
        .await
        .unwrap()
}

async fn put(store: &Store, id: ConnectionId, field: &'static str, marking: Marking) {
    store
        .write(Lane::Bulk, move |unit| {
            unit.put_marking(id, CONTACTS, field, &marking)
        })
        .await
        .unwrap();
}

async fn marking(store: &Store, id: ConnectionId, mapping: MappingId, field: &'static str) -> Marking {
    store
        .read(move |unit| unit.marking(id, mapping, field))
        .await
        .unwrap()
}

fn refused(second: i64) -> MarkingRefused {
    MarkingRefused {
        since: at(1),
        at: at(second),
        message: "no edit access".to_owned(),
    }
}

fn standing(number: u32, status: LinkStatus) -> Effects {
    let mut effects = first_contact(number, "A");
    effects.link.status = status;
    effects
}

pub async fn live_links_with_a_record_are_given_out_by_number(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let nothing = unmarked(&store, id, LinkId(0), 10).await;
    assert_eq!(
        nothing,
        Unmarked {
            links: Vec::new(),
            up_to: LinkId(0)
        }
    );
    let mut waiting = standing(3, LinkStatus::Creating);
    waiting.link.salesforce_id = None;
    let mut without_record = standing(
        4,
        LinkStatus::Held {
            reason: HeldReason::OutOfSight,
        },
    );
    without_record.record = None;
    let mut writing = first_contact(5, "A");
    writing.link.outgoing.in_flight = Some(InFlight {
        write: SalesforceWrite {
            kind: WriteKind::Update,
            values: std::collections::BTreeMap::new(),
        },
        basis: std::collections::BTreeMap::new(),
        since: at(0),
        until: at(1),
        job: None,
    });
    let mut reborn = first_contact(7, "A");
    reborn.link.outgoing.generation = 2;
    let effects = vec![
        first_contact(1, "A"),
        standing(2, LinkStatus::Deleted),
        waiting,
        without_record,
        writing,
        standing(
            6,
            LinkStatus::Held {
                reason: HeldReason::Flipping { turns: 9 },
            },
        ),
        reborn,
        standing(8, LinkStatus::Unlinked),
    ];
    let written = apply(&store, id, effects, 1).await.unwrap();
    let all = unmarked(&store, id, LinkId(0), 100).await;
    let contacts: Vec<_> = all.links.iter().map(|link| link.salesforce_id).collect();
    assert_eq!(contacts, [1, 6, 7].map(contact_id));
    assert_eq!(Some(all.up_to), written.iter().map(|written| written.link).max());
    let last = &all.links[2];
    assert_eq!((last.generation, last.modstamp), (2, at(7)));
    assert_eq!(Some(last.record), written[6].record);

    // The same in pages. One whose write is under way counts among a page and is not in it.
    let mut paged = Vec::new();
    let mut after = LinkId(0);
    while after < all.up_to {
        let page = unmarked(&store, id, after, 2).await;
        assert!(page.up_to > after, "{page:?}");
        after = page.up_to;
        paged.extend(page.links);
    }
    assert_eq!(paged, all.links);
    let beyond = unmarked(&store, id, all.up_to, 2).await;
    assert_eq!((beyond.links.len(), beyond.up_to), (0, all.up_to));
}

pub async fn marking_only_gets_further_and_is_apart_by_field_and_mapping(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let other = connection(&store, "smith").await;
    assert_eq!(marking(&store, id, CONTACTS, FIELD).await, Marking::NONE);
    let reached = |number, refused| Marking {
        up_to: LinkId(number),
        refused,
    };
    put(&store, id, FIELD, reached(7, None)).await;
    put(&store, id, FIELD, reached(5, Some(refused(9)))).await;
    assert_eq!(
        marking(&store, id, CONTACTS, FIELD).await,
        reached(7, Some(refused(9)))
    );
    put(&store, id, FIELD, reached(8, None)).await;
    assert_eq!(marking(&store, id, CONTACTS, FIELD).await, reached(8, None));
    for (connection, mapping, field) in [
        (id, CONTACTS, "Other__c"),
        (id, MappingId(2), FIELD),
        (other, CONTACTS, FIELD),
    ] {
        assert_eq!(marking(&store, connection, mapping, field).await, Marking::NONE);
    }
}
