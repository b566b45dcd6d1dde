//! The last step of a part: linked Salesforce records are given the partner record's id, where the mapping says so.
//!
//! Links are numbered in the order in which they commit (see `docs/adr/0004-agreed-pairs-and-versions.md`), so how far
//! this is, is a number. What cannot be marked when its number comes, such as a record with an edit that is not known
//! here yet, is met again when that edit is read ([`late`]). Nothing here decides about values: no link, record or
//! history is written.

mod told;
mod writer;

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::decide::Incoming;
use causeway_core::failure::{Call, Failure, NextStep, policy};
use causeway_core::id::{ConnectionId, LinkId};
use causeway_core::mapping::{MappingPlan, literal};
use causeway_core::ports::logs::NewLogEntry;
use causeway_core::ports::marks::{Mark, MarkLink, Marking, MarkingRefused, Unmarked};
use causeway_core::ports::runs::{PartProgress, RunKind, RunPart};
use causeway_core::ports::{Lane, StoreError, Transaction};
use causeway_core::units::salesforce_news::News;
use chrono::TimeDelta;
use serde_json::Value;

use crate::app::failure::told as in_words;
use crate::app::sync::failing::Interrupt;
use crate::app::sync::marking::told::Teller;
use crate::app::sync::marking::writer::{Row, Writer, Written};
use crate::app::sync::part::PartWork;
use crate::failpoint;
use crate::salesforce::rest::JsonRecord;

/// Pages of one instant sync: what changed waits for it. The next one goes on.
const PAGES_OF_AN_INSTANT: u32 = 4;

/// While Salesforce refuses to mark any record, an instant sync tries again after so long.
const TRIED_AGAIN_AFTER: TimeDelta = TimeDelta::hours(1);

/// What became of links that were to be marked.
#[derive(Debug, Default)]
struct Marked {
    given: u64,
    /// What a person has to know of single records.
    entries: Vec<NewLogEntry>,
    /// Why none could be marked, in words.
    refused: Option<String>,
}

/// What a page begins with.
struct Page {
    plan: Arc<MappingPlan>,
    marking: Marking,
    unmarked: Unmarked,
}

