//! What the org's admin sets on the package's pages.

use causeway_core::failure::Failure;
use causeway_core::id::{ConnectionId, SalesforceId};
use causeway_core::owners;
use causeway_core::ports::connections::Connection;
use causeway_core::ports::settings::{AdminSettings, DataOwner, DefaultAccount, InstantSchedule};
use causeway_core::ports::{Lane, StoreError, Transaction};

use crate::app::App;
use crate::app::org::{OrgError, remember_org};
use crate::members::FieldError;
use crate::salesforce::Salesforce;
use crate::salesforce::rest::Seen;
use crate::salesforce::soql::quoted;

/// Characters of a setting.
const LONGEST: usize = 200;

/// Minutes from one instant sync to the next: at least, and at most.
pub const INTERVALS: std::ops::RangeInclusive<u32> = 5..=1_440;

/// What an admin saves, all or nothing. A blank text is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewSettings {
    /// The partner's user to whom records belong whose owner has no partner user, by id or e-mail address.
    pub data_owner: Option<String>,
    /// Name of the account to which new contacts and opportunities from the partner are attached.
    pub account_name: Option<String>,
    /// Names the partner's site that is shown on records.
    pub micro_site_key: Option<String>,
    /// Names the page that is shown on records.
    pub frame_name: Option<String>,
}

/// Why settings were not saved. Nothing is saved then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Some are wrong.
    #[error("some settings are wrong")]
    Wrong(Vec<FieldError>),
    /// Somebody else saved since the caller read them.
    #[error("the settings are at revision {revision} by now")]
    Changed {
        /// The revision in force.
        revision: i64,
    },
    /// The store failed.
    #[error("the settings could not be stored")]
    Store(#[from] StoreError),
}

/// Saves settings. `replaced` is the revision that the caller saw, if it says.
///
/// The account is looked up at once. Where the org cannot be asked, it is as soon as something is written to it.
///
/// # Errors
/// [`SettingsError`] with every wrong field.
pub async fn save(
    app: &App,
    connection: &Connection,
    new: NewSettings,
    replaced: Option<i64>,
) -> Result<AdminSettings, SettingsError> {
    let id = connection.id;
    let mut wrong = Vec::new();
    let mut text = |field: &str, text: Option<String>| {
        let text = text
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())?;
        if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
            wrong.push(error(
                field,
                format!("must be at most {LONGEST} characters, in one line"),
            ));
            return None;
        }
        Some(text)
    };
    let typed_owner = text("dataOwner", new.data_owner);
    let account_name = text("accountName", new.account_name);
    let micro_site_key = text("microSiteKey", new.micro_site_key);
    let frame_name = text("frameName", new.frame_name);
    let (users, before) = app
        .store
        .read(move |tx| Ok((tx.partner_users(id)?, tx.settings(id)?)))
        .await?;
    let mut data_owner = None;
    if let Some(typed) = typed_owner {
        match owners::named(&users, &typed) {
            Ok(user) => {
                let user = user.id.clone();
                data_owner = Some(DataOwner { typed, user });
            }
            Err(not) => wrong.push(error("dataOwner", not.to_string())),
        }
    }
    let mut default_account = None;
    if let Some(name) = account_name {
        match account_of(app, connection, &before, name).await {
            Ok(account) => default_account = Some(account),
            Err(not) => wrong.push(error("accountName", not.to_string())),
        }
    }
    if !wrong.is_empty() {
        return Err(SettingsError::Wrong(wrong));
    }
    change(app, id, replaced, move |settings| {
        settings.data_owner = data_owner.clone();
        settings.default_account = default_account.clone();
        settings.micro_site_key = micro_site_key.clone();
        settings.frame_name = frame_name.clone();
    })
    .await
}

/// Says when instant syncs come by themselves, from now on.
///
/// # Errors
/// [`SettingsError`] for an interval out of bounds.
pub async fn save_instant(
    app: &App,
    connection: ConnectionId,
    schedule: InstantSchedule,
    replaced: Option<i64>,
) -> Result<AdminSettings, SettingsError> {
    if !INTERVALS.contains(&schedule.interval_minutes) {
        let bounds = format!("must be {} to {} minutes", INTERVALS.start(), INTERVALS.end());
        return Err(SettingsError::Wrong(vec![error("intervalMinutes", bounds)]));
    }
    change(app, connection, replaced, move |settings| {
        settings.instant = Some(schedule);
    })
    .await
}

/// Changes settings in one unit.
pub(super) async fn change(
    app: &App,
    connection: ConnectionId,
    replaced: Option<i64>,
    change: impl Fn(&mut AdminSettings) + Send + 'static,
) -> Result<AdminSettings, SettingsError> {
    app.store
        .write(Lane::Interactive, move |tx| {
            let mut settings = tx.settings(connection)?;
            if replaced.is_some_and(|replaced| replaced != settings.revision) {
                return Ok(Err(SettingsError::Changed {
                    revision: settings.revision,
                }));
            }
            change(&mut settings);
            settings.revision = tx.put_settings(connection, &settings)?;
            Ok(Ok(settings))
        })
        .await?
}

