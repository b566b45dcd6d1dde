//! What deployments bring holds for everybody from then on.

#![cfg(test)]

use emulated_org::access::PermissionSetDefinition;
use emulated_org::id::RecordId;
use serde_json::json;

use super::{Zip, text_field};
use crate::access::{NINA, Nina};
use crate::client::{Client, V};

fn validation_rule(name: &str, condition: &str) -> String {
    format!(
        "<validationRules><fullName>{name}</fullName><active>true</active><errorConditionFormula>{condition}</errorConditionFormula><errorDisplayField>Phone</errorDisplayField><errorMessage>No phone, no account.</errorMessage></validationRules>"
    )
}

fn formula(name: &str, text: &str) -> String {
    format!(
        "<fields><fullName>{name}</fullName><formula>{text}</formula><label>{name}</label><precision>18</precision><scale>0</scale><type>Number</type></fields>"
    )
}

async fn query(client: &Client, soql: &str) -> serde_json::Value {
    let answer = client
        .get(&format!("{V}/query?q={}", soql.replace(' ', "+")))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["records"].clone()
}

#[tokio::test]
async fn a_validation_rule_refuses_saves_until_it_is_changed_or_deleted() {
    let client = Client::start().await;
    let parts = [("ValidationRule", "Reachable")];
    let rule = validation_rule("Reachable", "ISBLANK(Phone)");
    client.succeeds(Zip::new().object("Account", &rule, &parts)).await;
    let account = json!({ "Name": "Northwind" });
    let (_, code, message, fields) = client
        .post(&format!("{V}/sobjects/Account"), &account)
        .await
        .error();
    assert_eq!(
        (code.as_str(), message.as_str(), fields),
        (
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "No phone, no account.",
            vec!["Phone".to_owned()]
        )
    );
    let milder = validation_rule("Reachable", "Name = &quot;Nobody&quot;");
    client
        .succeeds(Zip::new().object("Account", &milder, &parts))
        .await;
    client.create("Account", account).await;
    client.succeeds(Zip::new().object("Account", &rule, &parts)).await;
    let gone = "<types><members>Account.Reachable</members><name>ValidationRule</name></types>";
    let gone = format!(
        "<Package xmlns=\"{}\">{gone}<version>68.0</version></Package>",
        super::NAMESPACE
    );
    client
        .succeeds(Zip::new().file("destructiveChanges.xml", &gone))
        .await;
    client.create("Account", json!({ "Name": "Southwind" })).await;
}

#[tokio::test]
async fn rules_and_formulas_that_cannot_hold_are_refused() {
    let client = Client::start().await;
    let rule = validation_rule("Reachable", "ISBLANK(Ghost__c)");
    let parts = [("ValidationRule", "Reachable")];
    let (kind, name, problem) = client.fails(Zip::new().object("Account", &rule, &parts)).await;
    assert_eq!(
        (kind.as_str(), name.as_str()),
        ("ValidationRule", "Account.Reachable")
    );
    assert_eq!(problem, "Field Ghost__c does not exist. Check spelling.");
    let (_, _, problem) = client
        .fails(Zip::new().object(
            "Account",
            &formula("Double__c", "Name * 2"),
            &[("CustomField", "Double__c")],
        ))
        .await;
    assert!(problem.contains("Text"), "{problem}");
}

#[tokio::test]
async fn a_field_that_a_rule_or_a_formula_reads_stays() {
    let client = Client::start().await;
    let inside = format!(
        "{}{}{}",
        text_field("Code__c"),
        formula("Long__c", "LEN(Name)"),
        validation_rule("Coded", "AND(Code__c = &quot;X&quot;, Long__c &gt; 3)")
    );
    let parts = [
        ("CustomField", "Code__c"),
        ("CustomField", "Long__c"),
        ("ValidationRule", "Coded"),
    ];
    client
        .succeeds(Zip::new().object("Account", &inside, &parts))
        .await;
    let doom =
        |members: &str, kind: &str| format!("<types><members>{members}</members><name>{kind}</name></types>");
    let manifest = |types: &str| {
        format!(
            "<Package xmlns=\"{}\">{types}<version>68.0</version></Package>",
            super::NAMESPACE
        )
    };
    let code = doom("Account.Code__c", "CustomField");
    let (_, name, problem) = client
        .fails(Zip::new().file("destructiveChanges.xml", &manifest(&code)))
        .await;
    assert_eq!(name, "Account.Code__c");
    assert_eq!(
        problem,
        "This component is referenced elsewhere in Salesforce. Remove the usage and try again. : ValidationRule - Account.Coded"
    );
    let text = "<fields><fullName>Long__c</fullName><formula>Name</formula><label>Long</label><type>Text</type></fields>";
    let (_, name, problem) = client
        .fails(Zip::new().object("Account", text, &[("CustomField", "Long__c")]))
        .await;
    assert_eq!(name, "Account.Long__c");
    assert!(problem.ends_with("ValidationRule - Account.Coded"), "{problem}");
    let both = format!("{code}{}", doom("Account.Coded", "ValidationRule"));
    client
        .succeeds(Zip::new().file("destructiveChanges.xml", &manifest(&both)))
        .await;
}

