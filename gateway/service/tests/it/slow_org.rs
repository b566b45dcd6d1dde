//! An org that is slow, silent, or refuses to look for something holds up as little as it can.

use std::time::Duration;

use causeway::app::outgoing::write_outgoing;
use causeway_core::decide::HeldReason;
use causeway_core::ports::outbox::ClaimSize;
use chrono::TimeDelta;
use emulated_org::Deed;
use emulated_org::bulk::ProcessingTime;
use serde_json::{Value, json};
use tokio::time::Instant as Ticks;
use tokio_util::sync::CancellationToken;

use crate::linked::{Linked, quick_options, two_way_documents};

const UPSERTS: &str = "/services/data/{version}/composite/sobjects/{object}/{field}";
const JOBS: &str = "/services/data/{version}/jobs/ingest";

/// From fifty on a job carries them.
const FIFTY: ClaimSize = ClaimSize {
    usual: 20,
    bulk_from: 50,
    bulk: 200,
};

fn leads(from: usize, to: usize) -> Vec<Value> {
    (from..to)
        .map(|number| json!({"fields": {"last_name": format!("N{number:03}"), "company": "Acme"}}))
        .collect()
}

async fn made(linked: &Linked) -> usize {
    linked.rows("SELECT Id FROM Lead").await.len()
}

/// Does something while the org is still at the first reading of a round.
async fn during_the_first_reading(linked: &Linked, stop: &CancellationToken, act: impl FnOnce(&Linked)) {
    let log = linked.org.request_log();
    act_when(linked, stop, log.arrived() + 1, || log.arrived(), act).await;
}

/// Does something once the first reading of a round was answered, and before the second is looked at.
async fn after_the_first_reading(linked: &Linked, stop: &CancellationToken, act: impl FnOnce(&Linked)) {
    let log = linked.org.request_log();
    act_when(linked, stop, log.total() + 1, || log.total(), act).await;
}

