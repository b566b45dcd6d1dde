//! The calls of the Metadata API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::answer::{complete, deploy_result, set_option, soap_moment};
use super::name_of;
use super::soap::Fault;
use crate::http::caller::ApiVersion;
use crate::id::RecordId;
use crate::metadata::xml::{Element, NAMESPACE};
use crate::metadata::{CancelError, Deploy, DeployOptions, Stored, described_types, type_file};
use crate::org::Org;

/// The results of a call, and whether it wrote something.
pub(super) fn answer(
    org: &Org,
    user: RecordId,
    version: ApiVersion,
    call: &Element,
) -> Result<(Vec<Json>, bool), Fault> {
    match call.name.as_str() {
        "deploy" => Ok((vec![deploy(org, user, call)?], true)),
        "checkDeployStatus" => {
            known_elements(call, &["asyncProcessId", "includeDetails"])?;
            let deploy = find(org, call.text_of("asyncProcessId"))?;
            let details = call.says("includeDetails");
            Ok((vec![deploy_result(org, &deploy, details, soap_moment)], false))
        }
        "cancelDeploy" => {
            // The guide calls the argument String; jsforce says id.
            let id = call.text_of("String").or_else(|| call.text_of("id"));
            let deploy = find(org, id)?;
            match org.metadata.cancel(deploy.id, user, org.clock.now()) {
                Ok(deploy) => Ok((vec![json!({ "done": true, "id": deploy.id.as_str() })], true)),
                Err(CancelError::Done) => Err(Fault::new("INVALID_ID_FIELD", "Deployment already completed")),
                Err(CancelError::Unknown) => Err(unknown_deploy()),
            }
        }
        "describeMetadata" => Ok((vec![described_types()], false)),
        "listMetadata" => Ok((list(org, version, call)?, false)),
        other => Err(Fault::client(format!(
            "No operation available for request {{{NAMESPACE}}}{other}"
        ))),
    }
}

fn deploy(org: &Org, user: RecordId, call: &Element) -> Result<Json, Fault> {
    known_elements(call, &["ZipFile", "DeployOptions"])?;
    let zip: String = call
        .text_of("ZipFile")
        .unwrap_or_default()
        .split_ascii_whitespace()
        .collect();
    let zip = STANDARD
        .decode(zip)
        .map_err(|error| Fault::client(format!("ZipFile is no xsd:base64Binary: {error}")))?;
    let mut options = DeployOptions::default();
    let mut run_tests = Vec::new();
    let given = call.child("DeployOptions").map(|given| given.children.as_slice());
    for option in given.unwrap_or_default() {
        let known = set_option(&mut options, &mut run_tests, &option.name, option.text.trim())
            .map_err(Fault::client)?;
        if !known {
            let name = &option.name;
            let text =
                format!("Element {{{NAMESPACE}}}{name} invalid at this location in type DeployOptions");
            return Err(Fault::client(text));
        }
    }
    complete(org, &mut options, run_tests).map_err(|text| Fault::new("INVALID_OPERATION", text))?;
    let deploy = org.metadata.begin(zip, options, user, org.clock.now());
    let state = match deploy.status(org.clock.now()).name() {
        "Pending" => "Queued",
        other => other,
    };
    Ok(json!({ "done": false, "id": deploy.id.as_str(), "state": state }))
}

fn known_elements(call: &Element, known: &[&str]) -> Result<(), Fault> {
    match call
        .children
        .iter()
        .find(|child| !known.contains(&child.name.as_str()))
    {
        None => Ok(()),
        Some(child) => Err(Fault::client(format!(
            "Element {{{NAMESPACE}}}{} invalid at this location in type {}",
            child.name, call.name
        ))),
    }
}

fn find(org: &Org, id: Option<&str>) -> Result<Deploy, Fault> {
    id.and_then(RecordId::parse)
        .and_then(|id| org.metadata.deploy(id))
        .ok_or_else(unknown_deploy)
}

fn unknown_deploy() -> Fault {
    Fault::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
}

fn list(org: &Org, version: ApiVersion, call: &Element) -> Result<Vec<Json>, Fault> {
    if let Some(wanted) = call.text_of("asOfVersion")
        && ApiVersion::from_segment(&format!("v{wanted}")).is_none_or(|wanted| wanted > version)
    {
        let text = format!("Invalid asOfVersion: {wanted}");
        return Err(Fault::new("INVALID_FIELD", text));
    }
    let mut listed = Vec::new();
    for query in call.all("queries") {
        let kind = query.text_of("type").unwrap_or_default();
        let (folder, suffix) =
            type_file(kind).ok_or_else(|| Fault::new("INVALID_TYPE", format!("Unknown type:{kind}")))?;
        let components = org.metadata.components();
        listed.extend(components.of(kind).map(|stored| properties(org, stored)));
        if kind == "CustomObject" {
            let schema = org.schema();
            let rest = schema
                .objects()
                .filter(|object| components.get(kind, &object.name).is_none());
            listed.extend(rest.map(|object| {
                json!({
                    "fileName": format!("{folder}/{}.{suffix}", object.name),
                    "fullName": object.name,
                    "id": "",
                    "type": kind,
                })
            }));
        }
    }
    Ok(listed)
}

fn properties(org: &Org, stored: &Stored) -> Json {
    let component = &stored.component;
    json!({
        "createdById": stored.created.0.as_str(),
        "createdByName": name_of(org, stored.created.0),
        "createdDate": soap_moment(stored.created.1),
        "fileName": component.file,
        "fullName": component.name,
        "id": stored.id.as_str(),
        "lastModifiedById": stored.modified.0.as_str(),
        "lastModifiedByName": name_of(org, stored.modified.0),
        "lastModifiedDate": soap_moment(stored.modified.1),
        "manageableState": "unmanaged",
        "type": component.kind,
    })
}
