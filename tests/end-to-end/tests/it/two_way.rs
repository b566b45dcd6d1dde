//! A company's real CRM data is edited on both sides at once, while the org fails often and the gateway is killed
//! again and again. In the end both sides are equal by the rules.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use emulated_org::faults::{Chaos, Trouble};
use end_to_end::ScenarioError;
use end_to_end::org_client::OrgClient;
use end_to_end::partner::Partner;
use end_to_end::pump;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::crm_data::{Crm, shared_data};
use crate::two_way_world::{TwoWay, at_rest, field, mapping};
use crate::world::Engine;

const ROUNDS: usize = 100;
const EDITS_A_ROUND: usize = 25;
/// So many of 100 answers to the gateway go wrong.
const FAULTS: u8 = 30;
const BETWEEN_KILLS: Duration = Duration::from_secs(4);
/// People and partner take their time, or the gateway would be killed too seldom.
const BETWEEN_ROUNDS: Duration = Duration::from_millis(150);
/// Edits meet on so many deals: few enough that both sides often edit the same one, and enough that none is edited by
/// both in turn so often that it would be taken for two automations at war.
const DEALS: usize = 4_000;
/// Edits of both sides that lie closer together than this may be taken in either order: Salesforce and the partner
/// have clocks of their own.
const SIMULTANEOUS: TimeDelta = TimeDelta::seconds(3);
/// A push of an edit in Salesforce that comes no later than this may still find the write that replaced the edit under
/// way; and no write lies longer than this between the reading of its target and its answer.
const WRITE_UNDER_WAY: TimeDelta = TimeDelta::seconds(2);
/// Salesforce's stamps are those of the second's beginning.
const STAMP: TimeDelta = TimeDelta::seconds(1);

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_edits_on_both_sides_end_equal_on_sqlite() {
    five_thousand_edits_on_both_sides_end_equal(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_edits_on_both_sides_end_equal_on_postgres() {
    five_thousand_edits_on_both_sides_end_equal(Engine::Postgres).await;
}

async fn five_thousand_edits_on_both_sides_end_equal(engine: Engine) {
    let Some(data) = shared_data() else {
        // Past the test runner's capture: a skipped test must say so also when it passes.
        let note = b"SKIPPED: ../shared/data is absent, so there is no real CRM data to run on\n";
        std::io::stderr().write_all(note).unwrap();
        return;
    };
    let mut two_way = TwoWay::start(engine).await;
    let crm = Crm::load(&data.join("crm"), &two_way.person).await;
    let users = crm.users.iter().take(25);
    two_way.connect(
        users
            .map(|user| (user.partner.clone(), user.email.clone(), user.name.clone()))
            .collect(),
        &mappings(&crm.users[0].salesforce),
    );
    two_way.sync("initial");
    two_way.world.gateway.serve(&[]).await.unwrap();
    let partner = two_way.partner();
    assert_eq!(partner.held().await.unwrap().len(), 0);
    let mut expected = Expected::read(&partner).await;

    let mut random = StdRng::seed_from_u64(20_261_123);
    two_way.world.org.faults().set_chaos(Chaos {
        percent: FAULTS,
        seed: 7,
        client: Some("causeway".to_owned()),
        most_delay_milliseconds: 100,
        ..Chaos::default()
    });
    let mut next_kill = std::time::Instant::now() + BETWEEN_KILLS;
    let mut kills = 0;
    for round in 0..ROUNDS {
        people_edit(&two_way, &mut expected, &mut random, round % 5 != 4).await;
        partner_edits(&partner, &mut expected, &mut random, round).await;
        if round % 10 == 9 {
            both_delete(&two_way, &partner, &mut expected, &mut random).await;
        }
        tokio::time::sleep(BETWEEN_ROUNDS).await;
        if std::time::Instant::now() > next_kill {
            two_way.world.gateway.kill().unwrap();
            two_way.world.gateway.serve(&[]).await.unwrap();
            next_kill = std::time::Instant::now() + BETWEEN_KILLS;
            kills += 1;
        }
    }
    assert!(kills >= 5, "the gateway was killed only {kills} times");
    let met = two_way.world.org.faults().troubles();
    assert_eq!(
        met.len(),
        Trouble::ALL.len(),
        "every kind of trouble was met: {met:?}"
    );
    two_way.world.org.faults().set_chaos(Chaos::default());

    two_way.sync_served("instant").await;
    at_rest(&partner).await;
    two_way.sync_served("reconcile").await;
    at_rest(&partner).await;
    assert_eq!(partner.held().await.unwrap(), Vec::<Value>::new());
    let differences = expected.differences(&two_way.person, &partner).await;
    assert!(
        differences.is_empty(),
        "{} differences after {kills} kills and {met:?}, first:\n{}",
        differences.len(),
        differences[..differences.len().min(5)].join("\n")
    );

    two_way.world.org.request_log().clear();
    let position = newest_position(&partner).await;
    two_way.sync_served("instant").await;
    two_way.sync_served("reconcile").await;
    at_rest(&partner).await;
    assert_eq!(two_way.writes(), 0, "a further sync wrote to Salesforce");
    assert_eq!(
        newest_position(&partner).await,
        position,
        "a further sync wrote to the partner"
    );
    two_way.world.stop().await;
}

/// 25 edits by a person in Salesforce; the package pushes them, or, where `pushed` is false, that push is lost.
async fn people_edit(two_way: &TwoWay, expected: &mut Expected, random: &mut StdRng, pushed: bool) {
    let (mut changes, mut edited) = (Vec::new(), Vec::new());
    for _ in 0..EDITS_A_ROUND {
        let Some(number) = expected.any_in_salesforce(random) else {
            return;
        };
        let (name, salesforce, value) = random_edit(random);
        let id = expected.deals[number].salesforce.clone().unwrap();
        let shown = pump::snapshot(&two_way.person, "Opportunity", &id, &PUMPED, "update")
            .await
            .unwrap();
        // Whoever saves a field as it is has not edited it, and the package pushes nothing.
        if same(&shown["fields"][salesforce]) == same(&value) {
            continue;
        }
        until_unlocked(async || {
            two_way
                .person
                .update("Opportunity", &id, &json!({salesforce: value}))
                .await
        })
        .await;
        let mut change = pump::snapshot(&two_way.person, "Opportunity", &id, &PUMPED, "update")
            .await
            .unwrap();
        change["changedFields"] = json!([salesforce]);
        let stamp = change["systemModstamp"].as_str().unwrap().parse().unwrap();
        let edits = expected.deals[number].edits.entry(name).or_default();
        edits.salesforce.push((stamp, value));
        edits.pushed = None;
        edited.push((number, name));
        changes.push(change);
    }
    if !pushed {
        return;
    }
    changes.reverse();
    post_until_taken(
        &two_way.package(),
        "/v1/salesforce/changes",
        &json!({
            "organizationId": two_way.world.organization(), "packageVersion": "1.0", "changes": changes,
        }),
    )
    .await;
    for (number, name) in edited {
        let edits = expected.deals[number].edits.entry(name).or_default();
        edits.pushed = Some(Utc::now());
    }
}

/// 25 edits by the partner and one new deal, in one post.
async fn partner_edits(partner: &Partner, expected: &mut Expected, random: &mut StdRng, round: usize) {
    let mut records = Vec::new();
    for _ in 0..EDITS_A_ROUND {
        let Some(number) = expected.any_at_partner(random) else {
            return;
        };
        let (name, _, value) = random_edit(random);
        let shown = format!("/v1/records/opportunity/{}", expected.deals[number].record);
        // A partner that posts what it holds has not edited it.
        if same(&get_until_answered(partner, &shown).await["fields"][name]) == same(&value) {
            continue;
        }
        let at = Utc::now();
        let deal = &mut expected.deals[number];
        records.push(json!({"id": deal.record, "changedAt": at, "fields": {name: value}}));
        deal.edits.entry(name).or_default().partner.push((at, value));
    }
    records.push(json!({
        "key": format!("deal-{round}"),
        "fields": {"name": format!("Partner deal {round}"), "stage": "Prospecting", "close_date": "2017-12-31"},
    }));
    let body = json!({"mode": "upsert", "records": records});
    let answer = post_until_taken(partner, "/v1/records/opportunity", &body).await;
    let results = answer["results"].as_array().unwrap();
    for result in results {
        assert_ne!(result["outcome"], "refused", "{result}");
    }
    expected.deals.push(Deal {
        record: results.last().unwrap()["id"].as_str().unwrap().to_owned(),
        ..Deal::default()
    });
}

/// One record is deleted on each side.
async fn both_delete(two_way: &TwoWay, partner: &Partner, expected: &mut Expected, random: &mut StdRng) {
    if let Some(number) = expected.any_in_salesforce(random) {
        let id = expected.deals[number].salesforce.clone().unwrap();
        until_unlocked(async || two_way.person.delete("Opportunity", &id).await).await;
        expected.deals[number].deleted = true;
    }
    if let Some(number) = expected.any_at_partner(random) {
        let body = json!({"records": [{"id": expected.deals[number].record}]});
        post_until_taken(partner, "/v1/records/opportunity/deletes", &body).await;
        expected.deals[number].deleted = true;
    }
}

/// A person whose save meets a record that is being saved presses Save again.
async fn until_unlocked(mut save: impl AsyncFnMut() -> Result<(), ScenarioError>) {
    for _ in 0..200 {
        match save().await {
            Err(ScenarioError::Answer { body, .. }) if body.contains("UNABLE_TO_LOCK_ROW") => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            saved => return saved.unwrap(),
        }
    }
    panic!("the record was locked for two seconds")
}

/// Asks until the gateway, which is killed now and then, answers.
async fn get_until_answered(client: &Partner, path: &str) -> Value {
    for _ in 0..200 {
        match client.get(path).await {
            Ok(answer) => return answer,
            Err(ScenarioError::Http(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the gateway gave no answer within ten seconds")
}

/// Posts until the gateway, which is killed now and then, has taken it; always with the same idempotency key.
async fn post_until_taken(client: &Partner, path: &str, body: &Value) -> Value {
    let key = format!("{:032x}", rand::random::<u128>());
    for _ in 0..200 {
        match client.post_once(path, &key, body).await {
            Ok(answer) => return answer,
            Err(ScenarioError::Http(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the gateway took no post within ten seconds")
}

/// What people and partner did to the deals, to say what both sides must hold in the end.
struct Expected {
    deals: Vec<Deal>,
}

#[derive(Default)]
struct Deal {
    record: String,
    salesforce: Option<String>,
    deleted: bool,
    edits: HashMap<&'static str, Edits>,
}

#[derive(Default)]
struct Edits {
    salesforce: Vec<(DateTime<Utc>, Value)>,
    /// When the package's push of the last edit in Salesforce reached the gateway; none where it was lost.
    pushed: Option<DateTime<Utc>>,
    partner: Vec<(DateTime<Utc>, Value)>,
}

impl Expected {
    async fn read(partner: &Partner) -> Expected {
        let records = partner.records("opportunity").await.unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Expected {
            deals: records
                .iter()
                .map(|record| Deal {
                    record: text(&record["id"]),
                    salesforce: Some(text(&record["salesforceId"])),
                    ..Deal::default()
                })
                .collect(),
        }
    }

    /// A deal that people in Salesforce know. Few are chosen from, so that both sides meet on the same ones.
    fn any_in_salesforce(&self, random: &mut StdRng) -> Option<usize> {
        (0..50)
            .map(|_| random.random_range(0..self.deals.len().min(DEALS)))
            .find(|number| !self.deals[*number].deleted && self.deals[*number].salesforce.is_some())
    }

    fn any_at_partner(&self, random: &mut StdRng) -> Option<usize> {
        (0..50)
            .map(|_| random.random_range(0..self.deals.len().min(DEALS)))
            .find(|number| !self.deals[*number].deleted)
    }

    async fn differences(&self, person: &OrgClient, partner: &Partner) -> Vec<String> {
        let soql = format!(
            "SELECT Id, Partner_Id__c, SystemModstamp, {} FROM Opportunity",
            PUMPED.join(", ")
        );
        let rows = person.query(&soql).await.unwrap();
        let records = partner.records("opportunity").await.unwrap();
        let mut found = Vec::new();
        if rows.len() != records.len() {
            found.push(format!("{} rows, {} records", rows.len(), records.len()));
        }
        let names: HashSet<&str> = rows.iter().filter_map(|row| row["Name"].as_str()).collect();
        let created = names
            .iter()
            .filter(|name| name.starts_with("Partner deal "))
            .count();
        let alive = self
            .deals
            .iter()
            .filter(|deal| deal.salesforce.is_none() && !deal.deleted)
            .count();
        if created != alive {
            found.push(format!(
                "{created} deals of the partner in Salesforce, {alive} expected"
            ));
        }
        let by_record: HashMap<&str, &Value> = records
            .iter()
            .map(|record| (record["id"].as_str().unwrap(), record))
            .collect();
        let by_id: HashMap<&str, &Value> = rows
            .iter()
            .map(|row| (row["Id"].as_str().unwrap(), row))
            .collect();
        for deal in &self.deals {
            let record = by_record.get(deal.record.as_str());
            if deal.deleted {
                let row = deal.salesforce.as_deref().and_then(|id| by_id.get(id));
                if record.is_some() || row.is_some() {
                    found.push(format!(
                        "{} lives after its delete: {record:?} {row:?}",
                        deal.record
                    ));
                }
                continue;
            }
            let Some(record) = record else {
                found.push(format!("{} is lost at the partner", deal.record));
                continue;
            };
            let Some(row) = record["salesforceId"].as_str().and_then(|id| by_id.get(id)) else {
                found.push(format!("{} is lost in Salesforce: {record}", deal.record));
                continue;
            };
            for difference in deal.compare(record, row) {
                if !difference.overwritten_unseen(partner).await {
                    let trace = trace(partner, record).await;
                    found.push(format!("{}\n{trace}", difference.told));
                }
            }
        }
        found
    }
}

/// What the gateway knows of how a record came to its values: its history, and its log.
async fn trace(partner: &Partner, record: &Value) -> String {
    let (id, salesforce) = (
        record["id"].as_str().unwrap(),
        record["salesforceId"].as_str().unwrap(),
    );
    let mut lines = Vec::new();
    for path in [
        format!("/v1/records/opportunity/{id}/history?limit=100"),
        format!("/v1/logs?object=opportunity&salesforceId={salesforce}&limit=100"),
    ] {
        match partner.get(&path).await {
            Ok(page) => {
                for list in page.as_object().unwrap().values().filter_map(Value::as_array) {
                    lines.extend(list.iter().map(Value::to_string));
                }
            }
            Err(error) => lines.push(format!("{path}: {error}")),
        }
    }
    lines.join("\n")
}

/// A field that does not hold what the rules say.
struct Difference {
    told: String,
    field: &'static str,
    /// The value there, where it is the partner's, and the edit in Salesforce that ought to have won, with its record.
    lost: Option<(Value, DateTime<Utc>, String)>,
}

impl Difference {
    /// Whether the log has the write that replaced the edit: its target was read before the edit, its answer came before
    /// the push. Salesforce keeps no trace of the edit then, and a push of an older version is no news.
    async fn overwritten_unseen(&self, partner: &Partner) -> bool {
        let Some((value, edited, record)) = &self.lost else {
            return false;
        };
        let until = *edited + STAMP + WRITE_UNDER_WAY;
        let time = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let path = format!(
            "/v1/logs?direction=outgoing&object=opportunity&salesforceId={record}&from={}&to={}",
            time(*edited),
            time(until)
        );
        let page = partner.get(&path).await.unwrap();
        page["entries"].as_array().unwrap().iter().any(|entry| {
            let data = &entry["data"];
            let sent = data["sent"].get(self.field);
            data["outcome"] == "stored" && sent.is_some_and(|sent| same(sent) == same(value))
        })
    }
}

impl Deal {
    fn compare(&self, record: &Value, row: &Value) -> Vec<Difference> {
        let mut found = Vec::new();
        for (name, salesforce, rule) in FIELDS {
            let (ours, theirs) = (&record["fields"][name], &row[salesforce]);
            if same(ours) != same(theirs) {
                found.push(Difference {
                    told: format!("{} {name}: partner {ours}, Salesforce {theirs}", self.record),
                    field: salesforce,
                    lost: None,
                });
                continue;
            }
            let Some(edits) = self.edits.get(name) else {
                continue;
            };
            let last_save = row["SystemModstamp"].as_str().unwrap().parse().unwrap();
            let allowed = edits.allowed(rule, last_save);
            if !allowed.is_empty() && !allowed.iter().any(|value| same(value) == same(ours)) {
                let (there, here) = (edits.salesforce.last(), edits.partner.last());
                found.push(Difference {
                    told: format!(
                        "{} {name} ({rule}) is {ours}, allowed are {allowed:?}; Salesforce {:?}, the last pushed at {:?}; \
                         partner {:?}",
                        self.record, edits.salesforce, edits.pushed, edits.partner
                    ),
                    field: salesforce,
                    lost: there
                        .zip(here)
                        .filter(|(_, (_, value))| same(value) == same(ours))
                        .zip(row["Id"].as_str())
                        .map(|(((edited, _), _), id)| (ours.clone(), *edited, id.to_owned())),
                });
            }
        }
        found
    }
}

impl Edits {
    /// The values that the rule allows in the end. None: it does not say.
    ///
    /// An edit in Salesforce that the gateway reads before its push arrives, or whose push is lost, is known to be no
    /// later than the record's stamp, and every save moves that, the gateway's own too. So an earlier edit may win
    /// where the record was saved again after the partner's.
    fn allowed(&self, rule: &str, last_save: DateTime<Utc>) -> Vec<Value> {
        let (salesforce, partner) = (self.salesforce.last(), self.partner.last());
        match (rule, salesforce, partner) {
            ("salesforce", Some((_, value)), _) | ("partner", _, Some((_, value))) => vec![value.clone()],
            ("mostRecent", Some((_, value)), None) | ("mostRecent", None, Some((_, value))) => {
                vec![value.clone()]
            }
            ("mostRecent", Some((there, theirs)), Some((here, ours))) => {
                let mut allowed = Vec::new();
                if *there + SIMULTANEOUS > *here || last_save + SIMULTANEOUS > *here {
                    allowed.push(theirs.clone());
                }
                // An edit that falls between the reading of a target and the write is overwritten; only a push that
                // comes while the write is under way tells.
                let told = self
                    .pushed
                    .is_some_and(|pushed| pushed < *there + WRITE_UNDER_WAY);
                if *here + SIMULTANEOUS > *there || !told {
                    allowed.push(ours.clone());
                }
                allowed
            }
            _ => Vec::new(),
        }
    }
}

/// Partner field, Salesforce field, rule.
const FIELDS: [(&str, &str, &str); 6] = [
    ("name", "Name", "mostRecent"),
    ("stage", "StageName", "mostRecent"),
    ("close_date", "CloseDate", "mostRecent"),
    ("amount", "Amount", "mostRecent"),
    ("next_step", "NextStep", "partner"),
    ("pipeline_id", "Pipeline_Id__c", "salesforce"),
];

const PUMPED: [&str; 8] = [
    "Name",
    "StageName",
    "CloseDate",
    "Amount",
    "NextStep",
    "Pipeline_Id__c",
    "AccountId",
    "OwnerId",
];

fn random_edit(random: &mut StdRng) -> (&'static str, &'static str, Value) {
    let (name, salesforce, _) = FIELDS[random.random_range(0..FIELDS.len())];
    let value = match name {
        "name" => json!(format!("Deal {}", random.random_range(0..1_000_000))),
        "stage" => json!(["Prospecting", "Qualification", "Negotiation/Review"][random.random_range(0..3)]),
        "close_date" => json!(format!(
            "2017-{:02}-{:02}",
            random.random_range(1..13),
            random.random_range(1..29)
        )),
        "amount" if random.random_bool(0.1) => Value::Null,
        "amount" => {
            let number = format!(
                "{}.{:02}",
                random.random_range(1..90_000),
                random.random_range(0..100)
            );
            Value::Number(number.parse().unwrap())
        }
        "pipeline_id" => json!(format!("P{:08}", random.random_range(0..100_000_000))),
        _ => json!(format!("Call on day {}", random.random_range(0..1_000_000))),
    };
    (name, salesforce, value)
}

/// A value without what is only writing: `1.50` is `1.5`.
fn same(value: &Value) -> String {
    match value {
        Value::Number(number) => {
            let number: rust_decimal::Decimal = number.to_string().parse().unwrap();
            number.normalize().to_string()
        }
        other => other.to_string(),
    }
}

async fn newest_position(partner: &Partner) -> Value {
    let changes = partner.feed().await.unwrap();
    changes.last().unwrap()["position"].clone()
}

fn mappings(default_owner: &str) -> Vec<Value> {
    let fields = FIELDS
        .iter()
        .map(|(name, salesforce, rule)| {
            let kind = match *name {
                "stage" => "SingleChoice",
                "close_date" => "Date",
                "amount" => "Currency",
                _ => "Text",
            };
            let mut mapped = field(name, kind, salesforce, rule);
            mapped["required"] = json!(matches!(*name, "name" | "stage" | "close_date"));
            mapped
        })
        .chain([field("account", "Reference", "AccountId", "mostRecent")])
        .collect();
    vec![
        mapping(
            "account",
            "Account",
            default_owner,
            vec![field("name", "Text", "Name", "mostRecent")],
        ),
        mapping("opportunity", "Opportunity", default_owner, fields),
    ]
}
