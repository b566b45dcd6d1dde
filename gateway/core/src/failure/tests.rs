use proptest::prelude::*;

use super::*;
use NextStep::{Gone, Park, Pause, ReadFirst, RefreshToken, Retry, StartOver, Stop};

fn salesforce(status: u16, code: &str, message: &str) -> Failure {
    Failure::Salesforce {
        status,
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

#[test]
fn each_named_error_has_its_step_and_advice() {
    // Status, code, message, step after a read, step after a write, a word that the advice must hold.
    let table = [
        (
            401,
            "INVALID_SESSION_ID",
            "Session expired or invalid",
            RefreshToken,
            RefreshToken,
            "token",
        ),
        (401, "InvalidSessionId", "", RefreshToken, RefreshToken, "token"),
        (403, "INVALID_SESSION_ID", "", RefreshToken, RefreshToken, "token"),
        (401, "", "", RefreshToken, RefreshToken, "token"),
        (
            401,
            "INVALID_SESSION_ID",
            "This session is not valid for use with the REST API",
            Stop,
            Stop,
            "scope",
        ),
        (
            401,
            "",
            "Connected app is not attached to Agent",
            Stop,
            Stop,
            "scope",
        ),
        (
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "TotalRequests Limit exceeded.",
            Park,
            Park,
            "off-hours",
        ),
        (
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "ConcurrentPerOrgLongTxn Limit exceeded.",
            Retry,
            Retry,
            "at once",
        ),
        (
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "ConcurrentRequests Limit exceeded.",
            Retry,
            Retry,
            "at once",
        ),
        (400, "ExceededQuota", "", Park, Park, "allowance"),
        (403, "API_DISABLED_FOR_ORG", "", Stop, Stop, "edition"),
        (403, "API_CURRENTLY_DISABLED", "", Stop, Stop, "edition"),
        (403, "FUNCTIONALITY_NOT_ENABLED", "", Stop, Stop, "edition"),
        (403, "INSUFFICIENT_ACCESS", "", Stop, Stop, "permission"),
        (403, "", "", Stop, Stop, "permissions"),
        (
            400,
            "UNABLE_TO_LOCK_ROW",
            "unable to obtain exclusive access to this record",
            Retry,
            Retry,
            "again",
        ),
        (
            400,
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "",
            Retry,
            Retry,
            "nothing was written",
        ),
        (400, "PROCESSING_HALTED", "", Retry, Retry, "nothing was written"),
        (
            412,
            "BATCH_PROCESSING_HALTED",
            "",
            Retry,
            Retry,
            "nothing was written",
        ),
        (
            400,
            "DUPLICATES_DETECTED",
            "Use one of these records?",
            Stop,
            Stop,
            "Duplicate Rules",
        ),
        (
            400,
            "DUPLICATE_VALUE",
            "duplicate value found",
            ReadFirst,
            ReadFirst,
            "exists already",
        ),
        (
            400,
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [Name]",
            Stop,
            Stop,
            "requires",
        ),
        (
            400,
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "",
            Stop,
            Stop,
            "validation rule",
        ),
        (400, "STRING_TOO_LONG", "", Stop, Stop, "value"),
        (
            400,
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "",
            Stop,
            Stop,
            "option",
        ),
        (400, "MALFORMED_ID", "", Stop, Stop, "value"),
        (400, "FIELD_INTEGRITY_EXCEPTION", "", Stop, Stop, "value"),
        (400, "INVALID_CROSS_REFERENCE_KEY", "", Stop, Stop, "value"),
        (400, "JSON_PARSER_ERROR", "", Stop, Stop, "value"),
        (
            400,
            "INVALID_FIELD",
            "No such column 'X' on entity 'Account'",
            Stop,
            Stop,
            "re-check the mapping",
        ),
        (400, "INVALID_TYPE", "", Stop, Stop, "re-check the mapping"),
        (400, "MALFORMED_QUERY", "", Stop, Stop, "re-check the mapping"),
        (400, "INVALIDENTITY", "", Stop, Stop, "re-check the mapping"),
        (
            400,
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "",
            Stop,
            Stop,
            "permission set",
        ),
        (
            400,
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "",
            Stop,
            Stop,
            "triggers",
        ),
        (
            400,
            "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            "",
            Stop,
            Stop,
            "permission",
        ),
        (400, "LIMIT_EXCEEDED", "", Stop, Stop, "limit"),
        (400, "STORAGE_LIMIT_EXCEEDED", "", Stop, Stop, "Storage"),
        (400, "EXCEEDED_ID_LIMIT", "", Stop, Stop, "initial sync"),
        (400, "INVALID_REPLICATION_DATE", "", Stop, Stop, "initial sync"),
        (
            400,
            "QUERY_TIMEOUT",
            "Your query request was running for too long.",
            StartOver,
            StartOver,
            "narrow",
        ),
        (400, "INVALID_QUERY_LOCATOR", "", StartOver, StartOver, "over"),
        (
            404,
            "NOT_FOUND",
            "The requested resource does not exist",
            Gone,
            Gone,
            "deleted",
        ),
        (
            404,
            "ENTITY_IS_DELETED",
            "entity is deleted",
            Gone,
            Gone,
            "deleted",
        ),
        (404, "", "", Gone, Gone, "no such record"),
        (406, "ERROR_HTTP_406", "<html>", Retry, Retry, "busy"),
        (409, "", "", Stop, Stop, "API version"),
        (410, "GONE", "", Stop, Stop, "API version"),
        (500, "UNSUPPORTED_API_VERSION", "", Stop, Stop, "API version"),
        (400, "InvalidVersion", "", Stop, Stop, "API version"),
        (414, "", "", Stop, Stop, "too large"),
        (431, "", "", Stop, Stop, "too large"),
        (420, "ERROR_HTTP_420", "<html>", Retry, Retry, "busy"),
        (429, "", "", Retry, Retry, "busy"),
        (408, "", "", Retry, ReadFirst, "status.salesforce.com"),
        (
            500,
            "UNKNOWN_EXCEPTION",
            "An unexpected error occurred",
            Retry,
            ReadFirst,
            "status.salesforce.com",
        ),
        (500, "", "<html>", Retry, ReadFirst, "status.salesforce.com"),
        (
            502,
            "ERROR_HTTP_502",
            "<html>",
            Retry,
            ReadFirst,
            "status.salesforce.com",
        ),
        (
            503,
            "SERVER_UNAVAILABLE",
            "",
            Retry,
            ReadFirst,
            "status.salesforce.com",
        ),
        (504, "", "", Retry, ReadFirst, "status.salesforce.com"),
        (
            400,
            "TXN_SECURITY_NO_ACCESS",
            "",
            Stop,
            Stop,
            "Transaction Security",
        ),
        (
            500,
            "TXN_SECURITY_METERING_ERROR",
            "",
            Stop,
            Stop,
            "Transaction Security",
        ),
        (300, "", "", Stop, Stop, "external id"),
        (302, "", "", Stop, Stop, "My Domain"),
        (400, "SOMETHING_NEW", "", Stop, Stop, "message"),
        (
            400,
            "invalid_grant",
            "user hasn't approved this consumer",
            Stop,
            Stop,
            "2 to 10 minutes",
        ),
        (
            400,
            "invalid_grant",
            "audience is invalid",
            Stop,
            Stop,
            "login URL",
        ),
        (
            400,
            "invalid_grant",
            "expired authorization code",
            Stop,
            Stop,
            "clock",
        ),
        (
            400,
            "invalid_grant",
            "ip restricted",
            Stop,
            Stop,
            "Login IP Ranges",
        ),
        (400, "invalid_grant", "user is locked", Stop, Stop, "Unlock"),
        (
            400,
            "invalid_grant",
            "authentication failure",
            Stop,
            Stop,
            "certificate",
        ),
        (
            400,
            "invalid_grant",
            "invalid assertion",
            Stop,
            Stop,
            "certificate",
        ),
        (
            400,
            "invalid_client",
            "invalid client credentials",
            Stop,
            Stop,
            "consumer key",
        ),
        (
            400,
            "invalid_client_id",
            "client identifier invalid",
            Stop,
            Stop,
            "consumer key",
        ),
        (
            400,
            "invalid_app_access",
            "user is not admin approved to access this app",
            Stop,
            Stop,
            "Policies",
        ),
        (400, "inactive_user", "", Stop, Stop, "Users"),
        (400, "inactive_org", "", Stop, Stop, "org"),
        (400, "redirect_uri_mismatch", "", Stop, Stop, "callback URL"),
        (400, "unsupported_grant_type", "", Stop, Stop, "JWT bearer flow"),
        (400, "rate_limit_exceeded", "", Retry, Retry, "waits"),
    ];
    for (status, code, message, after_read, after_write, word) in table {
        let failure = salesforce(status, code, message);
        let read = policy(&failure, Call::Read);
        let write = policy(&failure, Call::Write);
        assert_eq!(read.next, after_read, "read: {status} {code} {message}");
        assert_eq!(write.next, after_write, "write: {status} {code} {message}");
        assert!(read.advice.contains(word), "{status} {code}: {}", read.advice);
    }
}

#[test]
fn without_an_answer_a_read_is_repeated_and_a_write_is_looked_up_first() {
    for failure in [
        Failure::NoAnswer {
            message: "connection reset".to_owned(),
        },
        Failure::Unreadable {
            message: "a JSON object".to_owned(),
        },
    ] {
        assert_eq!(policy(&failure, Call::Read).next, Retry);
        assert_eq!(policy(&failure, Call::Write).next, ReadFirst);
    }
}

#[test]
fn a_store_that_is_away_is_tried_again_a_full_one_soon_and_a_refusing_one_stops() {
    for (trouble, next, told) in [
        (StoreTrouble::Away, Retry, "out of reach"),
        (StoreTrouble::Full, Pause, "free space"),
        (StoreTrouble::Broken, Stop, "refused"),
    ] {
        let failure = Failure::Store {
            message: "what the database said".to_owned(),
            trouble,
        };
        for call in [Call::Read, Call::Write] {
            let policy = policy(&failure, call);
            assert_eq!(policy.next, next);
            assert!(policy.advice.contains(told), "{}", policy.advice);
        }
    }
}

proptest! {
    #[test]
    fn every_failure_has_a_step_and_advice_that_repeats_nothing_of_the_message(
        status in any::<u16>(),
        code in "[A-Z_]{0,20}|[a-z_]{0,20}",
        secret in "[0-9]{12}",
    ) {
        for call in [Call::Read, Call::Write] {
            let policy = policy(&salesforce(status, &code, &secret), call);
            prop_assert!(policy.advice.len() > 20);
            prop_assert!(!policy.advice.contains(&secret));
            prop_assert!(!(call == Call::Write && status >= 500 && policy.next == Retry));
        }
    }
}
