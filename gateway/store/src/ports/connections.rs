//! Connections, clients, users and plans.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, MappingId, PlanRevision, SalesforceId, TenantId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::connections::{Client, ClientKey, Connection, NewConnection, PartnerUser, Sealed};
use causeway_core::ports::{Connections, StoreError};
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::ROWS;
use crate::columns::{
    Word, from_column, from_json, micros, moment, optional_salesforce_id, to_column, to_json,
};
use crate::engine::on_engine;
use crate::error::unexpected;
use crate::schema::{client, connection, counter, partner_user, tenant};
use crate::session::Session;
use crate::text;

/// The connection under whose counter tenants and connections themselves are numbered.
const GATEWAY: ConnectionId = ConnectionId(0);

const HS256: &str = "HS256";
const RS256: &str = "RS256";

impl Connections for Session {
    fn add_connection(&mut self, new: &NewConnection, at: Instant) -> Result<ConnectionId, StoreError> {
        self.port(|session| add_connection(session, new, at))
    }

    fn connections(&mut self) -> Result<Vec<Connection>, StoreError> {
        self.port(|session| {
            let rows = on_engine!(session, |db| connection::table
                .order((connection::tenant_id, connection::name))
                .select(ConnectionRow::as_select())
                .load(db));
            session
                .checked(rows)?
                .into_iter()
                .map(ConnectionRow::read)
                .collect()
        })
    }

    fn connection(&mut self, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
        self.port(|session| {
            let row = on_engine!(session, |db| connection::table
                .find(id.0)
                .select(ConnectionRow::as_select())
                .first(db)
                .optional());
            session.checked(row)?.map(ConnectionRow::read).transpose()
        })
    }

    fn connection_named(&mut self, name: &str) -> Result<Option<Connection>, StoreError> {
        if !text::is_storable([name]) {
            return Ok(None);
        }
        self.port(|session| connection_named(session, name))
    }

    fn set_org(&mut self, id: ConnectionId, org: SalesforceId, instance_url: &str) -> Result<(), StoreError> {
        self.port(|session| {
            let updated = on_engine!(session, |db| diesel::update(connection::table.find(id.0))
                .set((
                    connection::organization.eq(org.as_str()),
                    connection::instance_url.eq(instance_url),
                ))
                .execute(db));
            session.checked(updated).and_then(|rows| known(id, rows))
        })
    }

    fn set_integration_user(&mut self, id: ConnectionId, user: SalesforceId) -> Result<(), StoreError> {
        self.port(|session| {
            let updated = on_engine!(session, |db| diesel::update(connection::table.find(id.0))
                .set(connection::integration_user.eq(user.as_str()))
                .execute(db));
            session.checked(updated).and_then(|rows| known(id, rows))
        })
    }

    fn set_daily_allowance(&mut self, id: ConnectionId, calls: u64) -> Result<(), StoreError> {
        self.port(|session| {
            let calls = to_column(calls)?;
            let updated = on_engine!(session, |db| diesel::update(connection::table.find(id.0))
                .set(connection::daily_allowance.eq(calls))
                .execute(db));
            session.checked(updated).and_then(|rows| known(id, rows))
        })
    }

    fn set_daily_calls(&mut self, id: ConnectionId, calls: Option<u64>) -> Result<(), StoreError> {
        self.port(|session| {
            let calls = calls.map(to_column).transpose()?;
            let updated = on_engine!(session, |db| diesel::update(connection::table.find(id.0))
                .set(connection::daily_calls.eq(calls))
                .execute(db));
            session.checked(updated).and_then(|rows| known(id, rows))
        })
    }

    fn client(&mut self, id: &str) -> Result<Option<Client>, StoreError> {
        if !text::is_storable([id]) {
            return Ok(None);
        }
        self.port(|session| {
            let row = on_engine!(session, |db| client::table
                .filter(client::id.eq(id))
                .select(ClientRow::as_select())
                .first(db)
                .optional());
            session.checked(row)?.map(ClientRow::read).transpose()
        })
    }

    fn clients(&mut self, connection: ConnectionId) -> Result<Vec<Client>, StoreError> {
        self.port(|session| {
            let rows = on_engine!(session, |db| client::table
                .filter(client::connection_id.eq(connection.0))
                .order(client::id)
                .select(ClientRow::as_select())
                .load(db));
            session.checked(rows)?.into_iter().map(ClientRow::read).collect()
        })
    }

    fn partner_users(&mut self, connection: ConnectionId) -> Result<Vec<PartnerUser>, StoreError> {
        self.port(|session| {
            let rows = on_engine!(session, |db| partner_user::table
                .filter(partner_user::connection_id.eq(connection.0))
                .order(partner_user::id)
                .select(UserRow::as_select())
                .load(db));
            session.checked(rows)?.into_iter().map(UserRow::read).collect()
        })
    }

    fn put_partner_users(
        &mut self,
        connection: ConnectionId,
        users: &[PartnerUser],
    ) -> Result<(), StoreError> {
        self.port(|session| put_partner_users(session, connection, users))
    }

