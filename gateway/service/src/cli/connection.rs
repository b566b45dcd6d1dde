//! `causeway connection`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use causeway_core::ports::StoreError;
use causeway_core::ports::connections::{ClientKey, Connection, Environment};
use secrecy::{ExposeSecret, SecretBox, SecretString};

use super::connection_file::{self, ClientEntryKey, ConnectionFile};
use super::{CommandError, Outcome, output, secret_file};
use crate::app::administer::{self, AddError, ClientKeySettings, ClientSettings, ConnectionSettings};
use crate::app::{App, directory, package};

/// Adds the connection that a file describes.
pub(super) async fn add(app: &Arc<App>, path: &Path) -> Outcome {
    let file = connection_file::read(path).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|error| format!("  {error}")).collect();
        CommandError::new(format!("{} is not added:\n{}", path.display(), lines.join("\n")))
    })?;
    let (settings, generated) = settle(file)?;
    let name = settings.name.clone();
    // Written before the connection is: a secret that nobody knows would be of no use.
    for (path, secret) in &generated {
        secret_file::write_new(path, secret).map_err(CommandError::new)?;
    }
    let added = administer::add_connection(app, settings).await;
    if let Err(error) = added {
        for (path, _) in &generated {
            if let Err(error) = std::fs::remove_file(path) {
                output::note(&format!(
                    "{} is of no use and can be removed ({error})",
                    path.display()
                ));
            }
        }
        return Err(CommandError::new(match error {
            AddError::Store(StoreError::Exists { what }) => {
                format!("{what} exists already; choose another name or id, nothing was added")
            }
            other => other.to_string(),
        }));
    }
    output::line(&format!("connection {name} is added"));
    for (path, _) in &generated {
        output::line(&format!(
            "a client's new secret is in {}; hand it over safely, it is not shown again",
            path.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Lists connections.
pub(super) async fn list(app: &Arc<App>) -> Outcome {
    let connections = directory::connections(app).await.map_err(failed)?;
    let rows: Vec<Vec<String>> = connections
        .iter()
        .map(|connection| {
            vec![
                connection.name.clone(),
                environment(connection.environment).to_owned(),
                connection.username.clone(),
                connection
                    .organization
                    .map_or_else(|| "-".to_owned(), |id| id.to_string()),
                if connection.enabled { "on" } else { "off" }.to_owned(),
            ]
        })
        .collect();
    output::table(
        &["name", "environment", "username", "organization", "switch"],
        &rows,
    );
    Ok(ExitCode::SUCCESS)
}

/// Shows a connection. Secrets stay where they are.
pub(super) async fn show(app: &Arc<App>, name: &str) -> Outcome {
    let connection = find(app, name).await?;
    let directory::People { clients, users } = directory::people(app, connection.id).await.map_err(failed)?;
    let pairs = [
        ("name", connection.name.clone()),
        ("environment", environment(connection.environment).to_owned()),
        ("login_url", connection.login_url.clone()),
        ("username", connection.username.clone()),
        (
            "private_key",
            format!("set on {}", connection.created_at.format("%Y-%m-%d")),
        ),
        ("api_version", connection.api_version.clone()),
        (
            "organization",
            connection
                .organization
                .map_or_else(|| "not known yet".to_owned(), |id| id.to_string()),
        ),
        (
            "instance_url",
            connection
                .instance_url
                .clone()
                .unwrap_or_else(|| "not known yet".to_owned()),
        ),
        ("switch", if connection.enabled { "on" } else { "off" }.to_owned()),
    ];
    for (key, value) in pairs {
        output::line(&format!("{key:<13} {value}"));
    }
    let package = package::state(app, connection.id).await.map_err(failed)?;
    if let Some(report) = &package.report {
        let told = format!("{} on {}", report.version, report.at.format("%Y-%m-%d %H:%M UTC"));
        output::line(&format!("{:<13} {told}", "package"));
    }
    for issue in &package.issues {
        output::line(&format!(
            "{:<13} {}. {}",
            "to see to", issue.message, issue.next_step
        ));
    }
    output::line("");
    let rows: Vec<Vec<String>> = clients
        .iter()
        .map(|client| {
            vec![
                client.id.clone(),
                match client.key {
                    ClientKey::Hs256(_) => "HS256",
                    ClientKey::Rs256(_) => "RS256",
                }
                .to_owned(),
                client.scopes.join(" "),
                client
                    .revoked_at
                    .map_or_else(String::new, |at| format!("revoked on {}", at.format("%Y-%m-%d"))),
            ]
        })
        .collect();
    output::table(&["client", "key", "scopes", ""], &rows);
    output::line("");
    let rows: Vec<Vec<String>> = users
        .iter()
        .map(|user| {
            vec![
                user.id.clone(),
                user.email.clone(),
                user.name.clone(),
                user.salesforce_user
                    .map_or_else(|| "-".to_owned(), |id| id.to_string()),
                if user.active { "" } else { "inactive" }.to_owned(),
            ]
        })
        .collect();
    output::table(&["user", "email", "name", "Salesforce user", ""], &rows);
    Ok(ExitCode::SUCCESS)
}

/// Makes a pairing code for the package of the connection's org.
pub(super) async fn pair(app: &Arc<App>, name: &str, minutes: u64, public_url: Option<&str>) -> Outcome {
    let connection = find(app, name).await?;
    let lives = Duration::from_secs(minutes * 60);
    let code = package::invite(app, &connection, lives)
        .await
        .map_err(CommandError::new)?;
    output::line(&format!("pairing code  {code}"));
    output::line(&format!(
        "endpoint      {}",
        public_url.unwrap_or("the address that `causeway serve` listens on")
    ));
    output::line("");
    output::line(&format!(
        "Enter both in Salesforce: Causeway, Connection Settings, Pair. The code is good once, for {minutes} minutes; a \
         code made before is of no use any more."
    ));
    Ok(ExitCode::SUCCESS)
}

/// A connection by name.
pub(super) async fn find(app: &Arc<App>, name: &str) -> Result<Connection, CommandError> {
    let known = directory::connections(app).await.map_err(failed)?;
    let found = known.iter().find(|connection| connection.name == name).cloned();
    found.ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|connection| connection.name.as_str()).collect();
        CommandError::new(if names.is_empty() {
            format!("there is no connection {name:?}; add one with `causeway connection add --file`")
        } else {
            format!("there is no connection {name:?}; there are: {}", names.join(", "))
        })
    })
}

