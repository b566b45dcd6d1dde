mod meaning;
mod reading;

use chrono::TimeZone;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::json;

use super::*;
use crate::mapping::sample::{choices as pairs, field, field_plan, salesforce_field};

fn text(value: &str) -> FieldValue {
    FieldValue::Text(value.to_owned())
}

fn options(values: &[&str]) -> FieldValue {
    FieldValue::Choices(values.iter().map(|value| (*value).to_owned()).collect())
}

fn decimal(value: &str) -> FieldValue {
    FieldValue::Number(value.parse().unwrap())
}

fn reference_to(id: &str) -> FieldValue {
    FieldValue::Reference(SalesforceId::parse(id).unwrap())
}

#[test]
fn options_cross_by_their_mapping() {
    let mut single = field("level", PartnerType::SingleChoice, "LeadSource");
    single.choices = pairs(&[("Web", "online"), ("Portal", "online"), ("Other", "")]);
    let single = field_plan(single);
    assert_eq!(to_partner(&single, &text("Web")), Ok(Some(text("online"))));
    assert_eq!(to_partner(&single, &text("Portal")), Ok(Some(text("online"))));
    assert_eq!(to_partner(&single, &text("Other")), Ok(None));
    assert_eq!(to_partner(&single, &FieldValue::Null), Ok(Some(FieldValue::Null)));
    assert_eq!(
        to_partner(&single, &text("Fair")).unwrap_err().to_string(),
        "LeadSource to level: option \"Fair\" has no counterpart; add it to the choice mapping"
    );
    assert_eq!(to_salesforce(&single, &text("online")), Ok(text("Portal")));
    assert!(to_salesforce(&single, &text("fair")).is_err());
}

#[test]
fn chosen_options_that_do_not_sync_are_left_out_of_the_others() {
    let mut multi = field("languages", PartnerType::MultiChoice, "Languages__c");
    multi.choices = pairs(&[
        ("German", "de"),
        ("Swiss German", "de"),
        ("French", "fr"),
        ("Latin", ""),
    ]);
    let multi = field_plan(multi);
    for (salesforce, partner) in [
        (options(&["French", "German", "Latin"]), options(&["de", "fr"])),
        (options(&["German", "Swiss German"]), options(&["de"])),
        (options(&["Latin"]), FieldValue::Null),
    ] {
        assert_eq!(to_partner(&multi, &salesforce), Ok(Some(partner)));
    }
    assert!(to_partner(&multi, &options(&["German", "Greek"])).is_err());
    assert_eq!(to_salesforce(&multi, &options(&[])), Ok(FieldValue::Null));
}

#[test]
fn length_is_counted_in_characters() {
    let mut short = field("name", PartnerType::Text, "LastName");
    short.max_length = Some(4);
    let short = field_plan(short);
    assert_eq!(to_partner(&short, &text("äöü€")), Ok(Some(text("äöü€"))));
    assert_eq!(
        to_partner(&short, &text("äöü€!")).unwrap_err().cause,
        ConversionCause::TooLong { length: 5, limit: 4 }
    );
    let mut to_short = field_plan(field("name", PartnerType::Text, "LastName"));
    to_short.salesforce.length = 4;
    assert!(to_salesforce(&to_short, &text("äöü€")).is_ok());
    assert!(to_salesforce(&to_short, &text("äöü€!")).is_err());
}

#[test]
fn a_number_that_salesforce_would_round_does_not_go_out() {
    let mut amount = field_plan(field("budget", PartnerType::Currency, "Budget__c"));
    amount.salesforce.precision = 6;
    amount.salesforce.scale = 2;
    for (number, fits) in [
        ("1234.56", true),
        ("-9999.99", true),
        ("1234.560", true),
        ("0", true),
        ("1234.567", false),
        ("12345", false),
    ] {
        assert_eq!(to_salesforce(&amount, &decimal(number)).is_ok(), fits, "{number}");
    }
    let whole = field_plan(field("employees", PartnerType::Number, "Employees__c"));
    assert!(to_salesforce(&whole, &decimal("7.0")).is_ok());
    assert!(to_salesforce(&whole, &decimal("7.5")).is_err());
}

