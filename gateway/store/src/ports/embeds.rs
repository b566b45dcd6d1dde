//! Codes and templates of embedded pages.

use causeway_core::Instant;
use causeway_core::id::ConnectionId;
use causeway_core::ports::embeds::{EmbedCode, EmbedTemplate};
use causeway_core::ports::packages::CodeHash;
use causeway_core::ports::{Embeds, StoreError};
use diesel::prelude::*;
use diesel::upsert::excluded;

use crate::columns::{from_json, micros, moment, to_json};
use crate::engine::on_engine;
use crate::schema::{embed_code, embed_template};
use crate::session::Session;
use crate::text;

/// What stands in place of the site of a template for every site.
const EVERY_SITE: &str = "";

impl Embeds for Session {
    fn add_embed_code(&mut self, new: &EmbedCode, forget: Instant) -> Result<(), StoreError> {
        self.port(|session| {
            let opens = to_json(&new.opens)?;
            text::refuse_unstorable("code of an embedded page", [&new.code.0, &opens])?;
            let forgotten = on_engine!(session, |db| diesel::delete(
                embed_code::table
                    .filter(embed_code::connection_id.eq(new.connection.0))
                    .filter(embed_code::expires_at.lt(micros(forget)))
            )
            .execute(db));
            session.checked(forgotten)?;
            let added = on_engine!(session, |db| diesel::insert_into(embed_code::table)
                .values((
                    embed_code::code.eq(&new.code.0),
                    embed_code::connection_id.eq(new.connection.0),
                    embed_code::opens.eq(&opens),
                    embed_code::expires_at.eq(micros(new.expires_at)),
                ))
                .execute(db));
            session.checked(added).map(drop)
        })
    }

    fn embed_code(&mut self, code: &CodeHash) -> Result<Option<EmbedCode>, StoreError> {
        self.port(|session| {
            let row = on_engine!(session, |db| embed_code::table
                .find(&code.0)
                .select((
                    embed_code::connection_id,
                    embed_code::opens,
                    embed_code::expires_at
                ))
                .first::<(i64, String, i64)>(db)
                .optional());
            let Some((connection, opens, expires_at)) = session.checked(row)? else {
                return Ok(None);
            };
            Ok(Some(EmbedCode {
                code: code.clone(),
                connection: ConnectionId(connection),
                expires_at: moment(expires_at)?,
                opens: from_json("what a code opens", &opens)?,
            }))
        })
    }

    fn use_embed_code(&mut self, code: &CodeHash, at: Instant) -> Result<bool, StoreError> {
        self.port(|session| {
            // One statement decides who was first, whatever runs beside it.
            let used = on_engine!(session, |db| diesel::update(
                embed_code::table
                    .find(&code.0)
                    .filter(embed_code::used_at.is_null())
            )
            .set(embed_code::used_at.eq(micros(at)))
            .execute(db));
            Ok(session.checked(used)? > 0)
        })
    }

    fn embed_templates(&mut self, connection: ConnectionId) -> Result<Vec<EmbedTemplate>, StoreError> {
        self.port(|session| {
            let rows = on_engine!(session, |db| embed_template::table
                .filter(embed_template::connection_id.eq(connection.0))
                .order((embed_template::name, embed_template::site))
                .select(Row::as_select())
                .load(db));
            session.checked(rows)?.into_iter().map(Row::read).collect()
        })
    }

    fn embed_template(
        &mut self,
        connection: ConnectionId,
        name: &str,
        site: Option<&str>,
    ) -> Result<Option<EmbedTemplate>, StoreError> {
        let site = site.unwrap_or(EVERY_SITE);
        if !text::is_storable([name, site]) {
            return Ok(None);
        }
        self.port(|session| {
            let row = on_engine!(session, |db| embed_template::table
                .find((connection.0, name, site))
                .select(Row::as_select())
                .first(db)
                .optional());
            session.checked(row)?.map(Row::read).transpose()
        })
    }

    fn put_embed_template(
        &mut self,
        connection: ConnectionId,
        template: &EmbedTemplate,
    ) -> Result<(), StoreError> {
        self.port(|session| {
            let site = template.site.as_deref().unwrap_or(EVERY_SITE);
            text::refuse_unstorable("template", [template.name.as_str(), site, template.html.as_str()])?;
            let written = on_engine!(session, |db| diesel::insert_into(embed_template::table)
                .values((
                    embed_template::connection_id.eq(connection.0),
                    embed_template::name.eq(&template.name),
                    embed_template::site.eq(site),
                    embed_template::html.eq(&template.html),
                    embed_template::updated_at.eq(micros(template.updated_at)),
                ))
                .on_conflict((
                    embed_template::connection_id,
                    embed_template::name,
                    embed_template::site
                ))
                .do_update()
                .set((
                    embed_template::html.eq(excluded(embed_template::html)),
                    embed_template::updated_at.eq(excluded(embed_template::updated_at)),
                ))
                .execute(db));
            session.checked(written).map(drop)
        })
    }

    fn remove_embed_template(
        &mut self,
        connection: ConnectionId,
        name: &str,
        site: Option<&str>,
    ) -> Result<bool, StoreError> {
        let site = site.unwrap_or(EVERY_SITE);
        if !text::is_storable([name, site]) {
            return Ok(false);
        }
        self.port(|session| {
            let removed = on_engine!(session, |db| diesel::delete(embed_template::table.find((
                connection.0,
                name,
                site
            )))
            .execute(db));
            Ok(session.checked(removed)? > 0)
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = embed_template)]
struct Row {
    name: String,
    site: String,
    html: String,
    updated_at: i64,
}

impl Row {
    fn read(self) -> Result<EmbedTemplate, StoreError> {
        Ok(EmbedTemplate {
            name: self.name,
            site: Some(self.site).filter(|site| site != EVERY_SITE),
            html: self.html,
            updated_at: moment(self.updated_at)?,
        })
    }
}
