//! The demo: an emulated org with a company in it, the gateway on SQLite in a temporary folder, the initial sync with
//! its progress, and a story in which both sides write. Stays up until Ctrl-C.
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
use end_to_end::{ScenarioError, company, pump};
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
        sfdx_source: vec![company::metadata()],
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
    let admin = rep
        .query(&format!(
            "SELECT Id FROM User WHERE Username = '{}'",
            org.admin_username()
        ))
        .await?;
    let owner = admin.first().and_then(|user| user["Id"].as_str());
    let mappings = company::mappings_both_ways(owner.ok_or("the org has no admin")?)?;
    gateway.apply_mappings(CONNECTION, &mappings)?;
    println!(
        "  5 objects are mapped, contacts and leads both ways; users are matched by e-mail, the rest goes to \"{}\"",
        company::DEFAULT_OWNER
    );

    heading("Initial sync");
    gateway.show(&["sync", "initial", "--connection", CONNECTION])?;

    gateway.serve(&[]).await?;
    let partner = Partner::new(&gateway, &format!("{CONNECTION}-{PARTNER_CLIENT}"))?;
    let package = Partner::new(&gateway, &format!("{CONNECTION}-{PACKAGE_CLIENT}"))?;
    a_contact_is_edited(&rep, &package, &partner, org.organization_id().as_str()).await?;
    let lead = the_partner_posts_a_lead(&rep, &partner).await?;
    both_sides_change_one_field(&rep, &partner, &lead).await?;
    the_partner_deletes_it(&rep, &partner, &lead).await?;

    heading("Where to look");
    let (url, token) = (gateway.url(), partner.token()?);
    println!("  gateway       {url}/healthz  {url}/metrics  {url}/openapi.json");
    println!("  emulated org  {0}/ (a page)  {0}/services/data", org.url());
    println!("  as the partner, for five minutes:\n");
    println!("    TOKEN={token}");
    for path in [
        "/v1/records/contact?limit=3",
        "/v1/changes?limit=3",
        "/v1/conflicts",
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
async fn a_contact_is_edited(
    rep: &OrgClient,
    package: &Partner,
    partner: &Partner,
    organization: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    heading("A rep edits a contact");
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

/// A lead that both sides know.
struct Lead {
    record: String,
    salesforce: String,
}

async fn the_partner_posts_a_lead(
    rep: &OrgClient,
    partner: &Partner,
) -> Result<Lead, Box<dyn std::error::Error>> {
    heading("The partner posts a lead");
    let body = json!({"records": [{
        "key": "web-form-1",
        "fields": {
            "first_name": "Ada", "last_name": "Lovelace", "company": "Analytical Engines",
            "status": "Open - Not Contacted", "email": "ada@engines.example", "phone": "(020) 7946-0000",
        },
    }]});
    let started = std::time::Instant::now();
    let answer = partner.post("/v1/records/lead", &body).await?;
    let record = answer["results"][0]["id"]
        .as_str()
        .ok_or("the post was refused")?
        .to_owned();
    println!("  The gateway answers with the record's number: {record}.");
    let salesforce = poll(async || {
        let known = partner.get(&format!("/v1/records/lead/{record}")).await?;
        Ok(known["salesforceId"].as_str().map(str::to_owned))
    })
    .await?;
    println!(
        "  {} ms later the lead is in Salesforce, made by an upsert on its external id:",
        started.elapsed().as_millis()
    );
    let rows = rep
        .query(&format!(
            "SELECT Id, Name, Company, Status, Phone, Partner_Id__c FROM Lead WHERE Id = '{salesforce}'"
        ))
        .await?;
    println!(
        "{}",
        indented(rows.first().ok_or("the lead is not in Salesforce")?)?
    );
    // Posting it once more, as after a lost answer, makes no second lead: its key is known.
    let again = partner.post("/v1/records/lead", &body).await?;
    println!(
        "  The partner posts it again, as after a lost answer: {}, the same record.",
        plain(&again["results"][0]["outcome"])
    );
    Ok(Lead { record, salesforce })
}

async fn both_sides_change_one_field(
    rep: &OrgClient,
    partner: &Partner,
    lead: &Lead,
) -> Result<(), Box<dyn std::error::Error>> {
    heading("Both sides change one field");
    let (theirs, ours) = ("(020) 7946-0111", "(020) 7946-0222");
    rep.update("Lead", &lead.salesforce, &json!({"Phone": theirs}))
        .await?;
    println!("  A rep saves the phone number {theirs}; before anybody hears of it,");
    let body = json!({"records": [{
        "id": lead.record, "changedAt": chrono::Utc::now(), "fields": {"phone": ours},
    }]});
    partner.post("/v1/records/lead", &body).await?;
    println!("  the partner posts {ours}. The rule is: the most recent edit wins.");
    poll(async || {
        let soql = format!("SELECT Phone FROM Lead WHERE Id = '{}'", lead.salesforce);
        let rows = rep.query(&soql).await?;
        Ok(rows.first().filter(|row| row["Phone"] == ours).map(drop))
    })
    .await?;
    println!("  Salesforce holds {ours} now. The number that lost is kept, and can be restored:");
    let conflicts = partner.get("/v1/conflicts").await?;
    println!("{}", indented(&conflicts["conflicts"][0])?);
    Ok(())
}

async fn the_partner_deletes_it(
    rep: &OrgClient,
    partner: &Partner,
    lead: &Lead,
) -> Result<(), Box<dyn std::error::Error>> {
    heading("The partner deletes the lead");
    partner
        .delete(&format!("/v1/records/lead/{}", lead.record))
        .await?;
    poll(async || {
        let soql = format!("SELECT Id FROM Lead WHERE Id = '{}'", lead.salesforce);
        Ok(rep.query(&soql).await?.is_empty().then_some(()))
    })
    .await?;
    println!("  It is in Salesforce's recycle bin. No late news will bring it back.");
    Ok(())
}

/// Looks again and again until there is something, for half a minute at most.
async fn poll<T>(
    mut look: impl AsyncFnMut() -> Result<Option<T>, ScenarioError>,
) -> Result<T, ScenarioError> {
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if std::time::Instant::now() > patience {
            return Err(ScenarioError::Timeout {
                what: "the next step of the story".to_owned(),
                seconds: 30,
            });
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
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
