//! The Salesforce client against the emulated org.

use std::sync::Arc;
use std::time::Duration;

use causeway::app::AppOptions;
use causeway::clock::SystemClock;
use causeway::salesforce::address::BaseUrl;
use causeway::salesforce::auth::Grant;
use causeway::salesforce::bulk::{JobState, Piece, Results};
use causeway::salesforce::csv::CsvReader;
use causeway::salesforce::rest::Seen;
use causeway::salesforce::{Salesforce, SalesforceClients};
use causeway_core::failure::{Call, Failure, NextStep, policy};
use causeway_core::id::SalesforceId;
use causeway_core::mapping::SalesforceType;
use emulated_org::Value;

use crate::linked::{CONSUMER_KEY, LOGIN_ROUTE, Linked, key_pair, quick_retries};

const RETRIEVE_ROUTE: &str = "/services/data/{version}/composite/sobjects/{object}";

fn accounts(count: usize) -> impl Iterator<Item = Vec<(&'static str, Value)>> {
    (0..count).map(|number| {
        vec![(
            "Name",
            Value::text(format!("Account {number}, \"Ltd\"\nline two")),
        )]
    })
}

async fn linked() -> Linked {
    Linked::start(AppOptions::default(), Vec::new()).await
}

fn code(failure: &Failure) -> &str {
    match failure {
        Failure::Salesforce { code, .. } => code,
        _ => "",
    }
}

#[tokio::test]
async fn requests_refused_together_lead_to_one_new_token() {
    let linked = linked().await;
    let salesforce = linked.salesforce().await;
    salesforce.describe("Account").await.unwrap();
    assert_eq!(linked.org.request_log().count("POST", LOGIN_ROUTE), 1);

    linked.org.faults().expire_all_tokens();
    let together: Vec<_> = (0..20)
        .map(|_| {
            let salesforce = Arc::clone(&salesforce);
            tokio::spawn(async move { salesforce.describe("Account").await.map(drop) })
        })
        .collect();
    for one in together {
        one.await.unwrap().unwrap();
    }
    assert_eq!(linked.org.request_log().count("POST", LOGIN_ROUTE), 2);
}

#[tokio::test]
async fn a_grant_that_is_refused_says_what_to_do_and_is_not_hammered() {
    let linked = linked().await;
    let clients = SalesforceClients::new(Arc::new(SystemClock), quick_retries()).unwrap();
    let (other_key, _) = key_pair();
    let grant = Grant::new(
        BaseUrl::parse(linked.org.url()).unwrap(),
        CONSUMER_KEY,
        linked.org.admin_username(),
        &other_key,
    )
    .unwrap();
    let salesforce = clients.unshared(grant, "67.0");
    let before = linked.org.request_log().count("POST", LOGIN_ROUTE);
    for _ in 0..5 {
        let failure = salesforce.describe("Account").await.unwrap_err();
        let policy = policy(&failure, Call::Read);
        assert_eq!(policy.next, NextStep::Stop, "{failure:?}");
        assert!(!policy.advice.is_empty());
    }
    assert_eq!(linked.org.request_log().count("POST", LOGIN_ROUTE), before + 1);
}

#[tokio::test]
async fn reads_are_tried_again_until_the_schedule_ends() {
    let linked = linked().await;
    let salesforce = linked.salesforce().await;
    let attempts = quick_retries().attempts;

    linked
        .org
        .faults()
        .answer_next(attempts - 1, 503, "SERVER_UNAVAILABLE");
    salesforce.describe("Account").await.unwrap();

    linked
        .org
        .faults()
        .answer_next(attempts, 503, "SERVER_UNAVAILABLE");
    let failure = salesforce.describe("Account").await.unwrap_err();
    assert_eq!(code(&failure), "SERVER_UNAVAILABLE");
}

#[tokio::test]
async fn what_will_not_pass_is_told_at_once() {
    let linked = linked().await;
    let salesforce = linked.salesforce().await;
    salesforce.server_time().await.unwrap();
    let before = linked.org.request_log().total();
    let failure = salesforce.describe("NoSuchThing__c").await.unwrap_err();
    assert_eq!(code(&failure), "NOT_FOUND");
    let failure = salesforce
        .query("SELECT Nope FROM Account", Seen::Live)
        .all()
        .await
        .unwrap_err();
    assert_eq!(code(&failure), "INVALID_FIELD");
    assert_eq!(linked.org.request_log().total(), before + 2);
}

