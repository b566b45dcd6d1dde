//! The log.

use causeway_core::id::{ConnectionId, RecordId, RunId};
use causeway_core::ports::Lane;
use causeway_core::ports::logs::{LogDirection, LogFilter, LogMethod, NewLogEntry};
use causeway_store::Store;

use crate::given::{at, connection, contact_id};
use crate::place::Place;

fn entry(second: i64, status: u16) -> NewLogEntry {
    NewLogEntry {
        at: at(second),
        direction: LogDirection::Incoming,
        method: LogMethod::Put,
        status,
        object: "contact".to_owned(),
        salesforce_id: Some(contact_id(1)),
        record: Some(RecordId(17)),
        run: None,
        data: "{\"LastName\":\"Ünal\"}".to_owned(),
        cause: String::new(),
    }
}

async fn append(store: &Store, id: ConnectionId, entries: Vec<NewLogEntry>) {
    store
        .write(Lane::Bulk, move |unit| unit.append_logs(id, &entries))
        .await
        .unwrap();
}

pub async fn entries_read_back_newest_first_and_page(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let entries: Vec<_> = (0..5).map(|second| entry(second, 200)).collect();
    append(&store, id, entries.clone()).await;
    append(&store, id, Vec::new()).await;
    let (all, first, rest) = store
        .read(move |unit| {
            let any = LogFilter::default();
            let first = unit.logs(id, &any, None, 2)?;
            let rest = unit.logs(id, &any, Some(first[1].id), 10)?;
            Ok((unit.logs(id, &any, None, 10)?, first, rest))
        })
        .await
        .unwrap();
    assert!(all.is_sorted_by(|a, b| a.id > b.id));
    assert_eq!([first, rest].concat(), all);
    let read_back: Vec<_> = all.into_iter().rev().map(|entry| entry.entry).collect();
    assert_eq!(read_back, entries);
}

pub async fn every_given_log_filter_must_hold(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut entries: Vec<_> = (0..6).map(|second| entry(second, 200)).collect();
    entries[0].direction = LogDirection::Outgoing;
    entries[1].method = LogMethod::Post;
    entries[2].object = "*".to_owned();
    entries[2].salesforce_id = None;
    entries[3].salesforce_id = Some(contact_id(2));
    entries[4].run = Some(RunId(9));
    entries[5].status = 422;
    entries[5].cause = "Email: too long".to_owned();
    append(&store, id, entries).await;

    let any = LogFilter::default();
    let table: Vec<(LogFilter, Vec<i64>)> = vec![
        (any.clone(), vec![5, 4, 3, 2, 1, 0]),
        (
            LogFilter {
                direction: Some(LogDirection::Outgoing),
                ..any.clone()
            },
            vec![0],
        ),
        (
            LogFilter {
                method: Some(LogMethod::Post),
                ..any.clone()
            },
            vec![1],
        ),
        (
            LogFilter {
                object: Some("*".to_owned()),
                ..any.clone()
            },
            vec![2],
        ),
        (
            LogFilter {
                salesforce_id: Some(contact_id(2)),
                ..any.clone()
            },
            vec![3],
        ),
        (
            LogFilter {
                run: Some(RunId(9)),
                ..any.clone()
            },
            vec![4],
        ),
        (
            LogFilter {
                failed: true,
                ..any.clone()
            },
            vec![5],
        ),
        (
            LogFilter {
                from: Some(at(2)),
                to: Some(at(4)),
                ..any.clone()
            },
            vec![3, 2],
        ),
        (
            LogFilter {
                failed: true,
                to: Some(at(5)),
                ..any.clone()
            },
            vec![],
        ),
        (
            LogFilter {
                failed: true,
                salesforce_id: Some(contact_id(1)),
                ..any
            },
            vec![5],
        ),
    ];
    for (filter, expected) in table {
        let used = filter.clone();
        let found = store
            .read(move |unit| unit.logs(id, &used, None, 10))
            .await
            .unwrap();
        let seconds: Vec<_> = found
            .iter()
            .map(|entry| (entry.entry.at - at(0)).num_seconds())
            .collect();
        assert_eq!(seconds, expected, "{filter:?}");
    }
}
