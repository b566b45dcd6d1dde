//! What people look at: how one link stands, names of users, pages inside an org.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, FieldId, LinkId, SalesforceId};
use causeway_core::ports::embeds::{EmbedCode, EmbedTemplate};
use causeway_core::ports::links::HistoryEntry;
use causeway_core::ports::packages::CodeHash;
use causeway_core::ports::people::KnownUser;
use causeway_core::ports::{Embeds, People, Standings, StoreError};

use super::{Memory, Space};

impl Standings for Memory {
    fn standing_since(
        &mut self,
        connection: ConnectionId,
        link: LinkId,
    ) -> Result<Option<Instant>, StoreError> {
        let space = self.space(connection);
        Ok(space
            .and_then(|space| space.links.get(&link))
            .map(|row| row.since))
    }

    fn waiting_since(
        &mut self,
        connection: ConnectionId,
        object: &str,
        salesforce_id: SalesforceId,
    ) -> Result<Option<Instant>, StoreError> {
        let waiting = self
            .space(connection)
            .into_iter()
            .flat_map(|space| space.inbox.values());
        Ok(waiting
            .filter(|pending| {
                pending.change.object == object && pending.change.salesforce_id == salesforce_id
            })
            .map(|pending| pending.received_at)
            .min())
    }

    fn field_changes(
        &mut self,
        connection: ConnectionId,
        link: LinkId,
    ) -> Result<BTreeMap<FieldId, Instant>, StoreError> {
        let mut changes = BTreeMap::new();
        for entry in self
            .space(connection)
            .into_iter()
            .flat_map(|space| of_link(space, link))
        {
            let latest = changes.entry(entry.field).or_insert(entry.at);
            *latest = entry.at.max(*latest);
        }
        Ok(changes)
    }

    fn history_of_link(
        &mut self,
        connection: ConnectionId,
        link: LinkId,
        field: Option<FieldId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let entries = self
            .space(connection)
            .into_iter()
            .flat_map(|space| of_link(space, link));
        let mut entries: Vec<HistoryEntry> = entries
            .filter(|entry| field.is_none_or(|field| entry.field == field))
            .filter(|entry| before.is_none_or(|before| entry.id < before))
            .cloned()
            .collect();
        entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.id));
        entries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(entries)
    }
}

fn of_link(space: &Space, link: LinkId) -> impl Iterator<Item = &HistoryEntry> {
    let entries = space.history.iter().map(Arc::as_ref);
    entries.filter(move |entry| entry.link == link)
}

impl People for Memory {
    fn salesforce_users(
        &mut self,
        connection: ConnectionId,
        ids: &[SalesforceId],
    ) -> Result<HashMap<SalesforceId, KnownUser>, StoreError> {
        let Some(space) = self.space(connection) else {
            return Ok(HashMap::new());
        };
        let known = |id: &SalesforceId| Some((*id, space.people.get(id)?.clone()));
        Ok(ids.iter().filter_map(known).collect())
    }

    fn put_salesforce_users(
        &mut self,
        connection: ConnectionId,
        users: &[(SalesforceId, KnownUser)],
    ) -> Result<(), StoreError> {
        Arc::make_mut(&mut self.space_mut(connection)?.people).extend(users.iter().cloned());
        Ok(())
    }
}

impl Embeds for Memory {
    fn add_embed_code(&mut self, new: &EmbedCode, forget: Instant) -> Result<(), StoreError> {
        let codes = Arc::make_mut(&mut self.tables.embed_codes);
        codes.retain(|_, (code, _)| code.connection != new.connection || code.expires_at >= forget);
        codes.insert(new.code.0.clone(), (new.clone(), false));
        Ok(())
    }

    fn embed_code(&mut self, code: &CodeHash) -> Result<Option<EmbedCode>, StoreError> {
        Ok(self.tables.embed_codes.get(&code.0).map(|(code, _)| code.clone()))
    }

    fn use_embed_code(&mut self, code: &CodeHash, _at: Instant) -> Result<bool, StoreError> {
        let used = Arc::make_mut(&mut self.tables.embed_codes).get_mut(&code.0);
        Ok(used.is_some_and(|(_, used)| !std::mem::replace(used, true)))
    }

    fn embed_templates(&mut self, connection: ConnectionId) -> Result<Vec<EmbedTemplate>, StoreError> {
        let space = self.space(connection);
        Ok(space.map_or_else(Vec::new, |space| space.templates.values().cloned().collect()))
    }

    fn embed_template(
        &mut self,
        connection: ConnectionId,
        name: &str,
        site: Option<&str>,
    ) -> Result<Option<EmbedTemplate>, StoreError> {
        let key = (name.to_owned(), site.map(str::to_owned));
        let space = self.space(connection);
        Ok(space.and_then(|space| space.templates.get(&key)).cloned())
    }

    fn put_embed_template(
        &mut self,
        connection: ConnectionId,
        template: &EmbedTemplate,
    ) -> Result<(), StoreError> {
        let key = (template.name.clone(), template.site.clone());
        Arc::make_mut(&mut self.space_mut(connection)?.templates).insert(key, template.clone());
        Ok(())
    }

    fn remove_embed_template(
        &mut self,
        connection: ConnectionId,
        name: &str,
        site: Option<&str>,
    ) -> Result<bool, StoreError> {
        let key = (name.to_owned(), site.map(str::to_owned));
        let templates = Arc::make_mut(&mut self.space_mut(connection)?.templates);
        Ok(templates.remove(&key).is_some())
    }
}
