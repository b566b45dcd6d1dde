use super::*;

fn plan(text: &str) -> Result<Plan, SoqlError> {
    let now = "2026-11-22T06:04:37Z".parse().unwrap();
    Plan::new(text, &Schema::standard().unwrap(), now)
}

fn columns_of(text: &str) -> Vec<String> {
    match plan(text).unwrap().output {
        Output::Columns(columns) => columns.iter().map(FieldPath::dotted).collect(),
        other => panic!("{text} gives {other:?}"),
    }
}

/// The refusal's code, column and last line.
fn refusal(text: &str) -> (&'static str, usize, String) {
    let error = plan(text).map(|_| ()).unwrap_err();
    let (context, reason) = error.message.rsplit_once('\n').unwrap_or(("", &error.message));
    let column = context
        .rsplit_once("Column:")
        .map_or(0, |(_, column)| column.parse().unwrap());
    (error.code, column, reason.to_owned())
}

const NO_COLUMN: &str = "If you are attempting to use a custom field, be sure to append the '__c' after the custom \
    field name. Please reference your WSDL or the describe call for the appropriate names.";
const NO_RELATIONSHIP: &str = "If you are attempting to use a custom relationship, be sure to append the '__r' after \
    the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.";

#[test]
fn names_are_found_in_any_case_and_printed_as_the_metadata_spells_them() {
    assert_eq!(
        columns_of("select ID, c.account.OWNER.name, contact.lastname from CONTACT c"),
        ["Id", "Account.Owner.Name", "LastName"]
    );
}

#[test]
fn a_polymorphic_parent_shows_the_fields_of_name_alone() {
    assert_eq!(
        columns_of("SELECT Owner.Name, Who.Type, Who.Email, What.Name, Owner.Profile.Name FROM Task"),
        [
            "Owner.Name",
            "Who.Type",
            "Who.Email",
            "What.Name",
            "Owner.Profile.Name"
        ]
    );
    assert_eq!(
        refusal("SELECT Who.Department FROM Task"),
        (
            "INVALID_FIELD",
            8,
            format!("No such column 'Department' on entity 'Name'. {NO_COLUMN}")
        )
    );
    assert_eq!(
        refusal("SELECT What.Parent.Name FROM Task"),
        (
            "INVALID_FIELD",
            8,
            format!("Didn't understand relationship 'Parent' in field path. {NO_RELATIONSHIP}")
        )
    );
}

#[test]
fn what_the_object_has_not_is_refused_with_its_place() {
    for (text, code, column, reason) in [
        ("SELECT X FROM Account", "INVALID_FIELD", 8, format!("No such column 'X' on entity 'Account'. {NO_COLUMN}")),
        (
            "SELECT Id, Account.Nope FROM Contact",
            "INVALID_FIELD",
            12,
            format!("No such column 'Nope' on entity 'Account'. {NO_COLUMN}"),
        ),
        (
            "SELECT Id FROM Contact WHERE Acount.Name = 'x'",
            "INVALID_FIELD",
            30,
            format!("Didn't understand relationship 'Acount' in field path. {NO_RELATIONSHIP}"),
        ),
        (
            "SELECT Id FROM Contact ORDER BY Nope",
            "INVALID_FIELD",
            33,
            format!("No such column 'Nope' on entity 'Contact'. {NO_COLUMN}"),
        ),
        (
            "SELECT Id FROM Accounts",
            "INVALID_TYPE",
            16,
            "sObject type 'Accounts' is not supported. If you are attempting to use a custom object, be sure to append \
             the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
                .to_owned(),
        ),
        (
            "SELECT Account.Parent.Parent.Parent.Parent.Parent.Name FROM Contact",
            "MALFORMED_QUERY",
            8,
            "SOQL statements cannot query relationships more than 5 levels away from the root SObject.".to_owned(),
        ),
        ("SELECT Id, Name, id FROM Account", "INVALID_FIELD", 0, "duplicate field selected: Id".to_owned()),
    ] {
        assert_eq!(refusal(text), (code, column, reason), "{text}");
    }
}

#[test]
fn the_whole_refusal_reads_as_salesforces() {
    let error = plan("SELECT X FROM Account").unwrap_err();
    assert_eq!(
        error.message,
        format!(
            "\nSELECT X FROM Account\n       ^\nERROR at Row:1:Column:8\n\
             No such column 'X' on entity 'Account'. {NO_COLUMN}"
        )
    );
}

