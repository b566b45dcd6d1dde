//! What the standard profiles give.
//!
//! Source: Salesforce Help, Standard Profiles. Which system permissions they hold in detail is believed.

use super::rights::ObjectRights;

/// The profile from whose users nothing is kept. In a real organisation even an administrator lacks fields that were
/// deployed without field permissions; here the metadata counts as granted to the administrator.
pub(crate) const ADMINISTRATOR: &str = "System Administrator";
/// The profile of ordinary users.
pub(crate) const STANDARD_USER: &str = "Standard User";

/// The profile of users who may do nothing with any object.
pub(crate) const MINIMUM_ACCESS: &str = "Minimum Access - Salesforce";

/// The profile of users who run campaigns.
pub(crate) const MARKETING_USER: &str = "Marketing User";

/// What "Marketing User" may do: as "Standard User", with campaigns, and without deleting cases (Salesforce Help,
/// Standard Profiles; public tests of apex-recipes rely on the latter).
pub(crate) fn marketing_rights(object: &str) -> Option<ObjectRights> {
    let mut rights = standard_rights(object)?;
    match object {
        "Campaign" => (rights.create, rights.edit, rights.delete) = (true, true, true),
        "Case" => rights.delete = false,
        _ => {}
    }
    Some(rights)
}

/// Fields about companies that Data.com fills, which profiles do not show until it is set up (public tests of
/// apex-recipes rely on it).
pub(crate) fn is_of_company_data(object: &str, field: &str) -> bool {
    const FIELDS: [&str; 6] = [
        "DunsNumber",
        "NaicsCode",
        "NaicsDesc",
        "SicDesc",
        "Tradestyle",
        "YearStarted",
    ];
    object == "Account" && FIELDS.contains(&field)
}

/// The system permissions of a profile, by their names behind `Permissions`.
pub(crate) fn permissions_of_profile(profile: &str) -> &'static [&'static str] {
    match profile {
        ADMINISTRATOR => &[
            "ApiEnabled",
            "AuthorApex",
            "ConvertLeads",
            "CustomizeApplication",
            "EditEvent",
            "EditTask",
            "ManageUsers",
            "ModifyAllData",
            "RunReports",
            "TransferAnyEntity",
            "TransferAnyLead",
            "ViewAllData",
            "ViewSetup",
        ],
        STANDARD_USER => &[
            "ApiEnabled",
            "ConvertLeads",
            "EditEvent",
            "EditTask",
            "RunReports",
        ],
        _ => &["ApiEnabled"],
    }
}

/// What "Standard User" may do with a standard object: all that an owner may, but nothing with every record, and
/// only look at campaigns and what is sold.
pub(crate) fn standard_rights(object: &str) -> Option<ObjectRights> {
    let owner = ObjectRights {
        create: true,
        read: true,
        edit: true,
        delete: true,
        ..ObjectRights::default()
    };
    let look = ObjectRights {
        read: true,
        ..ObjectRights::default()
    };
    match object {
        "Campaign" | "Pricebook2" | "Product2" => Some(look),
        _ if super::PERMISSIONABLE.contains(&object) => Some(owner),
        _ => None,
    }
}
