//! Loads the shared CRM data into an org through its public API, as somebody who moves in would.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use end_to_end::org_client::OrgClient;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// The CRM as it was loaded.
pub struct Crm {
    pub users: Vec<User>,
    pub deals: Vec<Deal>,
}

pub struct User {
    pub name: String,
    pub email: String,
    pub partner: String,
    pub salesforce: String,
}

pub struct Deal {
    pub salesforce: String,
    pub stage: String,
    pub product: String,
    pub value: Decimal,
    pub owner: String,
}

impl Crm {
    pub async fn load(folder: &Path, admin: &OrgClient) -> Crm {
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

    pub fn sums(&self) -> BTreeMap<String, Decimal> {
        let mut sums = BTreeMap::new();
        for deal in &self.deals {
            *sums.entry(deal.stage.clone()).or_default() += deal.value;
        }
        sums
    }
}

/// Loads the tree files with their plans as the `sf` CLI does: references are put in before a file is sent.
pub async fn load_trees(folder: &Path, admin: &OrgClient) {
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

pub fn shared_data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    folder.join("crm/sales_pipeline.csv").is_file().then_some(folder)
}