async fn act_when(
    linked: &Linked,
    stop: &CancellationToken,
    reached: u64,
    count: impl Fn() -> u64,
    act: impl FnOnce(&Linked),
) {
    linked.org.faults().delay(Duration::from_secs(1));
    let ((), ()) = tokio::join!(
        async {
            Box::pin(write_outgoing(&linked.app, "test", stop)).await.unwrap();
        },
        async {
            while count() < reached {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            act(linked);
            linked.org.faults().delay(Duration::ZERO);
        }
    );
}

#[tokio::test]
async fn a_write_without_an_answer_lies_still_for_as_long_as_salesforce_may_be_at_it() {
    let mut options = quick_options();
    options.write_within = Duration::from_secs(1);
    options.unanswered_within = Duration::from_secs(2);
    let linked = Linked::both_ways(options).await;
    linked.org.faults().cut_after_next_writes(1);
    linked.post("lead", &leads(0, 2)).await;
    let began = Ticks::now();
    linked.drain_outbox().await;
    assert!(began.elapsed() >= Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(made(&linked).await, 2);
    assert_eq!(linked.org.request_log().count("PATCH", UPSERTS), 1);
    // What was answered waits for nothing.
    let began = Ticks::now();
    linked.post("lead", &leads(2, 4)).await;
    linked.drain_outbox().await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(made(&linked).await, 4);
}

#[tokio::test]
async fn a_round_sends_one_job_and_decides_the_rest_again() {
    let mut options = quick_options();
    options.claim_links = FIFTY;
    let linked = Linked::both_ways(options).await;
    let first = linked.post("lead", &leads(0, 60)).await;
    linked.drain_outbox().await;
    assert_eq!(linked.org.request_log().count("POST", JOBS), 1);

    let edit = |title: &str| -> Vec<Value> {
        let fields = json!({"title": title});
        first
            .iter()
            .map(|record| json!({"id": record.to_string(), "fields": fields}))
            .collect()
    };
    linked.post("lead", &edit("Old")).await;
    linked.post("lead", &leads(60, 120)).await;
    linked.write_once().await;
    assert_eq!(
        linked.org.request_log().count("POST", JOBS),
        2,
        "one more, of the new ones"
    );
    assert_eq!(made(&linked).await, 120);
    assert_eq!(linked.outbox().await.links, 60);
    linked.post("lead", &edit("New")).await;
    linked.drain_outbox().await;
    assert_eq!(linked.org.request_log().count("POST", JOBS), 3);
    let titled = linked.rows("SELECT Id FROM Lead WHERE Title = 'New'").await;
    assert_eq!(titled.len(), 60);
}

#[tokio::test]
async fn nothing_is_sent_any_more_once_the_gateway_stops() {
    let mut options = quick_options();
    options.claim_links = FIFTY;
    let linked = Linked::both_ways(options).await;
    for rows in [leads(0, 5), leads(5, 65)] {
        let stop = CancellationToken::new();
        let before = made(&linked).await;
        let waiting = u64::try_from(rows.len()).unwrap();
        linked.post("lead", &rows).await;
        during_the_first_reading(&linked, &stop, |_| stop.cancel()).await;
        assert_eq!(made(&linked).await, before);
        assert_eq!(
            linked.outbox().await.links,
            waiting,
            "it goes on at the next start"
        );
        linked.drain_outbox().await;
        assert_eq!(made(&linked).await, before + rows.len());
    }
}

#[tokio::test]
async fn a_job_that_takes_its_time_keeps_no_worker_and_holds_up_no_other_record() {
    let mut options = quick_options();
    options.claim_links = FIFTY;
    options.follow_within = Duration::from_millis(200);
    let linked = Linked::both_ways(options).await;
    let org = linked.org.org();
    let usual = ProcessingTime::default();
    org.ingest.set_processing_time(ProcessingTime {
        waiting: TimeDelta::seconds(6),
        running: TimeDelta::zero(),
    });
    linked.post("lead", &leads(0, 60)).await;
    let began = Ticks::now();
    linked.write_once().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(made(&linked).await, 0);
    assert_eq!(linked.outbox().await.links, 60);
    org.ingest.set_processing_time(usual);

    // Much later the job cannot be asked for: that is its own records' trouble alone.
    let linked = linked.an_hour_later().await;
    linked.post("lead", &leads(60, 61)).await;
    linked
        .org
        .faults()
        .answer_next(1, 400, "FUNCTIONALITY_NOT_ENABLED");
    linked.write_once().await;
    while linked.outbox().await.links > 60 {
        linked.write_once().await;
    }
    assert_eq!(linked.org.request_log().count("POST", JOBS), 1);
    let fresh = linked.rows("SELECT Id FROM Lead WHERE LastName = 'N060'").await;
    assert_eq!(fresh.len(), 1);
    assert_eq!(linked.outbox().await.links, 60, "these wait for their job");
}

#[tokio::test]
async fn a_value_that_salesforce_does_not_look_for_holds_its_own_record_alone() {
    let linked = Linked::both_ways(quick_options()).await;
    let admin = linked.admin().await;
    let mut document = two_way_documents(&admin).remove(2);
    document.identity = Some("last_name".to_owned());
    linked.map(&document).await;
    let posted = linked.post("lead", &leads(0, 10)).await;
    let stop = CancellationToken::new();
    // The reading by external id goes through; of those by name all ten, five, two and one are refused.
    after_the_first_reading(&linked, &stop, |linked| {
        linked.org.faults().answer_next(4, 400, "MALFORMED_QUERY");
    })
    .await;
    assert_eq!(made(&linked).await, 9);
    let held = linked.held().await;
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(held[0].record, Some(posted[0]));
    match &held[0].reason {
        HeldReason::Refused {
            code, fields, advice, ..
        } => {
            assert_eq!(code, "MALFORMED_QUERY");
            assert_eq!(fields, &["LastName"]);
            assert!(advice.contains("`LastName`"), "{advice}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(linked.outbox().await.links, 0);
    let mended = json!({"id": posted[0].to_string(), "fields": {"last_name": "Mended"}});
    linked.post("lead", &[mended]).await;
    linked.drain_outbox().await;
    assert_eq!(made(&linked).await, 10);
    assert_eq!(linked.held().await, []);
}

#[tokio::test]
async fn of_very_many_records_with_one_identity_two_are_read() {
    let linked = Linked::both_ways(quick_options()).await;
    let admin = linked.admin().await;
    let mut document = two_way_documents(&admin).remove(2);
    document.identity = Some("phone".to_owned());
    linked.map(&document).await;
    for number in 0..30 {
        let fields = json!({"LastName": format!("T{number}"), "Company": "Acme", "Phone": "030 1"});
        let fields = fields.as_object().unwrap().clone();
        let object = "Lead".to_owned();
        linked.org.act(
            linked.org.integration_username(),
            &Deed::Create { object, fields },
        );
    }
    assert_eq!(made(&linked).await, 30);
    let row =
        |name: &str, phone: &str| json!({"fields": {"last_name": name, "company": "Acme", "phone": phone}});
    linked
        .post("lead", &[row("Twin", "030 1"), row("Single", "030 2")])
        .await;
    linked.drain_outbox().await;
    let held = linked.held().await;
    assert_eq!(held.len(), 1, "{held:?}");
    match &held[0].reason {
        HeldReason::Ambiguous { candidates, .. } => assert_eq!(candidates.len(), 2),
        reason => panic!("{reason:?}"),
    }
    assert_eq!(made(&linked).await, 31);
}
