//! SOQL texts: values quoted so that none can change a query, lists cut so that no address grows too long.

use causeway_core::Instant;
use causeway_core::id::SalesforceId;
use causeway_core::record::FieldValue;
use chrono::SecondsFormat;

/// Characters of a query in an address. With host and path the address stays below 4,000, which every proxy lets
/// through; Salesforce itself takes 16,384 bytes of address and headers.
const LONGEST_QUERY: usize = 3_700;

/// A text as a SOQL literal (SOQL and SOSL Reference, "Quoted String Escape Sequences").
pub fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for character in text.chars() {
        match character {
            '\\' => literal.push_str("\\\\"),
            '\'' => literal.push_str("\\'"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            '\u{8}' => literal.push_str("\\b"),
            '\u{c}' => literal.push_str("\\f"),
            other => literal.push(other),
        }
    }
    literal.push('\'');
    literal
}

/// A moment as a SOQL literal.
pub fn date_time(moment: Instant) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A value as a SOQL literal, fit to be compared with a field that holds such values. `None` for a reference to a
/// record that is not in Salesforce: nothing equals it.
pub fn literal(value: &FieldValue) -> Option<String> {
    Some(match value {
        FieldValue::Null => "null".to_owned(),
        FieldValue::Text(text) => quoted(text),
        FieldValue::Boolean(value) => value.to_string(),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Date(date) => date.to_string(),
        FieldValue::DateTime(moment) => date_time(*moment),
        FieldValue::Choices(choices) => quoted(&choices.join(";")),
        FieldValue::Reference(id) => quoted(id.as_str()),
        FieldValue::Record(_) => return None,
    })
}

/// `SELECT … FROM … WHERE <field> IN (…)` over all [literals](literal), in as many queries as keep each address
/// short. A literal alone makes a query, however long; none make none.
pub fn select_in(
    object: &str,
    fields: &[&str],
    field: &str,
    literals: impl IntoIterator<Item = String>,
) -> Vec<String> {
    let head = format!("SELECT {} FROM {object} WHERE {field} IN (", fields.join(", "));
    let room = LONGEST_QUERY.saturating_sub(encoded_length(&head) + 1);
    let mut queries = Vec::new();
    let mut list = String::new();
    let mut length = 0;
    for literal in literals {
        let more = encoded_length(&literal) + 1;
        if !list.is_empty() && length + more > room {
            queries.push(format!("{head}{list})"));
            list.clear();
            length = 0;
        }
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(&literal);
        length += more;
    }
    if !list.is_empty() {
        queries.push(format!("{head}{list})"));
    }
    queries
}

/// Where a walk through an object's records by their stamps goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangesFrom {
    /// At this stamp, with it.
    Stamp(Instant),
    /// Behind this record of this stamp: many records may share one.
    Record(Instant, SalesforceId),
}

/// One page of the records that changed, oldest first, by stamp and id. `filter` is a further condition.
pub fn changes(
    object: &str,
    fields: &[&str],
    from: ChangesFrom,
    filter: Option<&str>,
    most: usize,
) -> String {
    let place = match from {
        ChangesFrom::Stamp(stamp) => format!("SystemModstamp >= {}", date_time(stamp)),
        ChangesFrom::Record(stamp, id) => {
            let stamp = date_time(stamp);
            format!("(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{id}'))")
        }
    };
    let filter = filter
        .map(|filter| format!(" AND ({filter})"))
        .unwrap_or_default();
    format!(
        "SELECT {} FROM {object} WHERE {place}{filter} ORDER BY SystemModstamp, Id LIMIT {most}",
        fields.join(", ")
    )
}

/// The query part of an address. Only what must be is encoded: lists of ids would double in length otherwise.
pub(super) fn url_query(parameters: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (name, value) in parameters {
        if !query.is_empty() {
            query.push('&');
        }
        encode(name, &mut query);
        query.push('=');
        encode(value, &mut query);
    }
    query
}

fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        match byte {
            b' ' => into.push('+'),
            byte if is_plain(byte) => into.push(char::from(byte)),
            byte => into.push_str(&format!("%{byte:02X}")),
        }
    }
}