    fn next_mapping(&mut self, connection: ConnectionId) -> Result<MappingId, StoreError> {
        self.port(|session| session.take_numbers(connection, 1).map(MappingId))
    }

    fn add_plan(
        &mut self,
        connection: ConnectionId,
        plan: &MappingPlan,
        document: &str,
        at: Instant,
    ) -> Result<(), StoreError> {
        self.port(|session| super::plans::add(session, connection, plan, document, at))
    }

    fn plans(&mut self, connection: ConnectionId) -> Result<Vec<Arc<MappingPlan>>, StoreError> {
        self.port(|session| super::plans::in_force(session, connection))
    }

    fn document(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        revision: PlanRevision,
    ) -> Result<Option<String>, StoreError> {
        self.port(|session| super::plans::document(session, connection, mapping, revision))
    }
}

/// Whether an update met a connection.
fn known(id: ConnectionId, updated: usize) -> Result<(), StoreError> {
    match updated {
        0 => Err(unexpected(format!("there is no connection {id}"))),
        _ => Ok(()),
    }
}

fn add_connection(
    session: &mut Session,
    new: &NewConnection,
    at: Instant,
) -> Result<ConnectionId, StoreError> {
    let names = [&new.tenant, &new.connection.name, &new.connection.username];
    text::refuse_unstorable("connection", names)?;
    text::refuse_unstorable("client's id", new.clients.iter().map(|client| &client.id))?;
    // Whoever adds a connection holds the gateway's counter, so nothing looked up here can appear meanwhile.
    let tenant_number = session.take_numbers(GATEWAY, 2)?;
    let id = ConnectionId(tenant_number + 1);
    refuse_taken(session, new)?;
    let tenant = tenant_named(session, &new.tenant, TenantId(tenant_number))?;
    let row = ConnectionRow::write(id, tenant, &new.connection, at)?;
    let inserted = on_engine!(session, |db| diesel::insert_into(connection::table)
        .values(&row)
        .execute(db));
    session.checked(inserted)?;
    let inserted = on_engine!(session, |db| diesel::insert_into(counter::table)
        .values((counter::connection_id.eq(id.0), counter::next.eq(1)))
        .execute(db));
    session.checked(inserted)?;
    for client in &new.clients {
        let row = ClientRow::write(id, client)?;
        let inserted = on_engine!(session, |db| diesel::insert_into(client::table)
            .values(&row)
            .execute(db));
        session.checked(inserted)?;
    }
    put_partner_users(session, id, &new.users)?;
    Ok(id)
}

fn refuse_taken(session: &mut Session, new: &NewConnection) -> Result<(), StoreError> {
    if connection_named(session, &new.connection.name)?.is_some() {
        return Err(StoreError::Exists {
            what: format!("a connection named {:?}", new.connection.name),
        });
    }
    let ids: Vec<&str> = new.clients.iter().map(|client| client.id.as_str()).collect();
    let taken = on_engine!(session, |db| client::table
        .filter(client::id.eq_any(&ids))
        .select(client::id)
        .first::<String>(db)
        .optional());
    match session.checked(taken)? {
        Some(id) => Err(StoreError::Exists {
            what: format!("a client with id {id:?}"),
        }),
        None => Ok(()),
    }
}

fn tenant_named(session: &mut Session, name: &str, new: TenantId) -> Result<TenantId, StoreError> {
    let known = on_engine!(session, |db| tenant::table
        .filter(tenant::name.eq(name))
        .select(tenant::id)
        .first::<i64>(db)
        .optional());
    if let Some(id) = session.checked(known)? {
        return Ok(TenantId(id));
    }
    let inserted = on_engine!(session, |db| diesel::insert_into(tenant::table)
        .values((tenant::id.eq(new.0), tenant::name.eq(name)))
        .execute(db));
    session.checked(inserted)?;
    Ok(new)
}

fn connection_named(session: &mut Session, name: &str) -> Result<Option<Connection>, StoreError> {
    let row = on_engine!(session, |db| connection::table
        .filter(connection::name.eq(name))
        .select(ConnectionRow::as_select())
        .first(db)
        .optional());
    session.checked(row)?.map(ConnectionRow::read).transpose()
}

fn put_partner_users(
    session: &mut Session,
    connection: ConnectionId,
    users: &[PartnerUser],
) -> Result<(), StoreError> {
    let texts = users.iter().flat_map(|user| [&user.id, &user.email, &user.name]);
    text::refuse_unstorable("partner's user", texts)?;
    // One statement may not write a row twice; of two users with one id the later one counts.
    let rows: BTreeMap<&str, UserRow> = users
        .iter()
        .map(|user| (user.id.as_str(), UserRow::write(connection, user)))
        .collect();
    let rows: Vec<UserRow> = rows.into_values().collect();
    for rows in rows.chunks(ROWS) {
        let written = on_engine!(session, |db| diesel::insert_into(partner_user::table)
            .values(rows)
            .on_conflict((partner_user::connection_id, partner_user::id))
            .do_update()
            .set((
                partner_user::email.eq(excluded(partner_user::email)),
                partner_user::name.eq(excluded(partner_user::name)),
                partner_user::active.eq(excluded(partner_user::active)),
                partner_user::salesforce_user.eq(excluded(partner_user::salesforce_user)),
            ))
            .execute(db));
        session.checked(written)?;
    }
    Ok(())
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = connection, treat_none_as_default_value = false)]
struct ConnectionRow {
    id: i64,
    tenant_id: i64,
    name: String,
    environment: String,
    login_url: String,
    consumer_key: String,
    username: String,
    sealed_private_key: Vec<u8>,
    api_version: String,
    organization: Option<String>,
    instance_url: Option<String>,
    integration_user: Option<String>,
    daily_calls: Option<i64>,
    daily_allowance: Option<i64>,
    enabled: bool,
    created_at: i64,
}

