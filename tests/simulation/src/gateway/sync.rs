//! The worker that runs syncs: instant (from the watermark), initial and reconcile (everything, then what is missing).

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::decide::{ChangeSource, Incoming};
use causeway_core::id::{RunId, SalesforceId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::runs::{PartProgress, Run, RunKind, RunPart, RunState, Watermark};
use causeway_core::ports::{Lane, StoreError, Transaction};
use causeway_core::units::salesforce_news::{News, apply};
use causeway_core::units::{Setting, directory};
use chrono::TimeDelta;

use crate::gateway::calls::{Wrote, read_record};
use crate::gateway::{LEASE, REQUEST};
use crate::org::schema::Object;
use crate::told;
use crate::world::{Broken, World};

/// Rows in a page.
const PAGE: usize = 3;
/// How far before the watermark an instant sync begins.
const OVERLAP: TimeDelta = TimeDelta::minutes(5);

/// What the worker holds.
#[derive(Debug, Default)]
pub enum Stage {
    /// Nothing.
    #[default]
    Idle,
    /// A page to apply, with where the run stands after it.
    Page(Box<Page>),
    /// Records to read again.
    Again(Arc<MappingPlan>, Vec<SalesforceId>),
}

/// A page.
#[derive(Debug)]
pub struct Page {
    run: RunId,
    kind: RunKind,
    plan: Arc<MappingPlan>,
    before: PartProgress,
    after: PartProgress,
    news: Vec<Incoming>,
    /// Records to note as seen by a reconcile.
    seen: Vec<SalesforceId>,
}

impl Stage {
    /// Where the process may end.
    pub fn name(&self) -> &'static str {
        match self {
            Stage::Idle => "sync idle",
            Stage::Page(_) => "sync read a page",
            Stage::Again(..) => "sync reading again",
        }
    }
}

impl World {
    /// Asks for a run, unless one of its kind is under way.
    ///
    /// # Errors
    /// What broke.
    pub fn start_run(&mut self, kind: RunKind) -> Result<(), Broken> {
        let (connection, at) = (self.connection, self.now);
        let mappings: Vec<_> = self.setting.plans.iter().map(|plan| plan.mapping).collect();
        self.unit("start a run", |tx| tx.start_run(connection, kind, &mappings, at))?;
        Ok(())
    }

    pub(super) fn sync_step(&mut self, worker: &str, stage: Stage) -> Result<(Stage, bool), Broken> {
        match stage {
            Stage::Idle => self.next_page(worker),
            Stage::Page(page) => self.apply_page(worker, &page).map(|stage| (stage, true)),
            Stage::Again(plan, ids) => self.sync_again(&plan, &ids).map(|stage| (stage, true)),
        }
    }

    /// The oldest unfinished run, if this worker may work on it.
    fn hold_run(&mut self, worker: &str) -> Result<Option<Run>, Broken> {
        let (connection, now) = (self.connection, self.now);
        self.unit("hold a run", |tx| {
            let Some((_, run)) = tx.unfinished_runs()?.first().copied() else {
                return Ok(None);
            };
            let until = now + TimeDelta::seconds(LEASE);
            if tx
                .hold_lease(connection, &format!("run-{run}"), worker, now, until)?
                .is_none()
            {
                return Ok(None);
            }
            tx.run(connection, run)
        })
    }

    fn next_page(&mut self, worker: &str) -> Result<(Stage, bool), Broken> {
        let Some(run) = self.hold_run(worker)? else {
            return Ok((Stage::Idle, false));
        };
        let part = run.parts.iter().find(|part| part.progress != PartProgress::Done);
        let Some(part) = part.cloned() else {
            let (connection, at) = (self.connection, self.now);
            self.met.met(&format!("run {:?} completed", run.kind));
            self.unit("complete a run", |tx| {
                tx.forget_seen(connection, run.id, 10_000)?;
                tx.set_run_state(connection, run.id, RunState::Completed, None, at)
            })?;
            return Ok((Stage::Idle, true));
        };
        let plan = self
            .setting
            .plans
            .iter()
            .find(|plan| plan.mapping == part.mapping);
        let Some(plan) = plan.cloned().map(Arc::new) else {
            return Err(Broken::new("a run of a mapping that does not exist"));
        };
        match self.ask_for_page(&run, &part, plan)? {
            Some(page) => Ok((Stage::Page(Box::new(page)), true)),
            None => Ok((Stage::Idle, self.faults_on)),
        }
    }

