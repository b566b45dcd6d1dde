//! Setting connections and mappings up.

use std::collections::BTreeSet;

use causeway_core::failure::Failure;
use causeway_core::id::{ConnectionId, MappingId, PlanRevision};
use causeway_core::mapping::{MappingDocument, MappingPlan, MappingProblem};
use causeway_core::ports::connections::{
    Client, ClientKey, Connection, Environment, NewConnection, PartnerUser,
};
use causeway_core::ports::{Lane, StoreError, Transaction};
use jsonwebtoken::DecodingKey;
use secrecy::{ExposeSecret, SecretBox, SecretString};

use crate::app::App;
use crate::app::org::{OrgError, OtherOrg, remember_org};
use crate::app::users::{MatchError, Matched, match_users};
use crate::salesforce::ClientError;
use crate::salesforce::address::{BaseUrl, InvalidBaseUrl};
use crate::salesforce::auth::{Grant, InvalidPrivateKey};
use crate::vault::{VaultError, client_secret_purpose, private_key_purpose};

/// Fewest bytes of a shared secret: as many as the hash of HS256 has (RFC 7518, section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// A connection to add.
#[derive(Debug)]
pub struct ConnectionSettings {
    /// Tenant, by name.
    pub tenant: String,
    /// Name of the connection, unique over the gateway: lower-case letters, digits and `-`.
    pub name: String,
    /// Production or sandbox.
    pub environment: Environment,
    /// Where tokens are asked for.
    pub login_url: String,
    /// Consumer key of the app.
    pub consumer_key: String,
    /// Salesforce user whom the gateway acts as.
    pub username: String,
    /// The app's private key (PEM).
    pub private_key: SecretString,
    /// API version, for example `67.0`.
    pub api_version: String,
    /// Salesforce calls that may be spent in 24 hours; `None`: half of what the org allows.
    pub daily_calls: Option<u64>,
    /// Who may call on its behalf.
    pub clients: Vec<ClientSettings>,
    /// The partner's users.
    pub users: Vec<PartnerUser>,
}

/// Somebody who may call the gateway.
#[derive(Debug)]
pub struct ClientSettings {
    /// What its tokens name as `iss`.
    pub id: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// How its tokens are verified.
    pub key: ClientKeySettings,
}

/// How a client's tokens are verified.
#[derive(Debug)]
pub enum ClientKeySettings {
    /// HS256 with this secret of at least 32 bytes.
    Secret(SecretBox<[u8]>),
    /// RS256 with this public key (PEM).
    PublicKey(String),
}

