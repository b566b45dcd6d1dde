//! Fields that the organisation computes from others when a record is written.
//!
//! Source: Object Reference for Salesforce, the pages of the objects named below.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::draft::Fields;
use super::outcome::SaveError;
use super::plan::Plan;
use crate::schema::{Object, PicklistValue};
use crate::value::Value;

/// Fills the computed fields. `given` says which fields this write gave, since a given value wins over a default.
pub(super) fn derive(
    object: &Object,
    plan: &Plan,
    fields: &mut Fields,
    given: &dyn Fn(&str) -> bool,
    now: DateTime<Utc>,
) -> Result<(), SaveError> {
    if let Some(person) = &plan.name_parts {
        let parts: Vec<&str> = person
            .parts
            .iter()
            .filter_map(|part| text(fields.get(*part)))
            .collect();
        let name = parts.join(" ");
        fields.set(person.name, Value::text(name));
    }
    let mut record = Record { object, fields };
    match object.name.as_str() {
        "Task" => record.set_if_null("TaskSubtype", "Task"),
        "Event" => record.set_if_null("EventSubtype", "Event"),
        _ => {}
    }
    match object.name.as_str() {
        "Opportunity" => derive_opportunity(&mut record, given),
        "Task" => derive_task(&mut record, now),
        "Case" => derive_case(&mut record, now),
        "Event" => return derive_event(&mut record, given),
        "SetupEntityAccess" => derive_entity_type(&mut record),
        "User" => derive_user(&mut record),
        _ => {}
    }
    Ok(())
}

/// The key prefix of what access is given to says what it is.
fn derive_entity_type(record: &mut Record<'_>) {
    let kind = match record.get("SetupEntityId") {
        Value::Id(id) if id.prefix() == "01p" => "ApexClass",
        Value::Id(id) if id.prefix() == "0CP" => "CustomPermission",
        _ => return,
    };
    record.set("SetupEntityType", Value::text(kind));
}

/// Fields by name; setting one the object lacks does nothing.
struct Record<'a> {
    object: &'a Object,
    fields: &'a mut Fields,
}

impl Record<'_> {
    fn get(&self, name: &str) -> &Value {
        self.object
            .field(name)
            .map_or(&Value::Null, |(position, _)| self.fields.get(position))
    }

    fn set(&mut self, name: &str, value: Value) {
        if let Some((position, _)) = self.object.field(name) {
            self.fields.set(position, value);
        }
    }

    fn set_if_null(&mut self, name: &str, text: &str) {
        if self.get(name).is_null() {
            self.set(name, Value::text(text));
        }
    }

    /// What the metadata says of the chosen value of a picklist.
    fn choice(&self, name: &str) -> Option<PicklistValue> {
        let (position, field) = self.object.field(name)?;
        let chosen = text(self.fields.get(position))?;
        field
            .picklist_values
            .iter()
            .find(|known| known.value == chosen)
            .cloned()
    }
}

fn derive_opportunity(record: &mut Record<'_>, given: &dyn Fn(&str) -> bool) {
    // A stage that the organisation does not know counts as open (stages are unrestricted over the API).
    let stage = record.choice("StageName").unwrap_or_default();
    if given("StageName") {
        record.set("IsClosed", Value::Boolean(stage.is_closed));
        record.set("IsWon", Value::Boolean(stage.is_won));
        if !given("Probability") {
            let probability = stage.probability.map_or(Decimal::ZERO, Decimal::from);
            record.set("Probability", Value::Number(probability));
        }
        if !given("ForecastCategoryName") {
            let category = stage.forecast_category.as_deref().unwrap_or("Pipeline");
            record.set("ForecastCategoryName", Value::text(category_label(category)));
        }
    }
    let category = text(record.get("ForecastCategoryName"))
        .unwrap_or("Pipeline")
        .replace(' ', "");
    let category = match category.as_str() {
        "Commit" => "Forecast".to_owned(),
        "BestCase" | "Closed" | "Omitted" | "MostLikely" | "Pipeline" => category,
        _ => "Pipeline".to_owned(),
    };
    record.set("ForecastCategory", Value::text(category));

    let expected = match (record.get("Amount"), record.get("Probability")) {
        (Value::Number(amount), Value::Number(probability)) => {
            amount.checked_mul(*probability).map_or(Value::Null, |product| {
                Value::Number((product / Decimal::ONE_HUNDRED).round_dp(2).normalize())
            })
        }
        _ => Value::Null,
    };
    record.set("ExpectedRevenue", expected);

    if let Value::Date(close) = *record.get("CloseDate") {
        let quarter = (close.month() - 1) / 3 + 1;
        record.set("FiscalYear", Value::Number(close.year().into()));
        record.set("FiscalQuarter", Value::Number(quarter.into()));
        record.set("Fiscal", Value::text(format!("{} {quarter}", close.year())));
    }
}

