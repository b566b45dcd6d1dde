//! What metadata names must exist.

#![cfg(test)]

use super::{NAMESPACE, Zip, text_field};
use crate::client::Client;

fn set(inside: &str) -> Zip {
    Zip::new().xml("PermissionSet", "permissionsets/Support.permissionset", inside)
}

#[tokio::test]
async fn permission_sets_name_what_is_there() {
    let client = Client::start().await;
    for (inside, problem) in [
        (
            "<classAccesses><apexClass>Ghost</apexClass><enabled>true</enabled></classAccesses><label>S</label>",
            "In field: apexClass - no ApexClass named Ghost found",
        ),
        (
            "<customPermissions><enabled>true</enabled><name>Ghost</name></customPermissions><label>S</label>",
            "In field: name - no CustomPermission named Ghost found",
        ),
        (
            "<fieldPermissions><editable>true</editable><field>Account.Ghost__c</field><readable>true</readable></fieldPermissions><label>S</label>",
            "In field: field - no CustomField named Account.Ghost__c found",
        ),
        (
            "<label>S</label><objectPermissions><allowCreate>false</allowCreate><allowDelete>false</allowDelete><allowEdit>false</allowEdit><allowRead>true</allowRead><object>Ghost__c</object></objectPermissions>",
            "In field: object - no CustomObject named Ghost__c found",
        ),
        (
            "<label>S</label><objectPermissions><allowEdit>true</allowEdit><allowRead>false</allowRead><object>Account</object></objectPermissions>",
            "Permission Edit Account depends on permission(s): Read Account",
        ),
        (
            "<label>S</label><pageAccesses><apexPage>Ghost</apexPage><enabled>true</enabled></pageAccesses>",
            "In field: apexPage - no ApexPage named Ghost found",
        ),
        (
            "<label>S</label><recordTypeVisibilities><recordType>Account.Ghost</recordType><visible>true</visible></recordTypeVisibilities>",
            "In field: recordType - no RecordType named Account.Ghost found",
        ),
        (
            "<label>S</label><tabSettings><tab>Ghost</tab><visibility>Visible</visibility></tabSettings>",
            "In field: tab - no CustomTab named Ghost found",
        ),
        (
            "<label>S</label><userPermissions><enabled>true</enabled><name>FlyToTheMoon</name></userPermissions>",
            "Unknown user permission: FlyToTheMoon",
        ),
    ] {
        let (kind, name, found) = client.fails(set(inside)).await;
        assert_eq!(
            (kind.as_str(), name.as_str(), found.as_str()),
            ("PermissionSet", "Support", problem)
        );
    }
}

#[tokio::test]
async fn permissions_on_required_fields_are_refused() {
    let client = Client::start().await;
    let field = "<fields><fullName>Must__c</fullName><label>Must</label><length>4</length><required>true</required><type>Text</type></fields>";
    let zip = set("<fieldPermissions><editable>true</editable><field>Account.Must__c</field><readable>true</readable></fieldPermissions><label>S</label>")
        .object("Account", field, &[("CustomField", "Must__c")]);
    assert_eq!(
        client.fails(zip).await.2,
        "You cannot deploy to a required field: Account.Must__c"
    );
}

