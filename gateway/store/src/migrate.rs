//! Bringing the tables up to date.

use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::engine::{EngineConnection, Role};
use crate::error::OpenError;
use crate::target::Target;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Names the lock under which gateways that start together migrate one after the other.
const LOCK: i64 = 0x0063_6175_7365_7761;

/// Opens a writing connection of its own, runs what migrations are missing, and closes it.
pub(crate) fn migrate(target: &Target) -> Result<(), OpenError> {
    let mut connection =
        EngineConnection::open(target, Role::Writer).map_err(|error| OpenError::Connect {
            detail: error.to_string(),
        })?;
    let migrated = match &mut connection {
        EngineConnection::Sqlite(db) => db.run_pending_migrations(SQLITE).map(drop),
        EngineConnection::Postgres(db) => {
            use diesel::connection::SimpleConnection;
            // Held until the session ends, which is when this function returns.
            db.batch_execute(&format!("SET lock_timeout = 0; SELECT pg_advisory_lock({LOCK})"))
                .map_err(Into::into)
                .and_then(|()| db.run_pending_migrations(POSTGRES).map(drop))
        }
    };
    migrated.map_err(|error| OpenError::Migrate {
        detail: error.to_string(),
    })
}