/// What the admin typed as data owner, where that user is not there or not active any more.
pub(super) fn missing_data_owner(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
) -> Result<Option<String>, StoreError> {
    let Some(owner) = tx.settings(connection)?.data_owner else {
        return Ok(None);
    };
    let users = tx.partner_users(connection)?;
    let is_there = users.iter().any(|user| user.id == owner.user && user.active);
    Ok((!is_there).then_some(owner.typed))
}

/// Why a name names no account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum NotAnAccount {
    #[error(
        "Salesforce has no account {name:?} that the gateway's user can see; enter the name of one, or leave it empty"
    )]
    None { name: String },
    #[error(
        "Salesforce has several accounts named {name:?}; enter a name that only one has, or leave it empty"
    )]
    Several { name: String },
}

/// Why the account could not be looked up.
enum Unfound {
    Not(NotAnAccount),
    Org(OrgError),
}

/// The account of this name. Where the org cannot be asked it is left for later.
async fn account_of(
    app: &App,
    connection: &Connection,
    before: &AdminSettings,
    name: String,
) -> Result<DefaultAccount, NotAnAccount> {
    if let Some(known) = &before.default_account
        && known.name == name
        && known.id.is_some()
    {
        return Ok(known.clone());
    }
    let found = match app.salesforce_for(connection) {
        Ok(salesforce) => match remember_org(app, connection.id, &salesforce).await {
            Ok(()) => look_up(&salesforce, &name).await,
            Err(error) => Err(Unfound::Org(error)),
        },
        Err(error) => {
            tracing::info!(connection = %connection.id, %error, "an account is looked up later");
            return Ok(DefaultAccount { name, id: None });
        }
    };
    match found {
        Ok(id) => Ok(DefaultAccount { name, id: Some(id) }),
        Err(Unfound::Not(not)) => Err(not),
        Err(Unfound::Org(error)) => {
            tracing::info!(connection = %connection.id, %error, "an account is looked up later");
            Ok(DefaultAccount { name, id: None })
        }
    }
}

async fn look_up(salesforce: &Salesforce, name: &str) -> Result<SalesforceId, Unfound> {
    let failed = |failure: Failure| Unfound::Org(OrgError::Salesforce(failure));
    let soql = format!(
        "SELECT Id, Name FROM Account WHERE Name = {} LIMIT 2",
        quoted(name)
    );
    let rows = salesforce.query(&soql, Seen::Live).all().await.map_err(failed)?;
    match rows.as_slice() {
        [] => Err(Unfound::Not(NotAnAccount::None {
            name: name.to_owned(),
        })),
        [one] => {
            let id = one
                .get("Id")
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default();
            SalesforceId::parse(id).map_err(|error| {
                failed(Failure::Unreadable {
                    message: format!("expected the id of an account: {error}"),
                })
            })
        }
        _ => Err(Unfound::Not(NotAnAccount::Several {
            name: name.to_owned(),
        })),
    }
}

/// Why nothing may be written before the admin's account is known.
#[derive(Debug, thiserror::Error)]
pub(super) enum AccountError {
    #[error("Account Name in Connection Settings: {0}")]
    Not(String),
    #[error("the org could not be asked")]
    Org(OrgError),
}

/// Looks the admin's account up that could not be when it was saved.
///
/// # Errors
/// [`AccountError`] when it is not certain: what is written without it could not be attached any more.
pub(super) async fn find_account(
    app: &App,
    connection: ConnectionId,
    salesforce: &Salesforce,
) -> Result<(), AccountError> {
    let failed = |error: StoreError| AccountError::Org(OrgError::Store(error));
    let settings = app
        .store
        .read(move |tx| tx.settings(connection))
        .await
        .map_err(failed)?;
    let Some(DefaultAccount { name, id: None }) = settings.default_account else {
        return Ok(());
    };
    let id = look_up(salesforce, &name)
        .await
        .map_err(|unfound| match unfound {
            Unfound::Not(not) => AccountError::Not(not.to_string()),
            Unfound::Org(error) => AccountError::Org(error),
        })?;
    app.store
        .write(Lane::Interactive, move |tx| {
            let mut settings = tx.settings(connection)?;
            match &mut settings.default_account {
                Some(account) if account.name == name => account.id = Some(id),
                _ => return Ok(()),
            }
            tx.put_settings(connection, &settings).map(drop)
        })
        .await
        .map_err(failed)
}

fn error(field: &str, message: String) -> FieldError {
    FieldError {
        field: field.to_owned(),
        message,
    }
}