/// The label of a forecast category; its value is what `ForecastCategory` holds.
fn category_label(category: &str) -> &str {
    match category {
        "BestCase" => "Best Case",
        "Forecast" => "Commit",
        "MostLikely" => "Most Likely",
        other => other,
    }
}

fn derive_case(record: &mut Record<'_>, now: DateTime<Utc>) {
    let closed = record.choice("Status").is_some_and(|status| status.is_closed);
    record.set("IsClosed", Value::Boolean(closed));
    if !closed {
        record.set("ClosedDate", Value::Null);
    } else if record.get("ClosedDate").is_null() {
        record.set("ClosedDate", Value::DateTime(now));
    }
}

fn derive_task(record: &mut Record<'_>, now: DateTime<Utc>) {
    let closed = record.choice("Status").is_some_and(|status| status.is_closed);
    let was_closed = matches!(record.get("IsClosed"), Value::Boolean(true));
    record.set("IsClosed", Value::Boolean(closed));
    let urgent = record
        .choice("Priority")
        .is_some_and(|priority| priority.is_high_priority);
    record.set("IsHighPriority", Value::Boolean(urgent));
    if closed && !was_closed && record.get("CompletedDateTime").is_null() {
        record.set("CompletedDateTime", Value::DateTime(now));
    } else if !closed {
        record.set("CompletedDateTime", Value::Null);
    }
}

fn derive_event(record: &mut Record<'_>, given: &dyn Fn(&str) -> bool) -> Result<(), SaveError> {
    // StartDateTime and ActivityDateTime are two names of one moment.
    let start_name = if given("StartDateTime") || !given("ActivityDateTime") {
        "StartDateTime"
    } else {
        "ActivityDateTime"
    };
    let all_day = matches!(record.get("IsAllDayEvent"), Value::Boolean(true));
    let start = match (record.get(start_name), record.get("ActivityDate")) {
        (Value::DateTime(start), _) => Some(*start),
        (_, Value::Date(day)) if all_day => midnight(*day),
        _ => None,
    };
    let Some(start) = start else {
        return Err(missing(&["ActivityDateTime", "DurationInMinutes"]));
    };
    let end = match (record.get("EndDateTime"), record.get("DurationInMinutes")) {
        (Value::DateTime(end), _) if given("EndDateTime") || !given("DurationInMinutes") => *end,
        (_, Value::Number(minutes)) => start + TimeDelta::minutes(i64::try_from(*minutes).unwrap_or(0)),
        (Value::DateTime(end), _) => *end,
        _ if all_day => start + TimeDelta::days(1),
        _ => return Err(missing(&["DurationInMinutes"])),
    };
    let refused = |field, message| Err(SaveError::of_field("FIELD_INTEGRITY_EXCEPTION", field, message));
    if given("StartDateTime")
        && given("ActivityDateTime")
        && record.get("StartDateTime") != record.get("ActivityDateTime")
    {
        let message = "StartDateTime and ActivityDateTime must be the same moment";
        return refused("StartDateTime", message);
    }
    let minutes = Value::Number((end - start).num_minutes().into());
    if given("EndDateTime")
        && given("DurationInMinutes")
        && !record.get("DurationInMinutes").is_null()
        && record.get("DurationInMinutes") != &minutes
    {
        return refused(
            "DurationInMinutes",
            "DurationInMinutes and EndDateTime must agree",
        );
    }
    if end < start {
        return refused("DurationInMinutes", "Event duration can not be negative");
    }
    if end - start > LONGEST_EVENT {
        let message = "Event duration can not be longer than fourteen days";
        return refused("DurationInMinutes", message);
    }
    record.set("StartDateTime", Value::DateTime(start));
    record.set("ActivityDateTime", Value::DateTime(start));
    record.set("ActivityDate", Value::Date(start.date_naive()));
    record.set("EndDateTime", Value::DateTime(end));
    record.set("EndDate", Value::Date(end.date_naive()));
    record.set("DurationInMinutes", minutes);
    Ok(())
}

/// Salesforce Help, Considerations for Using Events (the message is believed).
const LONGEST_EVENT: TimeDelta = TimeDelta::days(14);

fn derive_user(record: &mut Record<'_>) {
    // Usernames are kept in lower case.
    if let Some(username) = text(record.get("Username")).map(str::to_lowercase) {
        record.set("Username", Value::text(username));
    }
    if record.get("CommunityNickname").is_null()
        && let Some(nickname) = text(record.get("Username"))
            .and_then(|name| name.split('@').next())
            .map(str::to_owned)
    {
        record.set("CommunityNickname", Value::text(nickname));
    }
}

fn missing(fields: &[&str]) -> SaveError {
    SaveError {
        code: "REQUIRED_FIELD_MISSING",
        message: format!("Required fields are missing: [{}]", fields.join(", ")),
        fields: fields.iter().map(|&field| field.to_owned()).collect(),
    }
}

fn midnight(day: NaiveDate) -> Option<DateTime<Utc>> {
    Some(day.and_hms_opt(0, 0, 0)?.and_utc())
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}
