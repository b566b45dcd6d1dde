//! What Salesforce prints is read by the type of its field.

use super::*;

#[test]
fn bulk_text_is_read_by_type() {
    use SalesforceType as S;
    let moment = FieldValue::DateTime(chrono::Utc.with_ymd_and_hms(2026, 11, 22, 6, 4, 37).unwrap());
    let day = FieldValue::Date(chrono::NaiveDate::from_ymd_opt(1970, 1, 31).unwrap());
    for (kind, cell, expected) in [
        (S::String, " Müller, \"A\" ", text(" Müller, \"A\" ")),
        (S::Textarea, "one\r\ntwo", text("one\r\ntwo")),
        (S::Phone, "+41 (0)44 / 123-45", text("+41 (0)44 / 123-45")),
        (S::Email, "Ann@Example.ORG", text("Ann@Example.ORG")),
        (S::Time, "10:30:00.000Z", text("10:30:00.000Z")),
        (S::Boolean, "true", FieldValue::Boolean(true)),
        (S::Boolean, "false", FieldValue::Boolean(false)),
        (S::Int, "5.0", decimal("5")),
        (S::Double, "1.5E3", decimal("1500")),
        (S::Currency, "1100.04", decimal("1100.04")),
        (S::Percent, "-12.50", decimal("-12.5")),
        (S::Date, "1970-01-31", day),
        (S::Datetime, "2026-11-22T06:04:37.000Z", moment.clone()),
        (S::Datetime, "2026-11-22T06:04:37.000+0000", moment),
        (S::Multipicklist, "b;a;c;a", options(&["a", "b", "c"])),
        (S::Multipicklist, ";", FieldValue::Null),
        (
            S::Reference,
            "001ZM000001n4n5",
            reference_to("001ZM000001n4n5YAA"),
        ),
        (S::Id, "001ZM000001n4n5", text("001ZM000001n4n5YAA")),
    ] {
        assert_eq!(read_text(kind, cell), Ok(expected), "{kind:?} {cell}");
    }
}

#[test]
fn an_empty_cell_is_null_for_every_type_and_so_is_json_null() {
    use SalesforceType as S;
    for kind in [
        S::Id,
        S::String,
        S::Textarea,
        S::Picklist,
        S::Multipicklist,
        S::Reference,
        S::Boolean,
        S::Int,
        S::Currency,
        S::Date,
        S::Datetime,
        S::Time,
    ] {
        assert_eq!(read_text(kind, ""), Ok(FieldValue::Null), "{kind:?}");
        assert_eq!(read_json(kind, &Value::Null), Ok(FieldValue::Null), "{kind:?}");
    }
}

#[test]
fn json_is_read_by_type_and_an_empty_text_stays_one() {
    use SalesforceType as S;
    for (kind, written, expected) in [
        (S::String, r#""""#, text("")),
        (S::String, r#""Ann""#, text("Ann")),
        (S::Multipicklist, r#""b;a""#, options(&["a", "b"])),
        (S::Multipicklist, r#""""#, FieldValue::Null),
        (S::Boolean, "true", FieldValue::Boolean(true)),
        (S::Double, "0.1", decimal("0.1")),
        (
            S::Currency,
            "12345678901234567.89",
            decimal("12345678901234567.89"),
        ),
        (S::Currency, "1.10004E3", decimal("1100.04")),
        (S::Int, "7", decimal("7")),
        (
            S::Reference,
            r#""001ZM000001n4n5YAA""#,
            reference_to("001ZM000001n4n5"),
        ),
    ] {
        let value: Value = serde_json::from_str(written).unwrap();
        assert_eq!(read_json(kind, &value), Ok(expected), "{kind:?} {written}");
    }
}

#[test]
fn what_is_not_of_the_type_is_refused_with_the_expected_form() {
    use SalesforceType as S;
    for (kind, value, expected) in [
        (S::Boolean, json!("TRUE"), A_BOOLEAN),
        (S::Boolean, json!("true"), A_BOOLEAN),
        (S::Boolean, json!(1), A_BOOLEAN),
        (S::Double, json!("5"), A_NUMBER),
        (S::Currency, json!(true), A_NUMBER),
        (S::Date, json!(""), A_DATE),
        (S::Date, json!("2026-02-30"), A_DATE),
        (S::Date, json!("22/11/2026"), A_DATE),
        (S::Datetime, json!("2026-11-22"), A_MOMENT),
        (S::String, json!(5), A_TEXT),
        (S::String, json!({"street": "x"}), A_TEXT),
        (S::Multipicklist, json!(["a"]), A_TEXT),
        (S::Reference, json!(""), AN_ID),
    ] {
        assert_eq!(read_json(kind, &value), Err(not(expected)), "{kind:?} {value}");
    }
    for (kind, cell, expected) in [
        (S::Boolean, "True", A_BOOLEAN),
        (S::Boolean, "1", A_BOOLEAN),
        (S::Int, "5 ", A_NUMBER),
        (S::Date, "11/22/2026", A_DATE),
        (S::Datetime, "2026-11-22T06:04:37", A_MOMENT),
    ] {
        assert_eq!(read_text(kind, cell), Err(not(expected)), "{kind:?} {cell}");
    }
    let shortened = read_text(S::Reference, "001ZM").unwrap_err().to_string();
    assert!(shortened.starts_with("not a Salesforce record id"), "{shortened}");
}