#[tokio::test]
async fn a_server_that_is_gone_is_no_answer() {
    let clients = SalesforceClients::new(Arc::new(SystemClock), quick_retries()).unwrap();
    let (key, _) = key_pair();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let grant = Grant::new(BaseUrl::parse(&address).unwrap(), "key", "user", &key).unwrap();
    let failure = clients.unshared(grant, "67.0").server_time().await.unwrap_err();
    assert!(matches!(failure, Failure::NoAnswer { .. }), "{failure:?}");
}

#[tokio::test]
async fn a_describe_tells_types_and_options() {
    let linked = linked().await;
    let contact = linked.salesforce().await.describe("contact").await.unwrap();
    assert_eq!(contact.name, "Contact");
    assert_eq!(contact.fields["Birthdate"].kind, SalesforceType::Date);
    assert_eq!(contact.fields["AccountId"].reference_to, ["Account"]);
    assert!(
        contact.fields["LeadSource"]
            .picklist_values
            .contains(&"Web".to_owned())
    );
}

#[tokio::test]
async fn a_query_is_read_over_all_its_pages() {
    let linked = linked().await;
    linked.org.seed("Account", accounts(4_500)).unwrap();
    let salesforce = linked.salesforce().await;
    let mut pages = salesforce.query("SELECT Id, Name FROM Account", Seen::Live);
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await.unwrap() {
        sizes.push(page.len());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 4_500);
    assert!(sizes.len() > 1, "{sizes:?}");
    assert_eq!(pages.total, Some(4_500));
}

#[tokio::test]
async fn records_come_back_in_the_order_asked_for_and_missing_ones_as_none() {
    let linked = linked().await;
    let ids = linked.org.seed("Account", accounts(450)).unwrap();
    let mut ids: Vec<SalesforceId> = ids
        .iter()
        .map(|id| SalesforceId::parse(id.as_str()).unwrap())
        .collect();
    ids.reverse();
    ids.insert(1, SalesforceId::parse("001000000000999").unwrap());
    let salesforce = linked.salesforce().await;
    let retrieved = salesforce
        .retrieve("Account", &ids, &["Id", "Name"])
        .await
        .unwrap();
    let found: Vec<Option<&str>> = retrieved
        .records
        .iter()
        .map(|record| record.as_ref().and_then(|record| record["Id"].as_str()))
        .collect();
    assert_eq!(found.len(), 451);
    assert_eq!(found[0], Some(ids[0].as_str()));
    assert_eq!(found[1], None);
    assert_eq!(found[450], Some(ids[450].as_str()));
}

#[tokio::test]
async fn records_too_long_for_one_answer_are_read_in_several() {
    let linked = linked().await;
    // 800 records of 96,000 bytes each.
    let description = "€".repeat(32_000);
    let rows = (0..800).map(|_| {
        vec![
            ("Name", Value::text("Long")),
            ("Description", Value::text(description.as_str())),
        ]
    });
    let ids: Vec<SalesforceId> = linked
        .org
        .seed("Account", rows)
        .unwrap()
        .iter()
        .map(|id| SalesforceId::parse(id.as_str()).unwrap())
        .collect();
    let salesforce = linked.salesforce().await;
    let before = linked.org.request_log().count("POST", RETRIEVE_ROUTE);
    let retrieved = salesforce
        .retrieve("Account", &ids, &["Id", "Description"])
        .await
        .unwrap();
    let found: Vec<&str> = retrieved
        .records
        .iter()
        .map(|record| record.as_ref().unwrap()["Id"].as_str().unwrap())
        .collect();
    assert_eq!(found, ids.iter().map(SalesforceId::as_str).collect::<Vec<_>>());
    assert_eq!(linked.org.request_log().count("POST", RETRIEVE_ROUTE), before + 3);
}

