use chrono::{DateTime, Utc};

use super::*;
use crate::data::{Author, Authority, Draft, DuplicateOptions, Operation, Transaction};
use crate::schema::{Field, FieldType, Schema};

/// An organisation of a few accounts and contacts.
struct World {
    schema: Schema,
    data: Data,
    now: DateTime<Utc>,
}

impl World {
    fn new() -> Self {
        let mut schema = Schema::standard().unwrap();
        let tags = Field {
            name: "Tags__c".into(),
            kind: FieldType::Multipicklist,
            custom: true,
            ..Field::default()
        };
        let code = Field {
            name: "Code__c".into(),
            custom: true,
            unique: true,
            external_id: true,
            case_sensitive: true,
            ..Field::default()
        };
        schema.add_field("Account", tags).unwrap();
        schema.add_field("Account", code).unwrap();
        let data = Data::new(&schema, 1);
        Self {
            schema,
            data,
            now: "2026-02-18T12:00:00Z".parse().unwrap(),
        }
    }

    fn write(&mut self, operation: Operation) -> RecordId {
        let user = RecordId::parse("005000000000001").unwrap();
        let author = Author {
            user,
            now: self.now,
            authority: Authority::Platform,
            duplicates: DuplicateOptions::default(),
        };
        let saved = Transaction::begin(&mut self.data, &self.schema, author).save(operation);
        saved.unwrap_or_else(|refusal| panic!("{refusal:?}")).id
    }

    fn create(&mut self, object: &str, fields: &[(&str, Value)]) -> RecordId {
        let object = Arc::clone(self.schema.object(object).unwrap());
        let values = fields
            .iter()
            .map(|(name, value)| (object.field(name).unwrap().0, value.clone()));
        let draft = Draft {
            values: values.collect(),
            parents: Vec::new(),
        };
        self.write(Operation::Create { object, draft })
    }

    fn account(&mut self, name: &str, fields: &[(&str, Value)]) -> RecordId {
        let mut all = vec![("Name", Value::text(name))];
        all.extend_from_slice(fields);
        self.create("Account", &all)
    }

    fn delete(&mut self, object: &str, id: RecordId) {
        let object = Arc::clone(self.schema.object(object).unwrap());
        self.write(Operation::Delete { object, id });
    }

    fn found(&self, text: &str, scope: Scope) -> Vec<String> {
        let plan = Plan::new(text, &self.schema, self.now).unwrap();
        let rows = run(&plan, &self.data, scope);
        let (name, _) = plan.object.name_field().unwrap();
        rows.iter()
            .map(|row| match row.get(name) {
                Value::Text(text) => text.to_string(),
                _ => row.id().to_string(),
            })
            .collect()
    }

    /// The names of the accounts that a condition finds.
    fn accounts(&self, condition: &str) -> Vec<String> {
        self.found(&format!("SELECT Id FROM Account {condition}"), Scope::Live)
    }
}

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

#[test]
fn comparisons_know_types_and_nulls() {
    let mut world = World::new();
    world.account(
        "Alpha",
        &[
            ("AnnualRevenue", number("10")),
            ("Industry", Value::text("Energy")),
        ],
    );
    world.account("beta", &[("AnnualRevenue", number("20"))]);
    world.account("Gamma", &[("Industry", Value::text("Banking"))]);
    for (condition, expected) in [
        ("WHERE Name = 'ALPHA'", &["Alpha"][..]),
        ("WHERE Name != 'alpha'", &["beta", "Gamma"]),
        ("WHERE Name > 'alpha' AND Name <= 'BETA'", &["beta"]),
        ("WHERE AnnualRevenue = 10.0", &["Alpha"]),
        ("WHERE AnnualRevenue > 9.9", &["Alpha", "beta"]),
        ("WHERE AnnualRevenue < 15", &["Alpha"]),
        ("WHERE AnnualRevenue != 20", &["Alpha", "Gamma"]),
        ("WHERE AnnualRevenue = null", &["Gamma"]),
        ("WHERE AnnualRevenue <> NULL", &["Alpha", "beta"]),
        ("WHERE NOT AnnualRevenue < 15", &["beta", "Gamma"]),
        ("WHERE Industry = ''", &["beta"]),
        ("WHERE Industry IN ('energy', null)", &["Alpha", "beta"]),
        ("WHERE Industry NOT IN ('Energy')", &["beta", "Gamma"]),
        (
            "WHERE Name LIKE '%a' AND (Name LIKE 'a%' OR Name LIKE '_eta')",
            &["Alpha", "beta"],
        ),
        (
            "WHERE IsDeleted = false AND AnnualRevenue IN (20, 10.00)",
            &["Alpha", "beta"],
        ),
        ("LIMIT 1 OFFSET 1", &["beta"]),
        ("LIMIT 0", &[]),
        ("OFFSET 5", &[]),
    ] {
        assert_eq!(world.accounts(condition), expected, "{condition}");
    }
}

