//! One total function from what went wrong to what happens next.

use serde::{Deserialize, Serialize};

/// What went wrong, in the words of no library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// Salesforce answered with an error.
    Salesforce {
        /// HTTP status.
        status: u16,
        /// `errorCode` or OAuth `error`, empty where the body had none.
        code: String,
        /// The message as sent, with secrets redacted.
        message: String,
    },
    /// No answer: connection refused, cut or timed out. Whether a request took effect is unknown.
    NoAnswer {
        /// What happened.
        message: String,
    },
    /// An answer that cannot be understood.
    Unreadable {
        /// What was expected.
        message: String,
    },
    /// The store could not do its work.
    Store {
        /// What happened.
        message: String,
        /// Of what kind.
        trouble: StoreTrouble,
    },
}

/// What kind of trouble the store is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StoreTrouble {
    /// It is busy or out of reach: the same may succeed later.
    Away,
    /// It has no room: the same succeeds once there is some.
    Full,
    /// It refuses the work, or holds what it should not: the same fails again.
    Broken,
}

impl Failure {
    /// What happened, as it was told.
    pub fn message(&self) -> &str {
        match self {
            Failure::Salesforce { message, .. }
            | Failure::NoAnswer { message }
            | Failure::Unreadable { message }
            | Failure::Store { message, .. } => message,
        }
    }
}

/// What happens next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NextStep {
    /// Try again after the schedule's delay.
    Retry,
    /// Try again after a few seconds, however often that has failed: nobody but the gateway is burdened by another try,
    /// and the trouble ends when somebody sees to it.
    Pause,
    /// Get a new access token once, then try again.
    RefreshToken,
    /// Wait until the daily allowance frees.
    Park,
    /// Read what is there before any second write.
    ReadFirst,
    /// Stop; a person has to act.
    Stop,
    /// The record is gone; treat it as deleted.
    Gone,
    /// Start the query job over.
    StartOver,
}

/// What happens next and what a person is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The step.
    pub next: NextStep,
    /// What an admin can do about it; plain words, one step.
    pub advice: String,
}

/// What a call to Salesforce may have done by the time it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call {
    /// It reads, or may be repeated without harm (a token, a query job, an upsert by external id).
    Read,
    /// It may have written, and a second time would write again.
    Write,
}

/// The policy for a failed call. Total: every failure has one.
///
/// Sources: Salesforce REST API Developer Guide, "Status Codes and Error Responses"; Object Reference, API status
/// codes; OAuth errors of the JWT bearer flow in Salesforce Help. A code comes before the HTTP status, since one
/// status stands for many causes.
pub fn policy(failure: &Failure, call: Call) -> Policy {
    match failure {
        Failure::Salesforce {
            status,
            code,
            message,
        } => oauth(code, message)
            .or_else(|| by_code(code, message))
            .unwrap_or_else(|| by_status(*status, message, call)),
        Failure::NoAnswer { .. } => Policy::new(
            after_doubt(call),
            "Salesforce did not answer; check the gateway's network and https://status.salesforce.com if this goes on.",
        ),
        Failure::Unreadable { .. } => Policy::new(
            after_doubt(call),
            "Salesforce's answer was cut short or altered; check for a proxy between the gateway and Salesforce if \
             this goes on.",
        ),
        Failure::Store { trouble, .. } => of_store(*trouble),
    }
}

impl Policy {
    fn new(next: NextStep, advice: &str) -> Policy {
        Policy {
            next,
            advice: advice.to_owned(),
        }
    }
}

fn of_store(trouble: StoreTrouble) -> Policy {
    match trouble {
        StoreTrouble::Away => Policy::new(
            NextStep::Retry,
            "The gateway's database is busy or out of reach; check that it runs if this goes on.",
        ),
        StoreTrouble::Full => Policy::new(
            NextStep::Pause,
            "The disk of the gateway's database is full: free space on it. Nothing was lost, and the gateway goes on by \
             itself within seconds.",
        ),
        StoreTrouble::Broken => Policy::new(
            NextStep::Stop,
            "The gateway's database refused the work; read the gateway's log for the cause.",
        ),
    }
}

/// After a failure that leaves open whether the call took effect.
fn after_doubt(call: Call) -> NextStep {
    match call {
        Call::Read => NextStep::Retry,
        Call::Write => NextStep::ReadFirst,
    }
}

