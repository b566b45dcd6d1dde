//! `Database.DMLOptions` and `Database.LeadConvert` (Apex Reference Guide, "Database Namespace").

use std::collections::HashMap;
use std::sync::Arc;

use super::database::all_or_none;
use super::declaration::{Declarations, NativeFunction};
use crate::host::{DmlOptions, LeadConversion};
use crate::run::dml::several;
use crate::run::limits::Limit;
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::types::Type;

/// What was set, by the property's name.
#[derive(Debug, Default)]
struct Settings {
    values: HashMap<&'static str, Value>,
}

/// A getter and a setter of a named value.
macro_rules! setting {
    ($name:literal) => {{
        fn read(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
            part(m, this, $name)
        }
        fn write(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
            let value = m.any(arguments, 0);
            m.with_state(this, |settings: &mut Settings| {
                settings.values.insert($name, value)
            })?;
            Ok(Value::Null)
        }
        (read as NativeFunction, write as NativeFunction)
    }};
}

fn part(m: &Machine<'_>, this: &Value, name: &'static str) -> Run<Value> {
    m.with_state(this, |settings: &mut Settings| {
        settings.values.get(name).cloned().unwrap_or(Value::Null)
    })
}

const ASSIGNMENT: &str = "Database.DMLOptions.AssignmentRuleHeader";
const DUPLICATES: &str = "Database.DMLOptions.DuplicateRuleHeader";

pub(super) fn declare(catalogue: &mut Declarations) {
    let (all, set_all) = setting!("optAllOrNone");
    let (truncation, set_truncation) = setting!("allowFieldTruncation");
    let (assignment, set_assignment) = setting!("assignmentRuleHeader");
    let (duplicates, set_duplicates) = setting!("duplicateRuleHeader");
    catalogue
        .class("Database.DMLOptions")
        .constructor("new()", new_options)
        .property("Boolean optAllOrNone", all, Some(set_all))
        .property("Boolean allowFieldTruncation", truncation, Some(set_truncation))
        .property(
            &format!("{ASSIGNMENT} assignmentRuleHeader"),
            assignment,
            Some(set_assignment),
        )
        .property(
            &format!("{DUPLICATES} duplicateRuleHeader"),
            duplicates,
            Some(set_duplicates),
        );
    let (rule, set_rule) = setting!("assignmentRuleId");
    let (default, set_default) = setting!("useDefaultRule");
    catalogue
        .class(ASSIGNMENT)
        .property("Id assignmentRuleId", rule, Some(set_rule))
        .property("Boolean useDefaultRule", default, Some(set_default));
    let (save, set_save) = setting!("allowSave");
    catalogue
        .class(DUPLICATES)
        .property("Boolean allowSave", save, Some(set_save));

    let class = catalogue.class("Database.LeadConvert");
    class.constructor("new()", new_settings);
    let (get, set) = setting!("leadId");
    class
        .method("Id getLeadId()", get)
        .method("void setLeadId(Id id)", set);
    let (get, set) = setting!("accountId");
    class
        .method("Id getAccountId()", get)
        .method("void setAccountId(Id id)", set);
    let (get, set) = setting!("contactId");
    class
        .method("Id getContactId()", get)
        .method("void setContactId(Id id)", set);
    let (get, set) = setting!("opportunityId");
    class
        .method("Id getOpportunityId()", get)
        .method("void setOpportunityId(Id id)", set);
    let (get, set) = setting!("opportunityName");
    class
        .method("String getOpportunityName()", get)
        .method("void setOpportunityName(String name)", set);
    let (get, set) = setting!("ownerId");
    class
        .method("Id getOwnerId()", get)
        .method("void setOwnerId(Id id)", set);
    let (get, set) = setting!("convertedStatus");
    class
        .method("String getConvertedStatus()", get)
        .method("void setConvertedStatus(String status)", set);
    let (get, set) = setting!("doNotCreateOpportunity");
    class
        .method("Boolean isDoNotCreateOpportunity()", get)
        .method("void setDoNotCreateOpportunity(Boolean skip)", set);
    let (get, set) = setting!("overwriteLeadSource");
    class
        .method("Boolean isOverwriteLeadSource()", get)
        .method("void setOverwriteLeadSource(Boolean overwrite)", set);
    let (get, set) = setting!("sendNotificationEmail");
    class
        .method("Boolean isSendNotificationEmail()", get)
        .method("void setSendNotificationEmail(Boolean send)", set);
}