#[test]
fn values_must_suit_the_type_of_their_field() {
    let wrong = |field: &str, kind: &str, quoted: bool| {
        let quotes = if quoted {
            "should be enclosed"
        } else {
            "should not be enclosed"
        };
        format!("value of filter criterion for field '{field}' must be of type {kind} and {quotes} in quotes")
    };
    for (condition, reason) in [
        ("CloseDate = '2026-11-22'", wrong("CloseDate", "date", false)),
        (
            "CloseDate = 2026-11-22T00:00:00Z",
            wrong("CloseDate", "date", false),
        ),
        (
            "CreatedDate > '2026-11-22T00:00:00Z'",
            wrong("CreatedDate", "dateTime", false),
        ),
        (
            "CreatedDate > 2026-11-22",
            wrong("CreatedDate", "dateTime", false),
        ),
        ("Amount > '5'", wrong("Amount", "double", false)),
        ("FiscalYear = '2026'", wrong("FiscalYear", "int", false)),
        ("IsClosed = 'true'", wrong("IsClosed", "boolean", false)),
        ("IsClosed IN (1)", wrong("IsClosed", "boolean", false)),
        ("Name = 5", wrong("Name", "string", true)),
        ("StageName = TODAY", wrong("StageName", "string", true)),
        ("AccountId = 5", wrong("AccountId", "ID", true)),
    ] {
        let text = format!("SELECT Id FROM Opportunity WHERE {condition}");
        assert_eq!(refusal(&text), ("INVALID_FIELD", 34, reason), "{condition}");
    }
}

#[test]
fn operators_must_suit_the_type_of_their_field() {
    for (condition, reason) in [
        ("Id = 'abc'", "invalid ID field: abc"),
        (
            "AccountId IN ('001000000000001', '001ZM000001n4n5YAX')",
            "invalid ID field: 001ZM000001n4n5YAX",
        ),
        ("Id LIKE '001%'", "invalid operator on id field"),
        ("AccountId LIKE '001%'", "invalid operator on id field"),
        ("Amount LIKE '5%'", "invalid operator on currency field"),
        ("IsClosed > true", "invalid operator on boolean field"),
        ("Amount < null", "invalid operator on currency field"),
        ("Name INCLUDES ('a')", "invalid operator on string field"),
    ] {
        let text = format!("SELECT Id FROM Opportunity WHERE {condition}");
        assert_eq!(
            refusal(&text),
            ("INVALID_QUERY_FILTER_OPERATOR", 34, reason.to_owned()),
            "{condition}"
        );
    }
}

#[test]
fn long_texts_and_compound_fields_neither_filter_nor_sort() {
    assert_eq!(
        refusal("SELECT Id FROM Account WHERE Description LIKE 'a%'"),
        (
            "INVALID_FIELD",
            30,
            "field 'Description' can not be filtered in a query call".to_owned()
        )
    );
    assert_eq!(
        refusal("SELECT Id FROM Account WHERE BillingAddress = null"),
        (
            "INVALID_FIELD",
            30,
            "field 'BillingAddress' can not be filtered in a query call".to_owned()
        )
    );
    assert_eq!(
        refusal("SELECT Id FROM Account ORDER BY Description"),
        (
            "MALFORMED_QUERY",
            33,
            "field 'Description' can not be sorted in a query call".to_owned()
        )
    );
    assert_eq!(
        refusal("SELECT COUNT() FROM Account ORDER BY Name"),
        (
            "MALFORMED_QUERY",
            38,
            "Ordered field must be grouped or aggregated: Name".to_owned()
        )
    );
}

#[test]
fn all_fields_need_a_small_limit_and_standard_fields_none() {
    let reason = "The SOQL FIELDS function must have a LIMIT of at most 200".to_owned();
    for text in [
        "SELECT FIELDS(ALL) FROM Account",
        "SELECT FIELDS(CUSTOM) FROM Account LIMIT 201",
    ] {
        assert_eq!(refusal(text), ("MALFORMED_QUERY", 8, reason.clone()), "{text}");
    }
    let every = Schema::standard()
        .unwrap()
        .object("Account")
        .unwrap()
        .fields
        .len();
    assert_eq!(
        columns_of("SELECT FIELDS(ALL) FROM Account LIMIT 200").len(),
        every
    );
    assert_eq!(columns_of("SELECT FIELDS(STANDARD) FROM Account").len(), every);
    assert_eq!(
        refusal("SELECT Id, FIELDS(ALL) FROM Account LIMIT 200"),
        ("INVALID_FIELD", 0, "duplicate field selected: Id".to_owned())
    );
}
