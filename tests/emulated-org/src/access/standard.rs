//! What the standard profiles give.
//!
//! Source: Salesforce Help, Standard Profiles. Which system permissions they hold in detail is believed.

use super::rights::ObjectRights;

/// The profile from whose users nothing is kept. In a real organisation even an administrator lacks fields that were
/// deployed without field permissions; here the metadata counts as granted to the administrator.
pub(crate) const ADMINISTRATOR: &str = "System Administrator";
/// The profile of ordinary users.
pub(crate) const STANDARD_USER: &str = "Standard User";

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