#[tokio::test]
async fn a_formula_field_answers_queries_and_changes_with_its_formula() {
    let client = Client::start().await;
    let parts = [("CustomField", "Long__c"), ("CustomField", "Longer__c")];
    let inside = format!(
        "{}{}",
        formula("Long__c", "LEN(Name)"),
        formula("Longer__c", "Long__c + 1")
    );
    client
        .succeeds(Zip::new().object("Account", &inside, &parts))
        .await;
    client.create("Account", json!({ "Name": "Northwind" })).await;
    let found = query(&client, "SELECT Long__c,Longer__c FROM Account WHERE Long__c = 9").await;
    assert_eq!(
        (&found[0]["Long__c"], &found[0]["Longer__c"]),
        (&json!(9.0), &json!(10.0))
    );
    let again = formula("Long__c", "LEN(Name) * 2");
    client
        .succeeds(Zip::new().object("Account", &again, &[("CustomField", "Long__c")]))
        .await;
    let found = query(&client, "SELECT Longer__c FROM Account").await;
    assert_eq!(found[0]["Longer__c"], 19.0);
    let circle = formula("Long__c", "Longer__c");
    // A field that is refused is there as it was for the others of its package.
    let seen = support(
        "<fieldPermissions><editable>false</editable><field>Account.Long__c</field><readable>true</readable></fieldPermissions>",
    );
    let (_, name, problem) = client
        .fails(seen.object("Account", &circle, &[("CustomField", "Long__c")]))
        .await;
    assert_eq!(name, "Account.Long__c");
    assert!(problem.contains("refers to itself"), "{problem}");
}

fn support(inside: &str) -> Zip {
    Zip::new().xml(
        "PermissionSet",
        "permissionsets/Support.permissionset",
        &format!("{inside}<label>Support</label>"),
    )
}

#[tokio::test]
async fn a_permission_set_shows_a_field_to_whom_it_is_assigned() {
    let mut nina = Nina::start().await;
    let field = "<fieldPermissions><editable>true</editable><field>Account.Code__c</field><readable>true</readable></fieldPermissions>";
    nina.as_admin(async |client| {
        let code = text_field("Code__c");
        let zip = support(field).object("Account", &code, &[("CustomField", "Code__c")]);
        client.succeeds(zip).await;
        client
            .create("Account", json!({ "Name": "A", "Code__c": "H" }))
            .await;
    })
    .await;
    nina.refused("SELECT Code__c FROM Account").await;
    let id = nina.id.clone();
    nina.as_admin(async |client| {
        let set = query(client, "SELECT Id FROM PermissionSet WHERE Name = 'Support'").await;
        let given = json!({ "AssigneeId": id, "PermissionSetId": set[0]["Id"] });
        client.create("PermissionSetAssignment", given).await;
    })
    .await;
    let found = nina.query("SELECT Code__c FROM Account").await;
    assert_eq!(found[0]["Code__c"], "H");
    // Deployed again, a permission set gives what the new file says.
    nina.as_admin(async |client| client.succeeds(support("")).await)
        .await;
    nina.refused("SELECT Code__c FROM Account").await;
    nina.as_admin(async |client| client.succeeds(support(field)).await)
        .await;
    nina.query("SELECT Code__c FROM Account").await;
    nina.as_admin(async |client| {
        let gone = format!(
            "<Package xmlns=\"{}\"><types><members>Support</members><name>PermissionSet</name></types><version>68.0</version></Package>",
            super::NAMESPACE
        );
        client
            .succeeds(Zip::new().file("destructiveChanges.xml", &gone))
            .await;
        let left = query(client, "SELECT Id FROM PermissionSet WHERE Name = 'Support'").await;
        assert_eq!(left, json!([]));
    })
    .await;
    nina.refused("SELECT Code__c FROM Account").await;
}

