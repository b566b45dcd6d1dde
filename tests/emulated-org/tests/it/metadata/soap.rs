//! The calls of the Metadata API by SOAP.

#![cfg(test)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{NAMESPACE, Zip, text_field};
use crate::client::{Answer, Client};

impl Client {
    async fn soap(&self, version: &str, token: &str, call: &str) -> Answer {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Header xmlns=\"{NAMESPACE}\"><SessionHeader><sessionId>{token}</sessionId></SessionHeader></soapenv:Header><soapenv:Body xmlns=\"{NAMESPACE}\">{call}</soapenv:Body></soapenv:Envelope>"
        );
        let request = self
            .http
            .post(self.url(&format!("/services/Soap/m/{version}")))
            .header("content-type", "text/xml")
            .header("soapaction", "\"\"")
            .body(body);
        self.send(request).await
    }

    async fn metadata_call(&self, call: &str) -> String {
        let answer = self.soap("68.0", &self.token, call).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(
            answer.header("content-type").starts_with("text/xml"),
            "{}",
            answer.header("content-type")
        );
        answer.text
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).map_or(rest, |(inside, _)| inside)
}

fn deploy_call(zip: Zip) -> String {
    format!(
        "<deploy><ZipFile>{}</ZipFile><DeployOptions><rollbackOnError>true</rollbackOnError><singlePackage>true</singlePackage></DeployOptions></deploy>",
        STANDARD.encode(zip.build())
    )
}

#[tokio::test]
async fn a_deployment_is_begun_and_asked_for() {
    let client = Client::start().await;
    let zip = Zip::new().object("Account", &text_field("Tier__c"), &[("CustomField", "Tier__c")]);
    let begun = client.metadata_call(&deploy_call(zip)).await;
    let id = between(&begun, "<id>", "</id>").to_owned();
    assert_eq!(between(&begun, "<done>", "</done>"), "false");
    let asked = format!(
        "<checkDeployStatus><asyncProcessId>{id}</asyncProcessId><includeDetails>true</includeDetails></checkDeployStatus>"
    );
    let result = client.metadata_call(&asked).await;
    for expected in [
        "<checkDeployStatusResponse><result>",
        "<status>Succeeded</status>",
        "<numberComponentsDeployed>1</numberComponentsDeployed>",
        "<fullName>Account.Tier__c</fullName>",
        "<runTestResult><numFailures>0</numFailures>",
    ] {
        assert!(result.contains(expected), "{expected}: {result}");
    }
}

#[tokio::test]
async fn a_refused_deployment_says_what_and_where() {
    let client = Client::start().await;
    let zip = Zip::new().xml(
        "PermissionSet",
        "permissionsets/Support.permissionset",
        "\n<fieldPermissions><editable>true</editable><field>Account.Ghost__c</field><readable>true</readable></fieldPermissions><label>Support</label>",
    );
    let begun = client.metadata_call(&deploy_call(zip)).await;
    let id = between(&begun, "<id>", "</id>").to_owned();
    let asked = format!(
        "<checkDeployStatus><asyncProcessId>{id}</asyncProcessId><includeDetails>true</includeDetails></checkDeployStatus>"
    );
    let result = client.metadata_call(&asked).await;
    let failure = between(&result, "<componentFailures>", "</componentFailures>");
    for expected in [
        "<componentType>PermissionSet</componentType>",
        "<fileName>permissionsets/Support.permissionset</fileName>",
        "<fullName>Support</fullName>",
        "<lineNumber>2</lineNumber>",
        "<problem>In field: field - no CustomField named Account.Ghost__c found</problem>",
        "<problemType>Error</problemType>",
        "<success>false</success>",
    ] {
        assert!(failure.contains(expected), "{expected}: {failure}");
    }
}

#[tokio::test]
async fn faults_are_those_of_salesforce() {
    let client = Client::start().await;
    for (version, token, call, code) in [
        (
            "68.0",
            "00D000000000001!nobody",
            "<describeMetadata/>",
            "sf:INVALID_SESSION_ID",
        ),
        (
            "12.0",
            client.token.as_str(),
            "<describeMetadata/>",
            "sf:UNSUPPORTED_API_VERSION",
        ),
        ("68.0", client.token.as_str(), "<explode/>", "soapenv:Client"),
        (
            "68.0",
            client.token.as_str(),
            "<checkDeployStatus><asyncProcessId>0Af000000000001AAA</asyncProcessId></checkDeployStatus>",
            "sf:INVALID_CROSS_REFERENCE_KEY",
        ),
        (
            "68.0",
            client.token.as_str(),
            "<deploy><ZipFile></ZipFile><DeployOptions><speed>1</speed></DeployOptions></deploy>",
            "soapenv:Client",
        ),
    ] {
        let answer = client.soap(version, token, call).await;
        assert_eq!(answer.status, 500, "{call}: {}", answer.text);
        assert_eq!(
            between(&answer.text, "<faultcode>", "</faultcode>"),
            code,
            "{call}: {}",
            answer.text
        );
    }
    let nobody = client.token_of_another_user();
    let answer = client.soap("68.0", &nobody, "<describeMetadata/>").await;
    assert_eq!(
        between(&answer.text, "<faultcode>", "</faultcode>"),
        "sf:INSUFFICIENT_ACCESS"
    );
}

#[tokio::test]
async fn types_are_described_and_components_listed() {
    let client = Client::start().await;
    let described = client
        .metadata_call("<describeMetadata><asOfVersion>68.0</asOfVersion></describeMetadata>")
        .await;
    assert!(described.contains("<directoryName>classes</directoryName><inFolder>false</inFolder><metaFile>true</metaFile><suffix>cls</suffix><xmlName>ApexClass</xmlName>"), "{described}");
    assert!(
        described.contains("<childXmlNames>CustomField</childXmlNames>"),
        "{described}"
    );
    client
        .succeeds(Zip::new().class("Greeter", "public class Greeter { }"))
        .await;
    let listed = client
        .metadata_call("<listMetadata><queries><type>ApexClass</type></queries><asOfVersion>68.0</asOfVersion></listMetadata>")
        .await;
    for expected in [
        "<fileName>classes/Greeter.cls</fileName>",
        "<fullName>Greeter</fullName>",
        "<type>ApexClass</type>",
    ] {
        assert!(listed.contains(expected), "{expected}: {listed}");
    }
    let unknown = client
        .soap(
            "68.0",
            &client.token,
            "<listMetadata><queries><type>Spaceship</type></queries></listMetadata>",
        )
        .await;
    assert_eq!(
        between(&unknown.text, "<faultcode>", "</faultcode>"),
        "sf:INVALID_TYPE"
    );
}

#[tokio::test]
async fn a_waiting_deployment_is_canceled() {
    let client = Client::start().await;
    client
        .org
        .org()
        .metadata
        .set_processing_time(std::time::Duration::from_hours(1));
    let begun = client.metadata_call(&deploy_call(Zip::new())).await;
    let id = between(&begun, "<id>", "</id>").to_owned();
    client
        .metadata_call(&format!("<cancelDeploy><String>{id}</String></cancelDeploy>"))
        .await;
    let asked = format!("<checkDeployStatus><asyncProcessId>{id}</asyncProcessId></checkDeployStatus>");
    assert!(
        client
            .metadata_call(&asked)
            .await
            .contains("<status>Canceled</status>")
    );
}
