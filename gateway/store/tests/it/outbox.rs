//! The outbox: heads made ready by effects, claimed by one, never lost.

use std::collections::BTreeMap;

use causeway_core::id::{ConnectionId, LinkId, MappingId};
use causeway_core::ports::Lane;
use causeway_core::ports::links::{Caused, Write};
use causeway_core::ports::outbox::{ClaimSize, OutgoingBacklog, OutgoingClaim, Turn};
use causeway_store::Store;

use crate::given::{CONTACTS, PUSHED, apply_in, at, connection, first_contact, link_ref, linked, renamed};
use crate::place::Place;

const ACCOUNTS: MappingId = MappingId(2);
const SIZE: ClaimSize = ClaimSize {
    usual: 2,
    bulk_from: 4,
    bulk: 5,
};

async fn claim(store: &Store, now: i64, lease_until: i64) -> Vec<OutgoingClaim> {
    claim_up_to(store, SIZE, now, lease_until).await
}

async fn claim_up_to(store: &Store, size: ClaimSize, now: i64, lease_until: i64) -> Vec<OutgoingClaim> {
    store
        .write(Lane::Interactive, move |unit| {
            unit.claim_outgoing("worker", &size, &Turn::USUAL, at(now), at(lease_until))
        })
        .await
        .unwrap()
}

async fn claim_in_turn(store: &Store, first: Lane, except: &[ConnectionId], now: i64) -> Vec<OutgoingClaim> {
    let except = except.to_vec();
    store
        .write(Lane::Interactive, move |unit| {
            let turn = Turn {
                first,
                except: &except,
            };
            unit.claim_outgoing("worker", &SIZE, &turn, at(now), at(60))
        })
        .await
        .unwrap()
}

async fn ready(
    store: &Store,
    connection: ConnectionId,
    links: &[i64],
    mapping: MappingId,
    lane: Lane,
    second: i64,
) {
    let links: Vec<_> = links.iter().map(|link| (LinkId(*link), mapping)).collect();
    store
        .write(Lane::Interactive, move |unit| {
            unit.ready_outgoing(connection, &links, lane, at(second))
        })
        .await
        .unwrap();
}

async fn postpone(store: &Store, claims: &[OutgoingClaim], second: i64, failed: bool) {
    let claims = claims.to_vec();
    store
        .write(Lane::Interactive, move |unit| {
            unit.postpone_outgoing(&claims, at(second), failed)
        })
        .await
        .unwrap();
}

async fn release(store: &Store, claims: &[OutgoingClaim]) -> Vec<OutgoingClaim> {
    let claims = claims.to_vec();
    store
        .write(Lane::Interactive, move |unit| unit.release_outgoing(&claims))
        .await
        .unwrap()
}

async fn extend(store: &Store, claims: &[OutgoingClaim], lease_until: i64) -> Vec<OutgoingClaim> {
    let claims = claims.to_vec();
    store
        .write(Lane::Interactive, move |unit| {
            unit.extend_outgoing(&claims, at(lease_until))
        })
        .await
        .unwrap()
}

async fn backlog(store: &Store, connection: ConnectionId) -> OutgoingBacklog {
    store
        .read(move |unit| unit.outgoing_backlog(connection))
        .await
        .unwrap()
}

fn links(claims: &[OutgoingClaim]) -> Vec<i64> {
    claims.iter().map(|claim| claim.link.0).collect()
}

pub async fn effects_make_the_heads_of_their_links_ready(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut outgoing = first_contact(1, "A");
    outgoing.link.ready = true;
    let written = store
        .write(Lane::Bulk, move |unit| {
            let caused: Vec<Caused> = [outgoing.clone(), first_contact(2, "B")]
                .map(|effects| Caused {
                    effects,
                    source: PUSHED,
                    saved_by: None,
                })
                .into();
            unit.apply(&Write {
                connection: id,
                mapping: CONTACTS,
                partner_object: "contact",
                at: at(5),
                lane: Lane::Bulk,
                effects: &caused,
            })
        })
        .await
        .unwrap();
    assert_eq!(
        backlog(&store, id).await,
        OutgoingBacklog {
            links: 1,
            oldest: Some(at(5))
        }
    );
    assert!(claim(&store, 4, 60).await.is_empty(), "not ready yet");
    let claims = claim(&store, 5, 60).await;
    assert_eq!(links(&claims), [written[0].link.0]);
    let claim = &claims[0];
    assert_eq!(
        (claim.connection, claim.mapping, claim.lane),
        (id, CONTACTS, Lane::Bulk)
    );
    assert_eq!((claim.attempts, claim.abandoned), (0, 0));
    assert_eq!(release(&store, &claims).await, claims);
    assert_eq!(backlog(&store, id).await, OutgoingBacklog::default());
    // A known link's effects ready it as well.
    let mut again = renamed(&linked(&store, id, 1).await.unwrap(), "C");
    again.link.ready = true;
    let answer = store
        .write(Lane::Interactive, move |unit| {
            apply_in(unit, id, std::slice::from_ref(&again), 7)
        })
        .await;
    assert!(answer.is_ok(), "{answer:?}");
    let claims = self::claim(&store, 7, 60).await;
    assert_eq!(links(&claims), [written[0].link.0]);
    assert_eq!(claims[0].lane, Lane::Interactive);
}

