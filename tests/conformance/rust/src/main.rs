//! The cirrus crate, driven through its typed calls. What is expected comes from the Salesforce guides.

mod cases;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cases::{Cases, Checked, environment, equal, holds};
use cirrus::auth::{AuthError, ClientCredentialsAuth, JwtAuth};
use cirrus::{
    BatchRequest, BatchSubrequest, BulkIngestSpec, BulkJobState, BulkOperation, BulkQuerySpec, Bytes, Cirrus,
    CirrusError, QueryOptions, UpsertOptions,
};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

const ROOT: &str = "/services/data/v68.0";

fn log_in(user: &str) -> Checked<Cirrus> {
    let org = environment("ORG_URL")?;
    let auth = JwtAuth::builder()
        .consumer_key(environment("JWT_CONSUMER_KEY")?)
        .username(user)
        .private_key_pem_file(environment("JWT_PRIVATE_KEY")?)?
        .login_url(&org)
        .instance_url(&org)
        .build()?;
    Ok(Cirrus::builder()
        .auth(Arc::new(auth))
        .api_version("v68.0")
        .build()?)
}

/// Status and first code of the error that a call ended with.
fn refusal<T: std::fmt::Debug>(answer: Result<T, CirrusError>) -> Checked<(u16, String)> {
    match answer {
        Err(CirrusError::Api { status, errors, .. }) => {
            let code = errors
                .first()
                .map(|error| error.error_code.clone())
                .unwrap_or_default();
            Ok((status, code))
        }
        other => Err(format!("expected an error of Salesforce, got {other:?}").into()),
    }
}

fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().unwrap_or_default()
}

async fn emulator(path: &str) -> Checked {
    let url = format!("{}/emulator/{path}", environment("ORG_URL")?);
    cirrus::reqwest::Client::new()
        .post(url)
        .send()
        .await?
        .error_for_status()?;
    Ok(())
}

