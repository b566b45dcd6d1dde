//! Who and what is known to the gateway: connections with their clients and users, and how much waits for each.

use std::sync::Arc;

use causeway_core::id::ConnectionId;
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::StoreError;
use causeway_core::ports::connections::{Client, Connection, PartnerUser};
use causeway_core::ports::runs::{Run, RunFilter};

use crate::app::App;
use crate::app::read::{self, Waiting};

/// Who may call for a connection, and who owns records on the partner's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People {
    /// Clients.
    pub clients: Vec<Client>,
    /// The partner's users.
    pub users: Vec<PartnerUser>,
}

/// What an operator watches of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Name of the connection.
    pub connection: String,
    /// What waits on both ways, and what of its Salesforce calls is spent.
    pub waiting: Waiting,
    /// Its newest sync runs.
    pub runs: Vec<Run>,
}

/// The client that tokens name so, with the connection it belongs to.
///
/// # Errors
/// When the store fails.
pub async fn client(app: &App, id: &str) -> Result<Option<(Client, Connection)>, StoreError> {
    let wanted = id.to_owned();
    app.store
        .read(move |tx| {
            let Some(client) = tx.client(&wanted)? else {
                return Ok(None);
            };
            let connection = tx.connection(client.connection)?;
            Ok(connection.map(|connection| (client, connection)))
        })
        .await
}

/// All connections, by tenant and name.
///
/// # Errors
/// When the store fails.
pub async fn connections(app: &App) -> Result<Vec<Connection>, StoreError> {
    app.store.read(|tx| tx.connections()).await
}

/// Clients and users of a connection.
///
/// # Errors
/// When the store fails.
pub async fn people(app: &App, connection: ConnectionId) -> Result<People, StoreError> {
    app.store
        .read(move |tx| {
            Ok(People {
                clients: tx.clients(connection)?,
                users: tx.partner_users(connection)?,
            })
        })
        .await
}

/// The plans in force.
///
/// # Errors
/// When the store fails.
pub async fn plans(app: &App, connection: ConnectionId) -> Result<Vec<Arc<MappingPlan>>, StoreError> {
    app.store.read(move |tx| tx.plans(connection)).await
}

/// The document behind the mapping in force for a partner object.
///
/// # Errors
/// When the store fails.
pub async fn document(
    app: &App,
    connection: ConnectionId,
    partner_object: &str,
) -> Result<Option<String>, StoreError> {
    let wanted = partner_object.to_owned();
    app.store
        .read(move |tx| {
            let plans = tx.plans(connection)?;
            match plans.iter().find(|plan| plan.partner_object == wanted) {
                Some(plan) => tx.document(connection, plan.mapping, plan.revision),
                None => Ok(None),
            }
        })
        .await
}

/// Which of these partner objects, of all that are mapped where none is named, are no part of a run.
///
/// # Errors
/// When the store fails.
pub async fn left_out(
    app: &App,
    connection: ConnectionId,
    run: &Run,
    objects: &[String],
) -> Result<Vec<String>, StoreError> {
    let plans = plans(app, connection).await?;
    Ok(plans
        .iter()
        .filter(|plan| objects.is_empty() || objects.contains(&plan.partner_object))
        .filter(|plan| !run.parts.iter().any(|part| part.mapping == plan.mapping))
        .map(|plan| plan.partner_object.clone())
        .collect())
}

/// What goes on in every connection, with up to `runs` sync runs each.
///
/// # Errors
/// When the store fails.
pub async fn activity(app: &App, runs: u32) -> Result<Vec<Activity>, StoreError> {
    let now = app.clock.now();
    app.store
        .read(move |tx| {
            tx.connections()?
                .into_iter()
                .map(|connection| {
                    Ok(Activity {
                        waiting: read::waits(tx, &connection, now)?,
                        runs: tx.runs(connection.id, RunFilter::default(), None, runs)?,
                        connection: connection.name,
                    })
                })
                .collect()
        })
        .await
}
