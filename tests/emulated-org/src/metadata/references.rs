//! Whether what a component names is there: in the organisation or in the same package.
//!
//! The texts are those that deployments to real organisations print; where a type has no text of its own that is
//! known, the general form `In field: … - no … named … found` is used (believed).

use super::package::Component;
use super::result::Problem;
use super::world::World;
use super::xml::Element;

/// What an element's text names.
#[derive(Clone, Copy, Debug)]
enum Refers {
    /// A component of a type.
    To(&'static str),
    /// A field of the object that the component belongs to.
    OwnField,
    /// The same, of a list view, whose standard columns have names of their own.
    Column,
    /// A permission of users.
    UserPermission,
    /// The value behind a `Name-Principal`.
    Principal,
    /// A Lightning component.
    Component,
    /// Fields of the object that a FlexiPage shows.
    RecordField,
}

use Refers::{Column, OwnField, Principal, RecordField, To, UserPermission};

/// Type, path of the element, what it refers to.
const RULES: &[(&str, &str, Refers)] = &[
    (
        "PermissionSet",
        "applicationVisibilities/application",
        To("CustomApplication"),
    ),
    ("PermissionSet", "classAccesses/apexClass", To("ApexClass")),
    (
        "PermissionSet",
        "customMetadataTypeAccesses/name",
        To("CustomObject"),
    ),
    ("PermissionSet", "customPermissions/name", To("CustomPermission")),
    (
        "PermissionSet",
        "externalCredentialPrincipalAccesses/externalCredentialPrincipal",
        Principal,
    ),
    ("PermissionSet", "fieldPermissions/field", To("CustomField")),
    ("PermissionSet", "flowAccesses/flow", To("Flow")),
    ("PermissionSet", "objectPermissions/object", To("CustomObject")),
    ("PermissionSet", "pageAccesses/apexPage", To("ApexPage")),
    (
        "PermissionSet",
        "recordTypeVisibilities/recordType",
        To("RecordType"),
    ),
    ("PermissionSet", "tabSettings/tab", To("CustomTab")),
    ("PermissionSet", "userPermissions/name", UserPermission),
    (
        "Profile",
        "applicationVisibilities/application",
        To("CustomApplication"),
    ),
    ("Profile", "classAccesses/apexClass", To("ApexClass")),
    ("Profile", "customMetadataTypeAccesses/name", To("CustomObject")),
    ("Profile", "customPermissions/name", To("CustomPermission")),
    (
        "Profile",
        "externalCredentialPrincipalAccesses/externalCredentialPrincipal",
        Principal,
    ),
    ("Profile", "fieldPermissions/field", To("CustomField")),
    ("Profile", "flowAccesses/flow", To("Flow")),
    ("Profile", "layoutAssignments/layout", To("Layout")),
    ("Profile", "layoutAssignments/recordType", To("RecordType")),
    ("Profile", "objectPermissions/object", To("CustomObject")),
    ("Profile", "pageAccesses/apexPage", To("ApexPage")),
    ("Profile", "recordTypeVisibilities/recordType", To("RecordType")),
    ("Profile", "tabVisibilities/tab", To("CustomTab")),
    ("Profile", "userPermissions/name", UserPermission),
    ("PermissionSetGroup", "permissionSets", To("PermissionSet")),
    (
        "CustomPermission",
        "requiredPermission/customPermission",
        To("CustomPermission"),
    ),
    (
        "Layout",
        "layoutSections/layoutColumns/layoutItems/field",
        OwnField,
    ),
    (
        "Layout",
        "layoutSections/layoutColumns/layoutItems/page",
        To("ApexPage"),
    ),
    ("Layout", "miniLayout/fields", OwnField),
    (
        "Layout",
        "quickActionList/quickActionListItems/quickActionName",
        To("QuickAction"),
    ),
    ("RecordType", "picklistValues/picklist", OwnField),
    ("RecordType", "businessProcess", To("BusinessProcess")),
    ("RecordType", "compactLayoutAssignment", To("CompactLayout")),
    ("ListView", "columns", Column),
    ("ListView", "filters/field", Column),
    ("FieldSet", "displayedFields/field", OwnField),
    ("FieldSet", "availableFields/field", OwnField),
    ("CompactLayout", "fields", OwnField),
    ("ValidationRule", "errorDisplayField", OwnField),
    ("WebLink", "page", To("ApexPage")),
    ("CustomTab", "page", To("ApexPage")),
    ("CustomTab", "flexiPage", To("FlexiPage")),
    ("CustomTab", "lwcComponent", To("LightningComponentBundle")),
    ("CustomTab", "auraComponent", To("AuraDefinitionBundle")),
    ("CustomApplication", "tabs", To("CustomTab")),
    ("CustomApplication", "utilityBar", To("FlexiPage")),
    ("CustomApplication", "actionOverrides/content", To("FlexiPage")),
    (
        "CustomApplication",
        "profileActionOverrides/content",
        To("FlexiPage"),
    ),
    (
        "CustomApplication",
        "profileActionOverrides/profile",
        To("Profile"),
    ),
    (
        "CustomApplication",
        "profileActionOverrides/recordType",
        To("RecordType"),
    ),
    ("FlexiPage", "sobjectType", To("CustomObject")),
    (
        "FlexiPage",
        "flexiPageRegions/componentInstances/componentName",
        Refers::Component,
    ),
    (
        "FlexiPage",
        "flexiPageRegions/itemInstances/componentInstance/componentName",
        Refers::Component,
    ),
    (
        "FlexiPage",
        "flexiPageRegions/itemInstances/fieldInstance/fieldItem",
        RecordField,
    ),
    ("QuickAction", "page", To("ApexPage")),
    ("QuickAction", "lightningComponent", To("AuraDefinitionBundle")),
    (
        "QuickAction",
        "lightningWebComponent",
        To("LightningComponentBundle"),
    ),
    ("QuickAction", "targetObject", To("CustomObject")),
    (
        "NamedCredential",
        "namedCredentialParameters/externalCredential",
        To("ExternalCredential"),
    ),
    (
        "ExtlClntAppOauthSettings",
        "externalClientApplication",
        To("ExternalClientApplication"),
    ),
    (
        "ExtlClntAppGlobalOauthSettings",
        "externalClientApplication",
        To("ExternalClientApplication"),
    ),
    (
        "ExtlClntAppOauthConfigurablePolicies",
        "externalClientApplication",
        To("ExternalClientApplication"),
    ),
    (
        "ExtlClntAppConfigurablePolicies",
        "externalClientApplication",
        To("ExternalClientApplication"),
    ),
    ("CustomField", "valueSet/valueSetName", To("GlobalValueSet")),
];

/// The first thing that a component names and that is not there.
pub(super) fn check(component: &Component, world: &World<'_>) -> Option<Problem> {
    let definition = component.definition.as_ref()?;
    let rules = RULES.iter().filter(|(kind, _, _)| *kind == component.kind);
    for (_, path, refers) in rules {
        for element in definition.at(path) {
            let problem = refused(component, definition, element, *refers, world);
            if problem.is_some() {
                return problem;
            }
        }
    }
    match component.kind {
        "PermissionSet" | "Profile" => permissions(definition, world),
        "CustomMetadata" => custom_metadata(component, definition, world),
        "CustomTab" if definition.says("customObject") => {
            let problem = Problem::at(
                definition,
                no_such("customObject", "CustomObject", &component.name),
            );
            (!world.has("CustomObject", &component.name)).then_some(problem)
        }
        "Layout" => {
            let object = own_object(component);
            let problem = Problem::at(definition, no_such("layout", "CustomObject", object));
            (!world.has("CustomObject", object)).then_some(problem)
        }
        "RecordType" => picklist_values(component, definition, world),
        _ => None,
    }
}

fn refused(
    component: &Component,
    definition: &Element,
    element: &Element,
    refers: Refers,
    world: &World<'_>,
) -> Option<Problem> {
    let name = element.text.trim();
    let problem = |text: String| Some(Problem::at(element, text));
    let own = |name: &str| format!("{}.{name}", own_object(component));
    match refers {
        To("BusinessProcess" | "CompactLayout") if name == "SYSTEM" => None,
        To(kind @ ("BusinessProcess" | "CompactLayout")) => {
            let full = own(name);
            (!world.has(kind, &full)).then(|| Problem::at(element, no_such(&element.name, kind, &full)))
        }
        To(kind) => {
            if world.has(kind, name) {
                return None;
            }
            problem(no_such(&element.name, kind, name))
        }
        OwnField => {
            let full = own(name);
            (!world.has_field(&full))
                .then(|| Problem::at(element, no_such(&element.name, "CustomField", &full)))
        }
        Column => {
            if !name.ends_with("__c") || world.has_field(&own(name)) || world.has_field(name) {
                return None;
            }
            problem(format!("Could not resolve list view column: {name}"))
        }
        UserPermission => {
            if world.has_field(&format!("Profile.Permissions{name}")) {
                return None;
            }
            problem(format!("Unknown user permission: {name}"))
        }
        Principal => {
            let credential = name
                .rsplit_once('-')
                .map_or(name, |(credential, _)| credential)
                .trim();
            (!world.has("ExternalCredential", credential))
                .then(|| Problem::at(element, no_such(&element.name, "ExternalCredential", credential)))
        }
        Refers::Component => {
            let own_name = match name.split_once(':') {
                Some(("c", own_name)) => own_name,
                Some(_) => return None,
                None => name,
            };
            if world.has("LightningComponentBundle", own_name) || world.has("AuraDefinitionBundle", own_name)
            {
                return None;
            }
            problem(format!(
                "We couldn't retrieve the design time component information for component c:{own_name}."
            ))
        }
        RecordField => {
            let field = name.strip_prefix("Record.")?;
            let object = definition.text_of("sobjectType").unwrap_or_default();
            let full = format!("{object}.{field}");
            (!world.has_field_path(object, field))
                .then(|| Problem::at(element, no_such(&element.name, "CustomField", &full)))
        }
    }
}

/// The object that a component belongs to: `Account` of `Account.Label` and of `Account-Account Layout`.
pub(super) fn own_object(component: &Component) -> &str {
    let separator = if component.kind == "Layout" { '-' } else { '.' };
    component
        .name
        .split_once(separator)
        .map_or(component.name.as_str(), |(object, _)| object)
}

fn no_such(element: &str, kind: &str, name: &str) -> String {
    format!("In field: {element} - no {kind} named {name} found")
}

/// What permissions ask of each other and of their fields.
fn permissions(definition: &Element, world: &World<'_>) -> Option<Problem> {
    for permission in definition.all("fieldPermissions") {
        let name = permission.text_of("field").unwrap_or_default();
        if world
            .field(name)
            .is_some_and(|field| field.custom && !field.permissionable)
        {
            return Some(Problem::at(
                permission,
                format!("You cannot deploy to a required field: {name}"),
            ));
        }
    }
    const DEPENDS: &[(&str, &str, &str, &str)] = &[
        ("allowCreate", "Create", "allowRead", "Read"),
        ("allowEdit", "Edit", "allowRead", "Read"),
        ("allowDelete", "Delete", "allowEdit", "Edit"),
        ("viewAllRecords", "View All", "allowRead", "Read"),
        ("modifyAllRecords", "Modify All", "viewAllRecords", "View All"),
    ];
    for permission in definition.all("objectPermissions") {
        let object = permission.text_of("object").unwrap_or_default();
        for (element, label, needed, needed_label) in DEPENDS {
            if permission.says(element) && !permission.says(needed) {
                let text =
                    format!("Permission {label} {object} depends on permission(s): {needed_label} {object}");
                return Some(Problem::at(permission, text));
            }
        }
    }
    None
}

/// Records of custom metadata: their type and its fields.
fn custom_metadata(component: &Component, definition: &Element, world: &World<'_>) -> Option<Problem> {
    let kind = format!("{}__mdt", own_object(component));
    if !world.has("CustomObject", &kind) {
        return Some(Problem::at(
            definition,
            no_such("fullName", "CustomObject", &kind),
        ));
    }
    definition.at("values/field").into_iter().find_map(|element| {
        let full = format!("{kind}.{}", element.text.trim());
        (!world.has_field(&full)).then(|| Problem::at(element, no_such("field", "CustomField", &full)))
    })
}

/// The values that a record type shows are values of its picklists.
fn picklist_values(component: &Component, definition: &Element, world: &World<'_>) -> Option<Problem> {
    for list in definition.all("picklistValues") {
        let name = list.text_of("picklist").unwrap_or_default();
        let Some(field) = world.field(&format!("{}.{name}", own_object(component))) else {
            continue;
        };
        for value in list.at("values/fullName") {
            // Values are escaped as in URLs.
            let wanted = super::archive::percent_decoded(value.text.trim());
            if !field.picklist_values.iter().any(|known| known.value == wanted) {
                let text = format!("Picklist value: {wanted} in picklist: {name} not found");
                return Some(Problem::at(value, text));
            }
        }
    }
    None
}