/// Errors of the token endpoint: `error` in lower case, the cause often only in `error_description`.
fn oauth(code: &str, message: &str) -> Option<Policy> {
    let message = message.to_ascii_lowercase();
    let advice = match code {
        "invalid_grant" if message.contains("approved") => {
            "The app is not authorized for this user. In Setup, open External Client App Manager, the app, Policies: \
             set Permitted Users to admin pre-authorized and add the integration user's permission set; check the \
             callback URL and that the scopes api and refresh_token are selected. After creating or changing the app, \
             wait 2 to 10 minutes."
        }
        "invalid_grant" if message.contains("audience") => {
            "The login URL does not fit the org: use https://login.salesforce.com for production, \
             https://test.salesforce.com for a sandbox, or the org's My Domain."
        }
        "invalid_grant" if message.contains("expired") => {
            "Salesforce takes the assertion for expired: set the gateway's clock (NTP), then connect again."
        }
        "invalid_grant" if message.contains("ip restricted") => {
            "The gateway's address is not allowed: in Setup, open the app's Policies, or the integration user's \
             profile, Login IP Ranges, and add it."
        }
        "invalid_grant" if message.contains("locked") => {
            "The integration user is locked: in Setup, open Users, the user, and press Unlock."
        }
        "invalid_grant" | "invalid_assertion" => {
            "Salesforce refused the assertion: check the username, that the certificate uploaded to the app belongs to \
             the gateway's private key, and that the user is active. After creating the app, wait 2 to 10 minutes."
        }
        "invalid_client" | "invalid_client_id" => {
            "Salesforce does not know this consumer key: copy it again from Setup, External Client App Manager, the \
             app, Settings. After creating the app, wait 2 to 10 minutes."
        }
        "invalid_app_access" => {
            "The integration user is not allowed to use the app: in Setup, open External Client App Manager, the app, \
             Policies, and add a permission set or profile of that user."
        }
        "inactive_user" => {
            "The integration user is inactive: in Setup, open Users and activate it, or connect another."
        }
        "inactive_org" => "The org is locked or closed: ask Salesforce support, or connect another org.",
        "redirect_uri_mismatch" => {
            "The callback URL differs from the app's: copy the connection's into the app."
        }
        "unsupported_grant_type" | "invalid_request" | "invalid_scope" | "unauthorized_client" => {
            "The app does not allow this kind of login: in Setup, open External Client App Manager, the app, OAuth \
             Settings, enable the JWT bearer flow and select the scopes api and refresh_token."
        }
        "rate_limit_exceeded" => {
            return Some(Policy::new(
                NextStep::Retry,
                "Too many logins in a short time; the gateway waits and tries again.",
            ));
        }
        _ => return None,
    };
    Some(Policy::new(NextStep::Stop, advice))
}