    fn ask_for_page(
        &mut self,
        run: &Run,
        part: &RunPart,
        plan: Arc<MappingPlan>,
    ) -> Result<Option<Page>, Broken> {
        let Some(object) = Object::named(&plan.salesforce_object) else {
            return Ok(None);
        };
        let page = |after: PartProgress, news: Vec<Incoming>, seen| Page {
            run: run.id,
            kind: run.kind,
            plan: Arc::clone(&plan),
            before: part.progress.clone(),
            after,
            news,
            seen,
        };
        let revision = plan.revision;
        match &part.progress {
            PartProgress::Waiting if run.kind == RunKind::Instant => {
                let Some(until) = self.read_call(Lane::Interactive, |org| org.date())? else {
                    return Ok(None);
                };
                let after = PartProgress::Polling {
                    plan: revision,
                    until,
                    after: None,
                };
                Ok(Some(page(after, Vec::new(), Vec::new())))
            }
            PartProgress::Waiting => {
                let fields = plan.salesforce_fields();
                let made = self.change_call(Lane::Bulk, |org| {
                    let watermark = org.date();
                    (org.open_query(object, &fields), watermark)
                })?;
                let Wrote::Answer((job, watermark)) = made else {
                    return Ok(None);
                };
                let after = PartProgress::Reading {
                    job,
                    plan: revision,
                    watermark,
                    locator: None,
                    row: 0,
                };
                Ok(Some(page(after, Vec::new(), Vec::new())))
            }
            PartProgress::Reading {
                job, watermark, row, ..
            } => {
                let from = usize::try_from(*row).unwrap_or(usize::MAX);
                let Some(rows) = self.read_call(Lane::Bulk, |org| org.query_page(job, from, PAGE))? else {
                    return Ok(None);
                };
                let reader = self.reader(&plan);
                let news: Vec<Incoming> = rows
                    .iter()
                    .map(|row| read_record(&reader, row, *watermark))
                    .collect::<Result<_, _>>()?;
                let seen = news.iter().map(Incoming::salesforce_id).collect();
                let after = if rows.len() == PAGE {
                    PartProgress::Reading {
                        job: job.clone(),
                        plan: revision,
                        watermark: *watermark,
                        locator: None,
                        row: row + u64::try_from(rows.len()).unwrap_or(0),
                    }
                } else if run.kind == RunKind::Reconcile {
                    PartProgress::Comparing {
                        plan: revision,
                        watermark: *watermark,
                        after: None,
                    }
                } else {
                    PartProgress::Done
                };
                Ok(Some(page(after, news, seen)))
            }
            PartProgress::Polling { until, after, .. } => {
                let from = self.watermark(&plan, Watermark::Changes)?;
                let rows = self.poll_page(object, &plan, from, *after, false)?;
                let Some((news, last)) = rows else { return Ok(None) };
                let next = match last.filter(|_| news.len() == PAGE) {
                    Some(last) => PartProgress::Polling {
                        plan: revision,
                        until: *until,
                        after: Some(last),
                    },
                    None => PartProgress::PollingDeletes {
                        plan: revision,
                        until: *until,
                        after: None,
                    },
                };
                Ok(Some(page(next, news, Vec::new())))
            }
            PartProgress::PollingDeletes { until, after, .. } => {
                let from = self.watermark(&plan, Watermark::Deletes)?;
                let rows = self.poll_page(object, &plan, from, *after, true)?;
                let Some((news, last)) = rows else { return Ok(None) };
                let next = match last.filter(|_| news.len() == PAGE) {
                    Some(last) => PartProgress::PollingDeletes {
                        plan: revision,
                        until: *until,
                        after: Some(last),
                    },
                    None => PartProgress::Done,
                };
                Ok(Some(page(next, news, Vec::new())))
            }
            PartProgress::Comparing { watermark, after, .. } => {
                let connection = self.connection;
                let ids = self.unit("unseen", |tx| {
                    tx.unseen(connection, run.id, plan.mapping, *watermark, *after, 4)
                })?;
                let Some(last) = ids.last().copied() else {
                    return Ok(Some(page(PartProgress::Done, Vec::new(), Vec::new())));
                };
                self.met.met("reconcile misses a record");
                let Some(found) = self.read_by_id(Lane::Bulk, &plan, &ids)? else {
                    return Ok(None);
                };
                let next = PartProgress::Comparing {
                    plan: revision,
                    watermark: *watermark,
                    after: Some(last),
                };
                Ok(Some(page(next, found.news, Vec::new())))
            }
            PartProgress::Marking { .. } | PartProgress::Done => Ok(None),
        }
    }

    fn watermark(&mut self, plan: &MappingPlan, of: Watermark) -> Result<Instant, Broken> {
        let connection = self.connection;
        let mapping = plan.mapping;
        let mark = self.unit("watermark", |tx| tx.watermark(connection, mapping, of))?;
        Ok(mark.map_or(Instant::UNIX_EPOCH, |mark| mark - OVERLAP))
    }