impl PartWork<'_> {
    /// Marks page by page, from where the mapping stands, and ends the part.
    pub(super) async fn mark(&self, mut part: RunPart) -> Result<RunPart, Interrupt> {
        let mut pages = 0;
        while let Some(page) = self.next_page().await? {
            let marked = match self.mark_links(&page.plan, &page.unmarked.links).await {
                // Calls for what changed may still be left where none are for this; the next instant sync goes on.
                Err(Interrupt::Failure(failure)) if self.is_left(&failure) => break,
                marked => marked?,
            };
            failpoint::reached("sync.marked");
            let halted = marked.refused.is_some();
            part = self.save_page(part, &page, marked).await?;
            pages += 1;
            if halted || (self.kind == RunKind::Instant && pages >= PAGES_OF_AN_INSTANT) {
                break;
            }
        }
        self.save(RunPart {
            progress: PartProgress::Done,
            ..part
        })
        .await
    }

    fn is_left(&self, failure: &Failure) -> bool {
        self.kind == RunKind::Instant && policy(failure, Call::Read).next == NextStep::Park
    }

    /// The next links that may have to be marked; none where nothing is left, or it would be in vain.
    async fn next_page(&self) -> Result<Option<Page>, Interrupt> {
        let (connection, mapping) = (self.connection, self.plan.mapping);
        let most = self.app.options.claim_links.bulk;
        let page = self
            .app
            .store
            .read(move |tx| {
                let plan = tx
                    .plans(connection)?
                    .into_iter()
                    .find(|plan| plan.mapping == mapping);
                let Some((plan, field)) = plan.and_then(|plan| {
                    let field = plan.marked_field()?.to_owned();
                    Some((plan, field))
                }) else {
                    return Ok(None);
                };
                let marking = tx.marking(connection, mapping, &field)?;
                let unmarked = tx.unmarked(connection, mapping, marking.up_to, most)?;
                Ok(Some(Page {
                    plan,
                    marking,
                    unmarked,
                }))
            })
            .await?;
        let now = self.app.clock.now();
        Ok(page.filter(|page| {
            let refused = page.marking.refused.as_ref();
            let lately = refused.is_some_and(|refused| now - refused.at < TRIED_AGAIN_AFTER);
            page.unmarked.up_to > page.marking.up_to && !(lately && self.kind == RunKind::Instant)
        }))
    }

    /// Reads what records carry, and gives those their id that lack it.
    async fn mark_links(&self, plan: &MappingPlan, links: &[MarkLink]) -> Result<Marked, Interrupt> {
        let mut marked = Marked::default();
        let Some(field) = plan.marked_field().filter(|_| !links.is_empty()) else {
            return Ok(marked);
        };
        let salesforce = self.salesforce.in_lane(Lane::Bulk);
        let ids: Vec<_> = links.iter().map(|link| link.salesforce_id).collect();
        let fields = ["Id", field, "SystemModstamp"];
        let reading = salesforce.retrieve(&plan.salesforce_object, &ids, &fields);
        let read = match self.unless_stopped(reading).await? {
            Ok(read) => read,
            Err(failure) => {
                marked.refused = Some(lasting(failure)?);
                return Ok(marked);
            }
        };
        let teller = Teller {
            connection: self.connection,
            run: self.run,
            plan,
            field,
            at: self.app.clock.now(),
        };
        let mut rows = Vec::new();
        for (link, record) in links.iter().zip(&read.records) {
            let Some(record) = record else { continue };
            let held = record.get(field).and_then(Value::as_str);
            match link.mark(self.connection, held) {
                Mark::Carried => {}
                Mark::Give if is_as_known(link, record) => rows.push(Row {
                    external_id: link.external_id(self.connection),
                    link: link.clone(),
                }),
                Mark::Give => {}
                Mark::Others => marked.entries.push(teller.others(link, held.unwrap_or_default())),
            }
        }
        let writer = Writer {
            app: self.app,
            salesforce: &salesforce,
            plan,
            field,
        };
        let written = match self.unless_stopped(writer.write(rows)).await? {
            Ok(written) => written,
            Err(failure) => {
                marked.refused = Some(lasting(failure)?);
                return Ok(marked);
            }
        };
        let Written { given, refused, all } = written;
        marked.given = given;
        marked.entries.extend(teller.refused(&refused));
        marked.refused = all.map(|failure| in_words(&failure, &policy(&failure, Call::Write)));
        Ok(marked)
    }

    /// Marks records that were passed when their numbers came.
    pub(super) async fn mark_late(&self, links: Vec<MarkLink>) -> Result<(), Interrupt> {
        if links.is_empty() {
            return Ok(());
        }
        let marked = match self.mark_links(&self.plan, &links).await {
            Err(Interrupt::Failure(failure)) if self.is_left(&failure) => return Ok(()),
            marked => marked?,
        };
        let page = Page {
            plan: Arc::clone(&self.plan),
            marking: Marking::NONE,
            unmarked: Unmarked {
                links: Vec::new(),
                up_to: LinkId(0),
            },
        };
        self.save_marking(None, &page, marked).await
    }

    async fn save_page(&self, part: RunPart, page: &Page, marked: Marked) -> Result<RunPart, Interrupt> {
        let before = match part.progress {
            PartProgress::Marking { marked } => marked,
            _ => 0,
        };
        let part = RunPart {
            progress: PartProgress::Marking {
                marked: before + marked.given,
            },
            ..part
        };
        self.save_marking(Some(part.clone()), page, marked).await?;
        self.show(&part);
        Ok(part)
    }

    /// Keeps how far marking is, and tells what a person has to know: a refusal of all only once.
    async fn save_marking(
        &self,
        part: Option<RunPart>,
        page: &Page,
        marked: Marked,
    ) -> Result<(), Interrupt> {
        let setting = self.unit_setting();
        let plan = Arc::clone(&page.plan);
        let reached = match marked.refused {
            Some(_) => page.marking.up_to,
            None => page.unmarked.up_to,
        };
        let held = self
            .app
            .store
            .write(Lane::Bulk, move |tx| {
                if !setting.pass.check(tx, setting.at)? {
                    return Ok(false);
                }
                if let Some(part) = &part {
                    tx.save_part(setting.connection, setting.run, part)?;
                }
                let Some(field) = plan.marked_field() else {
                    return Ok(true);
                };
                let (connection, mapping) = (setting.connection, plan.mapping);
                let known = tx.marking(connection, mapping, field)?;
                let teller = Teller {
                    connection,
                    run: setting.run,
                    plan: &plan,
                    field,
                    at: setting.at,
                };
                let mut entries = marked.entries.clone();
                let refused = marked
                    .refused
                    .as_ref()
                    .map(|message| refusal_after(known.refused.as_ref(), message, setting.at));
                let is_news = refused.as_ref().map(|refused| refused.since) == Some(setting.at);
                if let Some(refused) = refused.as_ref().filter(|_| is_news) {
                    entries.push(teller.all_refused(&refused.message));
                }
                entries.extend((marked.given > 0).then(|| teller.given(marked.given)));
                if !entries.is_empty() {
                    tx.append_logs(connection, &entries)?;
                }
                let marking = Marking {
                    up_to: reached,
                    refused,
                };
                if marking.up_to > known.up_to || marking.refused != known.refused {
                    tx.put_marking(connection, mapping, field, &marking)?;
                }
                Ok(true)
            })
            .await?;
        if held { Ok(()) } else { Err(Interrupt::LeaseLost) }
    }
}

