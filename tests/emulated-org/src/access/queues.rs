//! Groups, queues, and what they own.
//!
//! Source: Object Reference for the Salesforce Platform, Group, GroupMember and QueueSobject.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::AccessError;
use super::records::{all, one};
use crate::data::Data;
use crate::id::RecordId;
use crate::org::Org;
use crate::value::Value;

/// A queue to make.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct QueueDefinition {
    /// Its name.
    pub name: String,
    /// The objects whose records it may own.
    pub objects: Vec<String>,
    /// The usernames of its members.
    pub members: Vec<String>,
}

impl Org {
    /// Makes a queue.
    ///
    /// # Errors
    /// An object whose records no queue may own, a member who does not exist, a name that is refused.
    pub fn add_queue(&self, queue: &QueueDefinition) -> Result<RecordId, AccessError> {
        let developer_name: String = queue
            .name
            .chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() {
                    letter
                } else {
                    '_'
                }
            })
            .collect();
        let members = queue.members.iter().map(|member| self.user_id(member));
        let members = members.collect::<Result<Vec<_>, _>>()?;
        let id = self.put_setup(
            "Group",
            vec![
                ("Name", Value::text(queue.name.as_str())),
                ("DeveloperName", Value::text(developer_name)),
                ("Type", Value::text("Queue")),
                ("OwnerId", Value::Id(self.admin)),
            ],
        )?;
        for object in &queue.objects {
            let schema = self.schema();
            let object = schema
                .object(object)
                .filter(|object| takes_queues(object))
                .ok_or_else(|| AccessError::Unknown(format!("object {object} for queues")))?;
            let fields = vec![
                ("QueueId", Value::Id(id)),
                ("SobjectType", Value::text(object.name.as_str())),
            ];
            self.put_setup("QueueSobject", fields)?;
        }
        for member in members {
            let fields = vec![("GroupId", Value::Id(id)), ("UserOrGroupId", Value::Id(member))];
            self.put_setup("GroupMember", fields)?;
        }
        Ok(id)
    }
}

/// Whether records of an object may be owned by queues: where `OwnerId` may name a group.
pub(super) fn takes_queues(object: &crate::schema::Object) -> bool {
    object
        .field("OwnerId")
        .is_some_and(|(_, owner)| owner.reference_to.iter().any(|to| to == "Group"))
}

/// Whether a group is a queue that takes records of an object.
pub(crate) fn is_queue_for(group: RecordId, object: &str, data: &Data) -> bool {
    one(data, "Group", group).is_some_and(|group| group.text("Type") == "Queue")
        && all(data, "QueueSobject").any(|served| {
            served.id_in("QueueId") == Some(group) && served.text("SobjectType").eq_ignore_ascii_case(object)
        })
}

/// A user, and the groups whose member the user is, also by way of other groups.
pub(super) fn groups_of(user: RecordId, data: &Data) -> BTreeSet<RecordId> {
    let mut known = BTreeSet::from([user]);
    let mut unasked = vec![user];
    while let Some(member) = unasked.pop() {
        let memberships = all(data, "GroupMember");
        let groups = memberships.filter(|membership| membership.id_in("UserOrGroupId") == Some(member));
        for group in groups.filter_map(|membership| membership.id_in("GroupId")) {
            if known.insert(group) {
                unasked.push(group);
            }
        }
    }
    known
}
