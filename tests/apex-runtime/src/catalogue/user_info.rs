//! `UserInfo` (Apex Reference Guide, "UserInfo Class"): what the host tells of the running user.

use std::sync::Arc;

use super::declaration::Declarations;
use super::time_zone::zone_object;
use crate::run::value::Value;
use crate::run::{Machine, Run};

/// A method that hands on what is known.
macro_rules! user_info {
    ($($signature:literal, $user:ident => $value:expr;)*) => {
        pub(super) fn declare(catalogue: &mut Declarations) {
            let class = catalogue.class("System.UserInfo");
            $({
                fn tell(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
                    let $user = m.host.user();
                    Ok($value)
                }
                class.method(concat!("static ", $signature, "()"), tell);
            })*
            class.method("static TimeZone getTimeZone()", time_zone);
        }
    };
}

fn time_zone(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    zone_object(m, m.host.user().time_zone)
}

/// User ids and organization ids are Ids behind a signature that says String or Id.
fn id(id: Arc<str>) -> Value {
    Value::Id(id)
}

user_info! {
    "Id getUserId", user => id(user.id);
    "String getName", user => Value::String(user.name);
    "String getFirstName", user => Value::String(user.first_name);
    "String getLastName", user => Value::String(user.last_name);
    "String getUserName", user => Value::String(user.user_name);
    "String getUserEmail", user => Value::String(user.email);
    "Id getProfileId", user => id(user.profile);
    "Id getUserRoleId", user => user.role.map_or(Value::Null, id);
    "Id getOrganizationId", user => id(user.organization);
    "String getOrganizationName", user => Value::String(user.organization_name);
    "String getLocale", user => Value::String(user.locale);
    "String getLanguage", user => Value::String(user.language);
    "String getUserType", user => Value::String(user.kind);
    "String getDefaultCurrency", user => Value::String(user.currency);
    "Boolean isMultiCurrencyOrganization", user => Value::Boolean(user.multi_currency);
}
