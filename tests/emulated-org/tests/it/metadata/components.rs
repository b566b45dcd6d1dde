//! Components of all other types: taken, kept and found again.

#![cfg(test)]

use super::{NAMESPACE, Zip};
use crate::client::Client;

#[tokio::test]
async fn every_type_of_an_integration_package_is_taken_and_kept() {
    let client = Client::start().await;
    let resource = format!(
        "<StaticResource xmlns=\"{NAMESPACE}\"><cacheControl>Public</cacheControl><contentType>text/plain</contentType></StaticResource>"
    );
    let zip = Zip::new()
        .xml("RemoteSiteSetting", "remoteSiteSettings/Gateway.remoteSite", "<disableProtocolSecurity>false</disableProtocolSecurity><isActive>true</isActive><url>https://gateway.example</url>")
        .xml("CspTrustedSite", "cspTrustedSites/Gateway.cspTrustedSite", "<context>All</context><endpointUrl>https://gateway.example</endpointUrl><isActive>true</isActive>")
        .xml("ExternalCredential", "externalCredentials/Partner.externalCredential", "<authenticationProtocol>Custom</authenticationProtocol><externalCredentialParameters><parameterName>Main</parameterName><parameterType>NamedPrincipal</parameterType><sequenceNumber>1</sequenceNumber></externalCredentialParameters><label>Partner</label>")
        .xml("NamedCredential", "namedCredentials/Partner.namedCredential", "<label>Partner</label><namedCredentialParameters><externalCredential>Partner</externalCredential><parameterName>ExternalCredential</parameterName><parameterType>Authentication</parameterType></namedCredentialParameters><namedCredentialType>SecuredEndpoint</namedCredentialType>")
        .xml("ExternalClientApplication", "externalClientApps/Gateway.eca", "<contactEmail>a@example.com</contactEmail><distributionState>Local</distributionState><isProtected>false</isProtected><label>Gateway</label>")
        .xml("ExtlClntAppOauthSettings", "extlClntAppOauthSettings/GatewayOauth.ecaOauth", "<commaSeparatedOauthScopes>Api, RefreshToken</commaSeparatedOauthScopes><externalClientApplication>Gateway</externalClientApplication><label>GatewayOauth</label>")
        .xml("FlexiPage", "flexipages/Home.flexipage", "<flexiPageRegions><name>main</name><type>Region</type></flexiPageRegions><masterLabel>Home</masterLabel><template><name>home:desktopTemplate</name></template><type>HomePage</type>")
        .xml("CustomTab", "tabs/Hub.tab", "<flexiPage>Home</flexiPage><label>Hub</label><motif>Custom1: Heart</motif>")
        .xml("CustomApplication", "applications/Hub.app", "<formFactors>Large</formFactors><label>Hub</label><navType>Standard</navType><tabs>standard-Account</tabs><tabs>Hub</tabs><uiType>Lightning</uiType>")
        .xml("PermissionSet", "permissionsets/Support.permissionset", "<externalCredentialPrincipalAccesses><enabled>true</enabled><externalCredentialPrincipal>Partner-Main</externalCredentialPrincipal></externalCredentialPrincipalAccesses><hasActivationRequired>false</hasActivationRequired><label>Support</label>")
        .xml("PermissionSetGroup", "permissionsetgroups/All.permissionsetgroup", "<label>All</label><permissionSets>Support</permissionSets><status>Updated</status>")
        .xml("Profile", "profiles/Admin.profile", "<custom>false</custom><tabVisibilities><tab>Hub</tab><visibility>DefaultOn</visibility></tabVisibilities><userLicense>Salesforce</userLicense>")
        .file("staticresources/Logo.resource", "logo")
        .file("staticresources/Logo.resource-meta.xml", &resource)
        .names("StaticResource", "Logo");
    client.succeeds(zip).await;
    let metadata = &client.org.org().metadata;
    for (kind, name) in [
        ("RemoteSiteSetting", "Gateway"),
        ("NamedCredential", "Partner"),
        ("ExtlClntAppOauthSettings", "GatewayOauth"),
        ("CustomTab", "Hub"),
        ("StaticResource", "Logo"),
    ] {
        assert!(metadata.component(kind, name).is_some(), "{kind} {name}");
    }
    let site = metadata.component("RemoteSiteSetting", "Gateway").expect("kept");
    let definition = site.component.definition.as_ref().expect("its file");
    assert_eq!(definition.text_of("url"), Some("https://gateway.example"));
}

#[tokio::test]
async fn custom_metadata_records_follow_their_type() {
    let client = Client::start().await;
    let kind = "<fields><fullName>Limit__c</fullName><label>Limit</label><precision>6</precision><scale>0</scale><type>Number</type></fields><label>Rate</label><pluralLabel>Rates</pluralLabel>";
    let record = |field: &str| {
        format!(
            "<CustomMetadata xmlns=\"{NAMESPACE}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"><label>One</label><protected>false</protected><values><field>{field}</field><value xsi:type=\"xsd:double\">5.0</value></values></CustomMetadata>"
        )
    };
    let zip = |field: &str| {
        Zip::new()
            .object("Rate__mdt", kind, &[])
            .names("CustomObject", "Rate__mdt")
            .file("customMetadata/Rate.One.md", &record(field))
            .names("CustomMetadata", "Rate.One")
    };
    let (_, name, problem) = client.fails(zip("Ghost__c")).await;
    assert_eq!(
        (name.as_str(), problem.as_str()),
        (
            "Rate.One",
            "In field: field - no CustomField named Rate__mdt.Ghost__c found"
        )
    );
    client.succeeds(zip("Limit__c")).await;
}
