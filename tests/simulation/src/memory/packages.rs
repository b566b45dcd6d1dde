//! Pairing codes, and what packages told of themselves.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::id::ConnectionId;
use causeway_core::ports::connections::Client;
use causeway_core::ports::packages::{CodeHash, PackageReport, Pairing};
use causeway_core::ports::{Packages, StoreError};

use super::{Memory, conflict};

impl Packages for Memory {
    fn add_pairing(&mut self, pairing: &Pairing) -> Result<(), StoreError> {
        let pairings = Arc::make_mut(&mut self.tables.pairings);
        pairings.retain(|_, (known, used)| {
            *used || known.connection != pairing.connection || known.client != pairing.client
        });
        pairings.insert(pairing.code.0.clone(), (pairing.clone(), false));
        Ok(())
    }

    fn pairing(&mut self, code: &CodeHash) -> Result<Option<Pairing>, StoreError> {
        let known = self.tables.pairings.get(&code.0).filter(|(_, used)| !used);
        Ok(known.map(|(pairing, _)| pairing.clone()))
    }

    fn use_pairing(&mut self, code: &CodeHash, at: Instant) -> Result<(), StoreError> {
        let pairings = Arc::make_mut(&mut self.tables.pairings);
        match pairings.get_mut(&code.0) {
            Some((_, used)) if !*used => *used = true,
            _ => return Err(conflict("a pairing code")),
        }
        pairings.retain(|known, (pairing, _)| *known == code.0 || pairing.expires_at >= at);
        Ok(())
    }

    fn put_client(&mut self, client: &Client) -> Result<(), StoreError> {
        let mut spaces = self.tables.spaces.iter();
        if spaces.any(|(id, space)| *id != client.connection && space.clients.contains_key(&client.id)) {
            return Err(StoreError::Exists {
                what: client.id.clone(),
            });
        }
        let space = self.space_mut(client.connection)?;
        Arc::make_mut(&mut space.clients).insert(client.id.clone(), client.clone());
        Ok(())
    }

    fn package_report(&mut self, connection: ConnectionId) -> Result<Option<PackageReport>, StoreError> {
        Ok(self.space(connection).and_then(|space| space.report.clone()))
    }

    fn put_package_report(
        &mut self,
        connection: ConnectionId,
        report: &PackageReport,
    ) -> Result<(), StoreError> {
        self.space_mut(connection)?.report = Some(report.clone());
        Ok(())
    }
}