impl ConnectionRow {
    fn write(
        id: ConnectionId,
        tenant: TenantId,
        connection: &Connection,
        at: Instant,
    ) -> Result<ConnectionRow, StoreError> {
        Ok(ConnectionRow {
            id: id.0,
            tenant_id: tenant.0,
            name: connection.name.clone(),
            environment: connection.environment.word().to_owned(),
            login_url: connection.login_url.clone(),
            consumer_key: connection.consumer_key.clone(),
            username: connection.username.clone(),
            sealed_private_key: connection.sealed_private_key.0.clone(),
            api_version: connection.api_version.clone(),
            organization: connection.organization.map(|id| id.to_string()),
            instance_url: connection.instance_url.clone(),
            integration_user: connection.integration_user.map(|id| id.to_string()),
            daily_calls: connection.daily_calls.map(to_column).transpose()?,
            daily_allowance: connection.daily_allowance.map(to_column).transpose()?,
            enabled: connection.enabled,
            created_at: micros(at),
        })
    }

    fn read(self) -> Result<Connection, StoreError> {
        let calls = |column: Option<i64>| {
            column
                .map(|calls| from_column("number of calls", calls))
                .transpose()
        };
        Ok(Connection {
            id: ConnectionId(self.id),
            tenant: TenantId(self.tenant_id),
            environment: Word::from_word(&self.environment)?,
            name: self.name,
            login_url: self.login_url,
            consumer_key: self.consumer_key,
            username: self.username,
            sealed_private_key: Sealed(self.sealed_private_key),
            api_version: self.api_version,
            organization: optional_salesforce_id(self.organization.as_deref())?,
            instance_url: self.instance_url,
            integration_user: optional_salesforce_id(self.integration_user.as_deref())?,
            daily_calls: calls(self.daily_calls)?,
            daily_allowance: calls(self.daily_allowance)?,
            enabled: self.enabled,
            created_at: moment(self.created_at)?,
        })
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = client, treat_none_as_default_value = false)]
pub(super) struct ClientRow {
    connection_id: i64,
    id: String,
    key_kind: String,
    key_data: Vec<u8>,
    scopes: String,
    revoked_at: Option<i64>,
}

impl ClientRow {
    pub(super) fn write(connection: ConnectionId, client: &Client) -> Result<ClientRow, StoreError> {
        let (kind, data) = match &client.key {
            ClientKey::Hs256(sealed) => (HS256, sealed.0.clone()),
            ClientKey::Rs256(pem) => (RS256, pem.clone().into_bytes()),
        };
        Ok(ClientRow {
            connection_id: connection.0,
            id: client.id.clone(),
            key_kind: kind.to_owned(),
            key_data: data,
            scopes: to_json(&client.scopes)?,
            revoked_at: client.revoked_at.map(micros),
        })
    }

    fn read(self) -> Result<Client, StoreError> {
        let key =
            match self.key_kind.as_str() {
                HS256 => ClientKey::Hs256(Sealed(self.key_data)),
                RS256 => ClientKey::Rs256(String::from_utf8(self.key_data).map_err(|error| {
                    unexpected(format!("a public key is not text: {}", error.utf8_error()))
                })?),
                other => return Err(unexpected(format!("{other:?} is no kind of key"))),
            };
        Ok(Client {
            id: self.id,
            connection: ConnectionId(self.connection_id),
            key,
            scopes: from_json("list of scopes", &self.scopes)?,
            revoked_at: self.revoked_at.map(moment).transpose()?,
        })
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = partner_user, treat_none_as_default_value = false)]
struct UserRow {
    connection_id: i64,
    id: String,
    email: String,
    name: String,
    active: bool,
    salesforce_user: Option<String>,
}

impl UserRow {
    fn write(connection: ConnectionId, user: &PartnerUser) -> UserRow {
        UserRow {
            connection_id: connection.0,
            id: user.id.clone(),
            email: user.email.clone(),
            name: user.name.clone(),
            active: user.active,
            salesforce_user: user.salesforce_user.map(|id| id.to_string()),
        }
    }

    fn read(self) -> Result<PartnerUser, StoreError> {
        Ok(PartnerUser {
            id: self.id,
            email: self.email,
            name: self.name,
            active: self.active,
            salesforce_user: optional_salesforce_id(self.salesforce_user.as_deref())?,
        })
    }
}
