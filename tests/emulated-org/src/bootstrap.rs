//! The first records of an organisation: itself, its profiles, its first users.

use std::sync::Arc;

use crate::access::{
    self, ADMINISTRATOR, ObjectPermission, ObjectRights, PermissionSetDefinition, STANDARD_USER,
};
use crate::data::{
    Author, Authority, Data, Draft, DuplicateOptions, Operation, Refusal, SaveError, Transaction,
};
use crate::id::RecordId;
use crate::options::Options;
use crate::schema::Schema;
use crate::value::Value;

/// The username of the first administrator.
pub const ADMIN_USERNAME: &str = "admin@northwind.example";
/// The username of the integration user.
pub const INTEGRATION_USERNAME: &str = "integration@northwind.example";

/// The permission set that lets the integration user do everything, as long as it is assigned: the profile alone gives
/// nothing but the API.
pub const INTEGRATION_PERMISSION_SET: &str = "Integration_Full_Access";

/// The ids of the first records.
#[derive(Clone, Copy, Debug)]
pub struct FirstRecords {
    /// The organisation.
    pub organization: RecordId,
    /// The administrator.
    pub admin: RecordId,
    /// The profile "Standard User".
    pub standard_profile: RecordId,
    /// The permission sets from whose holders nothing is kept.
    pub unlimited: [RecordId; 2],
}

/// Writes the first records into an empty organisation.
pub(crate) fn write(data: &mut Data, schema: &Schema, options: &Options) -> Result<FirstRecords, Refusal> {
    let now = options.clock.now();
    // The first user is the one who writes the first records: its id is known before it exists.
    let admin = RecordId::from_serial("005", options.pod, data.next_serial_of("User"))
        .ok_or_else(|| SaveError::new("UNKNOWN_EXCEPTION", "pod must be below 3844"))?;
    let author = Author {
        user: admin,
        now,
        authority: Authority::Platform,
        duplicates: DuplicateOptions::default(),
    };
    let mut transaction = Transaction::begin(data, schema, author);
    let mut create = |object: &str, fields: Vec<(&str, Value)>| -> Result<RecordId, Refusal> {
        let object = schema.object(object).ok_or_else(|| missing(object))?;
        let mut draft = Draft::default();
        for (name, value) in fields {
            // A smaller schema than the standard one may lack a field; what it lacks it does not need.
            if let Some((at, _)) = object.field(name) {
                draft.values.push((at, value));
            }
        }
        Ok(transaction
            .save(Operation::Create {
                object: Arc::clone(object),
                draft,
            })?
            .id)
    };

    let license = RecordId::from_serial("100", options.pod, 1).map_or(Value::Null, Value::Id);
    let mut profile = |name: &str| -> Result<(RecordId, RecordId), Refusal> {
        let permissions: Vec<(String, Value)> = access::permissions_of_profile(name)
            .iter()
            .map(|permission| (format!("Permissions{permission}"), Value::Boolean(true)))
            .collect();
        let permissions = || {
            let all = permissions.iter();
            all.map(|(name, value)| (name.as_str(), value.clone()))
        };
        let mut fields = vec![
            ("Name", Value::text(name)),
            ("UserLicenseId", license.clone()),
            ("UserType", Value::text("Standard")),
        ];
        fields.extend(permissions());
        let profile = create("Profile", fields)?;
        let mut fields = access::set_of_profile(name, profile);
        fields.extend(permissions());
        Ok((profile, create("PermissionSet", fields)?))
    };
    let (admin_profile, admin_permissions) = profile(ADMINISTRATOR)?;
    let (standard_profile, standard_permissions) = profile(STANDARD_USER)?;
    let (api_profile, _) = profile("Minimum Access - API Only Integrations")?;
    for (object, fields) in standard_grants(schema, standard_permissions) {
        create(object, fields)?;
    }
    let integration_permissions = create(
        "PermissionSet",
        vec![
            ("Name", Value::text(INTEGRATION_PERMISSION_SET)),
            ("Label", Value::text("Integration Full Access")),
            ("IsCustom", Value::Boolean(true)),
            ("Type", Value::text("Regular")),
        ],
    )?;

    let organization = create(
        "Organization",
        vec![
            ("Name", Value::text(options.organization_name.as_str())),
            (
                "OrganizationType",
                Value::text(options.edition.organization_type()),
            ),
            ("InstanceName", Value::text("EMU1")),
            ("IsSandbox", Value::Boolean(options.is_sandbox)),
            ("DefaultLocaleSidKey", Value::text("en_US")),
            ("LanguageLocaleKey", Value::text("en_US")),
            ("TimeZoneSidKey", Value::text("GMT")),
            ("PrimaryContact", Value::text("Ada Admin")),
            ("Country", Value::text("US")),
        ],
    )?;
    let first = create("User", user_fields("Ada", "Admin", ADMIN_USERNAME, admin_profile))?;
    let integration = create(
        "User",
        user_fields("Integration", "User", INTEGRATION_USERNAME, api_profile),
    )?;
    create(
        "PermissionSetAssignment",
        vec![
            ("PermissionSetId", Value::Id(integration_permissions)),
            ("AssigneeId", Value::Id(integration)),
            ("IsActive", Value::Boolean(true)),
        ],
    )?;
    // What this profile's users may do at all, permission sets have to give them (Salesforce Help, Standard Profiles).
    let minimum = create(
        "Profile",
        standard_profile_fields(access::MINIMUM_ACCESS, &license),
    )?;
    create(
        "PermissionSet",
        access::set_of_profile(access::MINIMUM_ACCESS, minimum),
    )?;
    let marketing = create(
        "Profile",
        standard_profile_fields(access::MARKETING_USER, &license),
    )?;
    let mut fields = access::set_of_profile(access::MARKETING_USER, marketing);
    fields.push(("PermissionsApiEnabled", Value::Boolean(true)));
    let marketing = create("PermissionSet", fields)?;
    for (object, fields) in grants(
        schema,
        marketing,
        access::marketing_rights,
        access::is_of_company_data,
    ) {
        create(object, fields)?;
    }
    Ok(FirstRecords {
        organization,
        admin: first,
        standard_profile,
        unlimited: [admin_permissions, integration_permissions],
    })
}

