//! The demo: an emulated org with a company in it, the gateway on SQLite in a temporary folder, the initial sync with
//! its progress, and a short story. Stays up until Ctrl-C.
#![expect(
    clippy::indexing_slicing,
    reason = "reading a JSON value by name never panics: what is missing is null"
)]
#![expect(clippy::print_stdout, reason = "a demo speaks to the person who runs it")]

use clap::Parser;
use emulated_org::{App, EmulatedOrg, Options, company::CompanyOptions};
use end_to_end::gateway::{ConnectionSetup, Gateway, PACKAGE_CLIENT, PARTNER_CLIENT};
use end_to_end::org_client::OrgClient;
use end_to_end::partner::Partner;
use end_to_end::{company, pump};
use serde_json::{Value, json};

const CONSUMER_KEY: &str = "3MVG9.causeway.demo";
const CONNECTION: &str = "acme";

/// Shows Causeway doing its main job.
#[derive(Debug, Parser)]
struct Arguments {
    /// About how many records the company has.
    #[arg(long, default_value_t = 10_000)]
    records: u64,
    /// The seed that the company grows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End after the story instead of staying up.
    #[arg(long)]
    once: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let folder = tempfile::Builder::new().prefix("causeway-demo-").tempdir()?;

    heading("An emulated org with a company in it");
    let mut gateway = Gateway::prepare(
        folder.path(),
        &format!("sqlite://{}", folder.path().join("causeway.db").display()),
    )?;
    let company = CompanyOptions {
        seed: arguments.seed,
        records: arguments.records,
    };
    let org = EmulatedOrg::start(Options {
        company: Some(company),
        ..Options::default()
    })
    .await?;
    org.register_app(App::pre_authorized(CONSUMER_KEY, gateway.app_certificate()?))?;
    let username = org.admin_username().to_owned();
    let rep = OrgClient::login(org.url(), CONSUMER_KEY, &username, &gateway.app_private_key()?).await?;
    for (_, sobject) in company::OBJECTS {
        let count = rep
            .send("GET", &format!("/query?q=SELECT+COUNT()+FROM+{sobject}"), None)
            .await?;
        println!("  {:>6} {sobject}", count["totalSize"].to_string());
    }

    heading("The gateway is connected and takes its mappings");
    gateway.connect(&ConnectionSetup {
        name: CONNECTION.to_owned(),
        org_url: org.url().to_owned(),
        consumer_key: CONSUMER_KEY.to_owned(),
        username,
        users: company::partner_users(&rep).await?,
    })?;
    gateway.apply_mappings(CONNECTION, &company::mappings()?)?;
    println!(
        "  5 objects are mapped; users are matched by e-mail, the rest goes to \"{}\"",
        company::DEFAULT_OWNER
    );

    heading("Initial sync");
    gateway.show(&["sync", "initial", "--connection", CONNECTION])?;

    gateway.serve(&[]).await?;
    let partner = Partner::new(&gateway, &format!("{CONNECTION}-{PARTNER_CLIENT}"))?;
    let package = Partner::new(&gateway, &format!("{CONNECTION}-{PACKAGE_CLIENT}"))?;
    story(&rep, &package, &partner, org.organization_id().as_str()).await?;

    heading("Where to look");
    let (url, token) = (gateway.url(), partner.token()?);
    println!("  gateway       {url}/healthz  {url}/metrics  {url}/openapi.json");
    println!("  emulated org  {}/services/data", org.url());
    println!("  as the partner, for five minutes:\n");
    println!("    TOKEN={token}");
    for path in [
        "/v1/records/contact?limit=3",
        "/v1/changes?limit=3",
        "/v1/held",
        "/v1/syncs",
        "/v1/logs?limit=3",
    ] {
        println!("    curl -s -H \"Authorization: Bearer $TOKEN\" '{url}{path}'");
    }
    if !arguments.once {
        println!("\n  Everything stays up until Ctrl-C.");
        tokio::signal::ctrl_c().await?;
    }
    let ended_well = gateway.terminate(std::time::Duration::from_secs(15)).await?;
    org.stop().await;
    folder.close()?;
    if ended_well {
        Ok(())
    } else {
        Err("the gateway did not end in time".into())
    }
}

/// A rep edits a contact, the push arrives, the partner reads it.
async fn story(
    rep: &OrgClient,
    package: &Partner,
    partner: &Partner,
    organization: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    heading("A short story");
    let fields = [
        "FirstName",
        "LastName",
        "Email",
        "Phone",
        "Title",
        "AccountId",
        "OwnerId",
    ];
    let rows = rep.query("SELECT Id, Name, Email, Account.Name FROM Contact WHERE Email != null AND AccountId != null LIMIT 1").await?;
    let contact = rows
        .first()
        .ok_or("the company has no contact with an e-mail address")?;
    let id = contact["Id"].as_str().ok_or("a contact without Id")?;
    println!(
        "  {} of {} has a new e-mail address.",
        plain(&contact["Name"]),
        plain(&contact["Account"]["Name"])
    );

    let email = "a.new.address@example.com";
    rep.update(
        "Contact",
        id,
        &json!({"Email": email, "Title": "Chief of Everything"}),
    )
    .await?;
    println!(
        "  A rep saves it in Salesforce: {} becomes {email}.",
        plain(&contact["Email"])
    );

    let change = pump::snapshot(rep, "Contact", id, &fields, "update").await?;
    let started = std::time::Instant::now();
    let answer = pump::post(package, organization, &[change]).await?;
    println!(
        "  The package pushes the contact; the gateway takes it durably (accepted: {}).",
        answer["accepted"]
    );

    let record = partner
        .wait_for("contact", id, |record| record["fields"]["email"] == email)
        .await?;
    println!(
        "  The partner reads it {} ms after the push, at position {} of its feed:",
        started.elapsed().as_millis(),
        record["position"]
    );
    println!("{}", indented(&record)?);

    let record_id = record["id"].as_str().ok_or("a record without id")?;
    let history = partner
        .get(&format!("/v1/records/contact/{record_id}/history"))
        .await?;
    println!("  Why is this value here? Its history says:");
    println!("{}", indented(&history["history"])?);
    Ok(())
}

fn heading(text: &str) {
    println!("\n== {text}");
}

fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or("(nobody)")
}

fn indented(value: &Value) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(text
        .lines()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n"))
}
