//! What `Database` methods return (Apex Reference Guide, "Database Namespace"), and what a DmlException tells.

use std::sync::Arc;

use super::declaration::Declarations;
use crate::host::{DmlOutcome, LeadOutcome};
use crate::run::value::{FailedRow, Value};
use crate::run::{Machine, Run};
use crate::types::Type;

type Refusal = (String, String, Vec<String>);

/// The outcome of one record.
#[derive(Debug, Clone)]
struct RecordResult {
    outcome: DmlOutcome,
}

#[derive(Debug, Clone)]
struct RecordError {
    refusal: Refusal,
}

#[derive(Debug, Clone)]
struct LeadResult {
    lead: Option<Arc<str>>,
    outcome: LeadOutcome,
}

/// Status codes by the names that the API gives them.
const STATUS_CODES: &[&str] = &[
    "ALREADY_IN_PROCESS",
    "ASSIGNEE_TYPE_REQUIRED",
    "BAD_CUSTOM_ENTITY_PARENT_DOMAIN",
    "CANNOT_CASCADE_PRODUCT_ACTIVE",
    "CANNOT_CHANGE_FIELD_TYPE_OF_APEX_REFERENCED_FIELD",
    "CANNOT_DEACTIVATE_REFERENCED_CUSTOM_FIELD",
    "CANNOT_DELETE_LAST_DATED_CONVERSION_RATE",
    "CANNOT_DELETE_MANAGED_OBJECT",
    "CANNOT_DISABLE_LAST_ADMIN",
    "CANNOT_ENABLE_IP_RESTRICT_REQUESTS",
    "CANNOT_EXECUTE_FLOW_TRIGGER",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "CANNOT_MODIFY_MANAGED_OBJECT",
    "CANNOT_RENAME_APEX_REFERENCED_FIELD",
    "CANNOT_RENAME_APEX_REFERENCED_OBJECT",
    "CANNOT_REPARENT_RECORD",
    "CANNOT_UPDATE_CONVERTED_LEAD",
    "CANT_DISABLE_CORP_CURRENCY",
    "CANT_UNSET_CORP_CURRENCY",
    "CHILD_SHARE_FAILS_PARENT",
    "CIRCULAR_DEPENDENCY",
    "CUSTOM_CLOB_FIELD_LIMIT_EXCEEDED",
    "CUSTOM_ENTITY_OR_FIELD_LIMIT",
    "CUSTOM_FIELD_INDEX_LIMIT_EXCEEDED",
    "CUSTOM_INDEX_EXISTS",
    "CUSTOM_LINK_LIMIT_EXCEEDED",
    "CUSTOM_TAB_LIMIT_EXCEEDED",
    "DATACLOUD_ADDRESS_NO_RECORDS_FOUND",
    "DATACLOUD_API_SERVER_EXCEPTION",
    "DELETE_FAILED",
    "DELETE_OPERATION_TOO_LARGE",
    "DELETE_REQUIRED_ON_CASCADE",
    "DEPENDENCY_EXISTS",
    "DUPLICATE_CASE_SOLUTION",
    "DUPLICATE_CUSTOM_ENTITY_DEFINITION",
    "DUPLICATE_CUSTOM_TAB_MOTIF",
    "DUPLICATE_DEVELOPER_NAME",
    "DUPLICATE_EXTERNAL_ID",
    "DUPLICATE_MASTER_LABEL",
    "DUPLICATE_SENDER_DISPLAY_NAME",
    "DUPLICATE_USERNAME",
    "DUPLICATE_VALUE",
    "DUPLICATES_DETECTED",
    "EMAIL_NOT_PROCESSED_DUE_TO_PRIOR_ERROR",
    "EMPTY_SCONTROL_FILE_NAME",
    "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE",
    "ENTITY_IS_ARCHIVED",
    "ENTITY_IS_DELETED",
    "ENTITY_IS_LOCKED",
    "ERROR_IN_MAILER",
    "FAILED_ACTIVATION",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "FIELD_FILTER_VALIDATION_EXCEPTION",
    "FIELD_INTEGRITY_EXCEPTION",
    "FILTERED_LOOKUP_LIMIT_EXCEEDED",
    "HTML_FILE_UPLOAD_NOT_ALLOWED",
    "IMAGE_TOO_LARGE",
    "INACTIVE_OWNER_OR_USER",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
    "INSUFFICIENT_ACCESS_OR_READONLY",
    "INVALID_ACCESS_LEVEL",
    "INVALID_ARGUMENT_TYPE",
    "INVALID_ASSIGNEE_TYPE",
    "INVALID_ASSIGNMENT_RULE",
    "INVALID_BATCH_OPERATION",
    "INVALID_CONTENT_TYPE",
    "INVALID_CREDIT_CARD_INFO",
    "INVALID_CROSS_REFERENCE_KEY",
    "INVALID_CROSS_REFERENCE_TYPE_FOR_FIELD",
    "INVALID_CURRENCY_CONV_RATE",
    "INVALID_CURRENCY_CORP_RATE",
    "INVALID_CURRENCY_ISO",
    "INVALID_EMAIL_ADDRESS",
    "INVALID_EMPTY_KEY_OWNER",
    "INVALID_FIELD",
    "INVALID_FIELD_FOR_INSERT_UPDATE",
    "INVALID_FIELD_WHEN_USING_TEMPLATE",
    "INVALID_FILTER_ACTION",
    "INVALID_GOOGLE_DOCS_URL",
    "INVALID_ID_FIELD",
    "INVALID_INET_ADDRESS",
    "INVALID_LINEITEM_CLONE_STATE",
    "INVALID_MASTER_OR_TRANSLATED_SOLUTION",
    "INVALID_OPERATION",
    "INVALID_OPERATOR",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    "INVALID_PARTNER_NETWORK_STATUS",
    "INVALID_PERSON_ACCOUNT_OPERATION",
    "INVALID_READ_ONLY_USER_DML",
    "INVALID_SAVE_AS_ACTIVITY_FLAG",
    "INVALID_SESSION_ID",
    "INVALID_STATUS",
    "INVALID_TYPE",
    "INVALID_TYPE_FOR_OPERATION",
    "INVALID_TYPE_ON_FIELD_IN_RECORD",
    "IP_RANGE_LIMIT_EXCEEDED",
    "JIGSAW_IMPORT_LIMIT_EXCEEDED",
    "LICENSE_LIMIT_EXCEEDED",
    "LIGHT_PORTAL_USER_EXCEPTION",
    "LIMIT_EXCEEDED",
    "MALFORMED_ID",
    "MANAGER_NOT_DEFINED",
    "MASSMAIL_RETRY_LIMIT_EXCEEDED",
    "MASS_MAIL_LIMIT_EXCEEDED",
    "MAXIMUM_CCEMAILS_EXCEEDED",
    "MAXIMUM_DASHBOARD_COMPONENTS_EXCEEDED",
    "MAXIMUM_HIERARCHY_LEVELS_REACHED",
    "MAXIMUM_SIZE_OF_ATTACHMENT",
    "MAXIMUM_SIZE_OF_DOCUMENT",
    "MAX_ACTIONS_PER_RULE_EXCEEDED",
    "MAX_ACTIVE_RULES_EXCEEDED",
    "MAX_APPROVAL_STEPS_EXCEEDED",
    "MAX_FORMULAS_PER_RULE_EXCEEDED",
    "MAX_RULES_EXCEEDED",
    "MAX_RULE_ENTRIES_EXCEEDED",
    "MAX_TASK_DESCRIPTION_EXCEEEDED",
    "MAX_TM_RULES_EXCEEDED",
    "MAX_TM_RULE_ITEMS_EXCEEDED",
    "MERGE_FAILED",
    "MISSING_ARGUMENT",
    "MIXED_DML_OPERATION",
    "NONUNIQUE_SHIPPING_ADDRESS",
    "NO_APPLICABLE_PROCESS",
    "NO_ATTACHMENT_PERMISSION",
    "NO_INACTIVE_DIVISION_MEMBERS",
    "NO_MASS_MAIL_PERMISSION",
    "NUMBER_OUTSIDE_VALID_RANGE",
    "NUM_HISTORY_FIELDS_BY_SOBJECT_EXCEEDED",
    "OPTED_OUT_OF_MASS_MAIL",
    "OP_WITH_INVALID_USER_TYPE_EXCEPTION",
    "PACKAGE_LICENSE_REQUIRED",
    "PORTAL_NO_ACCESS",
    "PORTAL_USER_ALREADY_EXISTS_FOR_CONTACT",
    "PRIVATE_CONTACT_ON_ASSET",
    "QUERY_TIMEOUT",
    "RECORD_IN_USE_BY_WORKFLOW",
    "REQUEST_RUNNING_TOO_LONG",
    "REQUIRED_FIELD_MISSING",
    "SELF_REFERENCE_FROM_TRIGGER",
    "SHARE_NEEDED_FOR_CHILD_OWNER",
    "SINGLE_EMAIL_LIMIT_EXCEEDED",
    "STANDARD_PRICE_NOT_DEFINED",
    "STORAGE_LIMIT_EXCEEDED",
    "STRING_TOO_LONG",
    "TABSET_LIMIT_EXCEEDED",
    "TEMPLATE_NOT_ACTIVE",
    "TERRITORY_REALIGN_IN_PROGRESS",
    "TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET",
    "TOO_MANY_APEX_REQUESTS",
    "TOO_MANY_ENUM_VALUE",
    "TRANSFER_REQUIRES_READ",
    "UNABLE_TO_LOCK_ROW",
    "UNAVAILABLE_RECORDTYPE_EXCEPTION",
    "UNDELETE_FAILED",
    "UNKNOWN_EXCEPTION",
    "UNSPECIFIED_EMAIL_ADDRESS",
    "UNSUPPORTED_APEX_TRIGGER_OPERATON",
    "UNVERIFIED_SENDER_ADDRESS",
    "WEBLINK_SIZE_LIMIT_EXCEEDED",
    "WEBLINK_URL_INVALID",
    "WRONG_CONTROLLER_TYPE",
];

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue.enumeration("System.StatusCode", STATUS_CODES);
    catalogue
        .class("Database.Error")
        .method("String getMessage()", error_message)
        .method("List<String> getFields()", error_fields)
        .method("StatusCode getStatusCode()", error_code);
    for name in [
        "SaveResult",
        "DeleteResult",
        "UndeleteResult",
        "UpsertResult",
        "MergeResult",
    ] {
        let class = catalogue.class(&format!("Database.{name}"));
        class
            .method("Id getId()", id)
            .method("Boolean isSuccess()", is_success)
            .method("List<Database.Error> getErrors()", errors);
        // Programs may read what the methods tell as properties, too (apex-recipes does).
        class
            .property("Id id", id, None)
            .property("Boolean success", is_success, None)
            .property("List<Database.Error> errors", errors, None);
        if name == "UpsertResult" {
            class.property("Boolean created", is_created, None);
            class.method("Boolean isCreated()", is_created);
        }
        if name == "MergeResult" {
            class
                .method("List<Id> getMergedRecordIds()", merged_ids)
                .method("List<Id> getUpdatedRelatedIds()", related_ids);
        }
    }
    catalogue
        .class("Database.LeadConvertResult")
        .method("Id getLeadId()", |m, this, _| lead(m, this, |r| r.lead.clone()))
        .method("Id getAccountId()", |m, this, _| {
            lead(m, this, |r| r.outcome.account.clone())
        })
        .method("Id getContactId()", |m, this, _| {
            lead(m, this, |r| r.outcome.contact.clone())
        })
        .method("Id getOpportunityId()", |m, this, _| {
            lead(m, this, |r| r.outcome.opportunity.clone())
        })
        .method("Boolean isSuccess()", |m, this, _| {
            m.with_state(this, |r: &mut LeadResult| {
                Value::Boolean(r.outcome.errors.is_empty())
            })
        })
        .method("List<Database.Error> getErrors()", |m, this, _| {
            let all = m.with_state(this, |r: &mut LeadResult| r.outcome.errors.clone())?;
            m.database_errors(&all)
        });
    catalogue
        .exception("System.DmlException")
        .method("Integer getNumDml()", dml_count)
        .method("Integer getDmlIndex(Integer row)", dml_index)
        .method("Id getDmlId(Integer row)", dml_id)
        .method("String getDmlMessage(Integer row)", dml_message)
        .method("String getDmlStatusCode(Integer row)", dml_code)
        .method("StatusCode getDmlType(Integer row)", dml_type)
        .method("List<String> getDmlFieldNames(Integer row)", dml_fields);
}