fn encoded_length(text: &str) -> usize {
    text.bytes()
        .map(|byte| if byte == b' ' || is_plain(byte) { 1 } else { 3 })
        .sum()
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b',' | b'(' | b')' | b':')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_text_leaves_its_quotes() {
        for (text, literal) in [
            ("plain", "'plain'"),
            ("O'Brien", "'O\\'Brien'"),
            ("\\' OR Id != '", "'\\\\\\' OR Id != \\''"),
            ("two\nlines\r\tend", "'two\\nlines\\r\\tend'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(text), literal);
        }
    }

    #[test]
    fn only_texts_and_ids_are_quoted() {
        let number = causeway_core::mapping::literal::decimal("-12.50").unwrap();
        let id = SalesforceId::parse("0018a00001rBqb8").unwrap();
        for (value, expected) in [
            (FieldValue::Null, Some("null")),
            (FieldValue::Text("it's".to_owned()), Some("'it\\'s'")),
            (FieldValue::Boolean(true), Some("true")),
            (FieldValue::Number(number), Some("-12.5")),
            (FieldValue::Reference(id), Some("'0018a00001rBqb8AAC'")),
            (FieldValue::Record(causeway_core::id::RecordId(1)), None),
        ] {
            assert_eq!(literal(&value).as_deref(), expected);
        }
    }

    #[test]
    fn lists_are_cut_where_the_address_would_grow_too_long() {
        let values: Vec<String> = (0..500).map(|number| format!("cw-1-{number} 'é'")).collect();
        let queries = select_in(
            "Lead",
            &["Id", "Ext__c"],
            "Ext__c",
            values.iter().map(|value| quoted(value)),
        );
        assert!(queries.len() > 3, "{}", queries.len());
        for query in &queries {
            assert!(url_query(&[("q", query)]).len() <= LONGEST_QUERY + 2, "{query}");
            assert!(query.starts_with("SELECT Id, Ext__c FROM Lead WHERE Ext__c IN ('cw-1-"));
            assert!(query.ends_with("')"));
        }
        let all = queries.join(" ");
        for value in &values {
            assert_eq!(all.matches(&quoted(value)).count(), 1, "{value}");
        }
        assert_eq!(select_in("Lead", &["Id"], "Id", []), Vec::<String>::new());
        assert_eq!(select_in("Lead", &["Id"], "Name", ["9".repeat(9_000)]).len(), 1);
    }

    #[test]
    fn a_walk_goes_on_behind_the_last_record_of_a_shared_stamp() {
        let stamp = causeway_core::mapping::literal::date_time("2026-11-22T06:04:37.000Z").unwrap();
        let id = SalesforceId::parse("0018a00001rBqb8").unwrap();
        assert_eq!(
            changes("Account", &["Id", "Name"], ChangesFrom::Stamp(stamp), None, 2_000),
            "SELECT Id, Name FROM Account WHERE SystemModstamp >= 2026-11-22T06:04:37.000Z \
             ORDER BY SystemModstamp, Id LIMIT 2000"
        );
        assert_eq!(
            changes(
                "Account",
                &["Id"],
                ChangesFrom::Record(stamp, id),
                Some("IsDeleted = true"),
                10
            ),
            "SELECT Id FROM Account WHERE (SystemModstamp > 2026-11-22T06:04:37.000Z OR (SystemModstamp = \
             2026-11-22T06:04:37.000Z AND Id > '0018a00001rBqb8AAC')) AND (IsDeleted = true) \
             ORDER BY SystemModstamp, Id LIMIT 10"
        );
    }

    proptest! {
        #[test]
        fn an_address_gives_back_what_was_put_in(name in "[a-z]{1,8}", value in "\\PC{0,60}|[ -~\n\t%+&=]{0,60}") {
            let mut url = url::Url::parse("https://acme.my.salesforce.com/").unwrap();
            url.set_query(Some(&url_query(&[(&name, &value), ("b", "2")])));
            let read: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            prop_assert_eq!(read, [(name, value), ("b".to_owned(), "2".to_owned())]);
        }

        #[test]
        fn the_length_of_an_encoded_text_is_known_before(text in "\\PC{0,60}") {
            let mut encoded = String::new();
            encode(&text, &mut encoded);
            prop_assert_eq!(encoded.len(), encoded_length(&text));
        }
    }
}
