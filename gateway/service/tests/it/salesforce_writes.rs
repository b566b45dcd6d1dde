//! Writes of the Salesforce client against the emulated org.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use causeway::clock::SystemClock;
use causeway::salesforce::address::BaseUrl;
use causeway::salesforce::auth::Grant;
use causeway::salesforce::budget::{Block, CallLedger, no_calls_left};
use causeway::salesforce::rest::{JsonRecord, Seen};
use causeway::salesforce::write::{ROWS_AT_ONCE, RowResults, WriteError, Written};
use causeway::salesforce::{Salesforce, SalesforceClients};
use causeway_core::failure::{Call, Failure, NextStep, policy};
use causeway_core::id::{ConnectionId, SalesforceId};
use causeway_core::mapping::literal;
use causeway_core::ports::Lane;
use causeway_core::record::{FieldValue, Fields};
use emulated_org::{EmulatedOrg, Options};
use futures_util::future::BoxFuture;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::linked::{CONSUMER_KEY, LOGIN_ROUTE, Linked, key_pair, quick_retries};

pub const EXTERNAL_ID: &str = "Partner_Id__c";
const WITHIN: Duration = Duration::from_secs(30);
const UPSERT_ROUTE: &str = "/services/data/{version}/composite/sobjects/{object}/{field}";

/// An org whose accounts and contacts have an external id, and a client that writes there.
pub struct WritableOrg {
    pub org: EmulatedOrg,
    pub salesforce: Arc<Salesforce>,
    _metadata: TempDir,
}

impl WritableOrg {
    pub async fn start() -> WritableOrg {
        let metadata = tempfile::tempdir().unwrap();
        for object in ["Account", "Contact", "Opportunity"] {
            let fields = metadata.path().join("objects").join(object).join("fields");
            std::fs::create_dir_all(&fields).unwrap();
            let xml = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
                 <CustomField xmlns=\"http://soap.sforce.com/2006/04/metadata\"><fullName>{EXTERNAL_ID}</fullName>\
                 <label>Partner Id</label><type>Text</type><length>64</length><externalId>true</externalId>\
                 <unique>true</unique><caseSensitive>true</caseSensitive></CustomField>\n"
            );
            std::fs::write(fields.join(format!("{EXTERNAL_ID}.field-meta.xml")), xml).unwrap();
        }
        let org = EmulatedOrg::start(Options {
            sfdx_source: vec![metadata.path().to_owned()],
            ..Options::default()
        })
        .await
        .unwrap();
        let (private_key, public_key) = key_pair();
        org.register_app(emulated_org::App::pre_authorized(CONSUMER_KEY, public_key))
            .unwrap();
        let grant = Grant::new(
            BaseUrl::parse(org.url()).unwrap(),
            CONSUMER_KEY,
            org.admin_username(),
            &private_key,
        )
        .unwrap();
        let clients = SalesforceClients::new(Arc::new(SystemClock), quick_retries()).unwrap();
        WritableOrg {
            salesforce: Arc::new(clients.unshared(grant, "67.0")),
            org,
            _metadata: metadata,
        }
    }

    /// All records of an object, by these fields.
    pub async fn all(&self, object: &str, fields: &str, seen: Seen) -> Vec<JsonRecord> {
        self.salesforce
            .query(format!("SELECT {fields} FROM {object} ORDER BY Name"), seen)
            .all()
            .await
            .unwrap()
    }
}

pub fn text(text: impl Into<String>) -> FieldValue {
    FieldValue::Text(text.into())
}

