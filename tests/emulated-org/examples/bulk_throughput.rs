//! Measures how fast query results leave the emulated organisation, over real HTTP on one machine.
//!
//! ```sh
//! cargo run --release -p emulated-org --example bulk_throughput -- 1000000
//! ```
//!
//! The argument is the number of contacts (default 1,000,000). Printed are the time to make them, the time of a
//! change-polling query that scans all of them, and the megabytes per second of the Bulk result.

use std::error::Error;
use std::io::Write as _;
use std::time::{Duration, Instant};

use emulated_org::company::Company;
use emulated_org::tokens::Session;
use emulated_org::{EmulatedOrg, Options};
use serde_json::{Value as Json, json};

const ROOT: &str = "/services/data/v68.0";
const POLL: &str = "SELECT Id, Name, SystemModstamp FROM Contact WHERE SystemModstamp > 2020-01-01T00:00:00Z \
    ORDER BY SystemModstamp, Id LIMIT 2000";
const EXPORT: &str = "SELECT Id, Salutation, FirstName, LastName, Email, Phone, MobilePhone, Title, Department, \
    MailingStreet, MailingCity, MailingPostalCode, MailingCountry, OwnerId, AccountId, CreatedDate, \
    SystemModstamp, IsDeleted FROM Contact";

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
    let http = reqwest::Client::builder().no_gzip().build()?;
    let get = |path: &str| http.get(format!("{}{ROOT}{path}", org.url())).bearer_auth(&token);

    let start = Instant::now();
    org.seed("Contact", Company::contacts(1, contacts))?;
    writeln!(
        out,
        "{contacts} contacts made in {:.1} s",
        start.elapsed().as_secs_f64()
    )?;

    for _ in 0..3 {
        let start = Instant::now();
        let page: Json = get("/query")
            .query(&[("q", POLL)])
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        let rows = page.get("records").and_then(Json::as_array).map_or(0, Vec::len);
        writeln!(
            out,
            "polled {rows} rows of {contacts} in {:.0} ms",
            start.elapsed().as_secs_f64() * 1e3
        )?;
    }

    let job = http
        .post(format!("{}{ROOT}/jobs/query", org.url()))
        .bearer_auth(&token);
    let job = job
        .json(&json!({"operation": "query", "query": EXPORT}))
        .send()
        .await?
        .error_for_status()?;
    let job: Json = job.json().await?;
    let id = job
        .get("id")
        .and_then(Json::as_str)
        .ok_or("the job has no id")?
        .to_owned();
    let start = Instant::now();
    loop {
        let job: Json = get(&format!("/jobs/query/{id}"))
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        if job.get("state").and_then(Json::as_str) == Some("JobComplete") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    writeln!(
        out,
        "job complete after {:.0} ms",
        start.elapsed().as_secs_f64() * 1e3
    )?;

    let start = Instant::now();
    let (mut bytes, mut pages, mut locator) = (0, 0, String::new());
    while locator != "null" {
        let mut request = get(&format!("/jobs/query/{id}/results"));
        if !locator.is_empty() {
            request = request.query(&[("locator", &locator)]);
        }
        let mut page = request.send().await?.error_for_status()?;
        let header = page
            .headers()
            .get("sforce-locator")
            .ok_or("the page has no locator")?;
        locator = header.to_str()?.to_owned();
        while let Some(chunk) = page.chunk().await? {
            bytes += chunk.len();
        }
        pages += 1;
    }
    let seconds = start.elapsed().as_secs_f64();
    let megabytes = f64::from(u32::try_from(bytes / 1_000)?) / 1e3;
    writeln!(
        out,
        "{megabytes:.1} MB in {pages} pages in {seconds:.2} s: {:.0} MB/s",
        megabytes / seconds
    )?;
    org.stop().await;
    Ok(())
}