/// What went wrong with the store, for people.
pub(super) fn failed(error: StoreError) -> CommandError {
    CommandError::new(error.to_string())
}

/// New secrets with the files they are to be written to.
type Generated = Vec<(std::path::PathBuf, SecretString)>;

/// Makes the secrets that the file asks for.
fn settle(file: ConnectionFile) -> Result<(ConnectionSettings, Generated), CommandError> {
    let mut generated = Vec::new();
    let mut clients = Vec::with_capacity(file.clients.len());
    for client in file.clients {
        let key = match client.key {
            ClientEntryKey::Secret(secret) => ClientKeySettings::Secret(bytes(&secret)),
            ClientEntryKey::Public(pem) => ClientKeySettings::PublicKey(pem),
            ClientEntryKey::Generate(path) => {
                let secret = secret_file::generate().map_err(CommandError::new)?;
                let key = ClientKeySettings::Secret(bytes(&secret));
                generated.push((path, secret));
                key
            }
        };
        clients.push(ClientSettings {
            id: client.id,
            scopes: client
                .scopes
                .iter()
                .map(|scope| scope.as_str().to_owned())
                .collect(),
            key,
        });
    }
    let settings = ConnectionSettings {
        tenant: file.tenant,
        name: file.name,
        environment: file.environment,
        login_url: file.login_url,
        consumer_key: file.consumer_key,
        username: file.username,
        private_key: file.private_key,
        api_version: file.api_version,
        daily_calls: file.daily_calls,
        clients,
        users: file.users,
    };
    Ok((settings, generated))
}

/// The key of a shared secret is its text, as most JWT libraries take it.
fn bytes(secret: &SecretString) -> SecretBox<[u8]> {
    SecretBox::from(secret.expose_secret().as_bytes().to_vec().into_boxed_slice())
}

fn environment(environment: Environment) -> &'static str {
    match environment {
        Environment::Production => "production",
        Environment::Sandbox => "sandbox",
    }
}
