//! The generated company.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;

use chrono::Datelike;
use emulated_org::company::{Company, CompanyOptions, Row, TODAY};
use emulated_org::schema::Schema;
use emulated_org::{EmulatedOrg, Options, RecordId, Value};

type Fields = HashMap<&'static str, Value>;

/// All rows by object, with ids as an organisation would hand them out.
struct Written {
    rows: BTreeMap<&'static str, Vec<(RecordId, Fields)>>,
}

impl Written {
    fn of(options: CompanyOptions) -> Self {
        let schema = Schema::standard().expect("the standard objects");
        let profile = RecordId::from_serial("00e", 1, 1).expect("an id");
        let mut rows = BTreeMap::new();
        let outcome = Company::generate(options).write_to(profile, |object, batch: Vec<Row>| {
            let prefix = &schema.object(object).expect(object).key_prefix;
            let written: &mut Vec<_> = rows.entry(object).or_insert_with(Vec::new);
            let mut ids = Vec::new();
            for row in batch {
                let serial = u64::try_from(written.len()).expect("small");
                let id = RecordId::from_serial(prefix, 1, serial).expect("an id");
                let fields = row.len();
                let row: HashMap<_, _> = row.into_iter().collect();
                assert_eq!(row.len(), fields, "{object} gives a field twice");
                written.push((id, row));
                ids.push(id);
            }
            Ok::<_, Infallible>(ids)
        });
        outcome.expect("nothing refuses");
        Self { rows }
    }

    fn of_object(&self, object: &str) -> impl Iterator<Item = &Fields> {
        self.rows[object].iter().map(|(_, row)| row)
    }

    fn all(&self) -> impl Iterator<Item = (&'static str, &Fields)> {
        self.rows
            .iter()
            .flat_map(|(object, rows)| rows.iter().map(move |(_, row)| (*object, row)))
    }
}

fn text<'a>(row: &'a Fields, field: &str) -> &'a str {
    match row.get(field) {
        Some(Value::Text(text)) => text,
        _ => "",
    }
}

fn company() -> Written {
    Written::of(CompanyOptions {
        seed: 1,
        records: 10_000,
    })
}

#[test]
fn the_seed_alone_decides() {
    let options = CompanyOptions {
        seed: 7,
        records: 500,
    };
    assert_eq!(Written::of(options).rows, Written::of(options).rows);
    assert_ne!(
        Written::of(options).rows,
        Written::of(CompanyOptions { seed: 8, ..options }).rows
    );
}

#[test]
fn it_has_the_records_asked_for() {
    let options = CompanyOptions {
        seed: 1,
        records: 10_000,
    };
    let company = Company::generate(options);
    let written = Written::of(options);
    assert_eq!(written.all().count(), 10_000);
    for (object, rows) in &written.rows {
        assert_eq!(
            company.count(object),
            u64::try_from(rows.len()).expect("small"),
            "{object}"
        );
    }
    for object in ["User", "Account", "Contact", "Lead", "Opportunity", "Task"] {
        assert!(company.count(object) > 0, "{object}");
    }
}

#[test]
fn rows_fit_the_metadata() {
    let schema = Schema::standard().expect("the standard objects");
    for (object, row) in company().all() {
        let object = schema.object(object).expect(object);
        for (name, value) in row {
            let (_, field) = object
                .field(name)
                .unwrap_or_else(|| panic!("{}.{name}", object.name));
            assert!(field.createable, "{}.{name}", object.name);
            if let Value::Text(text) = value {
                let length = text.encode_utf16().count();
                assert!(
                    length <= field.length as usize,
                    "{}.{name} has {length}",
                    object.name
                );
                let known = field.picklist_values.iter().any(|known| *known.value == **text);
                assert!(
                    field.picklist_values.is_empty() || known || *name == "Subject",
                    "{}.{name}: {text}",
                    object.name
                );
            }
        }
        for field in object.fields.iter().filter(|field| field.required_on_create()) {
            assert!(
                row.contains_key(field.name.as_str()),
                "{} lacks {}",
                object.name,
                field.name
            );
        }
    }
}

#[test]
fn references_point_to_records_of_the_right_object() {
    let written = company();
    let known: BTreeSet<RecordId> = written.rows.values().flatten().map(|(id, _)| *id).collect();
    for (object, row) in written.all() {
        for (name, value) in row {
            if let Value::Id(id) = value
                && *name != "ProfileId"
            {
                assert!(known.contains(id), "{object}.{name} is {}", id.as_str());
            }
        }
    }
}

#[test]
fn the_user_who_left_owns_nothing() {
    let written = company();
    let (left, _) = written.rows["User"]
        .iter()
        .find(|(_, row)| row["IsActive"] == Value::Boolean(false))
        .expect("one inactive user");
    let owners: BTreeSet<_> = written
        .all()
        .filter_map(|(_, row)| match row.get("OwnerId") {
            Some(Value::Id(owner)) => Some(*owner),
            _ => None,
        })
        .collect();
    assert!(!owners.contains(left));
    assert!(owners.len() > 10, "{} owners", owners.len());
}

