//! Failures in the words of people, whatever use case met them.

use causeway_core::failure::{Call, Failure, NextStep, Policy, StoreTrouble, policy};
use causeway_core::ports::StoreError;

/// A failure of the store in the words of a failure.
pub(super) fn store_failure(error: &StoreError) -> Failure {
    Failure::Store {
        message: error.to_string(),
        trouble: match error {
            StoreError::Unavailable { .. } | StoreError::Conflict { .. } => StoreTrouble::Away,
            StoreError::Full { .. } => StoreTrouble::Full,
            StoreError::Exists { .. } | StoreError::Corrupt { .. } => StoreTrouble::Broken,
        },
    }
}

/// Whether the store is in trouble that ends without a person's decision: away, busy or full.
pub(crate) fn passes(error: &StoreError) -> bool {
    let next = policy(&store_failure(error), Call::Read).next;
    matches!(next, NextStep::Retry | NextStep::Pause)
}

/// What a person is told of a failure: what to do, then what happened.
pub(super) fn told(failure: &Failure, policy: &Policy) -> String {
    format!("{} ({})", policy.advice, describe(failure))
}

/// A failure in one line for a person.
pub fn describe(failure: &Failure) -> String {
    match failure {
        Failure::Salesforce {
            status,
            code,
            message,
        } if code.is_empty() => format!("Salesforce answered {status}: {message}"),
        Failure::Salesforce { code, message, .. } => format!("Salesforce answered {code}: {message}"),
        Failure::NoAnswer { message } => format!("Salesforce did not answer: {message}"),
        Failure::Unreadable { message } => format!("Salesforce's answer was not understood: {message}"),
        Failure::Store { message, .. } => message.clone(),
    }
}
