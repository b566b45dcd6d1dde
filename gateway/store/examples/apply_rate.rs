//! How many first contacts a store applies in a second: `apply_rate URL ROWS [BATCH]`.
//!
//! `sqlite:///path/to/new.db`, `postgres://…`, or `postgres` alone for a throw-away cluster with durable commits.
//! Each row is a link, a record of twelve fields and its place in the feed. The batches are looked up, applied and
//! checkpointed as an initial sync does it, one unit each, so many in flight as the bulk lane takes.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use causeway_core::decide::{
    Agreed, AgreedPair, ChangeSource, Effects, FieldTimes, LinkEffect, LinkRef, LinkStatus, Outcome,
    Outgoing, Presence, RecordEffect,
};
use causeway_core::id::{ConnectionId, FieldId, MappingId, PlanRevision, RunId, SalesforceId, TenantId};
use causeway_core::ports::connections::{Connection, Environment, NewConnection, Sealed};
use causeway_core::ports::links::{Caused, Linked, Write};
use causeway_core::ports::runs::Watermark;
use causeway_core::ports::{Lane, StoreError};
use causeway_core::record::FieldValue;
use causeway_core::version::SalesforceVersion;
use causeway_store::throwaway_postgres::{Durability, ThrowawayPostgres};
use causeway_store::{Store, StoreOptions};

const CONTACTS: MappingId = MappingId(1);
/// Units in flight: the reader of pages is one ahead.
const IN_FLIGHT: usize = 2;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(rows)) = (arguments.next(), arguments.next()) else {
        return Err("usage: apply_rate URL ROWS [BATCH]".into());
    };
    let rows: u32 = rows.parse()?;
    let batch: u32 = arguments.next().map_or(Ok(500), |batch| batch.parse())?;
    let mut cluster = None;
    let url = if url == "postgres" {
        let started = ThrowawayPostgres::start(Durability::Full)?;
        let url = started.database()?;
        cluster = Some(started);
        url
    } else {
        url
    };
    let store = Store::open(&url, StoreOptions::default()).await?;
    let id = add_connection(&store).await?;
    for (name, salt) in [("first contact", 1), ("update", 2), ("unchanged links read", 0)] {
        let started = Instant::now();
        run(&store, id, rows, batch, salt).await?;
        let seconds = started.elapsed().as_secs_f64();
        report(&format!(
            "{:?}, {name}: {rows} rows in {seconds:.2} s, {:.0} rows/s",
            store.engine(),
            f64::from(rows) / seconds
        ));
    }
    store.close().await;
    drop(cluster);
    Ok(())
}

/// Applies all rows with this salt in their values; salt 0 reads only.
async fn run(
    store: &Store,
    id: ConnectionId,
    rows: u32,
    batch: u32,
    salt: u32,
) -> Result<(), Box<dyn Error>> {
    let permits = Arc::new(tokio::sync::Semaphore::new(IN_FLIGHT));
    let mut units = tokio::task::JoinSet::new();
    let mut first = 0;
    while first < rows {
        let end = first.saturating_add(batch).min(rows);
        let permit = Arc::clone(&permits).acquire_owned().await?;
        let store = store.clone();
        units.spawn(async move {
            let done = store.write(Lane::Bulk, move |unit| {
                let ids: Vec<SalesforceId> = (first..end).filter_map(contact_id).collect();
                let known = unit.linked(id, CONTACTS, &ids)?;
                if salt == 0 {
                    return Ok(());
                }
                let effects: Vec<Caused> = (first..end)
                    .zip(&ids)
                    .map(|(number, contact)| Caused {
                        effects: effects(number, *contact, known.get(contact), salt),
                        source: ChangeSource::Run { run: RunId(1) },
                        saved_by: None,
                    })
                    .collect();
                unit.apply(&Write {
                    connection: id,
                    mapping: CONTACTS,
                    partner_object: "contact",
                    at: moment(i64::from(first)),
                    lane: Lane::Bulk,
                    effects: &effects,
                })?;
                unit.raise_watermark(id, CONTACTS, Watermark::Changes, moment(i64::from(end)))
            });
            let done = done.await;
            drop(permit);
            done
        });
        first = end;
    }
    while let Some(done) = units.join_next().await {
        done??;
    }
    Ok(())
}

fn effects(number: u32, contact: SalesforceId, known: Option<&Linked>, salt: u32) -> Effects {
    let fields: Vec<(String, FieldValue)> = (0..12)
        .map(|field| {
            let value = match field % 4 {
                0 => FieldValue::Text(format!("Anna-Lena {number} from Åre, {salt}")),
                1 => FieldValue::Text(format!("anna.{number}.{salt}@example.com")),
                2 => FieldValue::Number(number.into()),
                _ => FieldValue::Boolean(number.is_multiple_of(2)),
            };
            (format!("field_{field}"), value)
        })
        .collect();
    let agreed: BTreeMap<FieldId, AgreedPair> = (1..)
        .map(FieldId)
        .zip(&fields)
        .map(|(id, (_, value))| (id, AgreedPair::new(value.clone(), value.clone())))
        .collect();
    Effects {
        link: LinkEffect {
            existing: known.map(|known| LinkRef {
                id: known.link.id,
                record: known.link.record,
                revision: known.link.revision,
            }),
            salesforce_id: Some(contact),
            status: LinkStatus::Linked,
            version: SalesforceVersion {
                modstamp: moment(i64::from(salt)),
                observed: moment(i64::from(salt)),
            },
            plan: PlanRevision(1),
            agreed: Agreed(agreed),
            outgoing: Outgoing::default(),
            ready: false,
            reserve: Vec::new(),
            release: Vec::new(),
            absorb: None,
        },
        record: Some(RecordEffect {
            fields: fields.into_iter().collect(),
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

fn contact_id(number: u32) -> Option<SalesforceId> {
    SalesforceId::parse(&format!("003ZM{number:010}")).ok()
}

fn moment(second: i64) -> causeway_core::Instant {
    causeway_core::Instant::from_timestamp_nanos(second.saturating_mul(1_000_000_000))
}

async fn add_connection(store: &Store) -> Result<ConnectionId, StoreError> {
    let new = NewConnection {
        tenant: "bench".to_owned(),
        connection: Connection {
            id: ConnectionId(0),
            tenant: TenantId(0),
            name: "bench".to_owned(),
            environment: Environment::Sandbox,
            login_url: "https://test.salesforce.com".to_owned(),
            consumer_key: String::new(),
            username: String::new(),
            sealed_private_key: Sealed(Vec::new()),
            api_version: "67.0".to_owned(),
            organization: None,
            instance_url: None,
            integration_user: None,
            daily_calls: None,
            daily_allowance: None,
            enabled: true,
            created_at: moment(0),
        },
        clients: Vec::new(),
        users: Vec::new(),
    };
    store
        .write(Lane::Interactive, move |unit| {
            unit.add_connection(&new, moment(0))
        })
        .await
}

#[expect(clippy::print_stdout, reason = "a measurement is for the eye")]
fn report(line: &str) {
    println!("{line}");
}