#[test]
fn usernames_are_unique() {
    let written = company();
    let names: BTreeSet<&str> = written
        .of_object("User")
        .map(|row| text(row, "Username"))
        .collect();
    assert_eq!(names.len(), written.rows["User"].len());
}

#[test]
fn names_come_in_many_scripts() {
    let written = company();
    let names: String = written
        .of_object("Contact")
        .map(|row| text(row, "LastName"))
        .collect();
    for (script, sample) in [
        ("German", 'ö'),
        ("Polish", 'ś'),
        ("Turkish", 'Ö'),
        ("Japanese", '本'),
        ("Arabic", 'ا'),
        ("Chinese", '欧'),
    ] {
        assert!(names.contains(sample), "{script}");
    }
    assert!(names.contains('\''), "apostrophes as in O'Connor");
    let notes: String = written
        .of_object("Account")
        .map(|row| text(row, "Description"))
        .collect();
    for sample in ['\n', '"', ',', 'ğ', '👍'] {
        assert!(notes.contains(sample), "{sample:?}");
    }
}

#[test]
fn some_texts_are_long_and_many_fields_are_blank() {
    let written = company();
    let longest = written
        .of_object("Account")
        .map(|row| text(row, "Description").len())
        .max();
    assert!(longest > Some(2_000), "{longest:?}");
    for (object, field) in [
        ("Contact", "Email"),
        ("Contact", "AccountId"),
        ("Contact", "FirstName"),
        ("Opportunity", "Amount"),
    ] {
        let total = written.rows[object].len();
        let blank = written
            .of_object(object)
            .filter(|row| !row.contains_key(field))
            .count();
        assert!(
            blank > 0 && blank * 4 < total,
            "{object}.{field}: {blank} of {total} blank"
        );
    }
}

#[test]
fn accounts_form_a_hierarchy_of_two_levels() {
    let written = company();
    let roots: BTreeSet<RecordId> = written.rows["Account"]
        .iter()
        .filter(|(_, row)| !row.contains_key("ParentId"))
        .map(|(id, _)| *id)
        .collect();
    let parents: Vec<&Value> = written
        .of_object("Account")
        .filter_map(|row| row.get("ParentId"))
        .collect();
    assert!(parents.len() > 100);
    assert!(
        parents
            .iter()
            .all(|parent| matches!(parent, Value::Id(id) if roots.contains(id)))
    );
}

#[test]
fn stages_match_probabilities_and_dates() {
    let schema = Schema::standard().expect("the standard objects");
    let stages = &schema
        .object("Opportunity")
        .expect("standard")
        .field("StageName")
        .expect("standard")
        .1
        .picklist_values;
    let mut won = 0;
    for row in company().of_object("Opportunity") {
        let stage = stages
            .iter()
            .find(|stage| *stage.value == *text(row, "StageName"))
            .expect("a known stage");
        let probability = stage.probability.expect("every stage has one");
        assert_eq!(row["Probability"], Value::Number(probability.into()));
        let Value::Date(closes) = row["CloseDate"] else {
            panic!("a date")
        };
        assert!(
            !stage.is_closed || closes <= TODAY,
            "closed deals lie in the past"
        );
        won += usize::from(stage.is_won);
    }
    assert!(won > 500, "{won} won");
}

#[test]
fn deals_close_at_quarter_ends_and_not_in_august() {
    let mut by_month = [0_u32; 13];
    for row in company().of_object("Opportunity") {
        let Value::Date(closes) = row["CloseDate"] else {
            panic!("a date")
        };
        by_month[closes.month() as usize] += 1;
    }
    let [_, january, .., august, _, _, _, december] = by_month;
    assert!(december > 2 * january && january > august, "{by_month:?}");
}

#[test]
fn contacts_can_be_streamed_without_end() {
    let few: Vec<Row> = Company::contacts(3, 100).collect();
    let of_many: Vec<Row> = Company::contacts(3, 1_000_000).take(100).collect();
    assert_eq!(few, of_many);
    assert!(
        few.iter()
            .all(|row| row.iter().any(|(field, _)| *field == "LastName"))
    );
}

#[tokio::test]
async fn an_organisation_accepts_the_whole_company() {
    let company = CompanyOptions {
        seed: 1,
        records: 3_000,
    };
    let options = Options {
        company: Some(company),
        ..Options::default()
    };
    let org = EmulatedOrg::start(options)
        .await
        .expect("every row passes validation");
    let generated = Company::generate(company);
    {
        let data = org.org().read();
        let rows = |object| data.table(object).expect(object).rows().count();
        for object in ["Account", "Contact", "Lead", "Opportunity", "Task"] {
            assert_eq!(
                rows(object),
                usize::try_from(generated.count(object)).expect("small"),
                "{object}"
            );
        }
        let users = usize::try_from(generated.count("User")).expect("small");
        assert_eq!(
            rows("User"),
            users + 2,
            "the administrator and the integration user were there before"
        );
    }
    let ids = org
        .seed("Contact", Company::contacts(2, 1_000))
        .expect("contacts without accounts too");
    assert_eq!(ids.len(), 1_000);
    org.stop().await;
}
