//! A database that was filled before links went both ways is brought up to date, and keeps everything.

use causeway_core::decide::{
    ChangeCause, ChangeSource, HeldReason, LinkStatus, MergedInto, Outgoing, Presence,
};
use causeway_core::id::{ConnectionId, InboxId, LinkId, MappingId, PlanRevision, Position, RecordId, RunId};
use causeway_core::mapping::{ConversionCause, DeletePolicy};
use causeway_core::ports::links::LinkCounts;
use causeway_core::ports::runs::{PartProgress, RunFilter, RunKind, Watermark};
use causeway_core::record::FieldValue;

use super::*;
use crate::throwaway_postgres::ThrowawayPostgres;
use crate::{Store, StoreOptions};

const ID: ConnectionId = ConnectionId(2);
const CONTACTS: MappingId = MappingId(1);

/// What an earlier version wrote, in its own words.
const FILLED: &str = r#"
INSERT INTO tenant (id, name) VALUES (1, 'Miller & Sons');
INSERT INTO connection (id, tenant_id, name, environment, login_url, consumer_key, username, sealed_private_key,
        api_version, organization, instance_url, enabled, created_at)
    VALUES (2, 1, 'miller', 'sandbox', 'https://test.salesforce.com', '3MVG9', 'integration@miller.example', {blob},
        '67.0', '00DZM00000000012AA', 'https://miller.my.salesforce.com', true, 1763800000000000);
INSERT INTO counter (connection_id, next) VALUES (2, 100);
INSERT INTO mapping (connection_id, id, partner_object, revision) VALUES (2, 1, 'contact', 3);
INSERT INTO mapping_plan (connection_id, mapping_id, revision, document, compiled, created_at)
    VALUES (2, 1, 3, '{}', '{"mapping":1,"revision":3,"partner_object":"contact","salesforce_object":"Contact",
        "direction":"salesforceToPartner","scope":"pastAndFuture","delete_policy":"delete","default_owner":"u-1",
        "keep_owner_on_update":false,"has_owner":true,"fields":[{"id":1,"partner":"last_name",
        "partner_type":"Text","salesforce":{"name":"LastName","kind":"string","length":80,"precision":0,"scale":0,
        "nillable":false,"createable":true,"updateable":true,"calculated":false,"reference_to":[],
        "picklist_values":[],"restricted_picklist":false},"rule":"salesforce","required":false,"max_length":null,
        "choices":{}}],"last_field_id":1}', 1763800000000000);
INSERT INTO link (connection_id, id, mapping_id, salesforce_id, record_id, status, held_reason, modstamp, observed,
        revision, plan_revision, agreed, status_since)
    VALUES (2, 10, 1, '003ZM0000000001YAA', 11, 'linked', NULL, 1763800001000000, 1763800002000000, 5, 3,
            '{"1":{"s":{"t":"s","v":"Ann"}},"2":{"s":{"t":"n","v":"100.00"},"p":{"t":"n","v":"100"}}}',
            1763800000000000),
        (2, 20, 1, '003ZM0000000002YAA', NULL, 'held',
            '{"kind":"conversion","problems":[{"salesforce_field":"LastName","partner_field":"last_name",
              "cause":{"kind":"tooLong","length":81,"limit":80}}]}',
            1763800001000000, 1763800002000000, 1, 3, '{}', 1763800005000000),
        (2, 30, 1, '003ZM0000000003YAA', 31, 'held', '{"kind":"deleteAsked"}', 1763800001000000, 1763800002000000, 2, 3,
            '{}', 1763800006000000),
        (2, 40, 1, '003ZM0000000004YAA', NULL, 'deleted', NULL, 1763800001000000, 1763800002000000, 1, 3, '{}',
            1763800000000000);
INSERT INTO record (connection_id, id, object, link_id, salesforce_id, owner, fields, presence, position, created_at,
        updated_at)
    VALUES (2, 11, 'contact', 10, '003ZM0000000001YAA', 'u-1',
            '{"last_name":{"t":"s","v":"Ann"},"discount":{"t":"n","v":"100"}}', 'live', 12, 1763800000000000,
            1763800001000000),
        (2, 31, 'contact', 30, '003ZM0000000003YAA', 'u-1', '{}', 'deleted', 32, 1763800000000000, 1763800001000000);
INSERT INTO field_history (connection_id, id, link_id, field, at, salesforce_before, salesforce_after, partner_before,
        partner_after, cause, plan_revision, source)
    VALUES (2, 13, 10, 1, 1763800001000000, NULL, '{"t":"s","v":"Ann"}', NULL, '{"t":"s","v":"Ann"}',
        '"salesforceWins"', 3, '{"kind":"push","inbox":7}');
INSERT INTO inbox (connection_id, id, object, salesforce_id, kind, modstamp, observed, fields, source, received_at)
    VALUES (2, 50, 'Contact', '003ZM0000000001YAA', 'delete', 1763800009000000, 1763800009000000, '{}', 'package',
        1763800010000000);
