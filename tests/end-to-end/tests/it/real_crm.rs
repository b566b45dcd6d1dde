//! A company's real CRM data, dirt included, goes through an org's public API and the initial sync to the partner.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use end_to_end::org_client::OrgClient;
use end_to_end::partner::Partner;
use end_to_end::pump;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::world::{Engine, World};

/// The partner knows this many of the 35 sales users; the others' records get the default owner.
const KNOWN_USERS: usize = 25;
const DEFAULT_OWNER: &str = "desk";

#[tokio::test(flavor = "multi_thread")]
async fn real_crm_reaches_the_partner_on_sqlite() {
    real_crm_reaches_the_partner(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_crm_reaches_the_partner_on_postgres() {
    real_crm_reaches_the_partner(Engine::Postgres).await;
}

async fn real_crm_reaches_the_partner(engine: Engine) {
    let Some(data) = shared_data() else {
        println!("SKIPPED: ../shared/data is absent, so there is no real CRM data to run on");
        return;
    };
    let metadata = Path::new(env!("CARGO_MANIFEST_DIR")).join("metadata");
    let mut world = World::start(engine, vec![metadata], None).await;
    let admin = world.admin().await;
    let crm = Crm::load(&data.join("crm"), &admin).await;
    load_trees(&data.join("easy-spaces"), &admin).await;

    let users = crm
        .users
        .iter()
        .take(KNOWN_USERS)
        .map(|user| (user.partner.clone(), user.email.clone(), user.name.clone()));
    world.connect(
        "crm",
        users
            .chain([(
                DEFAULT_OWNER.to_owned(),
                "desk@partner.example".to_owned(),
                "Desk".to_owned(),
            )])
            .collect(),
    );
    world.gateway.apply_mappings("crm", &mappings(false)).unwrap();
    world
        .gateway
        .command(&["sync", "initial", "--connection", "crm"])
        .unwrap();
    world.gateway.serve(&[]).await.unwrap();
    let partner = world.partner("crm");

    // The product that the CRM misspells has no counterpart yet: those rows are held, with the reason.
    let misspelled = crm.deals.iter().filter(|deal| deal.product == "GTXPro").count();
    let held = partner.held().await.unwrap();
    assert_eq!(held.len(), misspelled);
    assert!(
        held.iter()
            .all(|row| row["summary"].to_string().contains("GTXPro")),
        "{:?}",
        held.first()
    );
    let opportunities = partner.records("opportunity").await.unwrap();
    assert_eq!(
        opportunities.len() + held.len(),
        crm.deals.len(),
        "every row is accounted for"
    );

    // One mapping is mended, the sync runs again, and everything is there.
    world.gateway.apply_mappings("crm", &mappings(true)).unwrap();
    world
        .gateway
        .command(&["sync", "initial", "--connection", "crm"])
        .unwrap();
    assert!(partner.held().await.unwrap().is_empty());
    let opportunities = partner.records("opportunity").await.unwrap();
    assert_eq!(opportunities.len(), 8_800);
    assert_eq!(partner.records("account").await.unwrap().len(), 85 + 12);
    assert_eq!(partner.records("contact").await.unwrap().len(), 12);
    assert_eq!(partner.records("lead").await.unwrap().len(), 11);
    assert_eq!(
        sums_of_records(&opportunities),
        crm.sums(),
        "close value for each stage"
    );
    assert_owners(&opportunities, &crm);
    assert_no_record_twice(&opportunities);
    agree(&admin, &partner).await;

    edit_and_push(&mut world, &admin, &crm).await;
    agree_soon(&admin, &partner).await;
    let after = partner.records("opportunity").await.unwrap();
    assert_no_record_twice(&after);
    world.stop().await;
}

/// 500 edits at random; their snapshots are pushed out of order and twice.
async fn edit_and_push(world: &mut World, admin: &OrgClient, crm: &Crm) {
    let mut random = StdRng::seed_from_u64(20_170_301);
    let mut changes = Vec::new();
    for edit in 0..500 {
        let deal = &crm.deals[random.random_range(0..crm.deals.len())];
        let fields = match edit % 4 {
            0 => {
                json!({"Amount": format!("{}.{:02}", random.random_range(1..50_000), random.random_range(0..100)).parse::<serde_json::Number>().unwrap()})
            }
            1 => {
                json!({"StageName": "Closed Won", "CloseDate": format!("2017-{:02}-28", random.random_range(1..13))})
            }
            2 => json!({"Amount": null, "AccountId": null}),
            _ => json!({"OwnerId": crm.users[random.random_range(0..crm.users.len())].salesforce}),
        };
        admin
            .update("Opportunity", &deal.salesforce, &fields)
            .await
            .unwrap();
        changes.push(
            pump::snapshot(
                admin,
                "Opportunity",
                &deal.salesforce,
                &OPPORTUNITY_FIELDS,
                "update",
            )
            .await
            .unwrap(),
        );
    }
    changes.extend(changes.clone());
    changes.shuffle(&mut random);
    let package = world.package("crm");
    for batch in changes.chunks(90) {
        let answer = pump::post(&package, world.organization(), batch).await.unwrap();
        assert_eq!(answer["accepted"], batch.len(), "{answer}");
    }
}

const OPPORTUNITY_FIELDS: [&str; 8] = [
    "Name",
    "StageName",
    "CloseDate",
    "Amount",
    "Pipeline_Id__c",
    "Product__c",
    "AccountId",
    "OwnerId",
];

async fn agree_soon(admin: &OrgClient, partner: &Partner) {
    for _ in 0..200 {
        if differences(admin, partner).await.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    agree(admin, partner).await;
}

async fn agree(admin: &OrgClient, partner: &Partner) {
    let differences = differences(admin, partner).await;
    assert!(
        differences.is_empty(),
        "{} differences, first: {}",
        differences.len(),
        differences[0]
    );
}

/// Compares every opportunity field by field, with conversions written here and nowhere else.
async fn differences(admin: &OrgClient, partner: &Partner) -> Vec<String> {
    let rows = admin
        .query(&format!(
            "SELECT Id, {} FROM Opportunity",
            OPPORTUNITY_FIELDS.join(", ")
        ))
        .await
        .unwrap();
    let records: HashMap<String, Value> = partner
        .records("opportunity")
        .await
        .unwrap()
        .into_iter()
        .map(|record| (record["salesforceId"].as_str().unwrap().to_owned(), record))
        .collect();
    let mut found = Vec::new();
    if rows.len() != records.len() {
        found.push(format!("{} rows, {} records", rows.len(), records.len()));
    }
    for row in rows {
        let id = row["Id"].as_str().unwrap();
        let Some(record) = records.get(id) else {
            found.push(format!("{id} is missing"));
            continue;
        };
        let fields = &record["fields"];
        let product = if row["Product__c"] == "GTXPro" {
            json!("GTX Pro")
        } else {
            row["Product__c"].clone()
        };
        for (name, theirs, ours) in [
            ("name", &row["Name"], &fields["name"]),
            ("stage", &row["StageName"], &fields["stage"]),
            ("close_date", &row["CloseDate"], &fields["close_date"]),
            ("pipeline_id", &row["Pipeline_Id__c"], &fields["pipeline_id"]),
            ("product", &product, &fields["product"]),
            ("account", &row["AccountId"], &fields["account"]["salesforceId"]),
        ] {
            if theirs != ours {
                found.push(format!("{id} {name}: {theirs} against {ours}"));
            }
        }
        if decimal(&row["Amount"]) != decimal(&fields["amount"]) {
            found.push(format!(
                "{id} amount: {} against {}",
                row["Amount"], fields["amount"]
            ));
        }
    }
    found
}

fn assert_owners(records: &[Value], crm: &Crm) {
    let owners: HashMap<&str, &str> = crm
        .deals
        .iter()
        .map(|deal| (deal.salesforce.as_str(), deal.owner.as_str()))
        .collect();
    let known: HashMap<&str, &str> = crm
        .users
        .iter()
        .take(KNOWN_USERS)
        .map(|user| (user.salesforce.as_str(), user.partner.as_str()))
        .collect();
    let mut defaulted = 0;
    for record in records {
        let owner = owners[record["salesforceId"].as_str().unwrap()];
        let expected = known.get(owner).copied().unwrap_or_else(|| {
            defaulted += 1;
            DEFAULT_OWNER
        });
        assert_eq!(record["owner"], expected, "{record}");
    }
    assert!(defaulted > 0, "no record met the default owner");
}

fn assert_no_record_twice(records: &[Value]) {
    let mut seen: Vec<&str> = records
        .iter()
        .map(|record| record["salesforceId"].as_str().unwrap())
        .collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(
        seen.len(),
        records.len(),
        "a Salesforce record has two partner records"
    );
}

fn sums_of_records(records: &[Value]) -> BTreeMap<String, Decimal> {
    let mut sums = BTreeMap::new();
    for record in records {
        let stage = record["fields"]["stage"].as_str().unwrap().to_owned();
        *sums.entry(stage).or_default() += decimal(&record["fields"]["amount"]).unwrap_or_default();
    }
    sums
}

fn decimal(value: &Value) -> Option<Decimal> {
    (!value.is_null()).then(|| value.to_string().parse::<Decimal>().unwrap().normalize())
}

/// The CRM as it was loaded.
struct Crm {
    users: Vec<User>,
    deals: Vec<Deal>,
}

struct User {
    name: String,
    email: String,
    partner: String,
    salesforce: String,
}

struct Deal {
    salesforce: String,
    stage: String,
    product: String,
    value: Decimal,
    owner: String,
}

impl Crm {
    async fn load(folder: &Path, admin: &OrgClient) -> Crm {
        let profile = admin.query("SELECT Id FROM Profile LIMIT 1").await.unwrap();
        let mut users = Vec::new();
        for (number, row) in csv_rows(&folder.join("sales_teams.csv")).into_iter().enumerate() {
            let name = row["sales_agent"].clone();
            let (first, last) = name.split_once(' ').unwrap();
            let email = format!("{}.{}@crm.example", first.to_lowercase(), last.to_lowercase());
            let fields = json!({
                "FirstName": first, "LastName": last, "Username": email, "Email": email,
                "Alias": format!("agent{number}"), "ProfileId": profile[0]["Id"],
                "TimeZoneSidKey": "America/Chicago", "LocaleSidKey": "en_US",
                "EmailEncodingKey": "UTF-8", "LanguageLocaleKey": "en_US",
            });
            let salesforce = admin.create("User", &fields).await.unwrap();
            users.push(User {
                name,
                email,
                partner: format!("u-{number}"),
                salesforce,
            });
        }

        let companies = csv_rows(&folder.join("accounts.csv"));
        let fields: Vec<Value> = companies
            .iter()
            .map(|row| {
                json!({
                    "Name": row["account"], "Sector__c": row["sector"], "Established__c": number(&row["year_established"]),
                    "AnnualRevenue": number(&row["revenue"]), "NumberOfEmployees": number(&row["employees"]),
                    "BillingCountry": row["office_location"],
                })
            })
            .collect();
        let ids = admin.create_all("Account", &fields).await.unwrap();
        let accounts: HashMap<String, String> = companies
            .iter()
            .map(|row| row["account"].clone())
            .zip(ids)
            .collect();
        for row in &companies {
            if let Some(parent) = accounts.get(&row["subsidiary_of"]) {
                admin
                    .update(
                        "Account",
                        &accounts[&row["account"]],
                        &json!({"ParentId": parent}),
                    )
                    .await
                    .unwrap();
            }
        }

        let salesforce_of: HashMap<&str, &str> = users
            .iter()
            .map(|user| (user.name.as_str(), user.salesforce.as_str()))
            .collect();
        let pipeline = csv_rows(&folder.join("sales_pipeline.csv"));
        let fields: Vec<Value> = pipeline
            .iter()
            .map(|row| {
                // Salesforce asks for a close date; open deals get the quarter's end.
                let close = if row["close_date"].is_empty() { "2017-12-31".to_owned() } else { iso(&row["close_date"]) };
                json!({
                    "Name": format!("{} {}", row["account"], row["product"]).trim().to_owned(),
                    "Pipeline_Id__c": row["opportunity_id"], "StageName": stage(&row["deal_stage"]), "CloseDate": close,
                    "Amount": number(&row["close_value"]), "Product__c": row["product"],
                    "Engaged_On__c": if row["engage_date"].is_empty() { Value::Null } else { json!(iso(&row["engage_date"])) },
                    "AccountId": accounts.get(&row["account"]), "OwnerId": salesforce_of[row["sales_agent"].as_str()],
                })
            })
            .collect();
        let ids = admin.create_all("Opportunity", &fields).await.unwrap();
        let deals = pipeline
            .iter()
            .zip(ids)
            .map(|(row, salesforce)| Deal {
                salesforce,
                stage: stage(&row["deal_stage"]).to_owned(),
                product: row["product"].clone(),
                value: row["close_value"].parse().unwrap_or_default(),
                owner: salesforce_of[row["sales_agent"].as_str()].to_owned(),
            })
            .collect();
        Crm { users, deals }
    }

    fn sums(&self) -> BTreeMap<String, Decimal> {
        let mut sums = BTreeMap::new();
        for deal in &self.deals {
            *sums.entry(deal.stage.clone()).or_default() += deal.value;
        }
        sums
    }
}

/// Loads the tree files with their plans as the `sf` CLI does: references are put in before a file is sent.
async fn load_trees(folder: &Path, admin: &OrgClient) {
    let mut ids: HashMap<String, String> = HashMap::new();
    for (object, file) in [
        ("Lead", "Leads.json"),
        ("Account", "Accounts.json"),
        ("Contact", "Contacts.json"),
    ] {
        let mut tree: Value =
            serde_json::from_str(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap();
        for record in tree["records"].as_array_mut().unwrap() {
            for value in record.as_object_mut().unwrap().values_mut() {
                if let Some(id) = value
                    .as_str()
                    .and_then(|text| text.strip_prefix('@'))
                    .and_then(|name| ids.get(name))
                {
                    *value = json!(id);
                }
            }
        }
        let answer = admin
            .send("POST", &format!("/composite/tree/{object}"), Some(&tree))
            .await
            .unwrap();
        assert_eq!(answer["hasErrors"], false, "{answer}");
        for row in answer["results"].as_array().unwrap() {
            ids.insert(
                row["referenceId"].as_str().unwrap().to_owned(),
                row["id"].as_str().unwrap().to_owned(),
            );
        }
    }
}

fn mappings(mended: bool) -> Vec<Value> {
    let field = |partner: &str, kind: &str, salesforce: &str| json!({"partner": partner, "type": kind, "salesforce": salesforce});
    let mapping = |partner: &str, object: &str, fields: Vec<Value>| {
        json!({
            "partnerObject": partner, "salesforceObject": object, "direction": "salesforceToPartner",
            "defaultOwner": DEFAULT_OWNER, "fields": fields,
        })
    };
    let mut products = vec![
        "GTX Basic",
        "GTX Pro",
        "MG Special",
        "MG Advanced",
        "GTX Plus Pro",
        "GTX Plus Basic",
        "GTK 500",
    ]
    .into_iter()
    .map(|product| json!({"salesforce": product, "partner": product}))
    .collect::<Vec<_>>();
    if mended {
        products.push(json!({"salesforce": "GTXPro", "partner": "GTX Pro"}));
    }
    let mut sector = field("sector", "SingleChoice", "Sector__c");
    sector["choices"] = [
        "medical",
        "retail",
        "software",
        "entertainment",
        "marketing",
        "telecommunications",
        "finance",
        "employment",
        "services",
    ]
    .into_iter()
    .map(|name| json!({"salesforce": name, "partner": name}))
    .chain([
        json!({"salesforce": "technolgy", "partner": "technology"}),
        json!({"salesforce": "technology", "partner": "technology"}),
    ])
    .collect();
    let mut product = field("product", "SingleChoice", "Product__c");
    product["choices"] = Value::Array(products);
    vec![
        mapping(
            "account",
            "Account",
            vec![
                field("name", "Text", "Name"),
                sector,
                field("revenue", "Currency", "AnnualRevenue"),
                field("employees", "Number", "NumberOfEmployees"),
                field("country", "Address", "BillingCountry"),
                field("established", "Number", "Established__c"),
                field("parent", "Reference", "ParentId"),
            ],
        ),
        mapping(
            "contact",
            "Contact",
            vec![
                field("first_name", "Text", "FirstName"),
                field("last_name", "Text", "LastName"),
                field("email", "Email", "Email"),
                field("mobile", "Phone", "MobilePhone"),
                field("street", "Address", "MailingStreet"),
                field("city", "Address", "MailingCity"),
                field("account", "Reference", "AccountId"),
                field("reservation", "SingleChoice", "Reservation_Status__c"),
            ],
        ),
        mapping(
            "lead",
            "Lead",
            vec![
                field("last_name", "Text", "LastName"),
                field("company", "Text", "Company"),
                field("industry", "SingleChoice", "Industry"),
                field("email", "Email", "Email"),
                field("employees", "Number", "NumberOfEmployees"),
            ],
        ),
        mapping(
            "opportunity",
            "Opportunity",
            vec![
                field("name", "Text", "Name"),
                field("stage", "SingleChoice", "StageName"),
                field("close_date", "Date", "CloseDate"),
                field("amount", "Currency", "Amount"),
                field("pipeline_id", "Text", "Pipeline_Id__c"),
                product,
                field("account", "Reference", "AccountId"),
            ],
        ),
    ]
}

fn stage(deal_stage: &str) -> &'static str {
    match deal_stage {
        "Won" => "Closed Won",
        "Lost" => "Closed Lost",
        "Engaging" => "Negotiation/Review",
        "Prospecting" => "Prospecting",
        other => panic!("the data has a stage {other:?}"),
    }
}

fn iso(us_date: &str) -> String {
    let parts: Vec<u32> = us_date.split('/').map(|part| part.parse().unwrap()).collect();
    format!("{:04}-{:02}-{:02}", parts[2], parts[0], parts[1])
}

fn number(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        Value::Number(text.parse().unwrap())
    }
}

fn csv_rows(path: &Path) -> Vec<HashMap<String, String>> {
    csv::Reader::from_path(path)
        .unwrap()
        .deserialize()
        .map(Result::unwrap)
        .collect()
}

fn shared_data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    folder.join("crm/sales_pipeline.csv").is_file().then_some(folder)
}
