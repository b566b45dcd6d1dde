//! Looking into a record's fields, which each engine spells its own way.

use diesel::dsl::sql;
use diesel::expression::BoxableExpression;
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};

use crate::engine::PostgresConnection;
use crate::schema::record;

type Condition<'a, DB> = Box<dyn BoxableExpression<record::table, DB, SqlType = Bool> + 'a>;

/// Conditions on the fields of a record, which are stored as a JSON object of `{"t": type, "v": value}` by name.
pub(crate) trait FieldText {
    /// The engine's SQL.
    type Backend: diesel::backend::Backend;

    /// Whether the field's value is exactly this text. Null and absent fields hold no text.
    fn field_holds<'a>(&self, name: &'a str, text: &'a str) -> Condition<'a, Self::Backend>;
}

impl FieldText for PostgresConnection {
    type Backend = Pg;

    fn field_holds<'a>(&self, name: &'a str, text: &'a str) -> Condition<'a, Pg> {
        Box::new(
            sql::<Bool>("coalesce(record.fields::json -> ")
                .bind::<Text, _>(name)
                .sql(" ->> 'v' = ")
                .bind::<Text, _>(text)
                .sql(", false)"),
        )
    }
}

impl FieldText for SqliteConnection {
    type Backend = Sqlite;

    fn field_holds<'a>(&self, name: &'a str, text: &'a str) -> Condition<'a, Sqlite> {
        // SQLite reads such names as paths, which may say something else altogether. No partner field has one.
        if name.starts_with(['$', '[']) || name.contains('"') {
            return Box::new(sql::<Bool>("0"));
        }
        // Its ->> makes 1 and 0 of true and false; -> leaves them as they are.
        Box::new(
            sql::<Bool>("coalesce(record.fields -> ")
                .bind::<Text, _>(name)
                .sql(" ->> 'v' = ")
                .bind::<Text, _>(text)
                .sql(" OR record.fields -> ")
                .bind::<Text, _>(name)
                .sql(" -> 'v' = ")
                .bind::<Text, _>(text)
                .sql(", 0)"),
        )
    }
}