#[tokio::test]
async fn the_daily_usage_is_known_after_each_answer() {
    let linked = linked().await;
    let salesforce = linked.salesforce().await;
    assert_eq!(salesforce.api_usage(), None);
    salesforce.server_time().await.unwrap();
    let first = salesforce.api_usage().unwrap();
    salesforce.server_time().await.unwrap();
    let second = salesforce.api_usage().unwrap();
    assert!(second.used > first.used && second.allowed == first.allowed);
    let limits = salesforce.limits().await.unwrap();
    assert!(limits["DailyApiRequests"].remaining < limits["DailyApiRequests"].max);
}

async fn complete_job(salesforce: &Salesforce, soql: &str) -> (String, Option<u64>) {
    let job = salesforce.create_query_job(soql).await.unwrap();
    for _ in 0..400 {
        match salesforce.query_job(&job).await.unwrap() {
            JobState::Running => tokio::time::sleep(Duration::from_millis(25)).await,
            JobState::Complete { rows } => return (job, rows),
            JobState::Failed { message } => panic!("{message}"),
        }
    }
    panic!("the job did not end");
}

/// Rows of each page, and what ended the stream if it was a failure.
async fn read_pages(salesforce: &Arc<Salesforce>, results: Results) -> (Vec<Vec<String>>, Option<Failure>) {
    let mut pages: Vec<Vec<String>> = Vec::new();
    let mut csv = CsvReader::default();
    let mut pieces = salesforce.results(results);
    while let Some(piece) = pieces.recv().await {
        match piece {
            Piece::Page { .. } => {
                csv = CsvReader::default();
                pages.push(Vec::new());
            }
            Piece::Bytes(bytes) => {
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    let step = csv.read(rest).unwrap();
                    rest = &rest[step.used..];
                    if let Some(row) = step.row {
                        pages.last_mut().unwrap().push(row.get(0).unwrap().to_owned());
                    }
                }
            }
            Piece::PageEnd { .. } => {}
            Piece::Failed(failure) => return (pages, Some(failure)),
        }
    }
    (pages, None)
}

#[tokio::test]
async fn bulk_results_come_page_by_page_each_with_its_header() {
    let linked = linked().await;
    let seeded = linked.org.seed("Account", accounts(2_500)).unwrap();
    let salesforce = linked.salesforce().await;
    let (job, rows) = complete_job(&salesforce, "SELECT Id, Name FROM Account").await;
    assert_eq!(rows, Some(2_500));
    let results = Results {
        job: job.clone(),
        from: None,
        page_rows: 1_000,
    };
    let (pages, failure) = read_pages(&salesforce, results.clone()).await;
    assert_eq!(failure, None);
    assert!(pages.iter().all(|page| page[0] == "Id"));
    let mut ids: Vec<&String> = pages.iter().flat_map(|page| &page[1..]).collect();
    assert_eq!(pages.len(), 3);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), seeded.len());

    salesforce.delete_query_job(&job).await.unwrap();
    salesforce.delete_query_job(&job).await.unwrap();
    let (_, failure) = read_pages(&salesforce, results).await;
    assert_eq!(failure.as_ref().map(code), Some("NOT_FOUND"));
}

#[tokio::test]
async fn a_query_that_bulk_does_not_take_is_refused() {
    let linked = linked().await;
    let failure = linked
        .salesforce()
        .await
        .create_query_job("SELECT Nope FROM Account")
        .await
        .unwrap_err();
    assert_eq!(policy(&failure, Call::Read).next, NextStep::Stop, "{failure:?}");
}

#[tokio::test]
async fn a_reader_who_leaves_ends_the_fetching() {
    let linked = linked().await;
    linked.org.seed("Account", accounts(3_000)).unwrap();
    let salesforce = linked.salesforce().await;
    let (job, _) = complete_job(&salesforce, "SELECT Id FROM Account").await;
    let mut pieces = salesforce.results(Results {
        job,
        from: None,
        page_rows: 100,
    });
    assert!(pieces.recv().await.is_some());
    drop(pieces);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let asked = linked.org.request_log().total();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(linked.org.request_log().total(), asked);
}