#[test]
fn texts_of_case_sensitive_fields_differ_by_case() {
    let mut world = World::new();
    world.account("Upper", &[("Code__c", Value::text("A-1"))]);
    world.account("Lower", &[("Code__c", Value::text("a-1"))]);
    assert_eq!(world.accounts("WHERE Code__c = 'a-1'"), ["Lower"]);
    assert_eq!(world.accounts("WHERE Code__c IN ('A-1')"), ["Upper"]);
    assert_eq!(world.accounts("WHERE Code__c = 'b-1'"), [""; 0]);
}

#[test]
fn multi_select_picklists_are_searched_for_all_values_of_a_set() {
    let mut world = World::new();
    world.account("Both", &[("Tags__c", Value::text("Red;Blue"))]);
    world.account("One", &[("Tags__c", Value::text("Red"))]);
    world.account("None", &[]);
    assert_eq!(world.accounts("WHERE Tags__c INCLUDES ('red;blue')"), ["Both"]);
    assert_eq!(
        world.accounts("WHERE Tags__c INCLUDES ('blue', 'red')"),
        ["Both", "One"]
    );
    assert_eq!(world.accounts("WHERE Tags__c EXCLUDES ('blue')"), ["One", "None"]);
}

#[test]
fn days_and_moments_are_compared_with_dates_of_the_clock() {
    let mut world = World::new();
    let created: Vec<RecordId> = [
        "2026-02-17T23:59:59Z",
        "2026-02-18T00:00:00Z",
        "2026-02-22T00:00:00Z",
    ]
    .into_iter()
    .enumerate()
    .map(|(index, moment)| {
        world.now = moment.parse().unwrap();
        world.account(&format!("A{index}"), &[])
    })
    .collect();
    assert_eq!(created.len(), 3);
    world.now = "2026-02-18T12:00:00Z".parse().unwrap();
    for (condition, expected) in [
        ("WHERE CreatedDate = TODAY", &["A1"][..]),
        ("WHERE CreatedDate < TODAY", &["A0"]),
        ("WHERE CreatedDate <= TODAY", &["A0", "A1"]),
        ("WHERE CreatedDate > TODAY", &["A2"]),
        ("WHERE CreatedDate != TODAY", &["A0", "A2"]),
        ("WHERE CreatedDate = THIS_WEEK", &["A0", "A1"]),
        ("WHERE CreatedDate IN (YESTERDAY, NEXT_WEEK)", &["A0", "A2"]),
        ("WHERE CreatedDate >= 2026-02-18T00:00:00Z", &["A1", "A2"]),
        ("WHERE CreatedDate > 2026-02-18T01:00:00+01:00", &["A2"]),
    ] {
        assert_eq!(world.accounts(condition), expected, "{condition}");
    }
}

