//! What was answered is durable, whatever dies.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, Stdio};

use causeway_core::ports::{Lane, StoreError};
use causeway_store::throwaway_postgres::ThrowawayPostgres;
use causeway_store::{Engine, Store, StoreOptions};

use crate::given::{apply, apply_in, at, change, connection, first_contact, linked};
use crate::place::Place;

/// A process writes and tells what it was answered until it is killed; everything it told is there, and whole.
pub async fn what_was_answered_survives_a_kill(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    store.close().await;

    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::a_process_that_tells_what_it_was_answered"])
        .args(["--ignored", "--nocapture", "--test-threads=1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut orders = child.stdin.take().unwrap();
    writeln!(orders, "{}\n{}", place.url, id.0).unwrap();
    let told = BufReader::new(child.stdout.take().unwrap());
    let mut answered = Vec::new();
    for line in told.lines() {
        let line = line.unwrap();
        if let Some(number) = line.strip_prefix("answered ") {
            answered.push(number.parse::<u32>().unwrap());
        }
        if answered.len() == 150 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(answered.len() >= 150, "it told only {}", answered.len());

    let store = place.store().await;
    for number in answered {
        assert!(linked(&store, id, number).await.is_some(), "{number} is lost");
    }
    // Of units that were not answered, either both halves are there or none.
    let (records, changes) = store
        .read(move |unit| {
            let records = unit.records(id, "contact", &Default::default(), None, 100_000)?;
            Ok((records.len(), unit.backlog(id)?.changes))
        })
        .await
        .unwrap();
    assert_eq!(records, usize::try_from(changes).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started, and killed, by what_was_answered_survives_a_kill"]
async fn a_process_that_tells_what_it_was_answered() {
    let mut lines = std::io::stdin().lines();
    let url = lines.next().unwrap().unwrap();
    let id = causeway_core::id::ConnectionId(lines.next().unwrap().unwrap().parse().unwrap());
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    let mut tasks = Vec::new();
    for task in 0..6_u32 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            for number in (task * 100_000)..(task + 1) * 100_000 {
                let written = store
                    .write(Lane::Interactive, move |unit| {
                        unit.receive(id, &[change(number, 1)], Lane::Interactive, at(1))?;
                        apply_in(unit, id, &[first_contact(number, "A")], 1)
                    })
                    .await;
                assert!(written.is_ok());
                println!("\nanswered {number}");
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

/// Connections break in the middle of everything: each unit is answered, and what was answered well is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn units_survive_broken_connections() {
    let place = Place::new(Engine::Postgres);
    let cluster = ThrowawayPostgres::shared().unwrap();
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut tasks = Vec::new();
    for task in 0..8_u32 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut answered = Vec::new();
            for number in task * 1000..task * 1000 + 120 {
                match apply(&store, id, vec![first_contact(number, "A")], 1).await {
                    Ok(_) => answered.push(number),
                    Err(StoreError::Unavailable { .. }) => {}
                    // The commit before the cut took place after all.
                    Err(StoreError::Conflict { .. }) => answered.push(number),
                    Err(error) => panic!("{error}"),
                }
            }
            answered
        }));
    }
    for _ in 0..5 {
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        cluster.cut_connections(&place.url).unwrap();
    }
    let mut answered = Vec::new();
    for task in tasks {
        answered.extend(task.await.unwrap());
    }
    assert!(answered.len() > 400, "{}", answered.len());
    for number in answered {
        assert!(linked(&store, id, number).await.is_some(), "{number} is lost");
    }
    let after = apply(&store, id, vec![first_contact(999_999, "A")], 2).await;
    assert!(after.is_ok(), "{after:?}");
}