/// Why a connection was not added. Each names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// The name has other characters, or none.
    #[error("name: {name:?} is no connection name; use lower-case letters, digits and -, at most 60")]
    Name {
        /// The name met.
        name: String,
    },
    /// Something that must be given is blank.
    #[error("{field}: missing")]
    Blank {
        /// The field.
        field: &'static str,
    },
    /// The login address is none.
    #[error("login_url: {0}")]
    LoginUrl(#[from] InvalidBaseUrl),
    /// The version is none.
    #[error("api_version: {version:?} is no API version; write 67.0")]
    ApiVersion {
        /// The text met.
        version: String,
    },
    /// The private key is none.
    #[error("private_key_file: {0}")]
    PrivateKey(#[from] InvalidPrivateKey),
    /// A client's id is blank or comes twice.
    #[error("client[{index}].id: {id:?} is blank or comes twice")]
    ClientId {
        /// Place of the client, from 0.
        index: usize,
        /// The id met.
        id: String,
    },
    /// A shared secret is too short.
    #[error("client[{index}]: the secret of {id} has {bytes} bytes; HS256 needs at least {MIN_SECRET_BYTES}")]
    ShortSecret {
        /// Place of the client, from 0.
        index: usize,
        /// The client.
        id: String,
        /// Bytes it has.
        bytes: usize,
    },
    /// A public key is none.
    #[error("client[{index}]: the public key of {id} is no RSA public key in PEM form")]
    PublicKey {
        /// Place of the client, from 0.
        index: usize,
        /// The client.
        id: String,
    },
    /// A user's id is blank or comes twice.
    #[error("user[{index}].id: {id:?} is blank or comes twice")]
    UserId {
        /// Place of the user, from 0.
        index: usize,
        /// The id met.
        id: String,
    },
    /// A user's address is none.
    #[error("user[{index}].email: {email:?} is no e-mail address")]
    UserEmail {
        /// Place of the user, from 0.
        index: usize,
        /// The address met.
        email: String,
    },
    /// Sealing failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store failed, or a name or client id is taken.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Adds a connection with its clients and users, all or nothing. Its secrets are sealed first.
///
/// # Errors
/// [`AddError`] naming the field.
pub async fn add_connection(app: &App, settings: ConnectionSettings) -> Result<ConnectionId, AddError> {
    let at = app.clock.now();
    check_name(&settings.name)?;
    for (field, value) in [
        ("tenant", &settings.tenant),
        ("consumer_key", &settings.consumer_key),
        ("username", &settings.username),
    ] {
        if value.trim().is_empty() {
            return Err(AddError::Blank { field });
        }
    }
    check_version(&settings.api_version)?;
    let login = BaseUrl::parse(&settings.login_url)?;
    let login_url = login.to_string();
    Grant::new(
        login,
        &settings.consumer_key,
        &settings.username,
        &settings.private_key,
    )?;
    check_users(&settings.users)?;
    let sealed_private_key = app.vault.seal(
        &private_key_purpose(&settings.name),
        settings.private_key.expose_secret().as_bytes(),
    )?;
    let clients = seal_clients(app, settings.clients)?;
    let new = NewConnection {
        tenant: settings.tenant,
        connection: Connection {
            id: ConnectionId(0),
            tenant: causeway_core::id::TenantId(0),
            name: settings.name,
            environment: settings.environment,
            login_url,
            consumer_key: settings.consumer_key,
            username: settings.username,
            sealed_private_key,
            api_version: settings.api_version,
            organization: None,
            instance_url: None,
            integration_user: None,
            daily_calls: settings.daily_calls,
            daily_allowance: None,
            enabled: true,
            created_at: at,
        },
        clients,
        users: settings.users,
    };
    Ok(app
        .store
        .write(Lane::Interactive, move |tx| tx.add_connection(&new, at))
        .await?)
}

fn check_name(name: &str) -> Result<(), AddError> {
    let fits = (1..=60).contains(&name.len())
        && name
            .chars()
            .all(|character| matches!(character, 'a'..='z' | '0'..='9' | '-'));
    fits.then_some(()).ok_or_else(|| AddError::Name {
        name: name.to_owned(),
    })
}

/// Versions below 41.0 are on their way out, and query jobs need 47.0.
fn check_version(version: &str) -> Result<(), AddError> {
    version
        .strip_suffix(".0")
        .and_then(|number| number.parse::<u32>().ok())
        .filter(|number| (47..1_000).contains(number))
        .map(drop)
        .ok_or_else(|| AddError::ApiVersion {
            version: version.to_owned(),
        })
}

fn check_users(users: &[PartnerUser]) -> Result<(), AddError> {
    let mut ids = BTreeSet::new();
    for (index, user) in users.iter().enumerate() {
        if user.id.trim().is_empty() || !ids.insert(&user.id) {
            return Err(AddError::UserId {
                index,
                id: user.id.clone(),
            });
        }
        let named = user
            .email
            .trim()
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
        if !named {
            return Err(AddError::UserEmail {
                index,
                email: user.email.clone(),
            });
        }
    }
    Ok(())
}

fn seal_clients(app: &App, clients: Vec<ClientSettings>) -> Result<Vec<Client>, AddError> {
    let mut ids = BTreeSet::new();
    let mut sealed = Vec::with_capacity(clients.len());
    for (index, client) in clients.into_iter().enumerate() {
        let id = client.id;
        if id.trim().is_empty() || !ids.insert(id.clone()) {
            return Err(AddError::ClientId { index, id });
        }
        let key = match client.key {
            ClientKeySettings::Secret(secret) => {
                let bytes = secret.expose_secret().len();
                if bytes < MIN_SECRET_BYTES {
                    return Err(AddError::ShortSecret { index, id, bytes });
                }
                let purpose = client_secret_purpose(&id);
                ClientKey::Hs256(app.vault.seal(&purpose, secret.expose_secret())?)
            }
            ClientKeySettings::PublicKey(pem) => {
                if DecodingKey::from_rsa_pem(pem.as_bytes()).is_err() {
                    return Err(AddError::PublicKey { index, id });
                }
                ClientKey::Rs256(pem)
            }
        };
        sealed.push(Client {
            id,
            connection: ConnectionId(0),
            key,
            scopes: client.scopes,
            revoked_at: None,
        });
    }
    Ok(sealed)
}

/// What applying a mapping document did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedMapping {
    /// The mapping.
    pub mapping: MappingId,
    /// Partner object.
    pub partner_object: String,
    /// sObject.
    pub salesforce_object: String,
    /// The revision in force.
    pub revision: PlanRevision,
    /// Whether that revision is new. An unchanged document against an unchanged describe makes none.
    pub changed: bool,
}

/// Why a mapping was not applied. The one in force stays in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// There is no such connection.
    #[error("the connection does not exist")]
    NoConnection,
    /// The connection's key or address are of no use.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Salesforce failed.
    #[error("Salesforce could not be asked to describe the object")]
    Salesforce(Failure),
    /// The document does not fit what Salesforce describes.
    #[error("the mapping has {} problem(s)", .0.len())]
    Problems(Vec<MappingProblem>),
    /// The login leads to another org than the connection's.
    #[error(transparent)]
    OtherOrg(#[from] OtherOrg),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Checks a mapping document against what the org describes and puts it in force as the next revision.
///
/// # Errors
/// [`MappingError`], with every problem of the document.
pub async fn apply_mapping(
    app: &App,
    connection: ConnectionId,
    document: &MappingDocument,
) -> Result<AppliedMapping, MappingError> {
    let (known, plans, settings) = app
        .store
        .read(move |tx| {
            Ok((
                tx.connection(connection)?,
                tx.plans(connection)?,
                tx.settings(connection)?,
            ))
        })
        .await?;
    let known = known.ok_or(MappingError::NoConnection)?;
    let previous = plans
        .into_iter()
        .find(|plan| plan.partner_object == document.partner_object);
    if let Some(previous) = &previous {
        check_object(previous, document)?;
    }
    let salesforce = app.salesforce.client(&app.vault, &known)?;
    remember_org(app, connection, &salesforce).await?;
    let object = salesforce
        .describe(&document.salesforce_object)
        .await
        .map_err(MappingError::Salesforce)?;
    let text = serde_json::to_string_pretty(document).unwrap_or_default();

    let (mapping, revision) = match &previous {
        Some(previous) => {
            let same = MappingPlan::check(
                previous.mapping,
                previous.revision,
                document,
                &object,
                Some(previous),
            )
            .map_err(MappingError::Problems)?;
            // What is in force stands under what the admin set.
            if same.under(&settings).unwrap_or(same) == **previous {
                return Ok(applied(previous, false));
            }
            (previous.mapping, PlanRevision(previous.revision.0 + 1))
        }
        None => {
            // Checked once before a number is taken, so that a bad document leaves no gap.
            MappingPlan::check(MappingId(0), PlanRevision(1), document, &object, None)
                .map_err(MappingError::Problems)?;
            let mapping = app
                .store
                .write(Lane::Interactive, move |tx| tx.next_mapping(connection))
                .await?;
            (mapping, PlanRevision(1))
        }
    };
    let plan = MappingPlan::check(mapping, revision, document, &object, previous.as_deref())
        .map_err(MappingError::Problems)?;
    let at = app.clock.now();
    app.store
        .write(Lane::Interactive, move |tx| {
            if let Some(problem) = moved_identity(tx, connection, previous.as_deref(), &plan)? {
                return Ok(Err(MappingError::Problems(vec![problem])));
            }
            tx.add_plan(connection, &plan, &text, at)?;
            Ok(Ok(applied(&plan, true)))
        })
        .await?
}

/// What the records of a mapping are recognised by was reserved when they were made or linked. Under another field they
/// would be taken for new ones, and new ones for them.
fn moved_identity(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    previous: Option<&MappingPlan>,
    plan: &MappingPlan,
) -> Result<Option<MappingProblem>, StoreError> {
    let Some(previous) = previous.filter(|previous| previous.identity != plan.identity) else {
        return Ok(None);
    };
    let links = tx.link_counts(connection, plan.mapping)?;
    let living = links.linked + links.held + links.creating;
    if living == 0 {
        return Ok(None);
    }
    let field = previous.identity.and_then(|id| previous.field(id));
    let (before, fix) = match field {
        Some(field) => (
            format!("`{}` ({})", field.partner, field.salesforce.name),
            format!(
                "write `{}` again, mapped with {}",
                field.partner, field.salesforce.name
            ),
        ),
        None => ("no field".to_owned(), "leave `identity` out".to_owned()),
    };
    Ok(Some(MappingProblem {
        at: "identity".to_owned(),
        message: format!(
            "the {living} records of {:?} are recognised by {before}, which cannot change while they are linked; {fix}, \
             or start a new mapping with another partnerObject",
            plan.partner_object
        ),
    }))
}

fn applied(plan: &MappingPlan, changed: bool) -> AppliedMapping {
    AppliedMapping {
        mapping: plan.mapping,
        partner_object: plan.partner_object.clone(),
        salesforce_object: plan.salesforce_object.clone(),
        revision: plan.revision,
        changed,
    }
}

/// The links of a mapping are of records of one object; those of another object would stand beside them for good.
fn check_object(previous: &MappingPlan, document: &MappingDocument) -> Result<(), MappingError> {
    let (before, now) = (&previous.salesforce_object, &document.salesforce_object);
    if before.eq_ignore_ascii_case(now) {
        return Ok(());
    }
    Err(MappingError::Problems(vec![MappingProblem {
        at: "salesforceObject".to_owned(),
        message: format!(
            "{:?} is mapped with {before}, and its records stay linked with that; write {before}, or map {now} with \
             another partnerObject",
            previous.partner_object
        ),
    }]))
}

impl From<OrgError> for MappingError {
    fn from(error: OrgError) -> Self {
        match error {
            OrgError::Other(other) => MappingError::OtherOrg(other),
            OrgError::Salesforce(failure) => MappingError::Salesforce(failure),
            OrgError::Store(error) => MappingError::Store(error),
        }
    }
}

/// Why users could not be matched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatchUsersError {
    /// There is no such connection.
    #[error("the connection does not exist")]
    NoConnection,
    /// The connection's key or address are of no use.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The connection's org is not certain.
    #[error(transparent)]
    Org(#[from] OrgError),
    /// Matching failed.
    #[error(transparent)]
    Match(#[from] MatchError),
}

/// Matches the partner's users with Salesforce's by e-mail address.
///
/// # Errors
/// [`MatchUsersError`]; nothing is kept then.
pub async fn match_connection_users(app: &App, connection: ConnectionId) -> Result<Matched, MatchUsersError> {
    let known = app
        .store
        .read(move |tx| tx.connection(connection))
        .await
        .map_err(MatchError::Store)?
        .ok_or(MatchUsersError::NoConnection)?;
    let salesforce = app.salesforce.client(&app.vault, &known)?;
    remember_org(app, connection, &salesforce).await?;
    Ok(match_users(app, connection, &salesforce).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_of_another_form_are_refused() {
        for name in ["acme", "acme-eu-2"] {
            assert_eq!(check_name(name), Ok(()));
        }
        for name in ["", "Acme", "acme eu", "a/b", &"a".repeat(61)] {
            assert!(check_name(name).is_err(), "{name}");
        }
        for version in ["67.0", "47.0"] {
            assert_eq!(check_version(version), Ok(()));
        }
        for version in ["67", "v67.0", "40.0", "67.1", ""] {
            assert!(check_version(version).is_err(), "{version}");
        }
    }

    #[test]
    fn users_need_an_id_of_their_own_and_an_address() {
        let user = |id: &str, email: &str| PartnerUser {
            id: id.to_owned(),
            email: email.to_owned(),
            name: String::new(),
            active: true,
            salesforce_user: None,
        };
        assert_eq!(check_users(&[user("u-1", "a@b"), user("u-2", "a@b")]), Ok(()));
        assert!(matches!(
            check_users(&[user("u-1", "a@b"), user("u-1", "c@d")]),
            Err(AddError::UserId { index: 1, .. })
        ));
        assert!(matches!(
            check_users(&[user("u-1", "nobody")]),
            Err(AddError::UserEmail { index: 0, .. })
        ));
    }
}
