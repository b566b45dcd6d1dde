//! The metadata types that the organisation takes: where their files lie in a package.
//!
//! Source: Metadata API Developer Guide, Metadata Types ("File Suffix and Directory Location" of each type). A type
//! that is not listed here is refused by name.

use serde_json::{Value as Json, json};

/// How the files of a type make components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One XML file is one component.
    Xml,
    /// A file of source and its `-meta.xml`.
    WithMeta,
    /// A folder of files.
    Bundle,
}

/// One metadata type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub name: &'static str,
    pub folder: &'static str,
    pub suffix: &'static str,
    pub form: Form,
}

const fn kind(name: &'static str, folder: &'static str, suffix: &'static str, form: Form) -> Kind {
    Kind {
        name,
        folder,
        suffix,
        form,
    }
}

/// All types with files of their own, in the order in which they are deployed.
pub(super) const KINDS: &[Kind] = &[
    kind("GlobalValueSet", "globalValueSets", "globalValueSet", Form::Xml),
    kind("CustomObject", "objects", "object", Form::Xml),
    kind("MatchingRules", "matchingRules", "matchingRule", Form::Xml),
    kind("DuplicateRule", "duplicateRules", "duplicateRule", Form::Xml),
    kind("CustomLabels", "labels", "labels", Form::Xml),
    kind(
        "CustomPermission",
        "customPermissions",
        "customPermission",
        Form::Xml,
    ),
    kind("RemoteSiteSetting", "remoteSiteSettings", "remoteSite", Form::Xml),
    kind("CspTrustedSite", "cspTrustedSites", "cspTrustedSite", Form::Xml),
    kind("StaticResource", "staticresources", "resource", Form::WithMeta),
    kind(
        "ExternalCredential",
        "externalCredentials",
        "externalCredential",
        Form::Xml,
    ),
    kind(
        "NamedCredential",
        "namedCredentials",
        "namedCredential",
        Form::Xml,
    ),
    kind(
        "ExternalClientApplication",
        "externalClientApps",
        "eca",
        Form::Xml,
    ),
    kind(
        "ExtlClntAppOauthSettings",
        "extlClntAppOauthSettings",
        "ecaOauth",
        Form::Xml,
    ),
    kind(
        "ExtlClntAppGlobalOauthSettings",
        "extlClntAppGlobalOauthSets",
        "ecaGlblOauth",
        Form::Xml,
    ),
    kind(
        "ExtlClntAppOauthConfigurablePolicies",
        "extlClntAppOauthPolicies",
        "ecaOauthPlcy",
        Form::Xml,
    ),
    kind(
        "ExtlClntAppConfigurablePolicies",
        "extlClntAppPolicies",
        "ecaPlcy",
        Form::Xml,
    ),
    kind(
        "LightningMessageChannel",
        "messageChannels",
        "messageChannel",
        Form::Xml,
    ),
    kind("ApexClass", "classes", "cls", Form::WithMeta),
    kind("ApexTrigger", "triggers", "trigger", Form::WithMeta),
    kind("ApexComponent", "components", "component", Form::WithMeta),
    kind("ApexPage", "pages", "page", Form::WithMeta),
    kind("AuraDefinitionBundle", "aura", "", Form::Bundle),
    kind("LightningComponentBundle", "lwc", "", Form::Bundle),
    kind("QuickAction", "quickActions", "quickAction", Form::Xml),
    kind("FlexiPage", "flexipages", "flexipage", Form::Xml),
    kind("CustomTab", "tabs", "tab", Form::Xml),
    kind("Layout", "layouts", "layout", Form::Xml),
    kind("CustomApplication", "applications", "app", Form::Xml),
    kind("CustomMetadata", "customMetadata", "md", Form::Xml),
    kind("PermissionSet", "permissionsets", "permissionset", Form::Xml),
    kind(
        "PermissionSetGroup",
        "permissionsetgroups",
        "permissionsetgroup",
        Form::Xml,
    ),
    kind("Profile", "profiles", "profile", Form::Xml),
];

/// The components that lie inside files of other components: element, type.
pub(super) const OBJECT_PARTS: &[(&str, &str)] = &[
    ("fields", "CustomField"),
    ("validationRules", "ValidationRule"),
    ("recordTypes", "RecordType"),
    ("listViews", "ListView"),
    ("fieldSets", "FieldSet"),
    ("compactLayouts", "CompactLayout"),
    ("webLinks", "WebLink"),
    ("businessProcesses", "BusinessProcess"),
    ("indexes", "Index"),
    ("sharingReasons", "SharingReason"),
];

/// Types whose files hold components of other types: element, type.
pub(super) fn parts_inside(name: &str) -> &'static [(&'static str, &'static str)] {
    match name {
        "CustomObject" => OBJECT_PARTS,
        "CustomLabels" => &[("labels", "CustomLabel")],
        "MatchingRules" => &[("matchingRules", "MatchingRule")],
        _ => &[],
    }
}

/// The type whose files hold components of a type.
pub(super) fn holder_of(part: &str) -> Option<&'static str> {
    let holders = ["CustomObject", "CustomLabels", "MatchingRules"];
    holders
        .into_iter()
        .find(|holder| parts_inside(holder).iter().any(|(_, inside)| *inside == part))
}

/// The type whose files lie in a folder.
pub(super) fn by_folder(folder: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.folder == folder)
}

/// The type of a name.
pub(super) fn by_name(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// Whether a name is that of a type, with files of its own or inside others'.
pub(super) fn is_type(name: &str) -> bool {
    type_name(name).is_some()
}

/// The types inside files of another.
pub(super) fn parts_of(name: &str) -> Vec<&'static str> {
    parts_inside(name).iter().map(|(_, part)| *part).collect()
}

/// The name of a type as it is kept here.
pub(super) fn type_name(name: &str) -> Option<&'static str> {
    let part = holder_of(name).and_then(|holder| {
        let inside = parts_inside(holder).iter();
        inside.map(|(_, part)| *part).find(|part| *part == name)
    });
    part.or_else(|| by_name(name).map(|kind| kind.name))
}

/// The answer of `describeMetadata` (Metadata API Developer Guide, DescribeMetadataResult).
#[must_use]
pub fn described_types() -> Json {
    let objects: Vec<Json> = KINDS
        .iter()
        .map(|kind| {
            let suffix = (!kind.suffix.is_empty()).then_some(kind.suffix);
            json!({
                "childXmlNames": parts_of(kind.name),
                "directoryName": kind.folder,
                "inFolder": false,
                "metaFile": kind.form == Form::WithMeta,
                "suffix": suffix,
                "xmlName": kind.name,
            })
        })
        .collect();
    json!({
        "metadataObjects": objects,
        "organizationNamespace": "",
        "partialSaveAllowed": true,
        "testRequired": false,
    })
}

/// The folder and suffix of a type's files; of what lies inside another's files, that one's.
#[must_use]
pub fn type_file(name: &str) -> Option<(&'static str, &'static str)> {
    let holder = KINDS
        .iter()
        .find(|kind| kind.name == name || parts_of(kind.name).contains(&name))?;
    Some((holder.folder, holder.suffix))
}