pub async fn a_claim_takes_one_mapping_that_of_the_oldest_and_interactive_before_bulk(place: &Place) {
    let store = place.store().await;
    let miller = connection(&store, "miller").await;
    let smith = connection(&store, "smith").await;
    ready(&store, miller, &[1, 2, 3], CONTACTS, Lane::Bulk, 10).await;
    ready(&store, miller, &[11, 12], ACCOUNTS, Lane::Interactive, 12).await;
    ready(&store, miller, &[13], ACCOUNTS, Lane::Bulk, 9).await;
    ready(&store, smith, &[1, 2], CONTACTS, Lane::Interactive, 11).await;

    let mut order = Vec::new();
    loop {
        let claims = claim_up_to(&store, ClaimSize { usual: 3, ..SIZE }, 20, 60).await;
        let Some(first) = claims.first().cloned() else {
            break;
        };
        let same =
            |claim: &OutgoingClaim| (claim.connection, claim.mapping) == (first.connection, first.mapping);
        assert!(claims.iter().all(same), "{claims:?}");
        order.push((first.connection, first.mapping, links(&claims)));
    }
    assert_eq!(
        order,
        [
            (smith, CONTACTS, vec![1, 2]),
            // Room that is left is not filled from the other lane.
            (miller, ACCOUNTS, vec![11, 12]),
            (miller, ACCOUNTS, vec![13]),
            (miller, CONTACTS, vec![1, 2, 3]),
        ]
    );
}

pub async fn bulk_may_have_its_turn_first_and_connections_may_be_passed_over(place: &Place) {
    let store = place.store().await;
    let miller = connection(&store, "miller").await;
    let smith = connection(&store, "smith").await;
    ready(&store, miller, &[1], CONTACTS, Lane::Interactive, 10).await;
    ready(&store, miller, &[2], CONTACTS, Lane::Bulk, 12).await;
    ready(&store, smith, &[3], CONTACTS, Lane::Interactive, 11).await;
    ready(&store, smith, &[4], CONTACTS, Lane::Bulk, 13).await;

    let both = [miller, smith];
    assert_eq!(claim_in_turn(&store, Lane::Bulk, &both, 20).await, []);
    assert_eq!(links(&claim_in_turn(&store, Lane::Bulk, &[], 20).await), [2]);
    let passed_over = claim_in_turn(&store, Lane::Interactive, &[miller], 20).await;
    assert_eq!(links(&passed_over), [3]);
    assert_eq!(links(&claim_in_turn(&store, Lane::Bulk, &[smith], 20).await), [1]);
    assert_eq!(
        links(&claim_in_turn(&store, Lane::Interactive, &[miller], 20).await),
        [4]
    );
    assert_eq!(claim_in_turn(&store, Lane::Bulk, &[], 20).await, []);
}

pub async fn a_claim_takes_more_where_very_many_wait(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    ready(&store, id, &[1, 2, 3], CONTACTS, Lane::Bulk, 10).await;
    let few = claim(&store, 20, 60).await;
    assert_eq!(few.len(), 2, "three are not many yet");
    postpone(&store, &few, 10, false).await;
    ready(&store, id, &[4, 5, 6, 7], CONTACTS, Lane::Bulk, 11).await;
    let many = claim(&store, 20, 60).await;
    assert_eq!(links(&many), [1, 2, 3, 4, 5]);
    postpone(&store, &many, 10, false).await;
    // Somebody's edit does not wait for a job, though very many stand behind it.
    ready(&store, id, &[9], CONTACTS, Lane::Interactive, 12).await;
    let edit = claim(&store, 20, 60).await;
    assert_eq!(links(&edit), [9]);
    // And thousands are claimed in one go.
    let all: Vec<i64> = (100..1700).collect();
    ready(&store, id, &all, ACCOUNTS, Lane::Interactive, 13).await;
    let size = ClaimSize {
        usual: 200,
        bulk_from: 1500,
        bulk: 1550,
    };
    let claims = claim_up_to(&store, size, 20, 60).await;
    assert_eq!(links(&claims), (100..1650).collect::<Vec<_>>());
    assert_eq!(release(&store, &claims).await, claims);
}

pub async fn a_head_made_ready_again_keeps_the_earlier_moment_and_the_more_urgent_lane(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    ready(&store, id, &[1], CONTACTS, Lane::Bulk, 10).await;
    ready(&store, id, &[1], CONTACTS, Lane::Interactive, 20).await;
    ready(&store, id, &[1], CONTACTS, Lane::Bulk, 15).await;
    assert_eq!(backlog(&store, id).await.oldest, Some(at(10)));
    let claims = claim(&store, 10, 30).await;
    assert_eq!(claims[0].lane, Lane::Interactive);
    // Put off, then wanted sooner.
    postpone(&store, &claims, 100, true).await;
    assert!(claim(&store, 50, 60).await.is_empty());
    ready(&store, id, &[1, 1], CONTACTS, Lane::Bulk, 51).await;
    let sooner = claim(&store, 51, 60).await;
    assert_eq!(links(&sooner), [1]);
    assert_eq!(sooner[0].attempts, 0, "a person's wish forgets what failed");
}