impl Machine<'_> {
    /// `Database.Error` objects.
    pub(crate) fn database_errors(&self, all: &[Refusal]) -> Run<Value> {
        let element = self
            .catalogue
            .find("Database.Error")
            .map_or(Type::Object, Type::platform);
        let items = all
            .iter()
            .map(|refusal| {
                let refusal = refusal.clone();
                Value::native(element.clone(), RecordError { refusal })
            })
            .collect();
        Ok(Value::list(element, items))
    }

    /// A `Database.SaveResult` or its like.
    pub(crate) fn database_result(&self, class: &str, outcome: DmlOutcome) -> Run<Value> {
        self.platform_object(class, RecordResult { outcome })
    }

    /// A `Database.LeadConvertResult`.
    pub(crate) fn lead_result(&self, lead: Option<Arc<str>>, outcome: LeadOutcome) -> Run<Value> {
        self.platform_object("Database.LeadConvertResult", LeadResult { lead, outcome })
    }
}

fn status_code(m: &Machine<'_>, code: &str) -> Run<Value> {
    m.platform_constant("System.StatusCode", code)
}

fn texts(all: &[String]) -> Value {
    Value::list(
        Type::String,
        all.iter().map(|t| Value::from(t.as_str())).collect(),
    )
}

fn ids(all: &[Arc<str>]) -> Value {
    Value::list(Type::Id, all.iter().map(|id| Value::Id(Arc::clone(id))).collect())
}