/// `Database.convertLead`, declared beside the other methods of `Database`.
pub(super) const CONVERT_LEAD: [(&str, NativeFunction); 4] = [
    (
        "static Database.LeadConvertResult convertLead(Database.LeadConvert lead)",
        convert_lead,
    ),
    (
        "static Database.LeadConvertResult convertLead(Database.LeadConvert lead, Boolean all)",
        convert_lead,
    ),
    (
        "static List<Database.LeadConvertResult> convertLead(List<Database.LeadConvert> leads)",
        convert_lead,
    ),
    (
        "static List<Database.LeadConvertResult> convertLead(List<Database.LeadConvert> leads, Boolean all)",
        convert_lead,
    ),
];

fn new_settings(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    match this {
        Value::Type(ty) => Ok(Value::native(Type::clone(ty), Settings::default())),
        _ => Err(m.null_pointer()),
    }
}

/// The headers are there from the start: `options.DuplicateRuleHeader.allowSave = true`.
fn new_options(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let options = new_settings(m, this, arguments)?;
    let assignment = m.platform_object(ASSIGNMENT, Settings::default())?;
    let duplicates = m.platform_object(DUPLICATES, Settings::default())?;
    m.with_state(&options, |settings: &mut Settings| {
        settings.values.insert("assignmentRuleHeader", assignment);
        settings.values.insert("duplicateRuleHeader", duplicates);
    })?;
    Ok(options)
}

fn text(value: Value) -> Option<Arc<str>> {
    match value {
        Value::String(text) | Value::Id(text) => Some(text),
        _ => None,
    }
}

fn truth(value: &Value) -> bool {
    value.as_bool() == Some(true)
}

/// What a DMLOptions asks for: all or none, and the rest.
pub(super) fn options_of(m: &Machine<'_>, options: &Value) -> Run<(Option<bool>, DmlOptions)> {
    let all = part(m, options, "optAllOrNone")?.as_bool();
    let header = |name, field| match part(m, options, name)? {
        Value::Null => Ok(Value::Null),
        header => part(m, &header, field),
    };
    Ok((
        all,
        DmlOptions {
            allow_field_truncation: truth(&part(m, options, "allowFieldTruncation")?),
            duplicates_allowed: truth(&header("duplicateRuleHeader", "allowSave")?),
            default_assignment_rule: truth(&header("assignmentRuleHeader", "useDefaultRule")?),
            assignment_rule: text(header("assignmentRuleHeader", "assignmentRuleId")?),
        },
    ))
}

fn convert_lead(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let (given, rest) = match arguments.split_first() {
        Some((given, rest)) if !given.is_null() => (given.clone(), rest),
        _ => return Err(m.null_argument()),
    };
    let all = all_or_none(m, rest)?.unwrap_or(true);
    let single = !matches!(given, Value::List(_));
    let mut leads = Vec::new();
    for lead in several(given) {
        leads.push(LeadConversion {
            lead: text(part(m, &lead, "leadId")?),
            account: text(part(m, &lead, "accountId")?),
            contact: text(part(m, &lead, "contactId")?),
            opportunity: text(part(m, &lead, "opportunityId")?),
            opportunity_name: text(part(m, &lead, "opportunityName")?),
            owner: text(part(m, &lead, "ownerId")?),
            status: text(part(m, &lead, "convertedStatus")?),
            without_opportunity: truth(&part(m, &lead, "doNotCreateOpportunity")?),
            overwrite_lead_source: truth(&part(m, &lead, "overwriteLeadSource")?),
            send_email: truth(&part(m, &lead, "sendNotificationEmail")?),
        });
    }
    m.count(Limit::DmlStatements, 1)?;
    m.count(Limit::DmlRows, leads.len())?;
    m.uncommitted.dml = true;
    let host = m.host;
    let outcomes = host
        .convert_leads(m, &leads, all)
        .map_err(|error| m.from_host(error))?;
    if all && let Some((row, outcome)) = outcomes.iter().enumerate().find(|(_, o)| !o.errors.is_empty()) {
        let (code, words, fields) = outcome.errors.first().cloned().unwrap_or_default();
        let message = format!(
            "ConvertLead failed. First exception on row {row}; first error: {code}, {words}: [{}]",
            fields.join(", ")
        );
        return Err(m.raise("DmlException", message));
    }
    let mut results = Vec::new();
    for (lead, outcome) in leads.into_iter().zip(outcomes) {
        results.push(m.lead_result(lead.lead, outcome)?);
    }
    if single {
        return Ok(results.into_iter().next().unwrap_or(Value::Null));
    }
    let element = m
        .catalogue
        .find("Database.LeadConvertResult")
        .map_or(Type::Object, Type::platform);
    Ok(Value::list(element, results))
}