INSERT INTO head (connection_id, object, salesforce_id, lane, ready_at, worker, fence, attempts, abandoned)
    VALUES (2, 'Contact', '003ZM0000000001YAA', 0, 1763800010000000, NULL, 0, 2, 1);
INSERT INTO sync_run (connection_id, id, kind, state, error, created_at, finished_at)
    VALUES (2, 60, 'initial', 'running', NULL, 1763800000000000, NULL);
INSERT INTO sync_part (connection_id, run_id, mapping_id, ordinal, progress, row_count, expected, outcomes, dropped)
    VALUES (2, 60, 1, 0, '{"at":"reading","job":"750ZM","plan":3,"watermark":"2025-11-22T08:26:40Z","locator":null,
        "row":1500}', 1500, NULL, '{"created":1500}', 0);
INSERT INTO watermark (connection_id, mapping_id, at) VALUES (2, 1, 1763800003000000);
"#;

fn at(second: i64) -> causeway_core::Instant {
    causeway_core::Instant::from_timestamp_micros((1_763_800_000 + second) * 1_000_000).unwrap()
}

/// A database as the version before left it.
fn filled(url: &str) {
    let mut connection = EngineConnection::open(&Target::parse(url).unwrap(), Role::Writer).unwrap();
    for _ in ["0001_first", "0002_abandoned_claims"] {
        match &mut connection {
            EngineConnection::Sqlite(db) => db.run_next_migration(SQLITE).map(drop).unwrap(),
            EngineConnection::Postgres(db) => db.run_next_migration(POSTGRES).map(drop).unwrap(),
        }
    }
    let blob = match connection {
        EngineConnection::Sqlite(_) => "X'00FF'",
        EngineConnection::Postgres(_) => "decode('00FF', 'hex')",
    };
    connection.run(&FILLED.replace("{blob}", blob)).unwrap();
}

/// Runs a test on each engine, after what has to happen outside of any runtime.
fn on_both(before: impl Fn(&str), test: impl AsyncFn(String)) {
    let folder = tempfile::TempDir::new().unwrap();
    let sqlite = format!("sqlite://{}/store.db", folder.path().display());
    let postgres = ThrowawayPostgres::shared()
        .and_then(ThrowawayPostgres::empty_database)
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for url in [sqlite, postgres] {
        filled(&url);
        before(&url);
        runtime.block_on(test(url));
    }
}

#[test]
fn links_and_records_are_kept() {
    on_both(
        |_| {},
        async |url| {
            let store = Store::open(&url, StoreOptions::default()).await.unwrap();
            let (linked, counts, held, history, conflicts) = store
                .read(|unit| {
                    let ids = [10, 20, 30, 40].map(LinkId);
                    Ok((
                        unit.links(ID, &ids)?,
                        unit.link_counts(ID, CONTACTS)?,
                        unit.held(ID, None, 10)?,
                        unit.history(ID, RecordId(11), 10)?,
                        unit.conflicts(ID, None, None, 10)?,
                    ))
                })
                .await
                .unwrap();
            let of = |id: i64| &linked[&LinkId(id)];
            assert_eq!(of(10).link.status, LinkStatus::Linked);
            assert_eq!((of(10).link.revision, of(10).link.plan), (5, PlanRevision(3)));
            assert_eq!(
                (of(10).link.version.modstamp, of(10).link.version.observed),
                (at(1), at(2))
            );
            assert_eq!(of(10).link.outgoing, Outgoing::default());
            let pair = &of(10).link.agreed.0[&causeway_core::id::FieldId(2)];
            assert_eq!(pair.salesforce, FieldValue::Number("100.00".parse().unwrap()));
            let record = of(10).record.as_ref().unwrap();
            assert_eq!(record.fields["last_name"], FieldValue::Text("Ann".to_owned()));
            assert!(record.times.is_empty() && record.key.is_none() && record.successor.is_none());
            let LinkStatus::Held {
                reason: HeldReason::Conversion { problems },
            } = &of(20).link.status
            else {
                panic!("{:?}", of(20).link.status);
            };
            assert_eq!(
                problems[0].cause,
                ConversionCause::TooLong {
                    length: 81,
                    limit: 80
                }
            );
            assert_eq!(of(30).record.as_ref().unwrap().presence, Presence::Deleted);
            assert_eq!(of(40).link.status, LinkStatus::Deleted);
            assert_eq!(
                counts,
                LinkCounts {
                    linked: 1,
                    held: 2,
                    creating: 0,
                    deleted: 1
                }
            );
            let since: Vec<_> = held.iter().map(|held| (held.link, held.since)).collect();
            assert_eq!(since, [(LinkId(20), at(5)), (LinkId(30), at(6))]);
            assert_eq!((history.len(), history[0].link), (1, LinkId(10)));
            assert_eq!(history[0].cause, ChangeCause::SalesforceWins);
            assert_eq!(history[0].source, ChangeSource::Push { inbox: InboxId(7) });
            assert_eq!((&history[0].lost, conflicts.len()), (&None, 0));
            store.close().await;
        },
    );
}