/// Errors that Salesforce names, whatever the HTTP status.
fn by_code(code: &str, message: &str) -> Option<Policy> {
    let (next, advice) = match code {
        // Bulk API 1.0 and older services write codes in CamelCase.
        "INVALID_SESSION_ID" | "InvalidSessionId" => by_session(message),
        "REQUEST_LIMIT_EXCEEDED" if message.contains("Concurrent") => (
            NextStep::Retry,
            "Too many long calls at once; the gateway slows down. If it goes on, look for other integrations that run \
             at the same time.",
        ),
        "REQUEST_LIMIT_EXCEEDED" | "ExceededQuota" | "EXCEEDED_QUOTA" => (
            NextStep::Park,
            "The org's daily API allowance is used up; the gateway waits until it frees. Narrow the filters, move syncs \
             to off-hours, or set the right edition.",
        ),
        "UNABLE_TO_LOCK_ROW" => (
            NextStep::Retry,
            "Another process was saving the same record; the gateway tries again.",
        ),
        "ALL_OR_NONE_OPERATION_ROLLED_BACK" | "PROCESSING_HALTED" | "BATCH_PROCESSING_HALTED" => (
            NextStep::Retry,
            "Another record of the same request failed, so nothing was written; the gateway tries again.",
        ),
        "NOT_FOUND" | "ENTITY_IS_DELETED" => (
            NextStep::Gone,
            "The record was deleted in Salesforce, or the integration user cannot see it.",
        ),
        "QUERY_TIMEOUT" => (
            NextStep::StartOver,
            "The query ran too long; the gateway starts it over. If it goes on, narrow the filters.",
        ),
        "INVALID_QUERY_LOCATOR" => (
            NextStep::StartOver,
            "The query's results are no longer kept by Salesforce; the gateway starts it over.",
        ),
        "DUPLICATE_VALUE" => (
            NextStep::ReadFirst,
            "A record with this external id or unique value exists already; the gateway looks it up.",
        ),
        "DUPLICATES_DETECTED" => (
            NextStep::Stop,
            "A duplicate rule stopped the record: merge the duplicates, or let the integration user bypass the rule \
             (Setup, Duplicate Rules).",
        ),
        "REQUIRED_FIELD_MISSING" => (
            NextStep::Stop,
            "Salesforce requires a field that is empty: fill it in, or map it with a value.",
        ),
        "FIELD_CUSTOM_VALIDATION_EXCEPTION" => (
            NextStep::Stop,
            "A validation rule of the org refused the record: mend the value named in the message, or change the rule.",
        ),
        "STRING_TOO_LONG"
        | "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
        | "MALFORMED_ID"
        | "FIELD_INTEGRITY_EXCEPTION"
        | "INVALID_CROSS_REFERENCE_KEY"
        | "INVALID_EMAIL_ADDRESS"
        | "NUMBER_OUTSIDE_VALID_RANGE"
        | "JSON_PARSER_ERROR" => (
            NextStep::Stop,
            "Salesforce refused a value: mend the value or option named in the message, or change its mapping.",
        ),
        "INVALID_FIELD" | "INVALID_TYPE" | "MALFORMED_QUERY" | "INVALIDENTITY" | "InvalidEntity" => (
            NextStep::Stop,
            "A mapped object or field is gone, renamed or hidden from the integration user: re-check the mapping, and \
             the user's field permissions.",
        ),
        "INVALID_FIELD_FOR_INSERT_UPDATE"
        | "INSUFFICIENT_ACCESS"
        | "INSUFFICIENT_ACCESS_OR_READONLY"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        | "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" => (
            NextStep::Stop,
            "The integration user lacks a permission: check its permission set for the object and field named in the \
             message, and triggers or flows that the message names.",
        ),
        "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED" | "FUNCTIONALITY_NOT_ENABLED" => (
            NextStep::Stop,
            "The org's edition or settings lack this API: check the edition, and that the integration user has API \
             Enabled.",
        ),
        "STORAGE_LIMIT_EXCEEDED" | "LIMIT_EXCEEDED" => (
            NextStep::Stop,
            "The org reached a limit of its own: see Setup, Storage Usage and System Overview, and free space.",
        ),
        "EXCEEDED_ID_LIMIT" | "INVALID_REPLICATION_DATE" => (
            NextStep::Stop,
            "Too much or too long ago has changed to be read as changes: run an initial sync of this object.",
        ),
        "UNSUPPORTED_API_VERSION" | "InvalidVersion" | "INVALID_VERSION" => (
            NextStep::Stop,
            "Salesforce no longer serves this API version: set a newer one in the connection.",
        ),
        code if code.starts_with("TXN_SECURITY") => (
            NextStep::Stop,
            "A Transaction Security policy of the org blocked the call: in Setup, open Transaction Security Policies \
             and exempt the integration user.",
        ),
        _ => return None,
    };
    Some(Policy::new(next, advice))
}

/// Almost every 401 means that the token has run out; these two never end by a new one.
fn by_session(message: &str) -> (NextStep, &'static str) {
    let hopeless = message.contains("not valid for use with the REST API")
        || message.contains("Connected app is not attached to Agent");
    if hopeless {
        (
            NextStep::Stop,
            "The token cannot be used for the API: in Setup, open the app's OAuth Settings and add the scope api, then \
             connect again.",
        )
    } else {
        (
            NextStep::RefreshToken,
            "The access token ran out; the gateway gets a new one. If it goes on, connect again.",
        )
    }
}

fn by_status(status: u16, message: &str, call: Call) -> Policy {
    let (next, advice) = match status {
        401 => by_session(message),
        403 => (
            NextStep::Stop,
            "Salesforce refused the call: check the integration user's permissions, and the org's login and IP \
             restrictions.",
        ),
        404 => (
            NextStep::Gone,
            "Salesforce has no such record, or the integration user cannot see it.",
        ),
        // Refused before any work: Salesforce's edge without a route, or a proxy asking to slow down.
        406 | 420 | 429 => (
            NextStep::Retry,
            "Salesforce or a proxy before it is busy; the gateway waits and tries again.",
        ),
        408 | 500..=599 => (
            after_doubt(call),
            "Salesforce had a problem of its own; see https://status.salesforce.com if this goes on.",
        ),
        409 => (
            NextStep::Stop,
            "Two API versions were mixed in one job: start the sync again after the connection's API version was \
             changed.",
        ),
        410 => (
            NextStep::Stop,
            "Salesforce no longer serves this API version: set a newer one in the connection.",
        ),
        413 | 414 | 431 => (
            NextStep::Stop,
            "The request is too large for Salesforce: map fewer fields, or narrow the filters.",
        ),
        300 => (
            NextStep::Stop,
            "Several Salesforce records have the same external id: merge them, or make the field unique.",
        ),
        301..=399 => (
            NextStep::Stop,
            "Salesforce points to another address: set the org's current My Domain as login URL and connect again.",
        ),
        _ => (
            NextStep::Stop,
            "Salesforce refused the call; the message says why. Mend its cause and try again.",
        ),
    };
    Policy::new(next, advice)
}

#[cfg(test)]
mod tests;
