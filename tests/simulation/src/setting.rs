//! What is fixed for a history: mappings with their rules, the org's automation, how bad the world is.

use std::collections::BTreeMap;

use causeway_core::id::{MappingId, PlanRevision};
use causeway_core::mapping::{DeletePolicy, MappingDocument, MappingPlan, SyncRule};
use serde_json::{Value as Json, json};

use crate::dice::Dice;
use crate::org::schema::{EXTERNAL_ID, Nature, OBJECTS, Object};
use crate::org::{Automation, USERS};

/// How often something goes wrong, of a hundred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// A message or a call is lost, late, cut after it took effect, or repeated.
    pub network: u8,
    /// The process ends between two steps of a worker.
    pub crash: u8,
    /// A save of somebody takes minutes to commit.
    pub late_commit: u8,
    /// Somebody holds a lock.
    pub lock: u8,
}

/// What is fixed for a history.
#[derive(Debug, Clone)]
pub struct Setting {
    /// One plan for each object, parents first.
    pub plans: Vec<MappingPlan>,
    /// Their documents.
    pub documents: Vec<String>,
    /// The org's automation.
    pub automation: Automation,
    /// How bad the world is.
    pub faults: Faults,
    /// The package tells when fields were edited.
    pub tells_times: bool,
    /// The package sends the external id field.
    pub tells_external_id: bool,
    /// The package tells the master of a merged record.
    pub tells_master: bool,
    /// Calls that the gateway may spend in 24 hours.
    pub cap: u64,
    /// So many waiting links make a Bulk job.
    pub bulk_from: u32,
    /// Workers of each kind.
    pub workers: usize,
    /// How long the org may still work on a request whose sender gave up, in seconds.
    pub unanswered: i64,
}

/// The partner's users; the last is not known in Salesforce.
pub const PARTNER_USERS: [&str; 4] = ["u-1", "u-2", "u-default", "u-9"];

/// Partner users with a counterpart in Salesforce.
pub const SALESFORCE_USERS: [(&str, &str); 2] = [("u-1", USERS[0]), ("u-2", USERS[1])];

const RULES: [SyncRule; 5] = [
    SyncRule::Salesforce,
    SyncRule::SalesforceUnlessBlank,
    SyncRule::Partner,
    SyncRule::PartnerUnlessBlank,
    SyncRule::MostRecent,
];

/// The partner's name of an object.
pub fn partner_object(object: Object) -> &'static str {
    match object {
        Object::Account => "company",
        Object::Contact => "contact",
        Object::Lead => "lead",
    }
}

/// The partner's name of a field.
pub fn partner_field(field: &str) -> &'static str {
    match field {
        "Name" => "name",
        "Phone" => "phone",
        "AnnualRevenue" => "revenue",
        "Industry" => "industry",
        "Rank__c" => "rank",
        "LastName" => "last_name",
        "Email" => "email",
        "Title" => "title",
        "Level__c" => "level",
        "AccountId" => "company",
        "Company" => "employer",
        _ => "unknown",
    }
}

impl Setting {
    /// Draws a setting from a seed.
    ///
    /// # Errors
    /// A mapping that the check refuses, which would be a defect of this module.
    pub fn draw(seed: u64) -> Result<Setting, String> {
        let mut dice = Dice::new(seed, 1);
        // What was thought of later is drawn apart, so that the histories of a seed stay what they are.
        let mut later = Dice::new(seed, 3);
        let mut plans = Vec::new();
        let mut documents = Vec::new();
        for (number, object) in (1..).zip(OBJECTS) {
            let mut document = document(object, &mut dice);
            if later.percent(12)
                && let Some(document) = document.as_object_mut()
                && document.get("identity").is_some_and(Json::is_string)
            {
                document.remove("externalId");
            }
            let text = document.to_string();
            let parsed: MappingDocument =
                serde_json::from_value(document).map_err(|error| error.to_string())?;
            let plan = MappingPlan::check(
                MappingId(number),
                PlanRevision(1),
                &parsed,
                &object.describe(),
                None,
            )
            .map_err(|problems| format!("{object:?}: {problems:?}"))?;
            plans.push(plan);
            documents.push(text);
        }
        let calm = dice.percent(20);
        let level = |dice: &mut Dice, most: &[u8]| if calm { 0 } else { dice.choose(most, 0) };
        let faults = Faults {
            network: level(&mut dice, &[0, 10, 25, 40]),
            crash: level(&mut dice, &[0, 2, 8, 15]),
            late_commit: level(&mut dice, &[0, 10, 30]),
            lock: level(&mut dice, &[0, 5, 20]),
        };
        let automation = Automation {
            formats_phones: dice.percent(50),
            capitalises_titles: dice.percent(20),
            defaults_level: dice.percent(20),
            robot_marks_titles: dice.percent(15),
        };
        Ok(Setting {
            plans,
            documents,
            automation,
            faults,
            tells_times: dice.percent(75),
            tells_external_id: dice.percent(75),
            tells_master: dice.percent(75),
            cap: if dice.percent(10) { 80 } else { 5_000 },
            bulk_from: if dice.percent(30) { 2 } else { 1_000 },
            workers: dice.choose(&[1, 1, 2, 3], 1),
            unanswered: later.choose(&[0, 0, 0, 600], 0),
        })
    }

