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
    bring_up_to_date(&mut connection)
}

/// Runs what migrations are missing.
pub(crate) fn bring_up_to_date(connection: &mut EngineConnection) -> Result<(), OpenError> {
    let migrated = match connection {
        // Under the write lock, so that of two processes the second finds nothing left to do.
        EngineConnection::Sqlite(db) => {
            db.immediate_transaction(|db| db.run_pending_migrations(SQLITE).map(drop))
        }
        EngineConnection::Postgres(db) => {
            use diesel::connection::SimpleConnection;
            // Held until the session ends, which is when `migrate` returns.
            db.batch_execute(&format!("SET lock_timeout = 0; SELECT pg_advisory_lock({LOCK})"))
                .map_err(Into::into)
                .and_then(|()| db.run_pending_migrations(POSTGRES).map(drop))
        }
    };
    migrated.map_err(|error| OpenError::Migrate {
        detail: error.to_string(),
    })
}

#[cfg(test)]
mod filled;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use diesel::prelude::*;
    use diesel::sql_types::{Bool, Text};

    use super::*;
    use crate::engine::on_engine;
    use crate::schema;
    use crate::throwaway_postgres::ThrowawayPostgres;

    struct Connected {
        connection: EngineConnection,
    }

    fn migrated(url: &str) -> Connected {
        let target = Target::parse(url).unwrap();
        migrate(&target).unwrap();
        Connected {
            connection: EngineConnection::open(&target, Role::Writer).unwrap(),
        }
    }

    /// Both engines, brought up to date, and the folder that one of them lives in.
    fn both() -> (tempfile::TempDir, [Connected; 2]) {
        let folder = tempfile::TempDir::new().unwrap();
        let sqlite = format!("sqlite://{}/store.db", folder.path().display());
        let postgres = ThrowawayPostgres::shared()
            .and_then(ThrowawayPostgres::empty_database)
            .unwrap();
        (folder, [migrated(&sqlite), migrated(&postgres)])
    }

    fn files(engine: &str) -> Vec<String> {
        let folder = format!("{}/migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        for migration in std::fs::read_dir(folder).unwrap() {
            let migration = migration.unwrap();
            for file in std::fs::read_dir(migration.path()).unwrap() {
                files.push(format!(
                    "{}/{}",
                    migration.file_name().display(),
                    file.unwrap().file_name().display()
                ));
            }
        }
        files.sort();
        files
    }

    #[test]
    fn migrations_come_in_pairs_that_go_both_ways() {
        let sqlite = files("sqlite");
        assert_eq!(sqlite, files("postgres"));
        for pair in sqlite.chunks(2) {
            let names: Vec<_> = pair.iter().map(|file| file.rsplit('/').next().unwrap()).collect();
            assert_eq!(names, ["down.sql", "up.sql"], "{pair:?}");
        }
    }

    #[test]
    fn what_was_migrated_can_be_taken_back_and_done_again() {
        let (_folder, both) = both();
        for mut connected in both {
            let migrations = match &mut connected.connection {
                EngineConnection::Sqlite(db) => {
                    db.revert_all_migrations(SQLITE).unwrap();
                    db.run_pending_migrations(SQLITE).unwrap().len()
                }
                EngineConnection::Postgres(db) => {
                    db.revert_all_migrations(POSTGRES).unwrap();
                    db.run_pending_migrations(POSTGRES).unwrap().len()
                }
            };
            assert_eq!(migrations, files("sqlite").len() / 2);
        }
    }

    macro_rules! select_every_column {
        ($connected:expr; $($table:ident),+) => {{
            $(
                let selected = on_engine!($connected, |db| schema::$table::table
                    .select(schema::$table::all_columns)
                    .execute(db));
                selected.unwrap_or_else(|error| panic!("{}: {error}", stringify!($table)));
            )+
            [$(stringify!($table)),+]
        }};
    }

    #[derive(QueryableByName)]
    struct Column {
        #[diesel(sql_type = Text)]
        table_name: String,
        #[diesel(sql_type = Text)]
        column_name: String,
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = Bool)]
        nullable: bool,
    }

    /// Columns with their types in the words of SQLite's migrations.
    fn columns(connected: &mut Connected) -> BTreeMap<(String, String), (String, bool)> {
        let sql = match connected.connection {
            EngineConnection::Sqlite(_) => {
                "SELECT t.name AS table_name, c.name AS column_name, c.type AS kind,
                        c.\"notnull\" = 0 AS nullable
                 FROM sqlite_schema t, pragma_table_info(t.name) c
                 WHERE t.type = 'table' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\'"
            }
            EngineConnection::Postgres(_) => {
                "SELECT table_name::text, column_name::text, is_nullable = 'YES' AS nullable,
                        CASE data_type WHEN 'bytea' THEN 'BLOB' ELSE upper(data_type) END AS kind
                 FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'"
            }
        };
        let rows: Vec<Column> = on_engine!(connected, |db| diesel::sql_query(sql).load(db)).unwrap();
        rows.into_iter()
            .map(|row| ((row.table_name, row.column_name), (row.kind, row.nullable)))
            .collect()
    }

    #[test]
    fn both_engines_and_the_schema_have_the_same_columns() {
        let (_folder, [mut sqlite, mut postgres]) = both();
        let mut tables = BTreeMap::new();
        for connected in [&mut sqlite, &mut postgres] {
            let selected = select_every_column!(connected;
                client, connection, counter, field_history, head, idempotency, inbox, lease, link, log_entry,
                mapping, mapping_plan, partner_user, record, sync_part, sync_run, tenant, watermark, identity, outbox,
                seen, call_hour, pairing, package_report, salesforce_user, embed_code, embed_template, activity_hour,
                admin_settings, marking
            );
            tables = selected.map(|table| (table.to_owned(), 0)).into();
        }
        let of_sqlite = columns(&mut sqlite);
        assert_eq!(of_sqlite, columns(&mut postgres));
        for (table, _) in of_sqlite.keys() {
            let count = tables.get_mut(table);
            *count.unwrap_or_else(|| panic!("{table} is not in the schema")) += 1;
        }
        let source = include_str!("schema.rs");
        let in_schema = source.lines().filter(|line| line.contains(" -> ")).count();
        assert_eq!(in_schema, of_sqlite.len());
        for line in source.lines().filter(|line| line.contains("Nullable<")) {
            let name = line.trim().split(' ').next().unwrap();
            assert!(
                of_sqlite
                    .iter()
                    .any(|((_, column), (_, nullable))| column == name && *nullable),
                "{name}"
            );
        }
        let nullable = of_sqlite.values().filter(|(_, nullable)| *nullable).count();
        assert_eq!(source.matches("Nullable<").count(), nullable);
    }

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    #[test]
    fn what_lost_is_found_by_its_link_and_old_answers_by_their_age_through_an_index() {
        let (_folder, [mut sqlite, _postgres]) = both();
        for (query, index) in [
            (
                "SELECT * FROM field_history WHERE connection_id = 1 AND lost_side IS NOT NULL AND link_id = 2
                 AND id < 9 ORDER BY id DESC LIMIT 10",
                "field_history_lost_of_link (connection_id=? AND link_id=? AND id<?)",
            ),
            (
                "SELECT client FROM idempotency WHERE created_at < 9 ORDER BY created_at LIMIT 10",
                "idempotency_created (created_at<?)",
            ),
        ] {
            let explain = format!("EXPLAIN QUERY PLAN {query}");
            let steps: Vec<Step> = on_engine!(sqlite, |db| diesel::sql_query(&explain).load(db)).unwrap();
            let details: Vec<&str> = steps.iter().map(|step| step.detail.as_str()).collect();
            assert!(
                matches!(details[..], [only] if only.contains(index)),
                "{details:?}"
            );
        }
    }
}