#[tokio::test]
async fn layouts_tabs_apps_and_pages_name_what_is_there() {
    let client = Client::start().await;
    let layout = |field: &str| {
        format!(
            "<layoutSections><customLabel>true</customLabel><layoutColumns><layoutItems><behavior>Edit</behavior><field>{field}</field></layoutItems></layoutColumns></layoutSections>"
        )
    };
    let page = |component: &str| {
        format!(
            "<flexiPageRegions><itemInstances><componentInstance><componentName>{component}</componentName></componentInstance></itemInstances><name>main</name><type>Region</type></flexiPageRegions><masterLabel>P</masterLabel><type>HomePage</type>"
        )
    };
    for (zip, problem) in [
        (Zip::new().xml("Layout", "layouts/Account-Extra.layout", &layout("Ghost__c")), "In field: field - no CustomField named Account.Ghost__c found"),
        (Zip::new().xml("CustomTab", "tabs/Ghost__c.tab", "<customObject>true</customObject><motif>Custom1: Heart</motif>"), "In field: customObject - no CustomObject named Ghost__c found"),
        (Zip::new().xml("CustomTab", "tabs/Hello.tab", "<label>Hello</label><lwcComponent>ghost</lwcComponent><motif>Custom1: Heart</motif>"), "In field: lwcComponent - no LightningComponentBundle named ghost found"),
        (Zip::new().xml("CustomApplication", "applications/Hub.app", "<label>Hub</label><tabs>Ghost</tabs><uiType>Lightning</uiType>"), "In field: tabs - no CustomTab named Ghost found"),
        (Zip::new().xml("FlexiPage", "flexipages/Home.flexipage", &page("c:ghost")), "We couldn't retrieve the design time component information for component c:ghost."),
        (Zip::new().xml("CustomMetadata", "customMetadata/Rate.One.md", "<label>One</label>"), "In field: fullName - no CustomObject named Rate__mdt found"),
        (Zip::new().xml("NamedCredential", "namedCredentials/Partner.namedCredential", "<label>P</label><namedCredentialParameters><externalCredential>Ghost</externalCredential><parameterName>x</parameterName><parameterType>Authentication</parameterType></namedCredentialParameters>"), "In field: externalCredential - no ExternalCredential named Ghost found"),
    ] {
        let result = client.deploy(zip).await;
        let failures = result["details"]["componentFailures"].as_array().expect("failures");
        assert!(failures.iter().any(|one| one["problem"] == problem), "{problem}: {result:#}");
    }
    client
        .succeeds(Zip::new().xml("Layout", "layouts/Account-Extra.layout", &layout("Name")))
        .await;
}

#[tokio::test]
async fn parts_of_objects_name_fields_that_are_there() {
    let client = Client::start().await;
    for (kind, name, part, problem) in [
        (
            "ValidationRule",
            "R",
            "<validationRules><fullName>R</fullName><active>true</active><errorConditionFormula>ISBLANK(Ghost__c)</errorConditionFormula><errorMessage>No</errorMessage></validationRules>",
            "Field Ghost__c does not exist. Check spelling.",
        ),
        (
            "ListView",
            "L",
            "<listViews><fullName>L</fullName><columns>Ghost__c</columns><filterScope>Everything</filterScope><label>L</label></listViews>",
            "Could not resolve list view column: Ghost__c",
        ),
        (
            "CompactLayout",
            "C",
            "<compactLayouts><fullName>C</fullName><fields>Ghost__c</fields><label>C</label></compactLayouts>",
            "In field: fields - no CustomField named Account.Ghost__c found",
        ),
        (
            "RecordType",
            "T",
            "<recordTypes><fullName>T</fullName><active>true</active><label>T</label><picklistValues><picklist>Industry</picklist><values><fullName>Space Travel</fullName><default>false</default></values></picklistValues></recordTypes>",
            "Picklist value: Space Travel in picklist: Industry not found",
        ),
    ] {
        let (found, _, text) = client
            .fails(Zip::new().object("Account", part, &[(kind, name)]))
            .await;
        assert_eq!((found.as_str(), text.as_str()), (kind, problem));
    }
    let rule = "<validationRules><fullName>R</fullName><active>true</active><errorConditionFormula>AND(ISBLANK(Tier__c), Owner:User.Username = &quot;X&quot;, Owner.Name = &quot;X&quot;, $User.Username = 'a', NumberOfEmployees &gt; 3)</errorConditionFormula><errorMessage>No</errorMessage></validationRules>";
    let zip = Zip::new().object(
        "Account",
        &format!("{}{rule}", text_field("Tier__c")),
        &[("CustomField", "Tier__c"), ("ValidationRule", "R")],
    );
    client.succeeds(zip).await;
}