    /// The plan of an object.
    pub fn plan(&self, object: Object) -> Option<&MappingPlan> {
        let name = object.name();
        self.plans.iter().find(|plan| plan.salesforce_object == name)
    }

    /// The rule of each field of an object, and of its owner (`OwnerId`).
    pub fn rules(&self, object: Object) -> BTreeMap<&str, SyncRule> {
        let Some(plan) = self.plan(object) else {
            return BTreeMap::new();
        };
        let fields = plan
            .fields
            .iter()
            .map(|field| (field.salesforce.name.as_str(), field.rule));
        fields.chain([("OwnerId", plan.owner_rule)]).collect()
    }
}

fn document(object: Object, dice: &mut Dice) -> Json {
    let direction = match dice.below(10) {
        0 => "salesforceToPartner",
        1 => "partnerToSalesforce",
        _ => "both",
    };
    let fits = |rule: &SyncRule| match direction {
        "salesforceToPartner" => matches!(rule, SyncRule::Salesforce | SyncRule::SalesforceUnlessBlank),
        "partnerToSalesforce" => matches!(rule, SyncRule::Partner | SyncRule::PartnerUnlessBlank),
        _ => true,
    };
    let rules: Vec<SyncRule> = RULES.into_iter().filter(fits).collect();
    let mut fields = Vec::new();
    for field in object.fields() {
        let mut rule = dice.choose(&rules, SyncRule::Salesforce);
        if field.nature == Nature::Formula {
            if direction == "partnerToSalesforce" {
                continue;
            }
            rule = SyncRule::Salesforce;
        }
        if dice.percent(5) && !field.required {
            rule = SyncRule::DoNotSync;
        }
        let mut mapped = json!({
            "partner": partner_field(field.name),
            "type": kind(field.nature),
            "salesforce": field.name,
            "rule": rule,
        });
        if field.name == "Industry"
            && let Some(mapped) = mapped.as_object_mut()
        {
            mapped.insert("choices".to_owned(), industries());
        }
        fields.push(mapped);
    }
    let identity = match object {
        Object::Account => Json::Null,
        Object::Contact | Object::Lead => json!("email"),
    };
    let moves = fields.iter().any(|field| {
        field.get("partner") == Some(&json!("email")) && field.get("rule") != Some(&json!("doNotSync"))
    });
    let mut document = json!({
        "partnerObject": partner_object(object),
        "salesforceObject": object.name(),
        "direction": direction,
        "deletePolicy": dice.choose(
            &[DeletePolicy::Delete, DeletePolicy::Delete, DeletePolicy::Archive, DeletePolicy::Unlink, DeletePolicy::Ask],
            DeletePolicy::Delete,
        ),
        "defaultOwner": "u-default",
        "keepOwnerOnUpdate": dice.percent(30),
        "fields": fields,
    });
    let owner_rule = dice.choose(&rules, SyncRule::Salesforce);
    if let Some(document) = document.as_object_mut() {
        if direction != "salesforceToPartner" {
            let policy = dice.choose(
                &[
                    DeletePolicy::Delete,
                    DeletePolicy::Delete,
                    DeletePolicy::Unlink,
                    DeletePolicy::Ask,
                ],
                DeletePolicy::Delete,
            );
            document.insert("partnerDeletePolicy".to_owned(), json!(policy));
            document.insert("salesforceDefaultOwner".to_owned(), json!(USERS[2]));
            document.insert("externalId".to_owned(), json!(EXTERNAL_ID));
        }
        document.insert("ownerRule".to_owned(), json!(owner_rule));
        if moves && dice.percent(70) {
            document.insert("identity".to_owned(), identity);
        }
    }
    document
}

fn kind(nature: Nature) -> &'static str {
    match nature {
        Nature::Text => "Text",
        Nature::Phone => "Phone",
        Nature::Email => "Email",
        Nature::Currency => "Currency",
        Nature::Picklist(_) => "SingleChoice",
        Nature::Parent => "Reference",
        Nature::Formula => "Number",
    }
}

fn industries() -> Json {
    json!([
        {"salesforce": "Agriculture", "partner": "food"},
        {"salesforce": "Banking", "partner": "money"},
        {"salesforce": "Farming", "partner": "food"},
        {"salesforce": "Undisclosed", "partner": null},
    ])
}