#[test]
fn work_that_was_under_way_goes_on() {
    on_both(
        |_| {},
        async |url| {
            let store = Store::open(&url, StoreOptions::default()).await.unwrap();
            let (connection, plans, feed, run, marks) = store
                .read(|unit| {
                    Ok((
                        unit.connection(ID)?.unwrap(),
                        unit.plans(ID)?,
                        unit.feed(ID, None, Position(0), 10)?,
                        unit.run(ID, RunId(60))?.unwrap(),
                        [Watermark::Changes, Watermark::Deletes].map(|of| unit.watermark(ID, CONTACTS, of)),
                    ))
                })
                .await
                .unwrap();
            assert_eq!(connection.sealed_private_key.0, [0, 255]);
            assert_eq!(
                (
                    connection.integration_user,
                    connection.daily_calls,
                    connection.daily_allowance
                ),
                (None, None, None)
            );
            assert_eq!(plans[0].partner_delete_policy, DeletePolicy::Ask);
            assert_eq!(plans[0].fields[0].salesforce.length, 80);
            assert_eq!(
                feed.iter().map(|record| record.id).collect::<Vec<_>>(),
                [RecordId(11), RecordId(31)]
            );
            assert_eq!((run.kind, run.parts[0].rows), (RunKind::Initial, 1500));
            assert!(matches!(
                run.parts[0].progress,
                PartProgress::Reading { row: 1500, .. }
            ));
            assert_eq!(marks, [Ok(Some(at(3))), Ok(None)]);
            let (claims, pending) = store
                .write(causeway_core::ports::Lane::Interactive, |unit| {
                    let claims = unit.claim("worker", 10, at(20), at(60))?;
                    let pending = unit.pending(&claims, usize::MAX)?;
                    Ok((claims, pending.changes))
                })
                .await
                .unwrap();
            assert_eq!((claims[0].attempts, claims[0].abandoned), (2, 1));
            assert_eq!(pending[0].change.merged, MergedInto::Unknown);
            assert!(pending[0].change.changed.is_empty());
            store.close().await;
        },
    );
}

#[test]
fn what_goes_one_way_only_can_be_taken_back() {
    let there_and_back = |url: &str| {
        let target = Target::parse(url).unwrap();
        migrate(&target).unwrap();
        let mut connection = EngineConnection::open(&target, Role::Writer).unwrap();
        let new = "
            UPDATE link SET status = 'merged', status_data = '\"003ZM0000000001YAA\"', outgoing = '{\"pending\":true}'
                WHERE id = 40;
            UPDATE link SET status_data = '{\"kind\":\"outOfSight\"}' WHERE id = 20;
            INSERT INTO link (connection_id, id, mapping_id, status, modstamp, observed, revision, plan_revision,
                agreed, status_since) VALUES (2, 70, 1, 'creating', 0, 0, 1, 3, '{}', 0);
            INSERT INTO watermark (connection_id, mapping_id, kind, at) VALUES (2, 1, 'deletes', 5);
            INSERT INTO sync_run (connection_id, id, kind, state, created_at) VALUES (2, 61, 'reconcile', 'queued', 0);
            INSERT INTO sync_part (connection_id, run_id, mapping_id, ordinal, progress, row_count, outcomes, dropped)
                VALUES (2, 61, 1, 0, '{\"at\":\"waiting\"}', 0, '{}', 0);";
        connection.run(new).unwrap();
        loop {
            let version = match &mut connection {
                EngineConnection::Sqlite(db) => db.revert_last_migration(SQLITE).unwrap(),
                EngineConnection::Postgres(db) => db.revert_last_migration(POSTGRES).unwrap(),
            };
            if version.to_string() == "0003" {
                break;
            }
        }
    };
    on_both(there_and_back, async |url| {
        let store = Store::open(&url, StoreOptions::default()).await.unwrap();
        let (links, runs, held, marks) = store
            .read(|unit| {
                Ok((
                    unit.links(ID, &[10, 20, 30, 40, 70].map(LinkId))?,
                    unit.runs(ID, RunFilter::default(), None, 10)?,
                    unit.held(ID, None, 10)?,
                    [Watermark::Changes, Watermark::Deletes].map(|of| unit.watermark(ID, CONTACTS, of)),
                ))
            })
            .await
            .unwrap();
        assert_eq!(links.len(), 4, "the one that waited is gone");
        assert_eq!(links[&LinkId(10)].link.status, LinkStatus::Linked);
        assert_eq!(links[&LinkId(20)].link.status, LinkStatus::Deleted);
        assert_eq!(links[&LinkId(40)].link.status, LinkStatus::Deleted);
        assert_eq!(links[&LinkId(40)].link.outgoing, Outgoing::default());
        assert_eq!(
            held.iter().map(|held| held.link).collect::<Vec<_>>(),
            [LinkId(30)]
        );
        assert_eq!(runs.len(), 1);
        assert_eq!(marks, [Ok(Some(at(3))), Ok(None)]);
        store.close().await;
    });
}