#[tokio::test]
async fn lightning_components_import_what_is_there() {
    let client = Client::start().await;
    let meta = format!(
        "<LightningComponentBundle xmlns=\"{NAMESPACE}\"><apiVersion>68.0</apiVersion><isExposed>true</isExposed><targetConfigs><targetConfig targets=\"lightning__AppPage\"><property name=\"size\" type=\"Integer\"/></targetConfig></targetConfigs><targets><target>lightning__AppPage</target></targets></LightningComponentBundle>"
    );
    let meta = meta
        .replace("<targetConfigs>", "")
        .replace("</targetConfigs>", "");
    let meta = meta.replace("<targetConfig targets=\"lightning__AppPage\"><property name=\"size\" type=\"Integer\"/></targetConfig>", "");
    let bundle = |script: &str, markup: &str| {
        Zip::new()
            .file("lwc/hello/hello.js", script)
            .file("lwc/hello/hello.html", markup)
            .file("lwc/hello/hello.js-meta.xml", &meta)
            .names("LightningComponentBundle", "hello")
    };
    let plain = "import { LightningElement } from 'lwc';\n";
    for (import, problem) in [
        (
            "import greet from '@salesforce/apex/Ghost.greet';",
            "Unable to find Apex action class referenced as 'Ghost'.",
        ),
        (
            "import LABEL from '@salesforce/label/c.Ghost';",
            "Invalid reference c.Ghost of type label in file hello.js",
        ),
        (
            "import FIELD from '@salesforce/schema/Account.Ghost__c';",
            "Invalid reference Account.Ghost__c of type sobjectField in file hello.js",
        ),
        (
            "import can from '@salesforce/customPermission/Ghost';",
            "Invalid reference Ghost of type customPermission in file hello.js",
        ),
        (
            "import { x } from 'c/ghost';",
            "No MODULE named markup://c:ghost found : [markup://c:hello]",
        ),
    ] {
        let (_, name, found) = client
            .fails(bundle(&format!("{plain}{import}"), "<template></template>"))
            .await;
        assert_eq!((name.as_str(), found.as_str()), ("hello", problem));
    }
    let (_, _, found) = client
        .fails(bundle(
            plain,
            "<template><c-other-part></c-other-part></template>",
        ))
        .await;
    assert_eq!(
        found,
        "No MODULE named markup://c:otherPart found : [markup://c:hello]"
    );
    let zip = bundle(
        &format!("{plain}import greet from '@salesforce/apex/Greeter.greet';\nimport NAME from '@salesforce/schema/Account.Name';\nimport LABEL from '@salesforce/label/c.Hello';"),
        "<template></template>",
    )
    .class("Greeter", "public class Greeter { }")
    .file("labels/CustomLabels.labels", &format!("<CustomLabels xmlns=\"{NAMESPACE}\"><labels><fullName>Hello</fullName><language>en_US</language><protected>true</protected><shortDescription>Hello</shortDescription><value>Hello</value></labels></CustomLabels>"))
    .names("CustomLabel", "Hello");
    client.succeeds(zip).await;
}

#[tokio::test]
async fn pages_name_their_controllers() {
    let client = Client::start().await;
    let meta = format!(
        "<ApexPage xmlns=\"{NAMESPACE}\"><apiVersion>68.0</apiVersion><label>Hello</label></ApexPage>"
    );
    let page = |text: &str| {
        Zip::new()
            .file("pages/Hello.page", text)
            .file("pages/Hello.page-meta.xml", &meta)
            .names("ApexPage", "Hello")
    };
    let (_, _, problem) = client
        .fails(page("<apex:page controller=\"Ghost\">Hello</apex:page>"))
        .await;
    assert_eq!(problem, "Apex class 'Ghost' does not exist");
    let (_, _, problem) = client
        .fails(page(
            "<apex:page standardController=\"Account\" extensions=\"Ghost\">Hello</apex:page>",
        ))
        .await;
    assert_eq!(problem, "Apex class 'Ghost' does not exist");
    client
        .succeeds(page(
            "<apex:page standardController=\"Account\">Hello</apex:page>",
        ))
        .await;
}
