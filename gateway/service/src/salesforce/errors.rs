//! From whatever Salesforce answers to a [`Failure`], the words in which the gateway speaks of it.

use causeway_core::failure::Failure;
use serde::Deserialize;

/// Bytes of an error body that are read at most; the rest says nothing more.
pub const MAX_ERROR_BODY: usize = 64 * 1024;

/// Characters of a message that are kept.
const MAX_MESSAGE: usize = 1_000;

/// One element of the error array of the REST API (REST API Developer Guide, "Status Codes and Error Responses").
#[derive(Debug, Deserialize)]
struct ApiError {
    #[serde(rename = "errorCode", default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    fields: Vec<String>,
}

/// Error body of the token endpoint (RFC 6749, section 5.2).
#[derive(Debug, Deserialize)]
struct OAuthError {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Understands an answer that is not a success. Total: every body gives a failure.
///
/// REST errors come as an array, on a few resources as a bare object, from the token endpoint as an OAuth object,
/// and from the proxies before Salesforce as HTML.
pub fn failure(status: u16, body: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(body);
    let (code, message) = read(text.trim());
    Failure::Salesforce {
        status,
        code,
        message: redact(&message),
    }
}

fn read(body: &str) -> (String, String) {
    if let Ok(errors) = serde_json::from_str::<Vec<ApiError>>(body) {
        return errors
            .into_iter()
            .next()
            .map(api_error)
            .unwrap_or_else(|| (String::new(), "an empty list of errors".to_owned()));
    }
    if let Ok(error) = serde_json::from_str::<OAuthError>(body) {
        return (error.error, error.error_description);
    }
    if let Ok(error) = serde_json::from_str::<ApiError>(body)
        && !(error.code.is_empty() && error.message.is_empty())
    {
        return api_error(error);
    }
    let message = if body.is_empty() {
        "no body".to_owned()
    } else if body.starts_with('<') {
        format!("an HTML page{}", html_title(body))
    } else {
        body.to_owned()
    };
    (String::new(), message)
}

fn api_error(error: ApiError) -> (String, String) {
    let message = if error.fields.is_empty() {
        error.message
    } else {
        format!("{} (fields: {})", error.message, error.fields.join(", "))
    };
    (error.code, message)
}

fn html_title(body: &str) -> String {
    let title = body
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"))
        .map(|(title, _)| title.trim())
        .filter(|title| !title.is_empty());
    title.map(|title| format!(": {title}")).unwrap_or_default()
}

/// Takes out what looks like an access token (`00D…!…`) or a JWT, and shortens the rest.
///
/// Salesforce repeats requests in some messages, so tokens may be in them.
pub fn redact(message: &str) -> String {
    let short: String = message.chars().take(MAX_MESSAGE).collect();
    let mut clean = String::with_capacity(short.len());
    let mut word = String::new();
    for character in short.chars() {
        if is_token_character(character) {
            word.push(character);
        } else {
            push_word(&mut clean, &mut word);
            clean.push(character);
        }
    }
    push_word(&mut clean, &mut word);
    clean
}

fn is_token_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '!' | '.' | '_' | '-')
}

fn push_word(clean: &mut String, word: &mut String) {
    let access_token = word.starts_with("00D") && word.contains('!');
    let jwt = word.starts_with("eyJ") && word.contains('.');
    if access_token || jwt {
        clean.push_str("[redacted]");
    } else {
        clean.push_str(word);
    }
    word.clear();
}

/// A request that got no answer. The address is left out, since its query may hold data of records.
pub fn no_answer(error: &reqwest::Error) -> Failure {
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off"
    } else {
        "the exchange failed"
    };
    let mut message = what.to_owned();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let text = cause.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        source = cause.source();
    }
    Failure::NoAnswer {
        message: redact(&message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_failure(status: u16, body: &str) -> (u16, String, String) {
        match failure(status, body.as_bytes()) {
            Failure::Salesforce {
                status,
                code,
                message,
            } => (status, code, message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_form_of_error_body_is_understood() {
        for (status, body, code, message) in [
            (
                401,
                r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#,
                "INVALID_SESSION_ID",
                "Session expired or invalid",
            ),
            (
                400,
                r#"[{"message":"Required fields are missing: [Name]","errorCode":"REQUIRED_FIELD_MISSING","fields":["Name"]}]"#,
                "REQUIRED_FIELD_MISSING",
                "Required fields are missing: [Name] (fields: Name)",
            ),
            (
                404,
                r#"{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}"#,
                "NOT_FOUND",
                "The requested resource does not exist",
            ),
            (
                400,
                r#"{"error":"invalid_grant","error_description":"user hasn't approved this consumer"}"#,
                "invalid_grant",
                "user hasn't approved this consumer",
            ),
            (
                503,
                "<html><head><title>Service Unavailable</title></head></html>",
                "",
                "an HTML page: Service Unavailable",
            ),
            (502, "<!doctype html><p>oops", "", "an HTML page"),
            (500, "", "", "no body"),
            (400, "[]", "", "an empty list of errors"),
            (500, "{\"odd\":1}", "", "{\"odd\":1}"),
            (500, "plain words", "", "plain words"),
        ] {
            assert_eq!(
                read_failure(status, body),
                (status, code.to_owned(), message.to_owned()),
                "{body}"
            );
        }
    }

    #[test]
    fn broken_utf8_is_no_obstacle() {
        let failure = failure(500, b"\xff\xfe[{");
        assert!(matches!(failure, Failure::Salesforce { status: 500, .. }));
    }

    #[test]
    fn tokens_in_messages_are_taken_out() {
        let message =
            redact("bad token 00D8a00001rBqb8!AQ4AQ.x_y for eyJhbGciOi.eyJpc3.c2ln, record 00D8a00001rBqb8");
        assert_eq!(
            message,
            "bad token [redacted] for [redacted], record 00D8a00001rBqb8"
        );
    }

    #[test]
    fn long_messages_are_cut() {
        assert_eq!(redact(&"ä".repeat(5_000)).chars().count(), MAX_MESSAGE);
    }
}
