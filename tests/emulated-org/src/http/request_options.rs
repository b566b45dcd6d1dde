//! What request headers ask for besides the request.
//!
//! Source: Salesforce REST API Developer Guide, Headers: Assignment Rule, Call Options, Duplicate Rule and Package
//! Version Header. That values which cannot be read are refused with 400 is believed; Query Options are read where
//! queries are.

use std::collections::BTreeMap;

use actix_web::http::header::HeaderMap;

use super::{ApiError, ApiVersion};
use crate::id::RecordId;

/// The options of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestOptions {
    /// The client id of `Sforce-Call-Options`.
    pub client: Option<String>,
    /// The namespace whose prefix names may lack, of `Sforce-Call-Options`. Recorded; nothing here has a namespace.
    pub default_namespace: Option<String>,
    /// Which assignment rules run. Recorded; this organisation has none.
    pub auto_assign: AutoAssign,
    /// What duplicate rules are told.
    pub duplicate_rule: DuplicateRuleOptions,
    /// The package versions that the client was made for, by namespace in lower case. Recorded.
    pub package_versions: BTreeMap<String, String>,
}

/// `Sforce-Auto-Assign`: which assignment rules run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoAssign {
    /// The active ones.
    #[default]
    Active,
    /// None.
    Off,
    /// The one with this id.
    Rule(RecordId),
}

/// `Sforce-Duplicate-Rule-Header`; known since version 52.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DuplicateRuleOptions {
    /// Whether rules that alert let a duplicate be saved.
    pub allow_save: bool,
    /// Whether fields of the records found are shown.
    pub include_record_details: bool,
    /// Whether the sharing of the running user decides which records are found.
    pub run_as_current_user: bool,
}

const DUPLICATE_RULE_SINCE: u16 = 52;
const PACKAGE_VERSION: &str = "x-sfdc-packageversion-";

impl RequestOptions {
    /// Reads the headers of a request.
    ///
    /// # Errors
    /// 400 where one of them says nothing that can be read.
    pub fn read(headers: &HeaderMap, version: ApiVersion) -> Result<Self, ApiError> {
        let mut options = Self::default();
        for (name, value) in pairs(headers, "sforce-call-options")? {
            match name.to_ascii_lowercase().as_str() {
                "client" => options.client = Some(value),
                "defaultnamespace" => options.default_namespace = Some(value),
                _ => return Err(ApiError::invalid_header("Sforce-Call-Options")),
            }
        }
        if let Some(value) = text(headers, "sforce-auto-assign")? {
            options.auto_assign = auto_assign(value)?;
        }
        for (name, value) in pairs(headers, "sforce-duplicate-rule-header")? {
            let refused = || ApiError::invalid_header("Sforce-Duplicate-Rule-Header");
            let value = boolean(&value).ok_or_else(refused)?;
            if version.0 < DUPLICATE_RULE_SINCE {
                continue;
            }
            match name.to_ascii_lowercase().as_str() {
                "allowsave" => options.duplicate_rule.allow_save = value,
                "includerecorddetails" => options.duplicate_rule.include_record_details = value,
                "runascurrentuser" => options.duplicate_rule.run_as_current_user = value,
                _ => return Err(refused()),
            }
        }
        for (name, value) in headers {
            let Some(namespace) = name.as_str().strip_prefix(PACKAGE_VERSION) else {
                continue;
            };
            let value = value.to_str().unwrap_or_default().trim();
            let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            let is_version = value
                .split_once('.')
                .is_some_and(|(major, minor)| is_number(major) && is_number(minor));
            if !is_version || namespace.is_empty() {
                return Err(ApiError::invalid_header(name.as_str()));
            }
            options
                .package_versions
                .insert(namespace.to_owned(), value.to_owned());
        }
        Ok(options)
    }
}

fn auto_assign(value: &str) -> Result<AutoAssign, ApiError> {
    const ASSIGNMENT_RULE: &str = "01Q";
    match boolean(value) {
        Some(true) => Ok(AutoAssign::Active),
        Some(false) => Ok(AutoAssign::Off),
        None => RecordId::parse(value)
            .filter(|id| id.prefix() == ASSIGNMENT_RULE)
            .map(AutoAssign::Rule)
            .ok_or_else(|| ApiError::invalid_header("Sforce-Auto-Assign")),
    }
}

fn boolean(value: &str) -> Option<bool> {
    if value.eq_ignore_ascii_case("true") {
        Some(true)
    } else if value.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, ApiError> {
    headers
        .get(name)
        .map(|value| value.to_str().map(str::trim).ok())
        .map(|value| value.ok_or_else(|| ApiError::invalid_header(name)))
        .transpose()
}

/// `name=value` pairs between commas or semicolons.
fn pairs(headers: &HeaderMap, name: &str) -> Result<Vec<(String, String)>, ApiError> {
    text(headers, name)?
        .unwrap_or_default()
        .split([',', ';'])
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| ApiError::invalid_header(name))?;
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn read(version: u16, headers: &[(&'static str, &'static str)]) -> Result<RequestOptions, ApiError> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        RequestOptions::read(&map, ApiVersion(version))
    }

    #[test]
    fn options_are_read_from_their_headers() {
        let options = read(
            68,
            &[
                (
                    "sforce-call-options",
                    "client=Sample/100, defaultNamespace=battle",
                ),
                ("sforce-auto-assign", "FALSE"),
                (
                    "sforce-duplicate-rule-header",
                    "allowSave=true; includeRecordDetails=false; runAsCurrentUser=TRUE",
                ),
                ("x-sfdc-packageversion-battle", "1.2"),
            ],
        )
        .expect("options");
        assert_eq!(options.client.as_deref(), Some("Sample/100"));
        assert_eq!(options.default_namespace.as_deref(), Some("battle"));
        assert_eq!(options.auto_assign, AutoAssign::Off);
        assert_eq!(
            options.duplicate_rule,
            DuplicateRuleOptions {
                allow_save: true,
                include_record_details: false,
                run_as_current_user: true,
            }
        );
        assert_eq!(
            options.package_versions.get("battle").map(String::as_str),
            Some("1.2")
        );
        let before = read(51, &[("sforce-duplicate-rule-header", "allowSave=true")]).expect("options");
        assert!(!before.duplicate_rule.allow_save);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (name, value) in [
            ("sforce-call-options", "client"),
            ("sforce-call-options", "colour=red"),
            ("sforce-auto-assign", "perhaps"),
            ("sforce-auto-assign", "001000000000000AAA"),
            ("sforce-duplicate-rule-header", "allowSave=yes"),
            ("sforce-duplicate-rule-header", "allow=true"),
            ("x-sfdc-packageversion-battle", "one"),
        ] {
            assert_eq!(
                read(68, &[(name, value)]).expect_err(value).status,
                400,
                "{name}: {value}"
            );
        }
    }
}