pub fn fields<const N: usize>(values: [(&str, FieldValue); N]) -> Fields {
    values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Accounts to upsert, numbered.
pub fn accounts(count: usize) -> Vec<(String, Fields)> {
    (0..count)
        .map(|number| {
            (
                format!("cw-1-{number}"),
                fields([("Name", text(format!("Account {number:04}")))]),
            )
        })
        .collect()
}

fn ids(results: &RowResults) -> Vec<SalesforceId> {
    results.iter().map(|result| result.as_ref().unwrap().id).collect()
}

async fn upsert(salesforce: &Salesforce, rows: &[(String, Fields)]) -> Result<RowResults, WriteError> {
    salesforce.upsert_rows("Account", EXTERNAL_ID, rows, WITHIN).await
}

#[tokio::test]
async fn an_upsert_makes_records_once_and_then_writes_to_them() {
    let org = WritableOrg::start().await;
    let first = upsert(&org.salesforce, &accounts(ROWS_AT_ONCE)).await.unwrap();
    assert!(first.iter().flatten().all(|written| written.created));
    let mut again = accounts(ROWS_AT_ONCE);
    again.reverse();
    let second = upsert(&org.salesforce, &again).await.unwrap();
    let mut expected = ids(&first);
    expected.reverse();
    assert_eq!(ids(&second), expected);
    assert!(second.iter().flatten().all(|written| !written.created));
    assert_eq!(org.all("Account", "Id", Seen::Live).await.len(), ROWS_AT_ONCE);
}

#[tokio::test]
async fn each_record_succeeds_or_fails_for_itself() {
    let org = WritableOrg::start().await;
    let mut rows = accounts(3);
    rows[1].1.insert("Name".to_owned(), FieldValue::Null);
    let results = upsert(&org.salesforce, &rows).await.unwrap();
    assert!(results[0].is_ok() && results[2].is_ok());
    let failure = results[1].clone().unwrap_err();
    assert_eq!(failure.code, "REQUIRED_FIELD_MISSING");
    assert_eq!(failure.fields, ["Name"]);
    assert_eq!(policy(&failure.into(), Call::Write).next, NextStep::Stop);
    assert_eq!(org.all("Account", "Id", Seen::Live).await.len(), 2);
}

#[tokio::test]
async fn values_arrive_exactly_and_null_empties() {
    let org = WritableOrg::start().await;
    let account = upsert(&org.salesforce, &accounts(1)).await.unwrap()[0]
        .clone()
        .unwrap();
    let number = |text| FieldValue::Number(literal::decimal(text).unwrap());
    let rows = [fields([
        ("Name", text("Deal \"1\"\n")),
        ("StageName", text("Prospecting")),
        (
            "CloseDate",
            FieldValue::Date(literal::date("2026-12-31").unwrap()),
        ),
        ("Amount", number("1234567890123.45")),
        ("NextStep", text("call O'Brien")),
        ("AccountId", FieldValue::Reference(account.id)),
    ])];
    let made = org
        .salesforce
        .create_rows("Opportunity", &rows, WITHIN)
        .await
        .unwrap()[0]
        .clone()
        .unwrap();
    assert!(made.created);
    let change = fields([("NextStep", FieldValue::Null), ("Amount", number("0.1"))]);
    let updated = org
        .salesforce
        .update_rows("Opportunity", &[(made.id, change)], WITHIN)
        .await
        .unwrap();
    assert_eq!(
        updated,
        [Ok(Written {
            id: made.id,
            created: false
        })]
    );
    let found = org
        .all(
            "Opportunity",
            "Name, CloseDate, Amount, NextStep, AccountId",
            Seen::Live,
        )
        .await;
    assert_eq!(found[0]["Name"], "Deal \"1\"");
    assert_eq!(found[0]["CloseDate"], "2026-12-31");
    assert_eq!(found[0]["Amount"].to_string(), "0.1");
    assert!(found[0]["NextStep"].is_null());
    assert_eq!(found[0]["AccountId"], account.id.as_str());
}

#[tokio::test]
async fn deleted_records_lie_in_the_recycle_bin_and_a_second_delete_says_so() {
    let org = WritableOrg::start().await;
    let results = upsert(&org.salesforce, &accounts(ROWS_AT_ONCE)).await.unwrap();
    let all = ids(&results);
    let deleted = org.salesforce.delete_rows(&all, WITHIN).await.unwrap();
    assert_eq!(ids(&deleted), all);
    let again = org.salesforce.delete_rows(&all[..1], WITHIN).await.unwrap();
    let failure = again[0].clone().unwrap_err();
    assert_eq!(policy(&failure.into(), Call::Write).next, NextStep::Gone);

    let live = upsert(&org.salesforce, &accounts(1)).await.unwrap()[0]
        .clone()
        .unwrap();
    assert!(live.created);
    let unknown = SalesforceId::parse("001000000000999").unwrap();
    let asked: Vec<SalesforceId> = all.iter().copied().chain([live.id, unknown]).collect();
    let remains = org.salesforce.remains("Account", &asked, false).await.unwrap();
    assert_eq!(remains.deleted.keys().copied().collect::<Vec<_>>(), all);
    assert_eq!(remains.live.into_iter().collect::<Vec<_>>(), [live.id]);
}

#[tokio::test]
async fn records_are_found_by_values_that_need_quoting() {
    let org = WritableOrg::start().await;
    let names = ["O'Brien & Co", "back\\slash", "100% \"sure\"", "plain"];
    let rows: Vec<(String, Fields)> = names
        .iter()
        .map(|name| (format!("cw '{name}"), fields([("Name", text(*name))])))
        .collect();
    let made = ids(&upsert(&org.salesforce, &rows).await.unwrap());
    for (name, id) in names.iter().zip(&made) {
        let found = org
            .salesforce
            .find("Account", &["Id", "Name"], "Name", &[text(*name)], Seen::Live)
            .await
            .unwrap();
        assert_eq!(found.records.len(), 1, "{name}");
        assert_eq!(found.records[0]["Id"], id.as_str());
    }
    let keys: Vec<FieldValue> = (0..400)
        .map(|number| text(format!("no such external id {number}")))
        .chain(rows.iter().map(|(key, _)| text(key)))
        .collect();
    let found = org
        .salesforce
        .find("Account", &["Id"], EXTERNAL_ID, &keys, Seen::Deleted)
        .await
        .unwrap();
    assert_eq!(found.records.len(), names.len());
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_not_sent_again_and_says_that_it_may_have_written() {
    let org = WritableOrg::start().await;
    org.salesforce.server_time().await.unwrap();
    org.org.faults().cut_after_next_writes(1);
    let lost = upsert(&org.salesforce, &accounts(2)).await.unwrap_err();
    match lost {
        WriteError::Call(call) => {
            assert!(call.may_have_written);
            assert!(matches!(call.failure, Failure::NoAnswer { .. }), "{call:?}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(org.org.request_log().count("PATCH", UPSERT_ROUTE), 1);
    let keys = ["cw-1-0", "cw-1-1"].map(text);
    let found = org
        .salesforce
        .find("Account", &["Id"], EXTERNAL_ID, &keys, Seen::Deleted)
        .await
        .unwrap();
    assert_eq!(found.records.len(), 2);
}

#[tokio::test]
async fn an_answer_tells_whether_anything_can_have_been_written() {
    let org = WritableOrg::start().await;
    org.salesforce.server_time().await.unwrap();
    for (status, code, may_have_written) in [
        (400, "UNABLE_TO_LOCK_ROW", false),
        (403, "REQUEST_LIMIT_EXCEEDED", false),
        (500, "UNKNOWN_EXCEPTION", true),
        (503, "SERVER_UNAVAILABLE", true),
    ] {
        org.org.faults().answer_next(1, status, code);
        let WriteError::Call(call) = upsert(&org.salesforce, &accounts(1)).await.unwrap_err() else {
            panic!("{code}");
        };
        assert_eq!(call.may_have_written, may_have_written, "{code}");
    }
    assert_eq!(org.org.request_log().count("PATCH", UPSERT_ROUTE), 4);
}

#[tokio::test]
async fn a_write_is_sent_again_after_its_token_was_refused() {
    let org = WritableOrg::start().await;
    org.salesforce.server_time().await.unwrap();
    org.org.faults().expire_all_tokens();
    let results = upsert(&org.salesforce, &accounts(1)).await.unwrap();
    assert!(results[0].as_ref().unwrap().created);
}

#[tokio::test]
async fn a_write_that_takes_too_long_is_given_up_in_time() {
    let org = WritableOrg::start().await;
    org.salesforce.server_time().await.unwrap();
    org.org.faults().delay(Duration::from_secs(3));
    let started = std::time::Instant::now();
    let given_up = org
        .salesforce
        .upsert_rows("Account", EXTERNAL_ID, &accounts(1), Duration::from_millis(200))
        .await
        .unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(2));
    assert!(matches!(given_up, WriteError::Call(call) if call.may_have_written));
}

#[tokio::test]
async fn a_host_that_is_gone_has_written_nothing() {
    let org = WritableOrg::start().await;
    org.salesforce.server_time().await.unwrap();
    let WritableOrg { org, salesforce, .. } = org;
    org.stop().await;
    let gone = upsert(&salesforce, &accounts(1)).await.unwrap_err();
    assert!(
        matches!(&gone, WriteError::Call(call) if !call.may_have_written),
        "{gone:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_anything_is() {
    let org = WritableOrg::start().await;
    let before = org.org.request_log().total();
    assert_eq!(
        upsert(&org.salesforce, &accounts(ROWS_AT_ONCE + 1)).await,
        Err(WriteError::TooMany {
            rows: ROWS_AT_ONCE + 1
        })
    );
    let mut rows = accounts(2);
    rows[1].1.insert(
        "ParentId".to_owned(),
        FieldValue::Record(causeway_core::id::RecordId(3)),
    );
    let refused = upsert(&org.salesforce, &rows).await.unwrap_err();
    assert!(matches!(refused, WriteError::Unsendable { row: 1, .. }));
    assert_eq!(upsert(&org.salesforce, &[]).await, Ok(Vec::new()));
    assert_eq!(org.org.request_log().total(), before);
}

#[tokio::test]
async fn the_login_tells_the_user_who_is_shown_as_the_last_to_modify() {
    let org = WritableOrg::start().await;
    upsert(&org.salesforce, &accounts(1)).await.unwrap();
    let found = org.all("Account", "LastModifiedById", Seen::Live).await;
    let user = org.salesforce.org().await.unwrap().user;
    assert_eq!(found[0]["LastModifiedById"], user.as_str());
}

/// A host that answers as a test says, request by request, and a client that logged in there.
pub struct ScriptedHost {
    pub salesforce: Arc<Salesforce>,
    listener: TcpListener,
}

impl ScriptedHost {
    pub async fn start() -> ScriptedHost {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (key, _) = key_pair();
        let grant = Grant::new(BaseUrl::parse(&address).unwrap(), "key", "user", &key).unwrap();
        let clients = SalesforceClients::new(Arc::new(SystemClock), quick_retries()).unwrap();
        let host = ScriptedHost {
            salesforce: Arc::new(clients.unshared(grant, "67.0")),
            listener,
        };
        let id = format!("{address}/id/00D8a00001rBqb8/0058a00000Integ");
        let login = format!(r#"{{"access_token":"t","instance_url":"{address}","id":"{id}"}}"#);
        let (org, _) = tokio::join!(host.salesforce.org(), host.answer(&login, login.len()));
        org.unwrap();
        host
    }

    /// Takes one request, answers it with a body that is said to be of this length, and gives back the request's
    /// head in lower case.
    pub async fn answer(&self, body: &str, length: usize) -> String {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let mut request = Vec::new();
        let head = loop {
            let mut chunk = [0; 4_096];
            let read = stream.read(&mut chunk).await.unwrap();
            request.extend_from_slice(&chunk[..read]);
            let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
            let Some((head, sent)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let expected = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if sent.len() >= expected {
                break head.to_owned();
            }
        };
        let answer =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        head
    }
}

#[tokio::test]
async fn writes_keep_the_owner_and_heed_duplicate_rules() {
    let host = ScriptedHost::start().await;
    let result = r#"[{"id":"0018a00001rBqb8AAC","success":true,"errors":[]}]"#;
    let rows = accounts(1);
    let (written, head) = tokio::join!(upsert(&host.salesforce, &rows), host.answer(result, result.len()));
    written.unwrap();
    for header in [
        "sforce-auto-assign: false",
        "sforce-duplicate-rule-header: allowsave=false",
        "sforce-call-options: client=causeway",
    ] {
        assert!(head.lines().any(|line| line == header), "{header} in {head}");
    }
}

/// A ledger with so many calls.
#[derive(Debug)]
struct Left(AtomicU32);

impl CallLedger for Left {
    fn lease(
        &self,
        _connection: ConnectionId,
        wanted: u32,
        _lane: Lane,
    ) -> BoxFuture<'_, Result<Block, Failure>> {
        let left = self.0.load(Ordering::SeqCst);
        let given = left.min(wanted);
        self.0.store(left - given, Ordering::SeqCst);
        let block = Block {
            calls: given,
            leased_at: self.now(),
        };
        Box::pin(std::future::ready(Ok(block)))
    }

    fn give_back(&self, _connection: ConnectionId, left: Block) -> BoxFuture<'_, Result<(), Failure>> {
        self.0.fetch_add(left.calls, Ordering::SeqCst);
        Box::pin(std::future::ready(Ok(())))
    }

    fn now(&self) -> causeway_core::Instant {
        chrono::Utc::now()
    }
}

#[tokio::test]
async fn no_request_goes_out_that_the_budget_does_not_allow() {
    let linked = Linked::start(causeway::app::AppOptions::default(), Vec::new()).await;
    let connection = linked.connection;
    let known = linked
        .app
        .store
        .read(move |tx| tx.connection(connection))
        .await
        .unwrap()
        .unwrap();
    let clients = SalesforceClients::new(Arc::new(SystemClock), quick_retries())
        .unwrap()
        .counted_by(Arc::new(Left(AtomicU32::new(5))));
    let salesforce = clients.client(&linked.app.vault, &known).unwrap();
    let bulk = salesforce.in_lane(Lane::Bulk);
    let (requests, logins) = (
        linked.org.request_log().total(),
        linked.org.request_log().count("POST", LOGIN_ROUTE),
    );
    for _ in 0..4 {
        salesforce.server_time().await.unwrap();
    }
    assert_eq!(bulk.server_time().await, Err(no_calls_left()));
    assert_eq!(salesforce.server_time().await, Err(no_calls_left()));
    let refused = salesforce
        .upsert_rows("Account", "Id", &accounts(1), WITHIN)
        .await;
    assert!(matches!(refused, Err(WriteError::Call(call)) if !call.may_have_written));
    // Four calls, and the login for them.
    assert_eq!(linked.org.request_log().total(), requests + 5);
    assert_eq!(linked.org.request_log().count("POST", LOGIN_ROUTE), logins + 1);
}
