//! The rows that show jobs: AsyncApexJob, CronTrigger, CronJobDetail.
//!
//! Source: Object Reference, the pages of these objects; Apex Developer Guide, Apex Scheduler.

use apex_runtime::host::{HostError, Job, JobKind};

use super::cron::Cron;
use super::session::Session;
use crate::data::Data;
use crate::id::RecordId;
use crate::value::Value;

impl Session<'_> {
    /// The row that shows a job: an AsyncApexJob, or the CronTrigger of a scheduled one.
    pub(super) fn record_job(&self, job: &Job) -> Result<RecordId, HostError> {
        let class = job.name.split('.').next().unwrap_or_default();
        let class_id = self.read(|data| {
            let table = data.table("ApexClass")?;
            let (name, _) = table.object.field("Name")?;
            table.holders(name, &Value::text(class)).first().copied()
        });
        let now = Value::DateTime(self.org.clock.now());
        let class_id = class_id.map_or(Value::Null, Value::Id);
        let (object, fields) = match (job.kind, &job.cron) {
            (JobKind::Scheduled, Some(cron)) => {
                let parsed = Cron::parse(cron)
                    .map_err(|message| HostError::Exception("StringException".to_owned(), message))?;
                let zone = self.running_user().time_zone;
                let next = parsed.next(self.org.clock.now(), zone);
                let next = next.ok_or_else(|| {
                    let words =
                        format!("Based on configured schedule, the given trigger '{cron}' will never fire.");
                    HostError::Exception("AsyncException".to_owned(), words)
                })?;
                let name = job.schedule_name.as_deref().unwrap_or_default();
                if self.is_scheduled(name) {
                    let words = format!("The Apex job named \"{name}\" is already scheduled for execution.");
                    return Err(HostError::Exception("AsyncException".to_owned(), words));
                }
                // Object Reference, CronJobDetail: 7 is Scheduled Apex.
                let detail = vec![("Name", Value::text(name)), ("JobType", Value::text("7"))];
                let detail = self.write_row("CronJobDetail", detail);
                let fields = vec![
                    ("CronExpression", Value::text(&**cron)),
                    ("State", Value::text("WAITING")),
                    ("NextFireTime", Value::DateTime(next)),
                    ("StartTime", now),
                    ("TimesTriggered", Value::Number(0.into())),
                    ("CronJobDetailId", detail.map_or(Value::Null, Value::Id)),
                ];
                let id = self.write_row("CronTrigger", fields);
                // Object Reference, AsyncApexJob: a scheduled job has a row of its own, which names its trigger.
                let fields = vec![
                    ("ApexClassId", class_id),
                    ("JobType", Value::text("ScheduledApex")),
                    ("Status", Value::text("Queued")),
                    ("CronTriggerId", id.map_or(Value::Null, Value::Id)),
                    ("JobItemsProcessed", Value::Number(0.into())),
                    ("TotalJobItems", Value::Number(0.into())),
                    ("NumberOfErrors", Value::Number(0.into())),
                ];
                self.write_row("AsyncApexJob", fields);
                return id.ok_or_else(|| HostError::NotSupported("the rows of CronTrigger".to_owned()));
            }
            (kind, _) => {
                let job_type = match kind {
                    JobKind::Queueable | JobKind::Finalizer => "Queueable",
                    JobKind::Future => "Future",
                    JobKind::Batch => "BatchApex",
                    JobKind::Scheduled => "ScheduledApex",
                };
                let method = (kind == JobKind::Future)
                    .then(|| job.name.split('(').next()?.rsplit('.').next())
                    .flatten();
                let fields = vec![
                    ("ApexClassId", class_id),
                    ("JobType", Value::text(job_type)),
                    ("Status", Value::text("Queued")),
                    ("MethodName", method.map_or(Value::Null, Value::text)),
                    ("JobItemsProcessed", Value::Number(0.into())),
                    ("TotalJobItems", Value::Number(0.into())),
                    ("NumberOfErrors", Value::Number(0.into())),
                ];
                ("AsyncApexJob", fields)
            }
        };
        self.write_row(object, fields)
            .ok_or_else(|| HostError::NotSupported(format!("the rows of {object}")))
    }

    /// Whether a scheduled job of this name waits or runs.
    fn is_scheduled(&self, name: &str) -> bool {
        self.read(|data| {
            let details = data.table("CronJobDetail")?;
            let (detail_name, _) = details.object.field("Name")?;
            let triggers = data.table("CronTrigger")?;
            let (detail, _) = triggers.object.field("CronJobDetailId")?;
            let (state, _) = triggers.object.field("State")?;
            let gone = Value::text("DELETED");
            let named = |row: &crate::data::Row| match row.get(detail) {
                Value::Id(id) => details
                    .get(id)
                    .is_some_and(|known| known.get(detail_name) == &Value::text(name)),
                _ => false,
            };
            let mut live = triggers.rows().filter(|row| row.get(state) != &gone);
            Some(live.any(named))
        })
        .unwrap_or_default()
    }

    /// Takes a job out of those that wait.
    pub(super) fn abort(&self, id: RecordId) {
        self.org.apex.jobs.forget(id);
        self.after.borrow_mut().jobs.retain(|pending| pending.id != id);
        let ended = [
            ("Status", Value::text("Aborted")),
            ("State", Value::text("DELETED")),
            ("CompletedDate", Value::DateTime(self.org.clock.now())),
        ];
        self.change_row(id, &ended);
        if let Some(shown) = self.read(|data| shown_job(data, id)) {
            self.change_row(shown, &ended);
        }
    }
}

/// The AsyncApexJob that shows a scheduled job.
pub(super) fn shown_job(data: &Data, trigger: RecordId) -> Option<RecordId> {
    let table = data.table("AsyncApexJob")?;
    let (position, _) = table.object.field("CronTriggerId")?;
    let mut rows = table.rows();
    rows.find(|row| row.get(position) == &Value::Id(trigger))
        .map(crate::data::Row::id)
}