#[test]
fn salesforce_is_given_no_value_that_it_would_refuse() {
    let mut name = field_plan(field("name", PartnerType::Text, "LastName"));
    name.salesforce.nillable = false;
    for blank in [FieldValue::Null, text("")] {
        assert_eq!(
            to_salesforce(&name, &blank).unwrap_err().cause,
            ConversionCause::Required
        );
    }
    let level = field_plan(field("level", PartnerType::SingleChoice, "Level__c"));
    assert!(to_salesforce(&level, &text("Primary")).is_ok());
    assert!(to_salesforce(&level, &text("Quaternary")).is_err());
}

#[test]
fn a_value_of_another_type_never_crosses() {
    let day = field_plan(field("birthday", PartnerType::Date, "Birthdate"));
    for value in [text("2026-11-22"), decimal("1"), FieldValue::Boolean(true)] {
        assert_eq!(to_partner(&day, &value).unwrap_err().cause, not(A_DATE));
        assert_eq!(to_salesforce(&day, &value).unwrap_err().cause, not(A_DATE));
    }
}

#[test]
fn partners_read_exact_json() {
    let day = FieldValue::Date(chrono::NaiveDate::from_ymd_opt(1970, 1, 1).unwrap());
    let moment = FieldValue::DateTime(chrono::Utc.with_ymd_and_hms(2026, 11, 22, 6, 4, 37).unwrap());
    for (value, expected) in [
        (FieldValue::Null, "null"),
        (text("a\"b"), r#""a\"b""#),
        (decimal("1054.00"), "1054.00"),
        (decimal("12345678901234567890.12"), "12345678901234567890.12"),
        (FieldValue::Boolean(false), "false"),
        (day, r#""1970-01-01""#),
        (moment, r#""2026-11-22T06:04:37Z""#),
        (options(&["a", "b"]), r#"["a","b"]"#),
        (reference_to("001ZM000001n4n5"), r#""001ZM000001n4n5YAA""#),
    ] {
        assert_eq!(partner_json(&value).to_string(), expected);
    }
}

#[test]
fn partner_json_of_the_wrong_type_is_refused() {
    use PartnerType as P;
    for (kind, value) in [
        (P::Text, json!(5)),
        (P::SingleChoice, json!(["a"])),
        (P::MultiChoice, json!("a")),
        (P::MultiChoice, json!(["a", 1])),
        (P::Number, json!("1")),
        (P::Currency, json!(true)),
        (P::Boolean, json!("true")),
        (P::Boolean, json!(0)),
        (P::Date, json!("2026-11-22T00:00:00Z")),
        (P::DateTime, json!("2026-11-22")),
        (P::Reference, json!("17")),
        (P::Email, json!({})),
    ] {
        assert!(read_partner_json(kind, &value).is_err(), "{kind:?} {value}");
    }
}

/// A field pair and a value of it that both sides can hold.
fn lossless() -> impl Strategy<Value = (PartnerType, &'static str, FieldValue)> {
    use PartnerType as P;
    let moments = (0i64..4_000_000_000, 0u32..1000).prop_map(|(seconds, millis)| {
        FieldValue::DateTime(chrono::DateTime::from_timestamp(seconds, millis * 1_000_000).unwrap())
    });
    let days = (-100_000i32..1_000_000).prop_map(|days| {
        FieldValue::Date(chrono::NaiveDate::from_num_days_from_ce_opt(700_000 + days).unwrap())
    });
    let numbers = || {
        (-999_999_999_999i64..999_999_999_999, 0u32..6)
            .prop_map(|(mantissa, scale)| FieldValue::Number(Decimal::new(mantissa, scale).normalize()))
    };
    let texts = || "\\PC{1,40}".prop_map(FieldValue::Text);
    let sets = prop::collection::btree_set("[a-z ]{1,8}", 1..5)
        .prop_map(|set| FieldValue::Choices(set.into_iter().collect()));
    prop_oneof![
        texts().prop_map(|value| (P::Text, "LastName", value)),
        texts().prop_map(|value| (P::MultiLine, "Description", value)),
        texts().prop_map(|value| (P::Address, "MailingStreet", value)),
        texts().prop_map(|value| (P::Phone, "Phone", value)),
        texts().prop_map(|value| (P::Email, "Email", value)),
        texts().prop_map(|value| (P::SingleChoice, "LeadSource", value)),
        sets.prop_map(|value| (P::MultiChoice, "Languages__c", value)),
        numbers().prop_map(|value| (P::Number, "Score__c", value)),
        numbers().prop_map(|value| (P::Currency, "Budget__c", value)),
        moments.prop_map(|value| (P::DateTime, "LastActivityAt__c", value)),
        days.prop_map(|value| (P::Date, "Birthdate", value)),
        any::<bool>().prop_map(|value| (P::Boolean, "HasOptedOutOfEmail", FieldValue::Boolean(value))),
        Just((P::Reference, "AccountId", reference_to("001ZM000001n4n5"))),
        Just((P::Text, "LastName", FieldValue::Null)),
    ]
}

/// What Salesforce would print for a value in a Bulk result.
fn bulk_cell(value: &FieldValue) -> String {
    match value {
        FieldValue::Choices(options) => options.join(";"),
        other => match partner_json(other) {
            Value::Null => String::new(),
            Value::String(text) => text,
            json => json.to_string(),
        },
    }
}

proptest! {
    #[test]
    fn lossless_values_come_back_as_they_went((kind, salesforce, value) in lossless()) {
        let field = field_plan(field("it", kind, salesforce));
        let partner = to_partner(&field, &value).unwrap().unwrap();
        prop_assert_eq!(to_salesforce(&field, &partner).unwrap(), value.clone());
        prop_assert_eq!(read_partner_json(kind, &partner_json(&partner)).unwrap(), partner);
    }

    #[test]
    fn bulk_and_rest_readings_of_one_value_are_equal((kind, salesforce, value) in lossless()) {
        let field = field_plan(field("it", kind, salesforce));
        let cell = bulk_cell(&value);
        let json = match &value {
            FieldValue::Choices(_) => Value::String(cell.clone()),
            other => partner_json(other),
        };
        prop_assert_eq!(read_text(field.salesforce.kind, &cell).unwrap(), value.clone());
        prop_assert_eq!(read_json(field.salesforce.kind, &json).unwrap(), value);
    }

    #[test]
    fn a_value_survives_being_stored((_, _, value) in lossless()) {
        let stored = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(serde_json::from_str::<FieldValue>(&stored).unwrap(), value);
    }

    #[test]
    fn no_cell_makes_the_reader_lose_it(cell in "\\PC{1,30}") {
        let kind = salesforce_field("LastName", SalesforceType::String).kind;
        prop_assert_eq!(read_text(kind, &cell).unwrap(), text(&cell));
    }

    #[test]
    fn a_date_is_the_same_day_in_every_zone(days in 0i64..40_000, quarter_hours in -44i32..=56) {
        let zone = chrono::FixedOffset::east_opt(quarter_hours * 900).unwrap();
        let there = chrono::DateTime::from_timestamp(days * 86_400, 0).unwrap().with_timezone(&zone);
        let day = there.date_naive();
        let read = read_text(SalesforceType::Date, &day.to_string()).unwrap();
        prop_assert_eq!(&read, &FieldValue::Date(day));
        prop_assert_eq!(partner_json(&read), Value::String(there.format("%Y-%m-%d").to_string()));
    }
}

#[test]
fn a_record_that_waits_for_its_salesforce_record_stays_one() {
    let plan = field_plan(field("account", PartnerType::Reference, "AccountId"));
    let waiting = FieldValue::Record(crate::id::RecordId(7));
    assert_eq!(to_salesforce(&plan, &waiting), Ok(waiting.clone()));
    assert_eq!(fits_partner(&plan, &waiting), Ok(()));
    assert_eq!(partner_json(&waiting), json!("7"));
    let name = field_plan(field("name", PartnerType::Text, "LastName"));
    assert!(to_salesforce(&name, &waiting).is_err());
}

#[test]
fn the_partners_own_limit_is_checked_in_characters() {
    let mut name = field("name", PartnerType::Text, "LastName");
    name.max_length = Some(3);
    let plan = field_plan(name);
    assert_eq!(fits_partner(&plan, &text("äöü")), Ok(()));
    assert_eq!(fits_partner(&plan, &FieldValue::Null), Ok(()));
    assert_eq!(
        fits_partner(&plan, &text("äöü!")),
        Err(ConversionCause::TooLong { length: 4, limit: 3 })
    );
    assert!(matches!(
        fits_partner(&plan, &FieldValue::Boolean(true)),
        Err(ConversionCause::Malformed { .. })
    ));
}
