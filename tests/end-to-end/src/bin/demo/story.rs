//! The story: people save in Salesforce, the package's triggers and pump carry it over, the partner answers.

use std::time::{Duration, Instant};

use end_to_end::ScenarioError;
use end_to_end::partner::Partner;
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::{Outcome, heading};

/// A contact that both sides know.
pub struct Contact {
    /// Id in Salesforce.
    pub id: String,
}

/// A lead that both sides know.
struct Lead {
    record: String,
    salesforce: String,
}

/// Tells it, and answers whom it began with.
pub async fn tell(scene: &Scene) -> Outcome<Contact> {
    let partner = scene.partner()?;
    let contact = a_contact_is_edited(scene, &partner).await?;
    let lead = the_partner_posts_a_lead(scene, &partner).await?;
    both_sides_change_one_field(scene, &partner, &lead).await?;
    the_partner_deletes_it(scene, &partner, &lead).await?;
    Ok(contact)
}

/// A rep saves a contact; trigger and pump push it, and the partner reads it.
async fn a_contact_is_edited(scene: &Scene, partner: &Partner) -> Outcome<Contact> {
    let rep = &scene.rep;
    heading("A rep edits a contact");
    let rows = rep
        .client
        .query(&format!(
            "SELECT Id, Name, Email, Account.Name FROM Contact WHERE Email != null AND AccountId != null AND OwnerId = \
             '{}' LIMIT 1",
            rep.id
        ))
        .await?;
    let contact = rows.first().ok_or("the rep has no contact")?;
    let id = contact["Id"].as_str().ok_or("a contact without Id")?;
    println!(
        "  {} of {} has a new e-mail address.",
        plain(&contact["Name"]),
        plain(&contact["Account"]["Name"])
    );

    let email = "a.new.address@example.com";
    let edit = json!({"Email": email, "Title": "Chief of Everything"});
    let started = Instant::now();
    rep.client.update("Contact", id, &edit).await?;
    println!(
        "  {} saves it in Salesforce ({} ms, the package's trigger included): {} becomes {email}.",
        rep.name,
        started.elapsed().as_millis(),
        plain(&contact["Email"])
    );
    let started = Instant::now();
    let record = partner
        .wait_for("contact", id, |record| record["fields"]["email"] == email)
        .await?;
    println!(
        "  The package's pump reads the contact back and posts it under a token that the org signs. {} ms after the\n  \
         save the partner reads it, at position {} of its feed:",
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
    Ok(Contact { id: id.to_owned() })
}

async fn the_partner_posts_a_lead(scene: &Scene, partner: &Partner) -> Outcome<Lead> {
    heading("The partner posts a lead");
    let body = json!({"records": [{
        "key": "web-form-1",
        "fields": {
            "first_name": "Ada", "last_name": "Lovelace", "company": "Analytical Engines",
            "status": "Open - Not Contacted", "email": "ada@engines.example", "phone": "(020) 7946-0000",
        },
    }]});
    let started = Instant::now();
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
        "  {} ms later the lead is in Salesforce, made by an upsert on the package's Partner_Id__c:",
        started.elapsed().as_millis()
    );
    let soql =
        format!("SELECT Id, Name, Company, Status, Phone, Partner_Id__c FROM Lead WHERE Id = '{salesforce}'");
    let rows = scene.rep.client.query(&soql).await?;
    println!(
        "{}",
        indented(rows.first().ok_or("the lead is not in Salesforce")?)?
    );
    // The write fires the package's trigger, as every save does. What the gateway wrote itself is agreed already.
    scene.let_jobs_end()?;
    println!("  The package pushed that save too; the gateway knew it for its own, and nobody writes again.");
    // Posting it once more, as after a lost answer, makes no second lead: its key is known.
    let again = partner.post("/v1/records/lead", &body).await?;
    println!(
        "  The partner posts it again, as after a lost answer: {}, the same record.",
        plain(&again["results"][0]["outcome"])
    );
    Ok(Lead { record, salesforce })
}

/// Both save at once. Whose news the gateway hears first is open: where the rep's was through before the partner posted
/// there was no conflict, and both save once more.
async fn both_sides_change_one_field(scene: &Scene, partner: &Partner, lead: &Lead) -> Outcome<()> {
    const TRIES: u32 = 10;
    heading("Both sides change one field");
    for attempt in 0..TRIES {
        let theirs = format!("(020) 7946-01{attempt:02}");
        let ours = format!("(020) 7946-02{attempt:02}");
        scene
            .rep
            .client
            .update("Lead", &lead.salesforce, &json!({"Phone": theirs}))
            .await?;
        let body = json!({"records": [{
            "id": lead.record, "changedAt": chrono::Utc::now(), "fields": {"phone": ours},
        }]});
        partner.post("/v1/records/lead", &body).await?;
        poll(async || {
            let soql = format!("SELECT Phone FROM Lead WHERE Id = '{}'", lead.salesforce);
            let rows = scene.rep.client.query(&soql).await?;
            Ok(rows.first().filter(|row| row["Phone"] == ours).map(drop))
        })
        .await?;
        scene.let_jobs_end()?;
        let conflicts = partner.get("/v1/conflicts").await?;
        let newest = &conflicts["conflicts"][0];
        if newest.is_null() {
            continue;
        }
        println!("  A rep saves the phone number {theirs}; before the partner hears of it,");
        println!("  the partner posts {ours}. The rule is: the most recent edit wins.");
        println!("  Salesforce holds {ours} now. The number that lost is kept, and can be restored:");
        println!("{}", indented(newest)?);
        return Ok(());
    }
    Err("the two edits never met".into())
}

async fn the_partner_deletes_it(scene: &Scene, partner: &Partner, lead: &Lead) -> Outcome<()> {
    heading("The partner deletes the lead");
    partner
        .delete(&format!("/v1/records/lead/{}", lead.record))
        .await?;
    poll(async || {
        let soql = format!("SELECT Id FROM Lead WHERE Id = '{}'", lead.salesforce);
        Ok(scene.rep.client.query(&soql).await?.is_empty().then_some(()))
    })
    .await?;
    println!("  It is in Salesforce's recycle bin. No late news will bring it back.");
    scene.let_jobs_end()
}

/// Looks again and again until there is something, for half a minute at most.
async fn poll<T>(
    mut look: impl AsyncFnMut() -> Result<Option<T>, ScenarioError>,
) -> Result<T, ScenarioError> {
    let patience = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if Instant::now() > patience {
            return Err(ScenarioError::Timeout {
                what: "the next step of the story".to_owned(),
                seconds: 30,
            });
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
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
