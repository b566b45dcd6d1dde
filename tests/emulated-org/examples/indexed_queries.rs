//! Measures queries that an index answers, over real HTTP on one machine.
//!
//! ```sh
//! cargo run --release -p emulated-org --example indexed_queries -- 1000000
//! ```
//!
//! The argument is the number of contacts (default 1,000,000). Printed is the slowest and the median of twenty
//! answers for each kind of query: by id, by external id, by lookup, by list of ids, by `SystemModstamp`, and the
//! page that a client asks for who follows changes. Each should take less than 50 ms.

use std::error::Error;
use std::io::Write as _;
use std::time::Instant;

use emulated_org::company::Company;
use emulated_org::schema::Field;
use emulated_org::tokens::Session;
use emulated_org::{EmulatedOrg, Options, Value};
use serde_json::{Value as Json, json};

const ROOT: &str = "/services/data/v68.0";
const REPEATS: usize = 20;

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
    let now = org.clock().now();
    let token = org.org().tokens.issue(org.organization_id(), session, now);
    let http = reqwest::Client::builder().no_gzip().build()?;
    let account = org.seed("Account", [vec![("Name", Value::text("Acme"))]])?;
    let account = account.first().ok_or("no account")?;
    let key = Field {
        name: "Key__c".to_owned(),
        custom: true,
        external_id: true,
        unique: true,
        ..Field::default()
    };
    org.org()
        .change_schema(|schema| schema.add_field("Contact", key))?;
    let begun = Instant::now();
    let ids = org.seed("Contact", Company::contacts(1, contacts))?;
    let of_account = (0..20).map(|index| {
        vec![
            ("LastName", Value::text(format!("Of account {index}"))),
            ("AccountId", Value::Id(*account)),
            ("Key__c", Value::text(format!("key-{index}"))),
        ]
    });
    org.seed("Contact", of_account)?;
    writeln!(
        out,
        "{contacts} contacts made in {:.1} s",
        begun.elapsed().as_secs_f64()
    )?;

    let some = ids.get(ids.len() / 2).ok_or("no contact")?;
    let list: Vec<String> = ids
        .iter()
        .step_by(ids.len() / 200 + 1)
        .map(|id| format!("'{id}'"))
        .collect();
    let stamp = "SELECT SystemModstamp FROM Contact ORDER BY SystemModstamp DESC LIMIT 1";
    let newest = ask(&http, &org, &token, stamp).await?;
    let newest = newest
        .pointer("/records/0/SystemModstamp")
        .and_then(Json::as_str)
        .ok_or("no stamp")?
        .replace("+0000", "Z");
    let queries = [
        ("Id", format!("SELECT Id, Name FROM Contact WHERE Id = '{some}'")),
        (
            "200 ids",
            format!("SELECT Id, Name FROM Contact WHERE Id IN ({})", list.join(",")),
        ),
        (
            "lookup",
            format!("SELECT Id, Name FROM Contact WHERE AccountId = '{account}'"),
        ),
        (
            "children",
            format!("SELECT Id, (SELECT Name FROM Contacts) FROM Account WHERE Id = '{account}'"),
        ),
        (
            "SystemModstamp",
            format!("SELECT Id, Name FROM Contact WHERE SystemModstamp > {newest}"),
        ),
        (
            "changes since long ago",
            "SELECT Id, Name, SystemModstamp FROM Contact WHERE SystemModstamp > 2020-01-01T00:00:00Z \
             ORDER BY SystemModstamp, Id LIMIT 2000"
                .to_owned(),
        ),
        (
            "changes after a record",
            format!(
                "SELECT Id, SystemModstamp FROM Contact WHERE (SystemModstamp > {newest} OR (SystemModstamp = \
                 {newest} AND Id > '{some}')) ORDER BY SystemModstamp, Id LIMIT 200"
            ),
        ),
        (
            "external id",
            "SELECT Id, Name FROM Contact WHERE Key__c = 'KEY-7'".to_owned(),
        ),
    ];
    for (name, soql) in &queries {
        let mut times = Vec::with_capacity(REPEATS);
        let mut rows = 0;
        for _ in 0..REPEATS {
            let begun = Instant::now();
            let answer = ask(&http, &org, &token, soql).await?;
            times.push(begun.elapsed());
            rows = answer.get("records").and_then(Json::as_array).map_or(0, Vec::len);
        }
        times.sort_unstable();
        let milliseconds = |at: usize| times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e3);
        writeln!(
            out,
            "{name}: {rows} rows, median {:.1} ms, slowest {:.1} ms",
            milliseconds(REPEATS / 2),
            milliseconds(REPEATS - 1)
        )?;
    }
    org.stop().await;
    Ok(())
}

async fn ask(
    http: &reqwest::Client,
    org: &EmulatedOrg,
    token: &str,
    soql: &str,
) -> Result<Json, Box<dyn Error>> {
    let request = http
        .get(format!("{}{ROOT}/query", org.url()))
        .query(&[("q", soql)])
        .bearer_auth(token);
    let answer = request.send().await?;
    if !answer.status().is_success() {
        return Err(answer.text().await?.into());
    }
    Ok(answer.json().await.unwrap_or_else(|_| json!({})))
}
