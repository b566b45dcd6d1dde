//! Settings of connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, MappingId, PlanRevision, SalesforceId, TenantId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::connections::{Client, Connection, NewConnection, PartnerUser};
use causeway_core::ports::settings::AdminSettings;
use causeway_core::ports::{Connections, StoreError};

use super::{Memory, Numbers, PlanRow, Space, conflict, next, revision};

impl Connections for Memory {
    fn add_connection(&mut self, new: &NewConnection, at: Instant) -> Result<ConnectionId, StoreError> {
        let exists = |what: &str| StoreError::Exists {
            what: what.to_owned(),
        };
        if self.connection_named(&new.connection.name)?.is_some() {
            return Err(exists(&new.connection.name));
        }
        for client in &new.clients {
            if self.client(&client.id)?.is_some() {
                return Err(exists(&client.id));
            }
        }
        let tenants = Arc::make_mut(&mut self.tables.tenants);
        let count = i64::try_from(tenants.len()).unwrap_or(i64::MAX);
        let tenant = *tenants.entry(new.tenant.clone()).or_insert(TenantId(count + 1));
        let last = self.tables.spaces.keys().next_back().map_or(0, |id| id.0);
        let id = ConnectionId(last + 1);
        let connection = Connection {
            id,
            tenant,
            created_at: at,
            ..new.connection.clone()
        };
        let clients = new.clients.iter().map(|client| {
            let client = Client {
                connection: id,
                ..client.clone()
            };
            (client.id.clone(), client)
        });
        let users = new.users.iter().map(|user| (user.id.clone(), user.clone()));
        let space = Space {
            connection: Arc::new(connection),
            clients: Arc::new(clients.collect()),
            users: Arc::new(users.collect()),
            plans: Arc::default(),
            links: Arc::default(),
            by_salesforce: Arc::default(),
            records: Arc::default(),
            identities: Arc::default(),
            history: Arc::default(),
            logs: Arc::default(),
            inbox: Arc::default(),
            heads: Arc::default(),
            outbox: Arc::default(),
            calls: Arc::default(),
            runs: Arc::default(),
            seen: Arc::default(),
            watermarks: Arc::default(),
            markings: Arc::default(),
            leases: Arc::default(),
            report: None,
            people: Arc::default(),
            templates: Arc::default(),
            settings: AdminSettings::default(),
            activity: Arc::default(),
            numbers: Numbers::default(),
        };
        self.tables.spaces.insert(id, Arc::new(space));
        Ok(id)
    }

    fn connections(&mut self) -> Result<Vec<Connection>, StoreError> {
        let mut all: Vec<Connection> = self
            .tables
            .spaces
            .values()
            .map(|space| space.connection.as_ref().clone())
            .collect();
        all.sort_by(|a, b| (a.tenant, &a.name).cmp(&(b.tenant, &b.name)));
        Ok(all)
    }

    fn connection(&mut self, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
        Ok(self.space(id).map(|space| space.connection.as_ref().clone()))
    }

    fn connection_named(&mut self, name: &str) -> Result<Option<Connection>, StoreError> {
        Ok(self
            .connections()?
            .into_iter()
            .find(|connection| connection.name == name))
    }

    fn set_integration_user(&mut self, id: ConnectionId, user: SalesforceId) -> Result<(), StoreError> {
        let space = self.space_mut(id)?;
        Arc::make_mut(&mut space.connection).integration_user = Some(user);
        Ok(())
    }

    fn set_daily_allowance(&mut self, id: ConnectionId, calls: u64) -> Result<(), StoreError> {
        let space = self.space_mut(id)?;
        Arc::make_mut(&mut space.connection).daily_allowance = Some(calls);
        Ok(())
    }

    fn set_daily_calls(&mut self, id: ConnectionId, calls: Option<u64>) -> Result<(), StoreError> {
        let space = self.space_mut(id)?;
        Arc::make_mut(&mut space.connection).daily_calls = calls;
        Ok(())
    }

    fn set_org(&mut self, id: ConnectionId, org: SalesforceId, instance_url: &str) -> Result<(), StoreError> {
        let connection = Arc::make_mut(&mut self.space_mut(id)?.connection);
        connection.organization = Some(org);
        connection.instance_url = Some(instance_url.to_owned());
        Ok(())
    }

    fn client(&mut self, id: &str) -> Result<Option<Client>, StoreError> {
        let mut spaces = self.tables.spaces.values();
        Ok(spaces.find_map(|space| space.clients.get(id).cloned()))
    }

    fn clients(&mut self, connection: ConnectionId) -> Result<Vec<Client>, StoreError> {
        let space = self.space(connection);
        Ok(space.map_or_else(Vec::new, |space| space.clients.values().cloned().collect()))
    }

    fn partner_users(&mut self, connection: ConnectionId) -> Result<Vec<PartnerUser>, StoreError> {
        let space = self.space(connection);
        Ok(space.map_or_else(Vec::new, |space| space.users.values().cloned().collect()))
    }

    fn put_partner_users(
        &mut self,
        connection: ConnectionId,
        users: &[PartnerUser],
    ) -> Result<(), StoreError> {
        let space = self.space_mut(connection)?;
        let table: &mut BTreeMap<_, _> = Arc::make_mut(&mut space.users);
        table.extend(users.iter().map(|user| (user.id.clone(), user.clone())));
        Ok(())
    }

    fn next_mapping(&mut self, connection: ConnectionId) -> Result<MappingId, StoreError> {
        let space = self.space_mut(connection)?;
        Ok(MappingId(next(&mut space.numbers.mapping)))
    }

    fn add_plan(
        &mut self,
        connection: ConnectionId,
        plan: &MappingPlan,
        document: &str,
        _at: Instant,
    ) -> Result<(), StoreError> {
        let space = self.space_mut(connection)?;
        let other = space.plans.iter().any(|(mapping, rows)| {
            *mapping != plan.mapping
                && rows
                    .last()
                    .is_some_and(|row| row.plan.partner_object == plan.partner_object)
        });
        if other {
            return Err(StoreError::Exists {
                what: plan.partner_object.clone(),
            });
        }
        let rows = Arc::make_mut(&mut space.plans).entry(plan.mapping).or_default();
        if rows.iter().any(|row| revision(&row.plan) == plan.revision) {
            return Err(conflict("a revision of a mapping"));
        }
        rows.push(PlanRow {
            plan: Arc::new(plan.clone()),
            document: document.to_owned(),
        });
        rows.sort_by_key(|row| revision(&row.plan));
        Ok(())
    }

    fn plans(&mut self, connection: ConnectionId) -> Result<Vec<Arc<MappingPlan>>, StoreError> {
        let Some(space) = self.space(connection) else {
            return Ok(Vec::new());
        };
        let newest = |rows: &Vec<PlanRow>| {
            let plan = &rows.last()?.plan;
            Some(
                plan.under(&space.settings)
                    .map_or_else(|| Arc::clone(plan), Arc::new),
            )
        };
        Ok(space.plans.values().filter_map(newest).collect())
    }

    fn document(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        at: PlanRevision,
    ) -> Result<Option<String>, StoreError> {
        let rows = self.space(connection).and_then(|space| space.plans.get(&mapping));
        let row = rows.and_then(|rows| rows.iter().find(|row| revision(&row.plan) == at));
        Ok(row.map(|row| row.document.clone()))
    }
}
