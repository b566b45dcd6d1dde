//! Ingest jobs of the Salesforce client against the emulated org.

use std::collections::BTreeSet;
use std::time::Duration;

use causeway::salesforce::Salesforce;
use causeway::salesforce::ingest::file::{IngestFile, Packed};
use causeway::salesforce::ingest::results::{IngestResult, IngestResults};
use causeway::salesforce::ingest::{IngestOperation, IngestState};
use causeway::salesforce::rest::Seen;
use causeway_core::failure::{Call, NextStep, policy};
use causeway_core::id::SalesforceId;
use causeway_core::record::{FieldValue, Fields};

use crate::salesforce_writes::{EXTERNAL_ID, ScriptedHost, WritableOrg, accounts, fields, text};

const UPSERT: IngestOperation<'static> = IngestOperation::Upsert {
    external_id_field: EXTERNAL_ID,
};

/// Accounts with their external id among their values, as ingest takes them.
fn keyed(count: usize) -> Vec<Fields> {
    accounts(count)
        .into_iter()
        .map(|(key, mut row)| {
            row.insert(EXTERNAL_ID.to_owned(), text(key));
            row
        })
        .collect()
}

fn packed(rows: &[Fields]) -> IngestFile {
    let Packed { file, carried, .. } = IngestFile::pack(rows);
    assert_eq!(carried.len(), rows.len());
    file
}

async fn uploaded(salesforce: &Salesforce, operation: IngestOperation<'_>, rows: &[Fields]) -> String {
    let job = salesforce.create_ingest_job("Account", operation).await.unwrap();
    salesforce.upload(&job, packed(rows)).await.unwrap();
    job
}

async fn ended(salesforce: &Salesforce, job: &str) -> IngestState {
    for _ in 0..400 {
        match salesforce.ingest_job(job).await.unwrap() {
            IngestState::Running => tokio::time::sleep(Duration::from_millis(25)).await,
            state => return state,
        }
    }
    panic!("the job did not end");
}

async fn worked(
    salesforce: &Salesforce,
    operation: IngestOperation<'_>,
    rows: &[Fields],
) -> (IngestState, IngestResults) {
    let job = uploaded(salesforce, operation, rows).await;
    salesforce.start_ingest_job(&job).await.unwrap();
    let state = ended(salesforce, &job).await;
    let results = salesforce.ingest_results(&job, operation).await.unwrap();
    (state, results)
}

