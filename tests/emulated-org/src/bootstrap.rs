//! The first records of an organisation: itself, its profiles, its first users.

use std::sync::Arc;

use crate::data::{Author, Authority, Data, Draft, Operation, Refusal, SaveError, Transaction};
use crate::id::RecordId;
use crate::options::Options;
use crate::schema::Schema;
use crate::value::Value;

/// The username of the first administrator.
pub const ADMIN_USERNAME: &str = "admin@northwind.example";
/// The username of the integration user.
pub const INTEGRATION_USERNAME: &str = "integration@northwind.example";

/// The ids of the first records.
#[derive(Clone, Copy, Debug)]
pub struct FirstRecords {
    /// The organisation.
    pub organization: RecordId,
    /// The administrator.
    pub admin: RecordId,
    /// The profile "Standard User".
    pub standard_profile: RecordId,
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
    let mut profile = |name: &str, is_admin: bool| {
        let mut fields = vec![
            ("Name", Value::text(name)),
            ("UserLicenseId", license.clone()),
            ("UserType", Value::text("Standard")),
            ("PermissionsApiEnabled", Value::Boolean(true)),
        ];
        if is_admin {
            fields.extend([
                ("PermissionsViewAllData", Value::Boolean(true)),
                ("PermissionsModifyAllData", Value::Boolean(true)),
                ("PermissionsViewSetup", Value::Boolean(true)),
                ("PermissionsCustomizeApplication", Value::Boolean(true)),
                ("PermissionsManageUsers", Value::Boolean(true)),
            ]);
        }
        create("Profile", fields)
    };
    let admin_profile = profile("System Administrator", true)?;
    let standard_profile = profile("Standard User", false)?;
    let api_profile = profile("Minimum Access - API Only Integrations", false)?;

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
    create(
        "User",
        user_fields("Integration", "User", INTEGRATION_USERNAME, api_profile),
    )?;
    Ok(FirstRecords {
        organization,
        admin: first,
        standard_profile,
    })
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