fn refusal(m: &Machine<'_>, this: &Value) -> Run<Refusal> {
    m.with_state(this, |error: &mut RecordError| error.refusal.clone())
}

fn error_message(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::from(refusal(m, this)?.1))
}

fn error_fields(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(texts(&refusal(m, this)?.2))
}

fn error_code(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    status_code(m, &refusal(m, this)?.0)
}

fn outcome(m: &Machine<'_>, this: &Value) -> Run<DmlOutcome> {
    m.with_state(this, |result: &mut RecordResult| result.outcome.clone())
}

fn id(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(outcome(m, this)?.id.map_or(Value::Null, Value::Id))
}

fn is_success(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(outcome(m, this)?.errors.is_empty()))
}

fn errors(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let all = outcome(m, this)?.errors;
    m.database_errors(&all)
}

fn is_created(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(outcome(m, this)?.created))
}

fn merged_ids(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(ids(&outcome(m, this)?.merged.0))
}

fn related_ids(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(ids(&outcome(m, this)?.merged.1))
}

fn lead(m: &Machine<'_>, this: &Value, part: impl Fn(&LeadResult) -> Option<Arc<str>>) -> Run<Value> {
    let id = m.with_state(this, |result: &mut LeadResult| part(result))?;
    Ok(id.map_or(Value::Null, Value::Id))
}

fn rows(this: &Value) -> Vec<FailedRow> {
    match this {
        Value::Object(object) => object.exception.as_ref().map(|s| s.borrow().rows.clone()),
        _ => None,
    }
    .unwrap_or_default()
}

fn row(m: &Machine<'_>, this: &Value, arguments: &[Value]) -> Run<FailedRow> {
    let index = m.integer(arguments, 0)?;
    let found = usize::try_from(index)
        .ok()
        .and_then(|i| rows(this).get(i).cloned());
    found.ok_or_else(|| m.raise("ListException", format!("List index out of bounds: {index}")))
}

fn dml_count(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(m.count_of(rows(this).len()))
}

fn dml_index(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(m.count_of(row(m, this, arguments)?.index))
}

fn dml_id(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(row(m, this, arguments)?.id.map_or(Value::Null, Value::Id))
}

fn dml_message(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(Value::from(row(m, this, arguments)?.message))
}

fn dml_code(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(Value::from(row(m, this, arguments)?.code))
}

fn dml_type(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let code = row(m, this, arguments)?.code;
    status_code(m, &code)
}

fn dml_fields(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(texts(&row(m, this, arguments)?.fields))
}
