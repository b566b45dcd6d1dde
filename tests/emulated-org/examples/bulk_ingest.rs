//! Measures how fast records come into the emulated organisation by Bulk API 2.0, over real HTTP on one machine.
//!
//! ```sh
//! cargo run --release -p emulated-org --example bulk_ingest -- 1000000
//! ```
//!
//! The argument is the number of contacts (default 1,000,000). They go in as one job, as chunks of 200 with all that a
//! save does; printed are the seconds of the upload, from closing the job to its end, and of reading its results.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use emulated_org::tokens::Session;
use emulated_org::{EmulatedOrg, Options};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value as Json, json};

const JOBS: &str = "/services/data/v68.0/jobs/ingest";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let contacts: u64 = std::env::args()
        .nth(1)
        .map_or(Ok(1_000_000), |count| count.parse())?;
    let mut out = std::io::stdout();
    let org = EmulatedOrg::start(Options::default()).await?;
    let session = Session {
        user: org.org().admin,
        app: "measurement".to_owned(),
        scopes: vec!["api".to_owned()],
    };
    let token = org
        .org()
        .tokens
        .issue(org.organization_id(), session, org.clock().now());
    let http = Client::builder().no_gzip().build()?;
    let request = |method: Method, path: &str| {
        http.request(method, format!("{}{JOBS}{path}", org.url()))
            .bearer_auth(&token)
    };

    let table = table(contacts)?;
    let megabytes = table.len() / 1_000_000;
    let order = json!({ "object": "Contact", "operation": "insert" });
    let job: Json = answer(request(Method::POST, "").json(&order))
        .await?
        .json()
        .await?;
    let id = job.get("id").and_then(Json::as_str).ok_or("the job has no id")?;
    let job = format!("/{id}");

    let begin = Instant::now();
    let upload = request(Method::PUT, &format!("{job}/batches")).header("content-type", "text/csv");
    answer(upload.body(table)).await?;
    writeln!(
        out,
        "{contacts} contacts, {megabytes} MB, uploaded in {:.1} s",
        begin.elapsed().as_secs_f64()
    )?;

    let begin = Instant::now();
    let complete = json!({ "state": "UploadComplete" });
    answer(request(Method::PATCH, &job).json(&complete)).await?;
    let shown = loop {
        let shown: Json = answer(request(Method::GET, &job)).await?.json().await?;
        match shown.get("state").and_then(Json::as_str) {
            Some("JobComplete") => break shown,
            Some("Failed" | "Aborted") => return Err(shown.to_string().into()),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let seconds = begin.elapsed().as_secs_f64();
    writeln!(
        out,
        "written in {seconds:.1} s, {} of them refused",
        shown.get("numberRecordsFailed").unwrap_or(&Json::Null)
    )?;

    let begin = Instant::now();
    let mut results = answer(request(Method::GET, &format!("{job}/successfulResults"))).await?;
    let mut bytes = 0;
    while let Some(chunk) = results.chunk().await? {
        bytes += chunk.len();
    }
    writeln!(
        out,
        "{} MB of results read in {:.1} s",
        bytes / 1_000_000,
        begin.elapsed().as_secs_f64()
    )?;
    org.stop().await;
    Ok(())
}

async fn answer(request: RequestBuilder) -> Result<Response, reqwest::Error> {
    request.send().await?.error_for_status()
}

/// A table that one job may take: 150 MB in Base64.
fn table(contacts: u64) -> Result<String, std::fmt::Error> {
    let mut table = "LastName,FirstName,Email,Phone,Title\n".to_owned();
    for row in 0..contacts {
        let phone = 1_000_000 + row;
        writeln!(
            table,
            "Berg {row},Nina,nina.{row}@example.com,+49 30 {phone},\"Head of \"\"R&D\"\"\""
        )?;
    }
    Ok(table)
}