    #[expect(clippy::type_complexity, reason = "a page and where it ends")]
    fn poll_page(
        &mut self,
        object: Object,
        plan: &MappingPlan,
        from: Instant,
        after: Option<(Instant, SalesforceId)>,
        deleted: bool,
    ) -> Result<Option<(Vec<Incoming>, Option<(Instant, SalesforceId)>)>, Broken> {
        let mut fields = plan.salesforce_fields();
        if deleted {
            fields.extend(["IsDeleted", "MasterRecordId"]);
        }
        let read = self.read_call(Lane::Interactive, |org| {
            let rows = org.query_all(object, &fields, PAGE, |row| {
                row.is_live() != deleted
                    && row.stamp >= from
                    && after.is_none_or(|(stamp, id)| (row.stamp, row.id) > (stamp, id))
            });
            (rows, org.date())
        })?;
        let Some((rows, date)) = read else {
            return Ok(None);
        };
        let reader = self.reader(plan);
        let news: Vec<Incoming> = rows
            .iter()
            .map(|row| read_record(&reader, row, date))
            .collect::<Result<_, _>>()?;
        let last = news
            .last()
            .map(|incoming| (incoming.version().modstamp, incoming.salesforce_id()));
        Ok(Some((news, last)))
    }

    fn apply_page(&mut self, worker: &str, page: &Page) -> Result<Stage, Broken> {
        let (connection, now) = (self.connection, self.now);
        if !page.news.is_empty() {
            self.tell(|| format!("page of {:?}: {}", page.kind, told::all_news(&page.news)));
        }
        let again = self.unit("apply a page", |tx| {
            let until = now + TimeDelta::seconds(LEASE);
            let name = format!("run-{}", page.run);
            if tx.hold_lease(connection, &name, worker, now, until)?.is_none() {
                return Ok(None);
            }
            let Some(run) = tx.run(connection, page.run)? else {
                return Ok(None);
            };
            let part = run
                .parts
                .into_iter()
                .find(|part| part.mapping == page.plan.mapping);
            let Some(mut part) = part.filter(|part| part.progress == page.before) else {
                return Ok(None);
            };
            let source = ChangeSource::Run { run: page.run };
            let again = apply_news(tx, connection, page, source, now)?;
            if page.kind == RunKind::Reconcile {
                tx.note_seen(connection, page.run, page.plan.mapping, &page.seen)?;
            }
            raise(tx, connection, page)?;
            part.progress = page.after.clone();
            tx.save_part(connection, page.run, &part)?;
            Ok(Some(again))
        })?;
        match again {
            None => {
                self.met.met("sync page came too late");
                Ok(Stage::Idle)
            }
            Some(again) if again.is_empty() => Ok(Stage::Idle),
            Some(again) => Ok(Stage::Again(Arc::clone(&page.plan), again)),
        }
    }

    fn sync_again(&mut self, plan: &Arc<MappingPlan>, ids: &[SalesforceId]) -> Result<Stage, Broken> {
        self.met.met("sync reads again");
        let Some(found) = self.read_by_id(Lane::Interactive, plan, ids)? else {
            // The run is asked for again later, and finds the same.
            return Ok(Stage::Again(Arc::clone(plan), ids.to_vec()));
        };
        let (connection, at) = (self.connection, self.now);
        self.unit("apply again", |tx| {
            let owners = directory(&tx.partner_users(connection)?);
            let setting = Setting {
                connection,
                plan,
                owners: &owners,
                at,
                lane: Lane::Interactive,
            };
            let source = ChangeSource::ReadAgain { at };
            let news: Vec<News> = found
                .news
                .iter()
                .map(|incoming| News {
                    incoming: incoming.clone(),
                    source: source.clone(),
                })
                .collect();
            apply(tx, &setting, &news).map(drop)
        })?;
        Ok(Stage::Idle)
    }

    /// How long a request may be under way, for whoever waits for the last one.
    pub fn longest_request() -> TimeDelta {
        TimeDelta::seconds(REQUEST)
    }
}

fn apply_news(
    tx: &mut dyn Transaction,
    connection: causeway_core::id::ConnectionId,
    page: &Page,
    source: ChangeSource,
    at: Instant,
) -> Result<Vec<SalesforceId>, StoreError> {
    let owners = directory(&tx.partner_users(connection)?);
    let setting = Setting {
        connection,
        plan: &page.plan,
        owners: &owners,
        at,
        lane: Lane::Bulk,
    };
    let news: Vec<News> = page
        .news
        .iter()
        .map(|incoming| News {
            incoming: incoming.clone(),
            source: source.clone(),
        })
        .collect();
    Ok(apply(tx, &setting, &news)?.read_again)
}

/// Watermarks move once everything before them is applied.
fn raise(
    tx: &mut dyn Transaction,
    connection: causeway_core::id::ConnectionId,
    page: &Page,
) -> Result<(), StoreError> {
    let mapping = page.plan.mapping;
    match (&page.before, &page.after) {
        (PartProgress::Polling { until, .. }, PartProgress::PollingDeletes { .. }) => {
            tx.raise_watermark(connection, mapping, Watermark::Changes, *until)
        }
        (PartProgress::PollingDeletes { until, .. }, PartProgress::Done) => {
            tx.raise_watermark(connection, mapping, Watermark::Deletes, *until)
        }
        (PartProgress::Reading { watermark, .. }, PartProgress::Done | PartProgress::Comparing { .. }) => {
            tx.raise_watermark(connection, mapping, Watermark::Changes, *watermark)?;
            tx.raise_watermark(connection, mapping, Watermark::Deletes, *watermark)
        }
        _ => Ok(()),
    }
}
