//! A world in which both sides write: people in Salesforce who are not the gateway, and a partner that posts.

use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use emulated_org::Deed;
use emulated_org::people::Done;
use end_to_end::org_client::OrgClient;
use end_to_end::partner::Partner;
use end_to_end::pump;
use serde_json::{Value, json};

use crate::world::{Engine, World};

/// The connection's name.
pub const CONNECTION: &str = "two-way";
/// Owner at the partner of what nobody else owns there.
pub const DESK: &str = "desk";
/// The external id field of every mapped object.
pub const EXTERNAL_ID: &str = "Partner_Id__c";

/// A world with both sides writing.
pub struct TwoWay {
    pub world: World,
    /// A person in Salesforce; not the user that the gateway acts as.
    pub person: OrgClient,
    /// The person's id.
    pub person_id: String,
}

impl TwoWay {
    /// An org with the custom fields of the scenarios and a user of its own for the gateway.
    pub async fn start(engine: Engine) -> TwoWay {
        let metadata = Path::new(env!("CARGO_MANIFEST_DIR")).join("metadata");
        let world = World::start(engine, vec![metadata], None).await;
        let person = world.admin().await;
        let soql = format!(
            "SELECT Id FROM User WHERE Username = '{}'",
            world.org.admin_username()
        );
        let users = person.query(&soql).await.unwrap();
        let person_id = users[0]["Id"].as_str().unwrap().to_owned();
        TwoWay {
            world,
            person,
            person_id,
        }
    }

    /// Connects the gateway as its own user, with these partner users beside the desk, and applies mappings.
    pub fn connect(&self, users: Vec<(String, String, String)>, mappings: &[Value]) {
        let desk = (
            DESK.to_owned(),
            "desk@partner.example".to_owned(),
            "Desk".to_owned(),
        );
        self.world.connect_as(
            CONNECTION,
            self.world.org.integration_username(),
            users.into_iter().chain([desk]).collect(),
        );
        self.world.gateway.apply_mappings(CONNECTION, mappings).unwrap();
    }

    /// Runs a sync to its end: `initial`, `instant` or `reconcile`.
    pub fn sync(&self, kind: &str) -> String {
        self.world
            .gateway
            .command(&["sync", kind, "--connection", CONNECTION])
            .unwrap()
    }

    /// The partner.
    pub fn partner(&self) -> Partner {
        self.world.partner(CONNECTION)
    }

    /// The package.
    pub fn package(&self) -> Partner {
        self.world.package(CONNECTION)
    }

    /// Pushes records as they are now.
    pub async fn push(&self, object: &str, ids: &[String], fields: &[&str]) {
        for id in ids {
            let change = pump::snapshot(&self.person, object, id, fields, "update")
                .await
                .unwrap();
            let answer = pump::post(&self.package(), self.world.organization(), &[change])
                .await
                .unwrap();
            assert_eq!(answer["accepted"], 1, "{answer}");
        }
    }

    /// Somebody does something on a page of the org; it is done at once.
    pub fn deed(&self, deed: &Deed) {
        match self.world.org.act(self.world.org.admin_username(), deed) {
            Done::Now(Ok(_)) => {}
            other => panic!("{deed:?}: {other:?}"),
        }
    }

    /// As [`TwoWay::deed`], but its transaction commits some time after its stamps. Its ticket.
    pub fn deed_later(&self, deed: &Deed, after: TimeDelta) -> u64 {
        let org = self.world.org.org();
        let person = emulated_org::RecordId::parse(&self.person_id).unwrap();
        match org.act(person, deed, Some(after)) {
            Done::Later(ticket) => ticket,
            other => panic!("{deed:?}: {other:?}"),
        }
    }

    /// Whether a late transaction is still under way.
    pub fn is_open(&self, ticket: u64) -> bool {
        !self.world.org.org().committed_late().contains_key(&ticket)
    }

    /// Calls of the gateway that wrote to the org's records, or tried to.
    pub fn writes(&self) -> usize {
        let log = self.world.org.request_log().latest();
        log.iter()
            .filter(|request| {
                request.client.as_deref() == Some("causeway")
                    && request.method != "GET"
                    && (request.method != "POST" || !request.route.ends_with("/sobjects/{object}"))
                    && !request.route.contains("/jobs/query")
            })
            .count()
    }

    /// Has the serving gateway run a sync, and waits for its end.
    pub async fn sync_served(&self, kind: &str) {
        let partner = self.partner();
        let started = partner.post("/v1/syncs", &json!({"kind": kind})).await.unwrap();
        let id = started["id"].as_str().unwrap();
        let mut last = Value::Null;
        for _ in 0..1_200 {
            last = partner.get(&format!("/v1/syncs/{id}")).await.unwrap();
            match last["state"].as_str() {
                Some("completed") => return,
                Some("failed") => panic!("{last}"),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        panic!("the sync did not end: {last}");
    }

    /// Sets automation up in the org.
    pub fn automate(&self, rule: Value) {
        self.world
            .org
            .add_rule(serde_json::from_value(rule).unwrap())
            .unwrap();
    }

    /// Posts records of the partner and returns one result for each.
    pub async fn post(&self, object: &str, records: Value) -> Vec<Value> {
        let body = json!({"records": records});
        let answer = self
            .partner()
            .post(&format!("/v1/records/{object}"), &body)
            .await
            .unwrap();
        answer["results"].as_array().unwrap().clone()
    }

    /// Posts one record and returns its number.
    pub async fn post_one(&self, object: &str, record: Value) -> String {
        let results = self.post(object, json!([record])).await;
        assert_ne!(results[0]["outcome"], "refused", "{}", results[0]);
        results[0]["id"].as_str().unwrap().to_owned()
    }

    /// A partner's record by its number.
    pub async fn record(&self, object: &str, id: &str) -> Value {
        self.partner()
            .get(&format!("/v1/records/{object}/{id}"))
            .await
            .unwrap()
    }

    /// The rows of a query, as the person sees them.
    pub async fn rows(&self, soql: &str) -> Vec<Value> {
        self.person.query(soql).await.unwrap()
    }

    /// Posts a record that is not in Salesforce yet, and waits until it is.
    pub async fn made(&self, object: &str, record: Value) -> (String, String) {
        let id = self.post_one(object, record).await;
        self.rest().await;
        let record = self.record(object, &id).await;
        let salesforce = record["salesforceId"].as_str();
        let salesforce = salesforce.unwrap_or_else(|| panic!("not in Salesforce: {record}"));
        (id, salesforce.to_owned())
    }

    /// Waits until nothing is under way.
    pub async fn rest(&self) {
        at_rest(&self.partner()).await;
    }
}

/// Waits until nothing is under way.
pub async fn at_rest(partner: &Partner) {
    let mut last = Value::Null;
    for _ in 0..1_200 {
        last = partner.get("/v1/connection").await.unwrap();
        if last["inbox"]["waiting"] == 0 && last["outbox"]["waiting"] == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no rest within two minutes: {last}");
}

/// A mapping document in which both sides write.
pub fn mapping(partner: &str, object: &str, owner: &str, fields: Vec<Value>) -> Value {
    json!({
        "partnerObject": partner, "salesforceObject": object, "direction": "both",
        "defaultOwner": DESK, "salesforceDefaultOwner": owner, "externalId": EXTERNAL_ID,
        "partnerDeletePolicy": "delete", "deletePolicy": "delete", "fields": fields,
    })
}

/// A field mapping.
pub fn field(partner: &str, kind: &str, salesforce: &str, rule: &str) -> Value {
    json!({"partner": partner, "type": kind, "salesforce": salesforce, "rule": rule})
}
