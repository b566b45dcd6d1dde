//! A generated company with its customers: believable in size, shape and languages, and the same for the
//! same seed. Nothing in it is real: people and companies are made up, domains end in `.example`.
//!
//! The company has a sales team, accounts in hierarchies, contacts, leads, opportunities and tasks. Its past
//! and future lie around [`TODAY`], whatever the clock says, so that the same seed gives the same rows.

mod account;
mod activity;
mod culture;
mod cultures;
mod opportunity;
mod person;
mod plan;
mod user;

use std::ops::Range;

use chrono::NaiveDate;

use crate::id::RecordId;
use crate::value::Value;
use plan::Plan;

/// The day the company is generated for: deals before it are won or lost, deals after it are open.
pub const TODAY: NaiveDate = match NaiveDate::from_ymd_opt(2026, 11, 20) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// What company to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompanyOptions {
    /// Another seed gives another company; the same one the same.
    pub seed: u64,
    /// Records in total, users included. Fewer than 50 are made 50.
    pub records: u64,
}

impl Default for CompanyOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            records: 10_000,
        }
    }
}

/// The fields of one record to create, by API name. Fields without a value are absent.
pub type Row = Vec<(&'static str, Value)>;

/// A company, ready to be written into an organisation.
#[derive(Clone, Copy, Debug)]
pub struct Company {
    plan: Plan,
}

impl Company {
    /// Plans the company. Rows are made when they are asked for.
    #[must_use]
    pub fn generate(options: CompanyOptions) -> Self {
        Self {
            plan: Plan::new(options.seed, options.records),
        }
    }

    /// How many records of an object the company has; zero for objects it has none of.
    #[must_use]
    pub fn count(&self, object: &str) -> u64 {
        match object {
            "User" => self.plan.users,
            "Account" => self.plan.accounts,
            "Contact" => self.plan.contacts,
            "Lead" => self.plan.leads,
            "Opportunity" => self.plan.opportunities,
            "Task" => self.plan.tasks,
            _ => 0,
        }
    }

    /// Writes the company, parents before children. `create` gets an object's name and some rows of it and
    /// answers their ids, in order; users get the profile `profile`.
    ///
    /// # Errors
    /// The first error of `create`.
    pub fn write_to<E>(
        &self,
        profile: RecordId,
        mut create: impl FnMut(&'static str, Vec<Row>) -> Result<Vec<RecordId>, E>,
    ) -> Result<(), E> {
        let mut ids = Ids {
            profile: Value::Id(profile),
            ..Ids::new()
        };
        for Phase { object, rows } in self.plan.phases() {
            let mut start = rows.start;
            while start < rows.end {
                let end = rows.end.min(start + BATCH);
                let batch = (start..end).map(|index| self.row(object, index, &ids)).collect();
                ids.add(object, create(object, batch)?);
                start = end;
            }
        }
        Ok(())
    }

    /// `count` contacts without accounts, one at a time: a million of them take no more memory than one.
    pub fn contacts(seed: u64, count: u64) -> impl Iterator<Item = Row> {
        (0..count).map(move |index| person::lone_contact(seed, index))
    }

    fn row(&self, object: &'static str, index: u64, ids: &Ids) -> Row {
        match object {
            "User" => user::user(&self.plan, index, ids),
            "Account" => account::account(&self.plan, index, ids),
            "Contact" => person::contact(&self.plan, index, ids),
            "Lead" => person::lead(&self.plan, index, ids),
            "Opportunity" => opportunity::opportunity(&self.plan, index, ids),
            _ => activity::task(&self.plan, index, ids),
        }
    }
}

/// Rows that are created together.
const BATCH: u64 = 2_000;

/// A run of rows of one object that refer to earlier runs alone.
struct Phase {
    object: &'static str,
    rows: Range<u64>,
}

/// The ids of what is created already, for references.
struct Ids {
    profile: Value,
    users: Vec<RecordId>,
    accounts: Vec<RecordId>,
    contacts: Vec<RecordId>,
    opportunities: Vec<RecordId>,
}

impl Ids {
    fn new() -> Self {
        Self {
            profile: Value::Null,
            users: Vec::new(),
            accounts: Vec::new(),
            contacts: Vec::new(),
            opportunities: Vec::new(),
        }
    }

    fn add(&mut self, object: &str, created: Vec<RecordId>) {
        match object {
            "User" => self.users.extend(created),
            "Account" => self.accounts.extend(created),
            "Contact" => self.contacts.extend(created),
            "Opportunity" => self.opportunities.extend(created),
            _ => {}
        }
    }
}

/// The reference to the record at an index; null if there is none.
fn reference(ids: &[RecordId], index: u64) -> Value {
    usize::try_from(index)
        .ok()
        .and_then(|index| ids.get(index))
        .map_or(Value::Null, |id| Value::Id(*id))
}

/// A row under construction. What has no value is left out.
#[derive(Default)]
struct Draft(Row);

impl Draft {
    fn set(&mut self, field: &'static str, value: Value) -> &mut Self {
        if !value.is_null() {
            self.0.push((field, value));
        }
        self
    }

    fn text(&mut self, field: &'static str, text: impl Into<Box<str>>) -> &mut Self {
        let text: Box<str> = text.into();
        if !text.is_empty() {
            self.0.push((field, Value::Text(text)));
        }
        self
    }

    fn number(&mut self, field: &'static str, number: u64) -> &mut Self {
        self.set(field, Value::Number(number.into()))
    }
}