fn written_ids(results: &IngestResults) -> Vec<SalesforceId> {
    results
        .values()
        .map(|result| match result {
            IngestResult::Written(written) => written.id,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[tokio::test]
async fn an_upsert_job_tells_of_each_row_what_became_of_it() {
    let org = WritableOrg::start().await;
    let mut rows = keyed(450);
    rows[7].insert("Name".to_owned(), FieldValue::Null);
    let (state, results) = worked(&org.salesforce, UPSERT, &rows).await;
    assert_eq!(
        state,
        IngestState::Complete {
            processed: 450,
            failed: 1
        }
    );
    assert_eq!(results.len(), 450);
    let refused: Vec<_> = results
        .iter()
        .filter_map(|(key, result)| match result {
            IngestResult::Refused(failure) => Some((key.as_str(), failure.code.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(refused, [("cw-1-7", "REQUIRED_FIELD_MISSING")]);
    assert!(
        results
            .values()
            .all(|result| matches!(result, IngestResult::Refused(_))
                || matches!(result, IngestResult::Written(written) if written.created))
    );
    assert_eq!(org.all("Account", "Id", Seen::Live).await.len(), 449);
}

#[tokio::test]
async fn absent_values_stay_and_null_empties() {
    let org = WritableOrg::start().await;
    let mut rows = keyed(2);
    for row in &mut rows {
        row.insert("Phone".to_owned(), text("+49 30 1"));
        row.insert("Description".to_owned(), text("a \"b\", c\nd"));
    }
    let (_, results) = worked(&org.salesforce, UPSERT, &rows).await;
    let ids = written_ids(&results);
    let id = |place: usize| text(ids[place].as_str());
    let changes = [
        fields([("Id", id(0)), ("Phone", FieldValue::Null)]),
        fields([("Id", id(1)), ("Name", text("Renamed, \"Ltd\""))]),
    ];
    let (_, results) = worked(&org.salesforce, IngestOperation::Update, &changes).await;
    assert_eq!(
        results.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        ids.iter().map(SalesforceId::as_str).collect()
    );
    let found = org.all("Account", "Name, Phone, Description", Seen::Live).await;
    assert_eq!(found[0]["Name"], "Account 0000");
    assert!(found[0]["Phone"].is_null());
    assert_eq!(found[1]["Name"], "Renamed, \"Ltd\"");
    assert_eq!(found[1]["Phone"], "+49 30 1");
    assert_eq!(found[1]["Description"], "a \"b\", c\nd");
}

#[tokio::test]
async fn a_delete_job_deletes() {
    let org = WritableOrg::start().await;
    let (_, made) = worked(&org.salesforce, UPSERT, &keyed(3)).await;
    let ids = written_ids(&made);
    let rows: Vec<Fields> = ids
        .iter()
        .map(|id| fields([("Id", FieldValue::Reference(*id))]))
        .collect();
    let (_, results) = worked(&org.salesforce, IngestOperation::Delete, &rows).await;
    assert_eq!(results.len(), 3);
    assert!(
        results
            .values()
            .all(|result| matches!(result, IngestResult::Written(_)))
    );
    assert!(org.all("Account", "Id", Seen::Live).await.is_empty());
    assert_eq!(org.all("Account", "Id", Seen::Deleted).await.len(), 3);
}

#[tokio::test]
async fn a_job_that_is_not_started_writes_nothing_and_can_be_aborted() {
    let org = WritableOrg::start().await;
    let job = uploaded(&org.salesforce, UPSERT, &keyed(2)).await;
    assert_eq!(org.salesforce.ingest_job(&job).await.unwrap(), IngestState::Open);
    assert_eq!(
        org.salesforce.abort_ingest_job(&job).await.unwrap(),
        IngestState::Aborted
    );
    let too_late = org.salesforce.start_ingest_job(&job).await.unwrap_err();
    assert!(!too_late.may_have_written, "{too_late:?}");
    assert!(org.all("Account", "Id", Seen::Live).await.is_empty());
    org.salesforce.delete_ingest_job(&job).await.unwrap();
    org.salesforce.delete_ingest_job(&job).await.unwrap();
    let gone = org.salesforce.ingest_job(&job).await.unwrap_err();
    assert_eq!(policy(&gone, Call::Read).next, NextStep::Gone);
}

#[tokio::test]
async fn a_job_is_taken_over_by_its_id_after_its_start_was_lost() {
    let org = WritableOrg::start().await;
    let job = uploaded(&org.salesforce, UPSERT, &keyed(5)).await;
    org.org.faults().cut_after_next_writes(1);
    org.salesforce.start_ingest_job(&job).await.unwrap();
    // Whoever comes later starts it again, and follows it.
    org.salesforce.start_ingest_job(&job).await.unwrap();
    assert_eq!(
        ended(&org.salesforce, &job).await,
        IngestState::Complete {
            processed: 5,
            failed: 0
        }
    );
    let results = org.salesforce.ingest_results(&job, UPSERT).await.unwrap();
    assert_eq!(results.len(), 5);
    assert_eq!(
        org.salesforce.abort_ingest_job(&job).await.unwrap(),
        IngestState::Complete {
            processed: 5,
            failed: 0
        }
    );
    assert_eq!(org.all("Account", "Id", Seen::Live).await.len(), 5);
}

#[tokio::test]
async fn results_that_break_off_are_read_again() {
    let host = ScriptedHost::start().await;
    let written = "sf__Id,sf__Created,Partner_Id__c\n0018a00001rBqb8AAC,true,cw-1-1\n";
    let (torn, _) = written.split_at(written.len() - 5);
    let refused = "sf__Id,sf__Error,Partner_Id__c\n,STRING_TOO_LONG:too long:Name --,cw-1-2\n";
    let unprocessed = "Partner_Id__c\ncw-1-3\n";
    let answers = async {
        host.answer(torn, written.len()).await;
        for body in [written, refused, unprocessed] {
            host.answer(body, body.len()).await;
        }
    };
    let (results, ()) = tokio::join!(host.salesforce.ingest_results("750", UPSERT), answers);
    let results = results.unwrap();
    assert_eq!(results.len(), 3);
    assert!(matches!(results["cw-1-1"], IngestResult::Written(written) if written.created));
    assert!(matches!(&results["cw-1-2"], IngestResult::Refused(refused) if refused.fields == ["Name"]));
    assert_eq!(results["cw-1-3"], IngestResult::Unprocessed);
}
