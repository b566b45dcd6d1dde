//! What people do on pages that no REST call does: undelete, merge, convert.

use std::slice::from_ref;

use emulated_org::{Deed, Done, LeadConversion};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Map, Value};

use super::Report;
use super::saves::{Row, any, compare};
use super::world::{Twins, World};
use crate::ScenarioError;

fn acted(org: &emulated_org::EmulatedOrg, deed: &Deed) -> Row {
    match org.act(org.admin_username(), deed) {
        Done::Now(Ok(_)) => Ok(String::new()),
        other => Err(format!("{other:?}")),
    }
}

/// Somebody merges two records of an object.
pub(super) fn merge(
    world: &mut World,
    random: &mut StdRng,
    report: &mut Report,
) -> Result<(), ScenarioError> {
    let Some((_, master)) = any(world, random) else {
        return Ok(());
    };
    let others = world
        .live
        .iter()
        .enumerate()
        .filter(|(_, twins)| twins.object == master.object && twins.id != master.id);
    // Who belongs to an account merges with another of it, and accounts that have people keep them.
    let mut free = others.filter(|(_, twins)| !world.is_family(&twins.id) && !world.is_family(&master.id));
    let Some((at, loser)) = free.next_back().map(|(at, twins)| (at, twins.clone())) else {
        return Ok(());
    };
    let deed = |master: &str, loser: &str| Deed::Merge {
        master: master.to_owned(),
        losers: vec![loser.to_owned()],
        fields: Map::new(),
    };
    let org = acted(&world.org, &deed(&master.id, &loser.id));
    let twin = acted(&world.twin, &deed(&master.twin, &loser.twin));
    compare("merge", from_ref(&org), &[twin], report);
    if org.is_ok() {
        world.live.swap_remove(at);
    }
    Ok(())
}

/// Somebody converts a lead.
pub(super) async fn convert(
    world: &mut World,
    random: &mut StdRng,
    report: &mut Report,
) -> Result<(), ScenarioError> {
    let leads: Vec<usize> = world
        .live
        .iter()
        .enumerate()
        .filter(|(_, twins)| twins.object == "Lead")
        .map(|(at, _)| at)
        .collect();
    if leads.is_empty() {
        return Ok(());
    }
    let Some(at) = leads.get(random.random_range(0..leads.len())).copied() else {
        return Ok(());
    };
    let Some(lead) = world.live.get(at).cloned() else {
        return Ok(());
    };
    let deed = |id: &str| {
        Deed::ConvertLead(LeadConversion {
            id: id.to_owned(),
            without_opportunity: true,
            ..LeadConversion::default()
        })
    };
    let org = acted(&world.org, &deed(&lead.id));
    let twin = acted(&world.twin, &deed(&lead.twin));
    compare("conversion", from_ref(&org), &[twin], report);
    if org.is_err() {
        return Ok(());
    }
    world.live.swap_remove(at);
    let made =
        |rows: Vec<Value>, field: &str| rows.iter().find_map(|row| Some(row[field].as_str()?.to_owned()));
    let query =
        |id: &str| format!("SELECT ConvertedAccountId, ConvertedContactId FROM Lead WHERE Id = '{id}'");
    let with = world.admins.0.query(&query(&lead.id)).await?;
    let without = world.admins.1.query(&query(&lead.twin)).await?;
    let mut family = Vec::new();
    for (object, field) in [
        ("Account", "ConvertedAccountId"),
        ("Contact", "ConvertedContactId"),
    ] {
        if let (Some(id), Some(twin)) = (made(with.clone(), field), made(without.clone(), field)) {
            family.push(id.clone());
            world.live.push(Twins { object, id, twin });
        }
    }
    if let [account, contact] = family.as_slice() {
        world
            .children
            .entry(account.clone())
            .or_default()
            .push(contact.clone());
    }
    Ok(())
}

/// Somebody takes a record out of the recycle bin.
pub(super) fn undelete(
    world: &mut World,
    random: &mut StdRng,
    report: &mut Report,
) -> Result<(), ScenarioError> {
    if world.binned.is_empty() {
        return Ok(());
    }
    let at = random.random_range(0..world.binned.len());
    let twins = world.binned.swap_remove(at);
    let deed = |id: &str| Deed::Undelete { id: id.to_owned() };
    let org = acted(&world.org, &deed(&twins.id));
    let twin = acted(&world.twin, &deed(&twins.twin));
    compare("undelete", from_ref(&org), &[twin], report);
    if org.is_ok() {
        world.live.push(twins);
    } else {
        world.binned.push(twins);
    }
    Ok(())
}
