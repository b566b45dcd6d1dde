//! The running user as programs see it.

use std::sync::Arc;

use apex_runtime::host::RunningUser;

use super::session::Session;
use crate::data::Data;
use crate::id::RecordId;
use crate::value::Value;

impl Session<'_> {
    pub(super) fn running_user(&self) -> RunningUser {
        self.read(|data| {
            let id = self.user.get();
            let text = |field: &str| -> Option<Arc<str>> { text_of(data, "User", id, field) };
            let company =
                |field: &str| -> Option<Arc<str>> { text_of(data, "Organization", self.org.id, field) };
            let or_empty = |field: &str| text(field).unwrap_or_else(|| "".into());
            let plain = RunningUser::new(id.as_str(), &or_empty("Name"));
            RunningUser {
                time_zone: text("TimeZoneSidKey")
                    .and_then(|zone| zone.parse().ok())
                    .unwrap_or(plain.time_zone),
                locale: text("LocaleSidKey").unwrap_or(plain.locale),
                language: text("LanguageLocaleKey").unwrap_or(plain.language),
                first_name: or_empty("FirstName"),
                last_name: or_empty("LastName"),
                user_name: or_empty("Username"),
                email: or_empty("Email"),
                profile: text("ProfileId").unwrap_or(plain.profile),
                role: text("UserRoleId"),
                kind: text("UserType").unwrap_or(plain.kind),
                organization: self.org.id.as_str().into(),
                organization_name: company("Name").unwrap_or(plain.organization_name),
                ..plain
            }
        })
    }
}

fn text_of(data: &Data, object: &str, id: RecordId, field: &str) -> Option<Arc<str>> {
    let table = data.table(object)?;
    let (position, _) = table.object.field(field)?;
    match table.get(&id)?.get(position) {
        Value::Text(text) => Some((**text).into()),
        Value::Id(id) => Some(id.as_str().into()),
        _ => None,
    }
}
