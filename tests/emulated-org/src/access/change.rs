//! What administrators do about access, without HTTP.

use std::sync::Arc;

use super::definition::PermissionSetDefinition;
use super::records::all;
use super::setup::Setup;
use super::standard::ADMINISTRATOR;
use crate::data::{Author, Authority, Draft, DuplicateOptions, Operation, Refusal, SaveError, Transaction};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::{SchemaError, Sharing};
use crate::value::Value;

/// Why access was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Something that is named does not exist.
    #[error("{0} does not exist")]
    Unknown(String),
    /// There is one of that name already.
    #[error("{0} exists already")]
    Taken(String),
    /// The metadata was refused.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A record that holds the permissions was refused.
    #[error("a record was refused: {0:?}")]
    Refused(Vec<SaveError>),
}

impl From<Refusal> for AccessError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.into_errors())
    }
}

impl Org {
    /// Makes a permission set.
    ///
    /// # Errors
    /// An object, field or system permission that does not exist, a name that is taken.
    pub fn add_permission_set(
        &self,
        name: &str,
        definition: &PermissionSetDefinition,
    ) -> Result<RecordId, AccessError> {
        self.set_up(|setup| setup.add_permission_set(name, definition))
    }

    /// Adds permissions to those of a profile, takes from it those that the definition denies; makes the profile where
    /// it does not exist.
    ///
    /// # Errors
    /// As [`Org::add_permission_set`].
    pub fn add_profile(
        &self,
        name: &str,
        definition: &PermissionSetDefinition,
    ) -> Result<RecordId, AccessError> {
        self.set_up(|setup| setup.put_profile(name, definition))
    }

    /// Gives a permission set to a user.
    ///
    /// # Errors
    /// A permission set or a user that does not exist.
    pub fn assign_permission_set(&self, name: &str, username: &str) -> Result<RecordId, AccessError> {
        let user = self.user_id(username)?;
        let set = self.permission_set_named(name)?;
        let fields = vec![
            ("PermissionSetId", Value::Id(set)),
            ("AssigneeId", Value::Id(user)),
            ("IsActive", Value::Boolean(true)),
        ];
        self.put_setup("PermissionSetAssignment", fields)
    }

    /// Takes a permission set from a user; the user who has it not keeps as much.
    ///
    /// # Errors
    /// A permission set or a user that does not exist.
    pub fn unassign_permission_set(&self, name: &str, username: &str) -> Result<(), AccessError> {
        let user = self.user_id(username)?;
        let set = self.permission_set_named(name)?;
        let assignments: Vec<RecordId> = {
            let data = self.read();
            all(&data, "PermissionSetAssignment")
                .filter(|given| given.id_in("AssigneeId") == Some(user))
                .filter(|given| given.id_in("PermissionSetId") == Some(set))
                .map(|given| given.row.id())
                .collect()
        };
        let schema = self.schema();
        let object = schema
            .object("PermissionSetAssignment")
            .ok_or_else(|| AccessError::Unknown("object PermissionSetAssignment".to_owned()))?;
        for id in assignments {
            self.as_platform(Operation::HardDelete {
                object: Arc::clone(object),
                id,
            })?;
        }
        Ok(())
    }

    /// Gives a user another profile.
    ///
    /// # Errors
    /// A user or a profile that does not exist.
    pub fn set_profile(&self, username: &str, profile: &str) -> Result<(), AccessError> {
        let user = self.user_id(username)?;
        let profile = {
            let data = self.read();
            all(&data, "Profile")
                .find(|known| known.text("Name").eq_ignore_ascii_case(profile))
                .map(|known| known.row.id())
                .ok_or_else(|| AccessError::Unknown(format!("profile {profile}")))?
        };
        let schema = self.schema();
        let unknown = || AccessError::Unknown("field User.ProfileId".to_owned());
        let object = schema.object("User").ok_or_else(unknown)?;
        let (position, _) = object.field("ProfileId").ok_or_else(unknown)?;
        self.as_platform(Operation::Update {
            object: Arc::clone(object),
            id: user,
            draft: Draft {
                values: vec![(position, Value::Id(profile))],
                parents: Vec::new(),
            },
        })?;
        Ok(())
    }

    /// The page layout that a profile has for an object's records.
    #[must_use]
    pub fn layout_of_profile(&self, profile: &str, object: &str) -> Option<String> {
        let set = {
            let data = self.read();
            let profile = all(&data, "Profile")
                .find(|known| known.text("Name") == profile)?
                .row
                .id();
            all(&data, "PermissionSet")
                .find(|set| set.id_in("ProfileId") == Some(profile))?
                .row
                .id()
        };
        let layouts = self.access.extras_of(set).layouts;
        layouts.get(&object.to_ascii_lowercase()).cloned()
    }

    /// Sets the organisation-wide default of an object.
    ///
    /// # Errors
    /// An object that does not exist.
    pub fn set_sharing(&self, object: &str, sharing: Sharing) -> Result<(), AccessError> {
        Ok(self.change_schema(|schema| schema.set_sharing(object, sharing))?)
    }

    /// Sets up something wholly or not at all.
    pub(super) fn set_up<T>(
        &self,
        deed: impl FnOnce(&mut Setup<'_, '_>) -> Result<T, AccessError>,
    ) -> Result<T, AccessError> {
        let author = Author {
            user: self.admin,
            now: self.clock.now(),
            authority: Authority::Platform,
            duplicates: DuplicateOptions::default(),
        };
        let schema = self.schema();
        let mut data = self.write();
        let mut transaction = Transaction::begin(&mut data, &schema, author);
        let mut setup = Setup::new(&mut transaction, &schema);
        let done = deed(&mut setup);
        let extras = setup.finish();
        match done {
            Ok(_) => {
                self.access.change_extras(extras);
                drop(transaction);
                self.record_entity_access(&mut data, &schema);
            }
            Err(_) => transaction.roll_back(),
        }
        done
    }

    /// Writes a record of the organisation's configuration.
    pub(super) fn put_setup(
        &self,
        object: &str,
        fields: Vec<(&str, Value)>,
    ) -> Result<RecordId, AccessError> {
        self.set_up(|setup| setup.create(object, fields))
    }

    fn as_platform(&self, operation: Operation) -> Result<RecordId, AccessError> {
        self.set_up(|setup| setup.save(operation))
    }

    pub(super) fn user_id(&self, username: &str) -> Result<RecordId, AccessError> {
        self.user_named(username)
            .map(|user| user.id)
            .ok_or_else(|| AccessError::Unknown(format!("user {username}")))
    }

    fn permission_set_named(&self, name: &str) -> Result<RecordId, AccessError> {
        let data = self.read();
        all(&data, "PermissionSet")
            .find(|set| set.text("Name").eq_ignore_ascii_case(name))
            .map(|set| set.row.id())
            .ok_or_else(|| AccessError::Unknown(format!("permission set {name}")))
    }
}

/// The permission set that a profile owns. Real ones have made-up names; that these cannot meet others is enough.
pub(crate) fn set_of_profile(name: &str, profile: RecordId) -> Vec<(&'static str, Value)> {
    let own_name = format!("X{}", profile.as_str());
    vec![
        ("Name", Value::text(own_name)),
        ("Label", Value::text(name)),
        ("ProfileId", Value::Id(profile)),
        ("IsOwnedByProfile", Value::Boolean(true)),
        ("IsCustom", Value::Boolean(name != ADMINISTRATOR)),
        ("Type", Value::text("Profile")),
    ]
}
