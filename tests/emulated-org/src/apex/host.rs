//! The door through which programs reach the organisation.

use std::rc::Rc;
use std::sync::{Arc, PoisonError};

use apex_runtime::Machine;
use apex_runtime::host::{
    Callout, CalloutAnswer, DmlCall, DmlOutcome, FieldAccess, Host, HostError, Job, JobKind, LeadConversion,
    LeadOutcome, ObjectAccess, QueryAnswer, QueryCall, RecordType, RunningUser,
};
use apex_runtime::run::value::RecordObject;

use super::session::{Rights, Session};
use super::{CpuPace, callout};
use crate::data::{Conversion, Operation, SaveError};
use crate::id::RecordId;
use crate::limits::Allocation;
use crate::value::Value;

fn exception<T>(class: &str, message: impl Into<String>) -> Result<T, HostError> {
    Err(HostError::Exception(class.to_owned(), message.into()))
}

impl Host for Session<'_> {
    fn now(&self) -> i64 {
        self.org.clock.now().timestamp_millis()
    }

    fn random(&self) -> u64 {
        self.org.apex.random()
    }

    fn user(&self) -> RunningUser {
        self.running_user()
    }

    fn log(&self, level: &str, line: u32, text: &str) {
        self.log.borrow_mut().push(format!("{level}|[{line}]|{text}"));
    }

    fn query(&self, call: &QueryCall) -> Result<QueryAnswer, HostError> {
        self.run_query(call)
    }

    fn dml(&self, machine: &mut Machine<'_>, call: &DmlCall) -> Result<Vec<DmlOutcome>, HostError> {
        self.run_dml(machine, call)
    }

    fn callout(&self, call: &Callout) -> Result<CalloutAnswer, HostError> {
        if self.has_written() {
            let words = "You have uncommitted work pending. Please commit or rollback before calling out";
            return exception("CalloutException", words);
        }
        callout::send(self.org, call)
    }

    fn enqueue(&self, job: Job) -> Result<Arc<str>, HostError> {
        self.hand_over(job)
    }

    fn enqueue_in_test(&self, job: &Job) -> Result<Arc<str>, HostError> {
        self.record_job(job).map(|id| id.as_str().into())
    }

    fn abort_job(&self, id: &str) -> Result<(), HostError> {
        match RecordId::parse(id) {
            Some(id) => {
                self.abort(id);
                Ok(())
            }
            None => exception("StringException", format!("Invalid id: {id}")),
        }
    }

    fn savepoint(&self) -> Result<u64, HostError> {
        let number = self.next_mark.get();
        self.next_mark.set(number + 1);
        self.marks.borrow_mut().push((number, self.mark()));
        Ok(number)
    }

    fn rollback(&self, savepoint: u64) -> Result<(), HostError> {
        let mark = {
            let mut marks = self.marks.borrow_mut();
            let Some(at) = marks.iter().position(|(number, _)| *number == savepoint) else {
                return exception("TypeException", format!("Invalid savepoint: {savepoint}"));
            };
            marks.truncate(at + 1);
            marks.last().map(|(_, mark)| *mark)
        };
        if let Some(mark) = mark {
            self.roll_back_to(mark);
        }
        Ok(())
    }

    fn release_savepoint(&self, savepoint: u64) -> Result<(), HostError> {
        self.marks.borrow_mut().retain(|(number, _)| *number < savepoint);
        Ok(())
    }

    fn run_as(&self, user: &str) -> Result<(), HostError> {
        match RecordId::parse(user) {
            Some(id) => {
                self.user.set(id);
                Ok(())
            }
            None => exception("StringException", format!("Invalid id: {user}")),
        }
    }

    fn object_access(&self, object: &str) -> Result<ObjectAccess, HostError> {
        let Some(object) = self.schema.object(object) else {
            return Ok(ObjectAccess::default());
        };
        let rights = self.access().object(object);
        Ok(ObjectAccess {
            read: rights.read && object.queryable,
            create: rights.create && object.createable,
            edit: rights.edit && object.updateable,
            delete: rights.delete && object.deletable,
        })
    }

    fn field_access(&self, object: &str, field: &str) -> Result<FieldAccess, HostError> {
        let Some(object) = self.schema.object(object) else {
            return Ok(FieldAccess::default());
        };
        let Some((_, field)) = object.field(field) else {
            return Ok(FieldAccess::default());
        };
        let access = self.access();
        let (of_object, of_field) = (access.object(object), access.field(object, field));
        Ok(FieldAccess {
            read: of_object.read && of_field.read,
            create: of_object.create && of_field.edit && field.createable,
            edit: of_object.edit && of_field.edit && field.updateable,
        })
    }

    fn record_types(&self, object: &str) -> Result<Vec<RecordType>, HostError> {
        let access = self.access();
        let seen = access.schema().object(object).cloned();
        let infos = seen
            .map(|object| object.record_type_infos.clone())
            .unwrap_or_default();
        let types = infos.into_iter().map(|info| RecordType {
            id: info.record_type_id.unwrap_or_default().into(),
            name: info.name.into(),
            developer_name: info.developer_name.into(),
            active: info.active,
            available: info.available,
            default: info.default_record_type_mapping,
            master: info.master,
        });
        Ok(types.collect())
    }

    fn publish(&self, machine: &mut Machine<'_>, events: &[Rc<RecordObject>]) -> Result<(), HostError> {
        events
            .iter()
            .try_for_each(|event| self.take_event(machine, event))
    }

    fn cpu_pace(&self) -> CpuPace {
        *self.org.apex.pace.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn before_method(&self, class: &str, method: &str) -> Result<(), HostError> {
        match self.org.faults.apex().of_method(class, method) {
            Some(thrown) => exception(thrown, "not today"),
            None => Ok(()),
        }
    }

    fn custom_permission(&self, name: &str) -> Result<bool, HostError> {
        Ok(self.access().has_custom_permission(name))
    }

    fn domain_url(&self) -> Result<String, HostError> {
        // An organisation that nobody serves has no address of its own yet.
        Ok(match self.org.instance_url() {
            "" => "https://example.my.salesforce.com".to_owned(),
            address => address.to_owned(),
        })
    }

    fn convert_leads(
        &self,
        machine: &mut Machine<'_>,
        leads: &[LeadConversion],
        all_or_none: bool,
    ) -> Result<Vec<LeadOutcome>, HostError> {
        let start = self.mark();
        let mut outcomes = Vec::with_capacity(leads.len());
        for lead in leads {
            outcomes.push(self.convert_lead(machine, lead)?);
        }
        if all_or_none && outcomes.iter().any(|outcome| !outcome.errors.is_empty()) {
            self.roll_back_to(start);
        }
        Ok(outcomes)
    }
}