/// What ordinary users may do: the standard objects with all their standard fields. What is custom has to be granted.
fn standard_grants(schema: &Schema, set: RecordId) -> Vec<(&'static str, Vec<(&'static str, Value)>)> {
    grants(schema, set, access::standard_rights, |_, _| false)
}

/// A profile that users of the standard licence have.
fn standard_profile_fields(name: &str, license: &Value) -> Vec<(&'static str, Value)> {
    vec![
        ("Name", Value::text(name)),
        ("UserLicenseId", license.clone()),
        ("UserType", Value::text("Standard")),
        ("PermissionsApiEnabled", Value::Boolean(true)),
    ]
}

/// Rights on objects, and all their standard fields but those that are `kept` from the set.
fn grants(
    schema: &Schema,
    set: RecordId,
    rights_on: impl Fn(&str) -> Option<ObjectRights>,
    kept: impl Fn(&str, &str) -> bool,
) -> Vec<(&'static str, Vec<(&'static str, Value)>)> {
    let mut granted = PermissionSetDefinition::default();
    for object in schema.objects() {
        let Some(rights) = rights_on(&object.name) else {
            continue;
        };
        granted.object_permissions.push(ObjectPermission {
            object: object.name.clone(),
            allow_create: rights.create,
            allow_read: rights.read,
            allow_edit: rights.edit,
            allow_delete: rights.delete,
            ..ObjectPermission::default()
        });
        let fields = object.fields.iter();
        let fields = fields.filter(|field| field.permissionable && !field.custom);
        for field in fields.filter(|field| !kept(&object.name, &field.name)) {
            let name = format!("{}.{}", object.name, field.name);
            granted = granted.with_field(&name, true);
        }
    }
    granted.records(set)
}

/// The fields every user needs.
pub(crate) fn user_fields(
    first_name: &str,
    last_name: &str,
    username: &str,
    profile: RecordId,
) -> Vec<(&'static str, Value)> {
    let alias: String = first_name
        .chars()
        .take(1)
        .chain(last_name.chars())
        .take(8)
        .collect();
    vec![
        ("FirstName", Value::text(first_name)),
        ("LastName", Value::text(last_name)),
        ("Username", Value::text(username)),
        ("Email", Value::text(username)),
        ("Alias", Value::text(alias.to_lowercase())),
        ("ProfileId", Value::Id(profile)),
        ("TimeZoneSidKey", Value::text("GMT")),
        ("LocaleSidKey", Value::text("en_US")),
        ("LanguageLocaleKey", Value::text("en_US")),
        ("EmailEncodingKey", Value::text("UTF-8")),
        ("IsActive", Value::Boolean(true)),
    ]
}

fn missing(object: &str) -> SaveError {
    SaveError::new(
        "INVALID_TYPE",
        format!("sObject type '{object}' is not supported."),
    )
}