#[test]
fn parents_are_read_and_missing_ones_are_null() {
    let mut world = World::new();
    let parent = world.account("Parent", &[("Industry", Value::text("Energy"))]);
    let child = world.account("Child", &[("ParentId", Value::Id(parent))]);
    for (name, account) in [("Ann", Some(child)), ("Ben", Some(parent)), ("Cid", None)] {
        let account = account.map_or(Value::Null, Value::Id);
        world.create(
            "Contact",
            &[("LastName", Value::text(name)), ("AccountId", account)],
        );
    }
    let contacts = |rest: &str| world.found(&format!("SELECT Id FROM Contact {rest}"), Scope::Live);
    assert_eq!(contacts("WHERE Account.Parent.Name = 'parent'"), ["Ann"]);
    assert_eq!(contacts("WHERE Account.Industry = null"), ["Ann", "Cid"]);
    assert_eq!(contacts("WHERE Account.Id != null"), ["Ann", "Ben"]);
    assert_eq!(
        contacts(&format!(
            "WHERE AccountId IN ('{child}', '{}')",
            parent.as_str15()
        )),
        ["Ann", "Ben"]
    );
    assert_eq!(
        contacts("ORDER BY Account.Name DESC NULLS LAST"),
        ["Ben", "Ann", "Cid"]
    );
}

#[test]
fn orders_take_their_keys_in_turn_and_nulls_first_unless_told() {
    let mut world = World::new();
    let rows = [("b", Some("2")), ("A", Some("2")), ("c", None), ("B", Some("1"))];
    for (name, revenue) in rows {
        world.account(name, &[("AnnualRevenue", revenue.map_or(Value::Null, number))]);
    }
    for (order, expected) in [
        ("ORDER BY Name", ["A", "b", "B", "c"]),
        ("ORDER BY Name DESC, Id DESC", ["c", "B", "b", "A"]),
        ("ORDER BY AnnualRevenue, Name", ["c", "B", "A", "b"]),
        ("ORDER BY AnnualRevenue DESC", ["c", "b", "A", "B"]),
        ("ORDER BY AnnualRevenue NULLS LAST, Id", ["B", "b", "A", "c"]),
        ("ORDER BY AnnualRevenue DESC NULLS LAST", ["b", "A", "B", "c"]),
    ] {
        assert_eq!(world.accounts(order), expected, "{order}");
    }
    assert_eq!(world.accounts("ORDER BY Name LIMIT 2 OFFSET 1"), ["b", "B"]);
}

#[test]
fn picklists_sort_by_the_order_of_their_values() {
    let mut world = World::new();
    for rating in ["Warm", "Cold", "Hot"] {
        world.account(rating, &[("Rating", Value::text(rating))]);
    }
    assert_eq!(world.accounts("ORDER BY Rating"), ["Hot", "Warm", "Cold"]);
}

#[test]
fn a_short_page_of_a_long_order_has_the_rows_of_the_whole_order() {
    let mut world = World::new();
    // A fixed scatter: 7919 is prime, so every number below 5000 comes once.
    for index in 0..5_000_u32 {
        let revenue = index * 7_919 % 5_000;
        world.account(
            &format!("{revenue:04}"),
            &[("AnnualRevenue", number(&revenue.to_string()))],
        );
    }
    let all = world.accounts("ORDER BY AnnualRevenue DESC");
    assert_eq!(all.len(), 5_000);
    assert!(all.is_sorted_by(|left, right| left > right));
    for (limit, offset) in [(1, 0), (10, 0), (10, 95), (300, 2_000), (2_000, 0)] {
        let page = world.accounts(&format!(
            "ORDER BY AnnualRevenue DESC LIMIT {limit} OFFSET {offset}"
        ));
        assert_eq!(page, all[offset..offset + limit], "{limit} {offset}");
    }
}

#[test]
fn deleted_rows_are_seen_only_by_those_who_ask_for_all() {
    let mut world = World::new();
    world.account("Kept", &[]);
    let gone = world.account("Gone", &[("Code__c", Value::text("x"))]);
    world.delete("Account", gone);
    let all =
        |condition: &str| world.found(&format!("SELECT Id FROM Account {condition}"), Scope::WithDeleted);
    assert_eq!(world.accounts(""), ["Kept"]);
    assert_eq!(world.accounts(&format!("WHERE Id = '{gone}'")), [""; 0]);
    assert_eq!(all(""), ["Kept", "Gone"]);
    assert_eq!(all("WHERE IsDeleted = true"), ["Gone"]);
    assert_eq!(all("WHERE Code__c = 'x'"), ["Gone"]);
    assert_eq!(all(&format!("WHERE Id IN ('{gone}')")), ["Gone"]);
}