/// Links of these news whose numbers were passed and whose records do not carry the partner record's id.
pub(super) fn late(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    plan: &MappingPlan,
    news: &[News],
) -> Result<Vec<MarkLink>, StoreError> {
    let Some(field) = plan.marked_field() else {
        return Ok(Vec::new());
    };
    let bare: Vec<_> = news
        .iter()
        .filter_map(|one| match &one.incoming {
            Incoming::Present(snapshot) if snapshot.external_id == Some(None) => Some(snapshot.salesforce_id),
            _ => None,
        })
        .collect();
    if bare.is_empty() {
        return Ok(Vec::new());
    }
    let marking = tx.marking(connection, plan.mapping, field)?;
    if marking.up_to == LinkId(0) || marking.refused.is_some() {
        return Ok(Vec::new());
    }
    let linked = tx.linked(connection, plan.mapping, &bare)?;
    let mut links: Vec<MarkLink> = linked
        .values()
        .filter(|linked| linked.link.id <= marking.up_to)
        .filter_map(|linked| MarkLink::of(&linked.link))
        .collect();
    links.sort_by_key(|link| link.link);
    Ok(links)
}

/// What Salesforce says to the marking of a mapping's records; none where it refuses none.
///
/// # Errors
/// When the store fails.
pub(in crate::app) fn refusal(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    plan: &MappingPlan,
) -> Result<Option<MarkingRefused>, StoreError> {
    let Some(field) = plan.marked_field() else {
        return Ok(None);
    };
    Ok(tx.marking(connection, plan.mapping, field)?.refused)
}

/// A refusal of all, met now: of the same words as before, it is the same.
fn refusal_after(before: Option<&MarkingRefused>, message: &str, at: Instant) -> MarkingRefused {
    let same = before.filter(|before| before.message == message);
    MarkingRefused {
        since: same.map_or(at, |before| before.since),
        at,
        message: message.to_owned(),
    }
}

/// Whether the record has no edit that is not known here yet: over it, the gateway would stand as who changed the
/// record last.
fn is_as_known(link: &MarkLink, record: &JsonRecord) -> bool {
    record
        .get("SystemModstamp")
        .and_then(Value::as_str)
        .and_then(literal::date_time)
        .is_some_and(|modstamp| modstamp <= link.modstamp)
}

/// What does not pass by itself, in words; what does interrupts the run.
fn lasting(failure: Failure) -> Result<String, Interrupt> {
    let policy = policy(&failure, Call::Read);
    match policy.next {
        NextStep::Retry | NextStep::Pause | NextStep::ReadFirst | NextStep::Park | NextStep::RefreshToken => {
            Err(Interrupt::Failure(failure))
        }
        NextStep::Stop | NextStep::Gone | NextStep::StartOver => Ok(in_words(&failure, &policy)),
    }
}