pub async fn a_claimed_head_stays_with_its_worker_until_its_lease_ends(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    ready(&store, id, &[1], CONTACTS, Lane::Bulk, 10).await;
    let first = claim(&store, 10, 20).await;
    ready(&store, id, &[1], CONTACTS, Lane::Interactive, 11).await;
    assert!(claim(&store, 19, 40).await.is_empty());
    assert_eq!(extend(&store, &first, 30).await, first);
    assert!(claim(&store, 29, 40).await.is_empty());

    let second = claim(&store, 30, 40).await;
    assert_eq!(links(&second), [1]);
    assert!(second[0].fence > first[0].fence);
    assert_eq!(second[0].lane, Lane::Bulk, "it was left alone");
    assert_eq!((second[0].attempts, second[0].abandoned), (1, 1));
    // The first holder lost it.
    assert!(extend(&store, &first, 90).await.is_empty());
    assert!(release(&store, &first).await.is_empty());
    postpone(&store, &first, 31, true).await;
    assert!(claim(&store, 39, 50).await.is_empty());
    // An expired lease that nobody took is still held.
    assert_eq!(extend(&store, &second, 60).await, second);
    postpone(&store, &second, 41, true).await;
    let third = claim(&store, 41, 50).await;
    assert_eq!((third[0].attempts, third[0].abandoned), (2, 0));
    postpone(&store, &third, 42, false).await;
    let fourth = claim(&store, 42, 50).await;
    assert_eq!(fourth[0].attempts, 2, "what did not fail is not counted");
    assert_eq!(release(&store, &fourth).await, fourth);
    assert!(release(&store, &fourth).await.is_empty());
}

pub async fn an_old_claim_does_not_release_a_head_that_was_made_anew(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    ready(&store, id, &[1], CONTACTS, Lane::Interactive, 10).await;
    let old = claim(&store, 10, 20).await;
    let newer = claim(&store, 20, 30).await;
    assert_eq!(release(&store, &newer).await, newer);
    ready(&store, id, &[1], CONTACTS, Lane::Interactive, 21).await;
    let anew = claim(&store, 21, 30).await;
    assert!(release(&store, &old).await.is_empty());
    assert!(release(&store, &newer).await.is_empty());
    assert_eq!(release(&store, &anew).await, anew);
}

pub async fn outgoing_leases_of_an_earlier_process_can_be_freed(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    ready(&store, id, &[1], CONTACTS, Lane::Interactive, 10).await;
    let left = claim(&store, 10, 1000).await;
    let freed = store
        .write(Lane::Interactive, |unit| unit.free_leases())
        .await
        .unwrap();
    assert_eq!(freed, 1);
    assert!(release(&store, &left).await.is_empty());
    let again = claim(&store, 11, 20).await;
    assert_eq!((again[0].attempts, again[0].abandoned), (1, 1));
}

pub async fn no_outgoing_head_is_claimed_by_two_workers_at_once(place: &Place) {
    let store = place.store().await;
    let ids = [
        connection(&store, "miller").await,
        connection(&store, "smith").await,
    ];
    let all: Vec<i64> = (1..=150).collect();
    for id in ids {
        for mapping in [CONTACTS, ACCOUNTS] {
            let of_mapping: Vec<i64> = all.iter().map(|link| mapping.0 * 1000 + link).collect();
            ready(&store, id, &of_mapping, mapping, Lane::Interactive, 10).await;
        }
    }
    let mut workers = Vec::new();
    for _ in 0..6 {
        let store = store.clone();
        workers.push(tokio::spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let size = ClaimSize {
                    usual: 7,
                    bulk_from: 1000,
                    bulk: 7,
                };
                let claims = claim_up_to(&store, size, 20, 60).await;
                if claims.is_empty() {
                    return claimed;
                }
                claimed.extend(claims);
            }
        }));
    }
    let mut times: BTreeMap<(ConnectionId, LinkId), u32> = BTreeMap::new();
    for worker in workers {
        for claim in worker.await.unwrap() {
            *times.entry((claim.connection, claim.link)).or_default() += 1;
        }
    }
    // A worker may leave while another holds the last locks; what it passed over is claimed by that one.
    assert_eq!(times.len(), 600);
    assert!(times.values().all(|count| *count == 1));
}

pub async fn heads_of_many_links_are_readied_with_their_effects(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let effects: Vec<_> = (0..1203)
        .map(|number| {
            let mut effects = first_contact(number, "A");
            effects.link.ready = number % 2 == 0;
            effects
        })
        .collect();
    let written = crate::given::apply(&store, id, effects, 1).await.unwrap();
    assert_eq!(backlog(&store, id).await.links, 602);
    let first = linked(&store, id, 0).await.unwrap();
    assert_eq!(link_ref(&first).id, written[0].link);
    let claims = claim(&store, 1, 60).await;
    assert_eq!(claims.len(), 5);
    assert_eq!(claims[0].link, written[0].link);
}