impl Session<'_> {
    fn convert_lead(
        &self,
        machine: &mut Machine<'_>,
        lead: &LeadConversion,
    ) -> Result<LeadOutcome, HostError> {
        if lead.owner.is_some() {
            return Err(HostError::NotSupported("Database.LeadConvert.ownerId".to_owned()));
        }
        let id = |text: &Option<Arc<str>>| text.as_deref().and_then(RecordId::parse);
        let Some(lead_id) = id(&lead.lead) else {
            return Ok(failed(SaveError::of_field(
                "MISSING_ARGUMENT",
                "LeadId",
                "LeadId not specified",
            )));
        };
        let operation = Operation::ConvertLead {
            lead: lead_id,
            conversion: Conversion {
                account: id(&lead.account),
                contact: id(&lead.contact),
                opportunity: id(&lead.opportunity),
                opportunity_name: lead.opportunity_name.as_deref().map(str::to_owned),
                without_opportunity: lead.without_opportunity,
                status: lead.status.as_deref().map(str::to_owned),
            },
        };
        let outcomes = self
            .save_all(machine, vec![Ok(operation)], false, Rights::System)
            .map_err(HostError::Interrupted)?;
        match outcomes.into_iter().next() {
            Some(Ok(_)) => {
                let made = |field: &str| {
                    self.read(|data| {
                        let table = data.table("Lead")?;
                        let (position, _) = table.object.field(field)?;
                        match table.get(&lead_id)?.get(position) {
                            Value::Id(id) => Some(Arc::from(id.as_str())),
                            _ => None,
                        }
                    })
                };
                Ok(LeadOutcome {
                    account: made("ConvertedAccountId"),
                    contact: made("ConvertedContactId"),
                    opportunity: made("ConvertedOpportunityId"),
                    errors: Vec::new(),
                })
            }
            Some(Err(refusal)) => Ok(LeadOutcome {
                errors: refusal
                    .into_errors()
                    .into_iter()
                    .map(|error| (error.code.to_owned(), error.message, error.fields))
                    .collect(),
                ..LeadOutcome::default()
            }),
            None => Ok(LeadOutcome::default()),
        }
    }

    fn hand_over(&self, job: Job) -> Result<Arc<str>, HostError> {
        self.check_job(&job)?;
        self.spend_execution(&job)?;
        let id = self.record_job(&job)?;
        let pending = super::jobs::Pending {
            id,
            user: self.user.get(),
            job,
            installed: Arc::clone(self.installed),
        };
        self.after.borrow_mut().jobs.push(pending);
        Ok(id.as_str().into())
    }

    /// Salesforce Developer Limits and Allocations Quick Reference: asynchronous Apex of 24 hours; the words are those
    /// that programs report.
    fn spend_execution(&self, job: &Job) -> Result<(), HostError> {
        if job.kind == JobKind::Scheduled {
            return Ok(());
        }
        let allocation = Allocation::DailyAsyncApexExecutions;
        let spent = self.org.limits.spend(allocation, 1, self.org.clock.now());
        spent.or_else(|_| {
            let words = "Rate Limiting Exception: AsyncApexExecutions Limit exceeded.";
            exception("AsyncException", words)
        })
    }

    fn check_job(&self, job: &Job) -> Result<(), HostError> {
        if let Some(signature) = &job.signature {
            let waiting = self
                .org
                .apex
                .jobs
                .holds(signature, self.org.switches().running_queueable_holds_signature);
            let own = self
                .after
                .borrow()
                .jobs
                .iter()
                .any(|p| p.job.signature.as_ref() == Some(signature));
            if waiting || own {
                let words = "Attempt to enqueue job with duplicate queueable signature";
                return exception("DuplicateMessageException", words);
            }
        }
        // Apex Developer Guide, Queueable Apex Limits: chains end after five jobs in Developer Edition and trials.
        let ends = self.org.edition == crate::options::Edition::Developer && job.depth > 5;
        if ends && job.kind == JobKind::Queueable {
            return exception("AsyncException", "Maximum stack depth has been reached.");
        }
        Ok(())
    }
}

fn failed(error: SaveError) -> LeadOutcome {
    LeadOutcome {
        errors: vec![(error.code.to_owned(), error.message, error.fields)],
        ..LeadOutcome::default()
    }
}
