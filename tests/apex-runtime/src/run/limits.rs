//! Governor limits of a transaction (Apex Developer Guide, "Execution Governors and Limits"). Exceeding one
//! stops the transaction; no `catch` sees it.

/// A counted limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// SOQL queries issued.
    Queries,
    /// Records retrieved by SOQL.
    QueryRows,
    /// SOSL searches issued.
    Searches,
    /// DML statements issued.
    DmlStatements,
    /// Records processed by DML.
    DmlRows,
    /// Callouts.
    Callouts,
    /// Jobs added with System.enqueueJob.
    QueueableJobs,
    /// Calls of future methods.
    FutureCalls,
    /// Emails sent.
    Emails,
    /// Platform events published immediately.
    PublishImmediate,
}

const ALL: [Limit; 10] = [
    Limit::Queries,
    Limit::QueryRows,
    Limit::Searches,
    Limit::DmlStatements,
    Limit::DmlRows,
    Limit::Callouts,
    Limit::QueueableJobs,
    Limit::FutureCalls,
    Limit::Emails,
    Limit::PublishImmediate,
];

impl Limit {
    /// The message of the LimitException, without its number.
    fn words(self) -> &'static str {
        match self {
            Self::Queries => "Too many SOQL queries",
            Self::QueryRows => "Too many query rows",
            Self::Searches => "Too many SOSL queries",
            Self::DmlStatements => "Too many DML statements",
            Self::DmlRows => "Too many DML rows",
            Self::Callouts => "Too many callouts",
            Self::QueueableJobs => "Too many queueable jobs added to the queue",
            Self::FutureCalls => "Too many future calls",
            Self::Emails => "Too many Email Invocations",
            Self::PublishImmediate => "Too many publish immediate DML statements",
        }
    }

    fn maximum(self, asynchronous: bool, finalizer: bool) -> u32 {
        match self {
            Self::QueueableJobs if finalizer => 1,
            Self::Queries if asynchronous => 200,
            Self::Queries | Self::Callouts => 100,
            Self::QueryRows => 50_000,
            Self::Searches => 20,
            Self::DmlStatements | Self::PublishImmediate => 150,
            Self::DmlRows => 10_000,
            Self::QueueableJobs if asynchronous => 1,
            Self::QueueableJobs | Self::FutureCalls => 50,
            Self::Emails => 10,
        }
    }
}

/// What a transaction has used.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    used: [u32; ALL.len()],
    /// Whether the higher limits of asynchronous Apex hold.
    pub asynchronous: bool,
    /// Whether the limits of a finalizer hold.
    pub finalizer: bool,
    /// Whether nothing may be written, as in cacheable controller methods.
    pub read_only: bool,
    /// Milliseconds that callouts took together.
    pub callout_millis: i64,
    /// What `Test.startTest` set aside.
    before_test: Option<[u32; ALL.len()]>,
}

impl Limits {
    fn place(limit: Limit) -> usize {
        ALL.iter().position(|l| *l == limit).unwrap_or_default()
    }

    /// How much has been used.
    pub fn used(&self, limit: Limit) -> u32 {
        self.used.get(Self::place(limit)).copied().unwrap_or_default()
    }

    /// How much there is.
    pub fn maximum(&self, limit: Limit) -> u32 {
        if self.read_only && limit == Limit::DmlStatements {
            return 0;
        }
        limit.maximum(self.asynchronous, self.finalizer)
    }

    /// Counts; the error is the LimitException's message.
    pub fn count(&mut self, limit: Limit, amount: u32) -> Result<(), String> {
        let maximum = self.maximum(limit);
        let Some(used) = self.used.get_mut(Self::place(limit)) else {
            return Ok(());
        };
        *used = used.saturating_add(amount);
        if *used > maximum {
            Err(format!("{}: {used}", limit.words()))
        } else {
            Ok(())
        }
    }

    /// `Test.startTest`: a fresh set.
    pub fn start_test(&mut self) {
        self.before_test = Some(std::mem::take(&mut self.used));
    }

    /// `Test.stopTest`: what was counted before goes on.
    pub fn stop_test(&mut self) {
        if let Some(before) = self.before_test.take() {
            self.used = before;
        }
    }
}
