//! The zip and its manifest.

#![cfg(test)]

use serde_json::json;

use super::{NAMESPACE, Zip, text_field};
use crate::client::Client;

const LABEL: &str = "<description>d</description><label>Can</label>";

#[tokio::test]
async fn a_zip_without_a_manifest_is_refused() {
    let client = Client::start().await;
    let mut zip = Zip::new().class("Greeter", "public class Greeter { }");
    zip.files.push(("x/y/package.xml".to_owned(), Vec::new()));
    let bytes = zip.file("package.xml", "").build();
    let begun = client.begin_deploy(bytes, json!({})).await.json();
    let result = client.deploy_result(begun["id"].as_str().expect("an id")).await;
    assert_eq!(result["status"], "Failed");
    assert_eq!(
        result["details"]["componentFailures"][0]["fileName"], "package.xml",
        "{result:#}"
    );
}

#[tokio::test]
async fn what_the_manifest_names_must_be_there_unless_it_may_be_missing() {
    let client = Client::start().await;
    let zip = || Zip::new().names("ApexClass", "Ghost");
    let (kind, name, problem) = client.fails(zip()).await;
    assert_eq!((kind.as_str(), name.as_str()), ("ApexClass", "Ghost"));
    assert_eq!(
        problem,
        "An object 'Ghost' of type ApexClass was named in package.xml, but was not found in zipped directory"
    );
    let result = client
        .deploy_with(
            zip(),
            json!({ "allowMissingFiles": true, "rollbackOnError": true }),
        )
        .await;
    assert_eq!(result["status"], "Succeeded", "{result:#}");
}

#[tokio::test]
async fn what_is_there_must_be_named_unless_the_manifest_may_grow() {
    let client = Client::start().await;
    let zip = || {
        let mut zip = Zip::new().xml(
            "CustomPermission",
            "customPermissions/Send.customPermission",
            LABEL,
        );
        zip.manifest.clear();
        zip
    };
    let (_, name, problem) = client.fails(zip()).await;
    assert_eq!((name.as_str(), problem.as_str()), ("Send", "Not in package.xml"));
    let result = client
        .deploy_with(
            zip(),
            json!({ "autoUpdatePackage": true, "rollbackOnError": true }),
        )
        .await;
    assert_eq!(result["status"], "Succeeded", "{result:#}");
}

#[tokio::test]
async fn types_that_are_unknown_are_refused_by_name() {
    let client = Client::start().await;
    let (_, _, problem) = client.fails(Zip::new().names("Spaceship", "Enterprise")).await;
    assert_eq!(problem, "Unknown type name 'Spaceship' specified in package.xml");
    let (_, _, problem) = client
        .fails(Zip::new().file("spaceships/One.ship", "<Ship/>"))
        .await;
    assert!(problem.starts_with("Unknown folder 'spaceships'"), "{problem}");
}

#[tokio::test]
async fn a_package_may_lie_in_a_folder_of_the_zip() {
    let client = Client::start().await;
    let manifest = format!(
        "<Package xmlns=\"{NAMESPACE}\"><types><members>*</members><name>CustomPermission</name></types><version>68.0</version></Package>"
    );
    let permission = format!("<CustomPermission xmlns=\"{NAMESPACE}\">{LABEL}</CustomPermission>");
    let mut zip = Zip::new()
        .file("unpackaged/package.xml", &manifest)
        .file("unpackaged/customPermissions/Send.customPermission", &permission);
    zip.manifest.clear();
    let mut files = zip.files;
    files.sort();
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, bytes) in files {
        writer
            .start_file(path, zip::write::SimpleFileOptions::default())
            .expect("a file");
        std::io::Write::write_all(&mut writer, &bytes).expect("bytes");
    }
    let bytes = writer.finish().expect("a zip").into_inner();
    let begun = client.begin_deploy(bytes, json!({})).await.json();
    let result = client.deploy_result(begun["id"].as_str().expect("an id")).await;
    assert_eq!(result["status"], "Succeeded", "{result:#}");
    assert!(
        client
            .org
            .org()
            .metadata
            .component("CustomPermission", "send")
            .is_some()
    );
}

#[tokio::test]
async fn malformed_files_are_refused_with_their_place() {
    let client = Client::start().await;
    let zip = Zip::new()
        .file(
            "customPermissions/Send.customPermission",
            &format!("<CustomPermission xmlns=\"{NAMESPACE}\">\n<label>"),
        )
        .names("CustomPermission", "Send");
    let result = client.deploy(zip).await;
    let failure = &result["details"]["componentFailures"][0];
    assert!(
        failure["problem"]
            .as_str()
            .expect("why")
            .starts_with("Error parsing file: "),
        "{failure}"
    );
    assert_eq!(failure["lineNumber"], 2);
    let other = Zip::new()
        .file(
            "customPermissions/Send.customPermission",
            "<CustomPermission><label>x</label></CustomPermission>",
        )
        .names("CustomPermission", "Send");
    let (_, _, problem) = client.fails(other).await;
    assert_eq!(
        problem,
        "Error parsing file: Element {}CustomPermission invalid at this location"
    );
    let missing = Zip::new().xml(
        "CustomPermission",
        "customPermissions/Send.customPermission",
        "<description>d</description>",
    );
    assert_eq!(client.fails(missing).await.2, "Required field is missing: label");
}

#[tokio::test]
async fn one_refused_component_refuses_all() {
    let client = Client::start().await;
    let zip = Zip::new()
        .object("Account", &text_field("Tier__c"), &[("CustomField", "Tier__c")])
        .class("Greeter", "public class Other { }");
    client.fails(zip).await;
    assert!(
        client
            .org
            .org()
            .schema()
            .object("Account")
            .expect("standard")
            .field("Tier__c")
            .is_none()
    );
}

#[tokio::test]
async fn files_that_tools_wrote_in_the_tooling_namespace_are_taken() {
    let client = Client::start().await;
    let meta =
        "<ApexClass xmlns=\"urn:metadata.tooling.soap.sforce.com\"><apiVersion>68.0</apiVersion></ApexClass>";
    let zip = Zip::new()
        .file("classes/Greeter.cls", "public class Greeter { }")
        .file("classes/Greeter.cls-meta.xml", meta)
        .names("ApexClass", "Greeter");
    client.succeeds(zip).await;
}
