//! What happened in few words, for somebody who replays a history.

use std::collections::BTreeMap;

use causeway_core::decide::{Incoming, LinkStatus, Snapshot, Target};
use causeway_core::id::{LinkId, SalesforceId};
use causeway_core::mapping::convert::partner_json;
use causeway_core::ports::links::Linked;
use causeway_core::record::{FieldValue, Fields};
use causeway_core::units::outgoing::{Answer, Order};

use crate::world::World;

/// An id without its zeros.
pub fn id(id: SalesforceId) -> String {
    let text = id.as_str();
    let (prefix, rest) = text.split_at_checked(3).unwrap_or((text, ""));
    let rest: String = rest.chars().take(12).collect();
    format!("{prefix}.{}", rest.trim_start_matches('0'))
}

fn value(value: &FieldValue) -> String {
    match value {
        FieldValue::Reference(reference) => id(*reference),
        FieldValue::Record(record) => format!("#{record}"),
        other => partner_json(other).to_string(),
    }
}

fn fields(fields: &Fields) -> String {
    let fields = fields.iter();
    let told: Vec<String> = fields
        .map(|(name, held)| format!("{name}={}", value(held)))
        .collect();
    told.join(" ")
}

fn snapshot(snapshot: &Snapshot) -> String {
    format!(
        "{} @{}/{} {}{}",
        id(snapshot.salesforce_id),
        snapshot.version.modstamp.format("%H:%M:%S%.3f"),
        snapshot.version.observed.format("%H:%M:%S%.6f"),
        fields(&snapshot.fields),
        if snapshot.converted.is_some() {
            " converted"
        } else {
            ""
        }
    )
}

/// News.
pub fn news(incoming: &Incoming) -> String {
    match incoming {
        Incoming::Present(read) => snapshot(read),
        Incoming::Deleted {
            salesforce_id,
            version,
            merged,
            ..
        } => format!(
            "{} deleted @{} {merged:?}",
            id(*salesforce_id),
            version.modstamp.format("%H:%M:%S%.3f")
        ),
    }
}

/// Several news.
pub fn all_news(all: &[Incoming]) -> String {
    all.iter().map(news).collect::<Vec<_>>().join(" | ")
}

/// Targets.
pub fn targets(targets: &BTreeMap<LinkId, Target>) -> String {
    let told = targets.iter().map(|(link, target)| {
        let target = match target {
            Target::Present(read) => snapshot(read),
            other => format!("{other:?}"),
        };
        format!("link {link}: {target}")
    });
    told.collect::<Vec<_>>().join(" | ")
}

/// Orders.
pub fn orders(orders: &[Order]) -> String {
    let told = orders.iter().map(|order| {
        let values = order.values.iter();
        let values: Vec<String> = values
            .map(|(name, held)| format!("{name}={}", value(held)))
            .collect();
        format!("link {} {:?} {}", order.claim.link, order.kind, values.join(" "))
    });
    told.collect::<Vec<_>>().join(" | ")
}

/// Answers.
pub fn answers(answers: &[Answer]) -> String {
    let told = answers.iter().map(|answer| {
        let read = match &answer.read_back {
            Some(Target::Present(read)) => snapshot(read),
            other => format!("{other:?}"),
        };
        format!(
            "link {} {:?}, read back {read}",
            answer.claim.link, answer.outcome
        )
    });
    told.collect::<Vec<_>>().join(" | ")
}

fn status(status: &LinkStatus) -> String {
    match status {
        LinkStatus::Held { reason } => format!("Held({})", reason.summary()),
        other => format!("{other:?}"),
    }
}

/// A link.
pub fn link(linked: &Linked) -> String {
    let link = &linked.link;
    let agreed = link.agreed.0.iter().map(|(field, pair)| {
        format!(
            "{}:{}~{}",
            field.0,
            value(&pair.salesforce),
            value(pair.partner())
        )
    });
    let record = linked.record.as_ref().map(|record| {
        format!(
            "#{} {:?} {} owner={} times={:?}",
            record.id,
            record.presence,
            fields(&record.fields),
            record.owner,
            record
                .times
                .iter()
                .map(|(field, at)| format!("{}:{}", field.0, at.format("%H:%M:%S%.6f")))
                .collect::<Vec<_>>()
        )
    });
    format!(
        "link {} m{} {} {} @{} {}{}{}agreed[{}] overruled{:?} -> {}",
        link.id,
        linked.mapping,
        link.salesforce_id.map_or_else(|| "-".to_owned(), id),
        status(&link.status),
        link.version.modstamp.format("%H:%M:%S%.3f"),
        if link.outgoing.pending { "pending " } else { "" },
        link.outgoing
            .in_flight
            .as_ref()
            .map_or_else(String::new, |write| format!("in flight {:?} ", write.write.kind)),
        if link.outgoing.generation > 0 {
            format!("gen {} ", link.outgoing.generation)
        } else {
            String::new()
        },
        agreed.collect::<Vec<_>>().join(" "),
        link.outgoing.overruled,
        record.unwrap_or_else(|| "-".to_owned())
    )
}

impl World {
    /// Tells which links a unit changed.
    pub fn tell_links(&mut self, unit: &str, before: &[Linked]) {
        let after = self.store.all_links(self.connection);
        for linked in &after {
            if !before.contains(linked) {
                self.tell(|| format!("    [{unit}] {}", link(linked)));
            }
        }
        for gone in before {
            if !after.iter().any(|linked| linked.link.id == gone.link.id) {
                self.tell(|| format!("    [{unit}] link {} is gone", gone.link.id));
            }
        }
    }
}