#[tokio::test]
async fn permission_sets_and_profiles_give_classes_and_custom_permissions() {
    let mut nina = Nina::start().await;
    let given = "<classAccesses><apexClass>Greeter</apexClass><enabled>true</enabled></classAccesses><customPermissions><enabled>true</enabled><name>Send</name></customPermissions>";
    let profile = |enabled: bool| {
        let inside = format!(
            "<classAccesses><apexClass>Other</apexClass><enabled>{enabled}</enabled></classAccesses><custom>false</custom>"
        );
        Zip::new().xml("Profile", "profiles/Standard.profile", &inside)
    };
    nina.as_admin(async |client| {
        let zip = support(given)
            .class("Greeter", "public class Greeter { }")
            .class("Other", "public class Other { }")
            .xml(
                "CustomPermission",
                "customPermissions/Send.customPermission",
                "<label>Send</label>",
            );
        client.succeeds(zip).await;
        client.succeeds(profile(true)).await;
    })
    .await;
    let access = |nina: &Nina| {
        let user = RecordId::parse(&nina.id).expect("an id");
        nina.client.org.org().access_of(user)
    };
    assert!(access(&nina).has_class("other"));
    assert!(!access(&nina).has_class("greeter"));
    let org = nina.client.org.org();
    org.assign_permission_set("Support", NINA).expect("assigned");
    let now = access(&nina);
    assert!(now.has_class("greeter") && now.has_custom_permission("Send") && !now.has_page("Greeter"));
    nina.as_admin(async |client| client.succeeds(profile(false)).await)
        .await;
    assert!(!access(&nina).has_class("other"));
}

