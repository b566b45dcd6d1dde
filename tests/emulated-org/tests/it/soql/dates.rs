//! Days where the user is, and parts of dates.
#![cfg(test)]

use emulated_org::Value;
use serde_json::json;

use super::{names, query, refusal, start};
use crate::client::{Client, V};

/// Accounts around the midnights of Tokyo and of Greenwich; the clock stands at noon in Greenwich on a Wednesday.
async fn around_midnight() -> Client {
    let client = start().await;
    let rows = [
        ("yesterday in Tokyo", "2026-02-17T14:59:59Z"),
        ("today in Tokyo", "2026-02-17T15:00:00Z"),
        ("today in both", "2026-02-18T00:00:00Z"),
        ("tomorrow in Tokyo", "2026-02-18T15:00:00Z"),
    ];
    let rows = rows.map(|(name, created)| {
        vec![
            ("Name", Value::text(name)),
            ("CreatedDate", Value::DateTime(created.parse().unwrap())),
        ]
    });
    client.org.seed("Account", rows).unwrap();
    client
}

async fn move_user_to(client: &Client, zone: &str, locale: &str) {
    let path = format!("{V}/sobjects/User/{}", client.org.org().admin);
    let moved = json!({ "TimeZoneSidKey": zone, "LocaleSidKey": locale });
    assert_eq!(client.patch(&path, &moved).await.status, 204);
}

#[tokio::test]
async fn relative_days_are_those_of_the_users_time_zone() {
    let client = around_midnight().await;
    let today = "SELECT Name FROM Account WHERE CreatedDate = TODAY ORDER BY CreatedDate";
    assert_eq!(
        names(&query(&client, today).await),
        ["today in both", "tomorrow in Tokyo"]
    );
    move_user_to(&client, "Asia/Tokyo", "ja_JP").await;
    assert_eq!(
        names(&query(&client, today).await),
        ["today in Tokyo", "today in both"]
    );
}

#[tokio::test]
async fn weeks_begin_on_the_day_of_the_users_locale() {
    let client = start().await;
    let sunday = Value::DateTime("2026-02-15T12:00:00Z".parse().unwrap());
    let row = vec![("Name", Value::text("Sunday")), ("CreatedDate", sunday)];
    client.org.seed("Account", [row]).unwrap();
    let this_week = "SELECT Name FROM Account WHERE CreatedDate = THIS_WEEK";
    assert_eq!(names(&query(&client, this_week).await), ["Sunday"]);
    move_user_to(&client, "GMT", "de_DE").await;
    assert_eq!(names(&query(&client, this_week).await), [""; 0]);
    let last_week = "SELECT Name FROM Account WHERE CreatedDate = LAST_N_WEEKS:1";
    assert_eq!(names(&query(&client, last_week).await), ["Sunday"]);
}

#[tokio::test]
async fn parts_of_dates_filter_in_utc_or_in_the_users_time_zone() {
    let client = around_midnight().await;
    move_user_to(&client, "Asia/Tokyo", "ja_JP").await;
    for (filter, expected) in [
        (
            "DAY_ONLY(CreatedDate) = 2026-02-17",
            &["yesterday in Tokyo", "today in Tokyo"][..],
        ),
        (
            "DAY_ONLY(convertTimezone(CreatedDate)) = 2026-02-18",
            &["today in Tokyo", "today in both"],
        ),
        (
            "HOUR_IN_DAY(CreatedDate) IN (0, 14)",
            &["yesterday in Tokyo", "today in both"],
        ),
        (
            "HOUR_IN_DAY(convertTimezone(CreatedDate)) = 0",
            &["today in Tokyo", "tomorrow in Tokyo"],
        ),
        ("CALENDAR_YEAR(CreatedDate) > 2026", &[]),
    ] {
        let soql = format!("SELECT Name FROM Account WHERE {filter} ORDER BY CreatedDate");
        assert_eq!(names(&query(&client, &soql).await), expected, "{filter}");
    }
}

#[tokio::test]
async fn parts_are_taken_from_dates_alone_and_compared_with_their_type() {
    let client = start().await;
    for (filter, code, reason) in [
        (
            "CALENDAR_YEAR(Name) = 2026",
            "INVALID_FIELD",
            "field 'Name' does not support the date function CALENDAR_YEAR",
        ),
        (
            "HOUR_IN_DAY(LastActivityDate) = 1",
            "INVALID_FIELD",
            "field 'LastActivityDate' does not support the date function HOUR_IN_DAY",
        ),
        (
            "CALENDAR_YEAR(CreatedDate) = '2026'",
            "INVALID_FIELD",
            "value of filter criterion for field 'CreatedDate' must be of type int and should not be enclosed in quotes",
        ),
        (
            "convertTimezone(CreatedDate) = 2026-01-01T00:00:00Z",
            "MALFORMED_QUERY",
            "the function convertTimezone can not be used here",
        ),
        (
            "CreatedDate = LAST_N_DAYS:99999999999",
            "INVALID_FIELD",
            "the date literal lies beyond the calendar; use a smaller number",
        ),
    ] {
        let (found, message) = refusal(&client, &format!("SELECT Id FROM Account WHERE {filter}")).await;
        assert_eq!(found, code, "{filter}");
        assert!(message.ends_with(reason), "{filter}: {message}");
    }
}