async fn ingest(sf: &Cirrus, spec: BulkIngestSpec, csv: String) -> Checked<cirrus::BulkIngestJob> {
    let bulk = sf.bulk();
    let jobs = bulk.ingest();
    let job = jobs.create(&spec).await?;
    jobs.upload(&job.id, Bytes::from(csv)).await?;
    jobs.close(&job.id).await?;
    loop {
        let job = jobs.get(&job.id).await?;
        match job.state {
            BulkJobState::JobComplete => return Ok(job),
            BulkJobState::Failed | BulkJobState::Aborted => return Err(format!("{job:?}").into()),
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn export(sf: &Cirrus, soql: &str, page: u32) -> Checked<(usize, Vec<String>)> {
    let bulk = sf.bulk();
    let jobs = bulk.query();
    let job = jobs
        .create(&BulkQuerySpec::new(soql, BulkOperation::Query))
        .await?;
    while jobs.get(&job.id).await?.state != BulkJobState::JobComplete {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (mut pages, mut rows, mut locator) = (0, Vec::new(), None);
    loop {
        let results = jobs.results(&job.id, locator.as_deref(), Some(page)).await?;
        pages += 1;
        let csv = String::from_utf8(results.csv.to_vec())?;
        rows.extend(csv.lines().skip(1).map(|row| row.trim_matches('"').to_owned()));
        locator = results.locator;
        if locator.is_none() {
            return Ok((pages, rows));
        }
    }
}

#[tokio::main]
async fn main() -> Checked {
    let mut cases = Cases::open()?;
    let admin = environment("ORG_ADMIN")?;
    let sf = &log_in(&admin)?;

    sessions(&mut cases, sf, &admin).await?;
    records(&mut cases, sf).await?;
    queries(&mut cases, sf).await?;
    composite(&mut cases, sf).await?;
    bulk(&mut cases, sf).await?;
    renewal(&mut cases, sf).await
}

async fn sessions(cases: &mut Cases, sf: &Cirrus, admin: &str) -> Checked {
    cases
        .case("auth: JWT bearer", async {
            let user: Value = sf.get("/services/oauth2/userinfo").await?;
            equal(text(&user, "preferred_username"), admin)
        })
        .await?;
    cases
        .case("auth: an unapproved user is invalid_grant", async {
            match log_in("nobody@northwind.example")?.limits().await {
                Err(CirrusError::Auth(AuthError::OAuth { error, .. })) => {
                    equal(error.as_str(), "invalid_grant")
                }
                other => Err(format!("{other:?}").into()),
            }
        })
        .await?;
    cases
        .case("auth: client credentials", async {
            let org = environment("ORG_URL")?;
            let auth = ClientCredentialsAuth::builder()
                .consumer_key(environment("WEB_CONSUMER_KEY")?)
                .consumer_secret(environment("WEB_CONSUMER_SECRET")?)
                .login_url(&org)
                .instance_url(&org)
                .build()?;
            let sf = Cirrus::builder()
                .auth(Arc::new(auth))
                .api_version("v68.0")
                .build()?;
            equal(sf.query("SELECT Id FROM User LIMIT 1").await?.total_size, 1)
        })
        .await?;
    cases
        .case("versions: the newest is 68.0", async {
            let versions = sf.versions().await?;
            equal(
                versions.last().map(|version| version.version.clone()),
                Some("68.0".to_owned()),
            )?;
            equal(sf.latest_api_version().await?, "v68.0".to_owned())
        })
        .await?;
    cases
        .case("limits", async {
            let limits = sf.limits().await?;
            let daily = limits.get("DailyApiRequests").ok_or("no DailyApiRequests")?;
            holds(daily.remaining <= daily.max && daily.max > 0, daily)
        })
        .await?;
    cases
        .case("last_limit_info: read from the answer header", async {
            let info = sf.last_limit_info().ok_or("no Sforce-Limit-Info")?;
            holds(info.used > 0 && info.used <= info.allowed, info)
        })
        .await?;
    cases
        .case("describe_global", async {
            let global = sf.sobjects().describe_global().await?;
            let contact = global
                .sobjects
                .iter()
                .find(|object| object.name == "Contact")
                .ok_or("no Contact")?;
            equal(contact.key_prefix.as_deref(), Some("003"))?;
            equal(global.max_batch_size, 200)
        })
        .await?;
    cases
        .case("describe", async {
            let contact = sf.sobject("Contact").describe().await?;
            let fields = contact["fields"].as_array().ok_or("no fields")?;
            let email = fields
                .iter()
                .find(|field| field["name"] == "Email")
                .ok_or("no Email")?;
            equal(text(email, "type"), "email")
        })
        .await?;
    cases
        .case("describe_if_modified_since: unchanged is nothing", async {
            let later = SystemTime::now() + Duration::from_secs(3600);
            let answer = sf.sobject("Contact").describe_if_modified_since(later).await?;
            holds(answer.is_none(), "304 Not Modified")
        })
        .await?;
    cases
        .case("describe_if_modified_since: changed is described", async {
            let earlier = SystemTime::now() - Duration::from_secs(30 * 86_400);
            let answer = sf.sobject("Contact").describe_if_modified_since(earlier).await?;
            holds(answer.is_some(), "200 OK")
        })
        .await?;
    Ok(())
}

async fn records(cases: &mut Cases, sf: &Cirrus) -> Checked {
    let contacts = &sf.sobject("Contact");
    let id = cases
        .case("create and retrieve", async {
            let created = contacts
                .create(&json!({ "LastName": "Größe", "Title": "Typed" }))
                .await?;
            holds(created.success && created.errors.is_empty(), &created)?;
            let record = contacts.retrieve(&created.id).await?;
            equal(text(&record, "LastName"), "Größe")?;
            Ok(created.id)
        })
        .await?
        .unwrap_or_default();
    cases
        .case("retrieve_with_fields", async {
            let record = contacts.retrieve_with_fields(&id, &["Title"]).await?;
            equal(text(&record, "Title"), "Typed")?;
            holds(record.get("LastName").is_none(), &record)
        })
        .await?;
    cases
        .case("update", async {
            contacts.update(&id, &json!({ "Title": null })).await?;
            equal(contacts.retrieve(&id).await?["Title"].clone(), Value::Null)
        })
        .await?;
    cases
        .case("create: a missing required field", async {
            let answer = contacts.create(&json!({ "FirstName": "Nameless" })).await;
            equal(refusal(answer)?, (400, "REQUIRED_FIELD_MISSING".to_owned()))
        })
        .await?;
    cases
        .case("upsert: creates, then updates", async {
            let created = contacts
                .upsert("Partner_Id__c", "C/1 ü", &json!({ "LastName": "Key" }))
                .await?;
            equal(created.created, Some(true))?;
            let updated = contacts
                .upsert("Partner_Id__c", "C/1 ü", &json!({ "LastName": "Key 2" }))
                .await?;
            equal((updated.created, updated.id), (Some(false), created.id))
        })
        .await?;
    cases
        .case("upsert_with: update only refuses an unknown key", async {
            let options = UpsertOptions { update_only: true };
            let answer = contacts
                .upsert_with("Partner_Id__c", "C-none", &json!({ "LastName": "X" }), options)
                .await;
            equal(refusal(answer)?.0, 404)
        })
        .await?;
    cases
        .case("retrieve_by_external_id", async {
            let record = contacts.retrieve_by_external_id("Partner_Id__c", "C/1 ü").await?;
            equal(text(&record, "LastName"), "Key 2")
        })
        .await?;
    cases
        .case("delete_by_external_id", async {
            contacts.delete_by_external_id("Partner_Id__c", "C/1 ü").await?;
            let answer = contacts.retrieve_by_external_id("Partner_Id__c", "C/1 ü").await;
            equal(refusal(answer)?, (404, "NOT_FOUND".to_owned()))
        })
        .await?;
    cases
        .case("retrieve_if_modified_since: unchanged is nothing", async {
            let later = SystemTime::now() + Duration::from_secs(3600);
            holds(
                contacts.retrieve_if_modified_since(&id, later).await?.is_none(),
                "304 Not Modified",
            )
        })
        .await?;
    cases
        .case("delete", async {
            contacts.delete(&id).await?;
            equal(refusal(contacts.retrieve(&id).await)?.0, 404)
        })
        .await?;
    cases
        .case("retrieve: an unknown object", async {
            equal(
                refusal(sf.sobject("Nothing__c").describe().await)?,
                (404, "NOT_FOUND".to_owned()),
            )
        })
        .await?;
    Ok(())
}

async fn queries(cases: &mut Cases, sf: &Cirrus) -> Checked {
    cases
        .case("query", async {
            let found = sf
                .query("SELECT Id, Name FROM Account ORDER BY Name LIMIT 3")
                .await?;
            equal((found.total_size, found.done, found.records.len()), (3, true, 3))?;
            equal(found.records[0]["attributes"]["type"].clone(), json!("Account"))
        })
        .await?;
    cases
        .case("query: a value is quoted by soql::quote", async {
            let name = "D'Arcy \\ \"& Söhne\"\n";
            sf.sobject("Account")
                .create(&json!({ "Name": name.trim() }))
                .await?;
            let soql = format!(
                "SELECT Name FROM Account WHERE Name = {}",
                cirrus::soql::quote(name.trim())
            );
            equal(sf.query(&soql).await?.total_size, 1)
        })
        .await?;
    cases
        .case("query_stream: pages of 200 are followed", async {
            let rows: Vec<_> = (0..200).map(|row| json!({ "attributes": { "type": "Lead" }, "LastName": format!("Stream {row}"), "Company": "Stream" })).collect();
            for _ in 0..3 {
                sf.composite().sobjects().create(&json!({ "allOrNone": true, "records": rows })).await?;
            }
            let options = QueryOptions::new().batch_size(200);
            let stream = sf.query_stream_with_options("SELECT Id FROM Lead WHERE Company = 'Stream'", &options);
            let mut ids: Vec<String> = stream.map_ok(|row| text(&row, "Id").to_owned()).try_collect().await?;
            ids.sort();
            ids.dedup();
            equal(ids.len(), 600)
        })
        .await?;
    cases
        .case("query_all: shows what was deleted", async {
            let soql = "SELECT Id FROM Contact WHERE LastName = 'Größe' AND IsDeleted = TRUE";
            equal(sf.query(soql).await?.total_size, 0)?;
            equal(sf.query_all(soql).await?.total_size, 1)
        })
        .await?;
    cases
        .case("query: an aggregate", async {
            let found = sf
                .query("SELECT Company, COUNT(Id) n FROM Lead WHERE Company = 'Stream' GROUP BY Company")
                .await?;
            equal(found.records[0]["n"].clone(), json!(600))
        })
        .await?;
    cases
        .case("query: a malformed query", async {
            equal(
                refusal(sf.query("SELECT Id FORM Account").await)?,
                (400, "MALFORMED_QUERY".to_owned()),
            )
        })
        .await?;
    cases
        .case("query_more: an invalid locator", async {
            let answer = sf
                .query_more(&format!("{ROOT}/query/01gNOTHING0000000AAA-200"))
                .await;
            equal(refusal(answer)?, (400, "INVALID_QUERY_LOCATOR".to_owned()))
        })
        .await?;
    Ok(())
}

async fn composite(cases: &mut Cases, sf: &Cirrus) -> Checked {
    let collections = sf.composite();
    let collections = &collections.sobjects();
    let ids = cases
        .case("composite sobjects: create, a part refused", async {
            let rows = json!([
                { "attributes": { "type": "Contact" }, "LastName": "One" },
                { "attributes": { "type": "Contact" }, "FirstName": "Wrong" },
                { "attributes": { "type": "Contact" }, "LastName": "Two" },
            ]);
            let results = collections
                .create(&json!({ "allOrNone": false, "records": rows }))
                .await?;
            equal(
                results.iter().map(|result| result.success).collect::<Vec<_>>(),
                vec![true, false, true],
            )?;
            equal(
                results[1].errors[0].status_code.as_str(),
                "REQUIRED_FIELD_MISSING",
            )?;
            Ok(results
                .into_iter()
                .filter_map(|result| result.id)
                .collect::<Vec<_>>())
        })
        .await?
        .unwrap_or_default();
    cases
        .case("composite sobjects: retrieve, an unknown id is null", async {
            let wanted = [
                ids.first().cloned().unwrap_or_default(),
                "003000000000000AAA".to_owned(),
            ];
            let rows = collections.retrieve("Contact", &wanted, &["LastName"]).await?;
            equal(text(&rows[0], "LastName"), "One")?;
            equal(rows[1].clone(), Value::Null)
        })
        .await?;
    cases
        .case("composite sobjects: delete", async {
            let results = collections.delete(&ids, true).await?;
            holds(
                results.len() == 2 && results.iter().all(|result| result.success),
                &results,
            )
        })
        .await?;
    cases
        .case("composite tree", async {
            let body = json!({ "records": [{ "attributes": { "type": "Account", "referenceId": "a" }, "Name": "Tree",
                "Contacts": { "records": [{ "attributes": { "type": "Contact", "referenceId": "b" }, "LastName": "Leaf" }] } }] });
            let answer = collections_tree(sf, &body).await?;
            holds(!answer.has_errors && answer.results.len() == 2, &answer)
        })
        .await?;
    cases
        .case("composite batch", async {
            let request = BatchRequest {
                batch_requests: vec![
                    BatchSubrequest {
                        method: "GET".into(),
                        url: "v68.0/limits".into(),
                        rich_input: None,
                    },
                    BatchSubrequest {
                        method: "GET".into(),
                        url: "v68.0/sobjects/Nothing__c".into(),
                        rich_input: None,
                    },
                ],
                halt_on_error: None,
            };
            let answer = sf.composite().batch(&request).await?;
            equal(
                answer
                    .results
                    .iter()
                    .map(|result| result.status_code)
                    .collect::<Vec<_>>(),
                vec![200, 404],
            )?;
            equal(answer.has_errors, true)
        })
        .await?;
    cases
        .case("composite: a reference to an earlier result", async {
            let body = json!({ "allOrNone": true, "compositeRequest": [
                { "method": "POST", "url": format!("{ROOT}/sobjects/Account"), "referenceId": "parent", "body": { "Name": "Composite" } },
                { "method": "POST", "url": format!("{ROOT}/sobjects/Contact"), "referenceId": "child",
                  "body": { "LastName": "Referring", "AccountId": "@{parent.id}" } },
            ] });
            let answer = sf.composite().execute(&body).await?;
            equal(answer.composite_response.iter().map(|part| part.http_status_code).collect::<Vec<_>>(), vec![201, 201])
        })
        .await?;
    cases
        .case("composite: allOrNone rolls everything back", async {
            let body = json!({ "allOrNone": true, "compositeRequest": [
                { "method": "POST", "url": format!("{ROOT}/sobjects/Account"), "referenceId": "parent", "body": { "Name": "Rolled back" } },
                { "method": "POST", "url": format!("{ROOT}/sobjects/Contact"), "referenceId": "child", "body": { "FirstName": "Wrong" } },
            ] });
            let answer = sf.composite().execute(&body).await?;
            equal(answer.composite_response[0].body[0]["errorCode"].clone(), json!("PROCESSING_HALTED"))?;
            equal(sf.query("SELECT Id FROM Account WHERE Name = 'Rolled back'").await?.total_size, 0)
        })
        .await?;
    Ok(())
}

async fn collections_tree(sf: &Cirrus, body: &Value) -> Checked<cirrus::CompositeTreeResponse> {
    Ok(sf.composite().tree("Account", body).await?)
}

async fn bulk(cases: &mut Cases, sf: &Cirrus) -> Checked {
    cases
        .case("bulk ingest: insert", async {
            let rows: String = (0..500).map(|row| format!("Bulk {row},cirrus\n")).collect();
            let job = ingest(
                sf,
                BulkIngestSpec::new("Lead", BulkOperation::Insert),
                format!("LastName,Company\n{rows}"),
            )
            .await?;
            equal(
                (job.number_records_processed, job.number_records_failed),
                (Some(500), Some(0)),
            )?;
            let results = sf.bulk().ingest().successful_results(&job.id).await?;
            equal(String::from_utf8(results.to_vec())?.lines().count(), 501)
        })
        .await?;
    let ids = cases
        .case("bulk query: result pages by locator", async {
            let (pages, ids) = export(sf, "SELECT Id FROM Lead WHERE Company = 'cirrus'", 200).await?;
            equal((pages, ids.len()), (3, 500))?;
            Ok(ids)
        })
        .await?
        .unwrap_or_default();
    cases
        .case("bulk ingest: refused rows are in the failed results", async {
            let csv = "Partner_Id__c,LastName\nCB-1,Fine\nCB-2,\n".to_owned();
            let spec =
                BulkIngestSpec::new("Contact", BulkOperation::Upsert).external_id_field_name("Partner_Id__c");
            let job = ingest(sf, spec, csv).await?;
            let failed = String::from_utf8(sf.bulk().ingest().failed_results(&job.id).await?.to_vec())?;
            holds(
                failed.contains("REQUIRED_FIELD_MISSING")
                    && failed.contains("CB-2")
                    && !failed.contains("CB-1"),
                failed,
            )
        })
        .await?;
    cases
        .case("bulk ingest: delete", async {
            let csv = format!("Id\n{}\n", ids.join("\n"));
            let job = ingest(sf, BulkIngestSpec::new("Lead", BulkOperation::Delete), csv).await?;
            equal(job.number_records_failed, Some(0))?;
            equal(
                sf.query("SELECT Id FROM Lead WHERE Company = 'cirrus'")
                    .await?
                    .total_size,
                0,
            )
        })
        .await?;
    cases
        .case("bulk ingest: abort", async {
            let bulk = sf.bulk();
            let jobs = bulk.ingest();
            let job = jobs
                .create(&BulkIngestSpec::new("Lead", BulkOperation::Insert))
                .await?;
            equal(jobs.abort(&job.id).await?.state, BulkJobState::Aborted)?;
            jobs.delete(&job.id).await?;
            equal(refusal(jobs.get(&job.id).await)?.0, 404)
        })
        .await?;
    cases
        .case("bulk query: a refused query", async {
            let spec = BulkQuerySpec::new("SELECT Nothing__c FROM Lead", BulkOperation::Query);
            equal(refusal(sf.bulk().query().create(&spec).await)?.0, 400)
        })
        .await?;
    Ok(())
}

async fn renewal(cases: &mut Cases, sf: &Cirrus) -> Checked {
    cases
        .case(
            "auth: a session that has expired is renewed within a call",
            async {
                emulator("tokens/expire").await?;
                equal(sf.query("SELECT Id FROM User LIMIT 1").await?.total_size, 1)
            },
        )
        .await?;
    Ok(())
}