#[tokio::test]
async fn record_types_are_chosen_by_whom_they_are_given() {
    let mut nina = Nina::start().await;
    let tier = "<fields><fullName>Tier__c</fullName><label>Tier</label><type>Picklist</type><valueSet><restricted>true</restricted><valueSetDefinition><sorted>false</sorted><value><fullName>Gold</fullName><default>false</default><label>Gold</label></value><value><fullName>Silver</fullName><default>false</default><label>Silver</label></value></valueSetDefinition></valueSet></fields>";
    let partner = |label: &str| {
        format!(
            "<recordTypes><fullName>Partner</fullName><active>true</active><label>{label}</label><picklistValues><picklist>Tier__c</picklist><values><fullName>Silver</fullName><default>true</default></values></picklistValues></recordTypes>"
        )
    };
    let parts = [("CustomField", "Tier__c"), ("RecordType", "Partner")];
    let id = nina
        .as_admin(async |client| {
            let inside = format!("{tier}{}", partner("Partner"));
            client
                .succeeds(Zip::new().object("Account", &inside, &parts))
                .await;
            let found = query(
                client,
                "SELECT Id FROM RecordType WHERE SobjectType = 'Account' AND DeveloperName = 'Partner'",
            )
            .await;
            let id = found[0]["Id"].as_str().expect("an id").to_owned();
            // Deployed again it stays the same record.
            client
                .succeeds(Zip::new().object("Account", &partner("Partners"), &parts[1..]))
                .await;
            let found = query(
                client,
                "SELECT Id, Name FROM RecordType WHERE SobjectType = 'Account'",
            )
            .await;
            assert_eq!(found.as_array().map(Vec::len), Some(1));
            assert_eq!(found[0]["Name"], "Partners");
            assert_eq!(found[0]["Id"], id.as_str());
            id
        })
        .await;
    let account = json!({ "Name": "Northwind", "RecordTypeId": id });
    let refused = nina.client.post(&format!("{V}/sobjects/Account"), &account).await;
    assert_eq!(refused.error().1, "INVALID_CROSS_REFERENCE_KEY");
    nina.as_admin(async |client| {
        let visible = "<custom>false</custom><fieldPermissions><editable>true</editable><field>Account.Tier__c</field><readable>true</readable></fieldPermissions><recordTypeVisibilities><default>true</default><recordType>Account.Partner</recordType><visible>true</visible></recordTypeVisibilities>";
        client
            .succeeds(Zip::new().xml("Profile", "profiles/Standard.profile", visible))
            .await;
    })
    .await;
    let made = nina
        .client
        .create("Account", json!({ "Name": "Northwind" }))
        .await;
    let read = nina.client.read("Account", &made).await;
    assert_eq!(
        (&read["RecordTypeId"], &read["Tier__c"]),
        (&json!(id), &json!("Silver"))
    );
    let gold = json!({ "Name": "Southwind", "Tier__c": "Gold" });
    let refused = nina.client.post(&format!("{V}/sobjects/Account"), &gold).await;
    assert_eq!(refused.error().1, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
}

#[tokio::test]
async fn what_others_see_follows_the_sharing_model() {
    let mut nina = Nina::start().await;
    let file = |model: &str| {
        let inside = format!(
            "<deploymentStatus>Deployed</deploymentStatus><label>Venue</label><nameField><label>Name</label><type>Text</type></nameField><pluralLabel>Venues</pluralLabel><sharingModel>{model}</sharingModel>"
        );
        Zip::new()
            .object("Venue__c", &inside, &[])
            .names("CustomObject", "Venue__c")
    };
    nina.as_admin(async |client| {
        client.succeeds(file("Private")).await;
        client.create("Venue__c", json!({ "Name": "Hall" })).await;
    })
    .await;
    nina.grant(
        "Venues",
        &PermissionSetDefinition::default().with_object("Venue__c", "R"),
    );
    assert!(nina.query("SELECT Id FROM Venue__c").await.is_empty());
    nina.as_admin(async |client| client.succeeds(file("Read")).await)
        .await;
    assert_eq!(nina.query("SELECT Id FROM Venue__c").await.len(), 1);
    let standard = |model: &str| {
        let inside = format!("<sharingModel>{model}</sharingModel>");
        Zip::new()
            .object("Account", &inside, &[])
            .names("CustomObject", "Account")
    };
    nina.as_admin(async |client| {
        client.create("Account", json!({ "Name": "A" })).await;
        client.succeeds(standard("Private")).await;
    })
    .await;
    assert!(nina.query("SELECT Id FROM Account").await.is_empty());
}

const MATCHING: &str = "<matchingRules><fullName>Same_Name</fullName><label>Same name</label><matchingRuleItems><blankValueBehavior>NullNotAllowed</blankValueBehavior><fieldName>LastName</fieldName><matchingMethod>Exact</matchingMethod></matchingRuleItems><ruleStatus>Active</ruleStatus></matchingRules>";

fn duplicate_rule(action: &str, matching: &str) -> Zip {
    let inside = format!(
        "<actionOnInsert>{action}</actionOnInsert><actionOnUpdate>Allow</actionOnUpdate><alertText>Known.</alertText><duplicateRuleMatchRules><matchRuleSObjectType>Contact</matchRuleSObjectType><matchingRule>{matching}</matchingRule></duplicateRuleMatchRules><isActive>true</isActive><masterLabel>Names</masterLabel><securityOption>EnforceSharingRules</securityOption><sortOrder>1</sortOrder>"
    );
    Zip::new().xml(
        "DuplicateRule",
        "duplicateRules/Contact.Names.duplicateRule",
        &inside,
    )
}

#[tokio::test]
async fn duplicate_rules_go_by_matching_rules_of_earlier_deployments() {
    let client = Client::start().await;
    let matching = || Zip::new().xml("MatchingRules", "matchingRules/Contact.matchingRule", MATCHING);
    client.succeeds(matching()).await;
    client.succeeds(duplicate_rule("Block", "Same_Name")).await;
    let ann = json!({ "LastName": "Doe" });
    client.create("Contact", ann.clone()).await;
    let refused = client.post(&format!("{V}/sobjects/Contact"), &ann).await;
    assert_eq!(refused.json()[0]["errorCode"], "DUPLICATES_DETECTED");
    assert_eq!(refused.json()[0]["message"], "Known.");
    client.succeeds(duplicate_rule("Allow", "Same_Name")).await;
    client.create("Contact", ann).await;
    let (kind, name, problem) = client.fails(duplicate_rule("Block", "Ghost")).await;
    assert_eq!((kind.as_str(), name.as_str()), ("DuplicateRule", "Contact.Names"));
    assert!(problem.contains("Contact.Ghost"), "{problem}");
    let fuzzy = MATCHING.replace("Exact", "LastName");
    let zip = Zip::new().xml("MatchingRules", "matchingRules/Contact.matchingRule", &fuzzy);
    let (kind, _, problem) = client.fails(zip).await;
    assert_eq!(kind, "MatchingRule", "{problem}");
    let inactive = MATCHING.replace("Active", "Inactive");
    let zip = Zip::new().xml("MatchingRules", "matchingRules/Contact.matchingRule", &inactive);
    let in_use = "This component is referenced elsewhere in Salesforce. Remove the usage and try again. : DuplicateRule - Contact.Names";
    assert_eq!(client.fails(zip).await.2, in_use);
    let gone = format!(
        "<Package xmlns=\"{}\"><types><members>Contact.Same_Name</members><name>MatchingRule</name></types><version>68.0</version></Package>",
        super::NAMESPACE
    );
    let zip = Zip::new().file("destructiveChanges.xml", &gone);
    assert_eq!(client.fails(zip).await.2, in_use);
}
