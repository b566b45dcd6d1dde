use super::*;

fn path(dotted: &str, at: usize) -> Path {
    Path {
        names: dotted.split('.').map(str::to_owned).collect(),
        at,
    }
}

#[test]
fn a_query_with_every_clause_is_read() {
    let text = "select Id, Account.Owner.Name from Contact c where Email != null \
                order by LastName desc nulls last, Id limit 10 offset 20";
    let query = parse(text).unwrap();
    assert_eq!(
        query,
        Query {
            select: Select::Items(vec![
                SelectItem::Path(path("Id", 7)),
                SelectItem::Path(path("Account.Owner.Name", 11)),
            ]),
            from: Word {
                text: "Contact".into(),
                at: 35
            },
            alias: Some(Word {
                text: "c".into(),
                at: 43
            }),
            filter: Some(Condition::Compare {
                path: path("Email", 51),
                operator: Operator::NotEqual,
                literal: Literal::Null,
            }),
            order: vec![
                OrderKey {
                    path: path("LastName", 74),
                    descending: true,
                    nulls_last: true
                },
                OrderKey {
                    path: path("Id", 100),
                    descending: false,
                    nulls_last: false
                },
            ],
            limit: Some(10),
            offset: Some(20),
        }
    );
}

#[test]
fn conditions_nest_by_parentheses() {
    let Some(Condition::Any(either)) = parse("SELECT Id FROM A WHERE (x = 1 AND y = 2) OR (NOT z = 3)")
        .unwrap()
        .filter
    else {
        panic!("OR stands outermost");
    };
    assert!(matches!(either.as_slice(), [Condition::All(both), Condition::Not(_)] if both.len() == 2));
}

#[test]
fn accepted_forms() {
    for text in [
        "SELECT COUNT() FROM Account",
        "SELECT count( ) FROM Account WHERE Name = 'x' LIMIT 5",
        "SELECT FIELDS(ALL) FROM Account LIMIT 200",
        "SELECT Id FROM Order",
        "SELECT Id FROM Group WHERE Type = 'Queue'",
        "SELECT a.Id FROM Account AS a",
        "SELECT Id FROM Account WHERE Name LIKE '%a\\_b\\'%'",
        "SELECT Id FROM Account WHERE Name IN ('a', 'b', null)",
        "SELECT Id FROM Account WHERE Name NOT IN ('a')",
        "SELECT Id FROM Account WHERE Tags__c INCLUDES ('a;b', 'c')",
        "SELECT Id FROM Account WHERE NOT Name = 'x'",
        "SELECT Id FROM Account WHERE NOT (Name = 'x' OR Name = 'y')",
        "SELECT Id FROM Account WHERE Name = 'x' AND (NOT Name = 'y')",
        "SELECT Id FROM Account WHERE A = 1 AND B = -2.50 AND C = +3",
        "SELECT Id FROM Account WHERE A = 1 OR B = .5 OR C = TRUE",
        "SELECT Id FROM Account WHERE ((A = 1))",
        "SELECT Id FROM Account WHERE CreatedDate > 2026-11-22T06:04:37.000+0000",
        "SELECT Id FROM Account WHERE CreatedDate >= last_n_days:30 AND D <> today",
        "SELECT Id FROM Account ORDER BY Name ASC NULLS FIRST",
        "SELECT Id FROM Account LIMIT 0",
        "SELECT Id FROM Account OFFSET 2000",
        "\n SELECT\tId\r\nFROM Account ",
    ] {
        assert!(parse(text).is_ok(), "{text}: {:?}", parse(text));
    }
}

#[test]
fn refused_forms_and_the_words_of_the_refusal() {
    for (text, message) in [
        ("", "unexpected token: '<EOF>'"),
        ("UPDATE Account", "unexpected token: 'UPDATE'"),
        ("SELECT FROM Account", "unexpected token: 'FROM'"),
        ("SELECT Id, FROM Account", "unexpected token: 'FROM'"),
        ("SELECT Id FORM Account", "unexpected token: 'FORM'"),
        ("SELECT Id Name FROM Account", "unexpected token: 'Name'"),
        ("SELECT Id FROM", "unexpected token: '<EOF>'"),
        (
            "SELECT * FROM Account",
            "line 1:7 no viable alternative at character '*'",
        ),
        ("SELECT Id FROM Account WHERE", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Account WHERE Name", "unexpected token: '<EOF>'"),
        (
            "SELECT Id FROM Account WHERE Name IS NULL",
            "unexpected token: 'IS'",
        ),
        (
            "SELECT Id FROM Account WHERE Name == 'a'",
            "unexpected token: '='",
        ),
        (
            "SELECT Id FROM Account WHERE Name = \"a\"",
            "line 1:36 no viable alternative at character '\"'",
        ),
        ("SELECT Id FROM Account WHERE Name = a", "unexpected token: 'a'"),
        (
            "SELECT Id FROM Account WHERE Name = 'a' OR Name = 'b' AND Name = 'c'",
            "unexpected token: 'AND'",
        ),
        (
            "SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'",
            "unexpected token: 'OR'",
        ),
        (
            "SELECT Id FROM Account WHERE Name = 'a' AND NOT Name = 'b'",
            "unexpected token: 'NOT'",
        ),
        (
            "SELECT Id FROM Account WHERE NOT Name = 'a' AND Name = 'b'",
            "unexpected token: 'AND'",
        ),
        (
            "SELECT Id FROM Account WHERE (Name = 'a'",
            "unexpected token: '<EOF>'",
        ),
        (
            "SELECT Id FROM Account WHERE Name = 'a')",
            "unexpected token: ')'",
        ),
        ("SELECT Id FROM Account WHERE Name IN ()", "unexpected token: ')'"),
        (
            "SELECT Id FROM Account WHERE Name IN 'a'",
            "unexpected token: 'a'",
        ),
        (
            "SELECT Id FROM Account WHERE Name NOT LIKE 'a'",
            "unexpected token: 'LIKE'",
        ),
        (
            "SELECT Id FROM Account WHERE Name = :name",
            "Bind variables only allowed in Apex code",
        ),
        (
            "SELECT Id FROM Account LIMIT :n",
            "Bind variables only allowed in Apex code",
        ),
        ("SELECT Id FROM Account WHERE A = 1e5", "unexpected token: 'e5'"),
        ("SELECT Id FROM Account WHERE A = --1", "unexpected token: '-'"),
        (
            "SELECT Id FROM Account WHERE D = LAST_N_DAYS",
            "unexpected token: 'LAST_N_DAYS'",
        ),
        (
            "SELECT Id FROM Account WHERE D = LAST_N_DAYS:x",
            "unexpected token: 'LAST_N_DAYS'",
        ),
        ("SELECT Id FROM Account LIMIT", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Account LIMIT -1", "unexpected token: '-'"),
        ("SELECT Id FROM Account LIMIT 1.5", "unexpected token: '1.5'"),
        (
            "SELECT Id FROM Account OFFSET 5 LIMIT 5",
            "unexpected token: 'LIMIT'",
        ),
        (
            "SELECT Id FROM Account LIMIT 5 ORDER BY Id",
            "unexpected token: 'ORDER'",
        ),
        ("SELECT Id FROM Account ORDER Id", "unexpected token: 'Id'"),
        (
            "SELECT Id FROM Account; DROP",
            "line 1:22 no viable alternative at character ';'",
        ),
        (
            "SELECT Id FROM Account ALL ROWS",
            "ALL ROWS not allowed in this context",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err(), SoqlError::malformed(message), "{text}");
    }
}

#[test]
fn soql_that_only_salesforce_has_is_refused_by_name() {
    for (text, what) in [
        (
            "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
            "a subquery in the SELECT list",
        ),
        ("SELECT TYPEOF Owner WHEN User THEN Id END FROM Lead", "TYPEOF"),
        ("SELECT COUNT(Id) FROM Account", "the function COUNT()"),
        ("SELECT toLabel(Status) FROM Lead", "the function TOLABEL()"),
        (
            "SELECT Id FROM Account, Account.Contacts c",
            "a FROM clause with several objects",
        ),
        (
            "SELECT Id FROM Account USING SCOPE Mine",
            "the clause USING SCOPE",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact)",
            "a subquery in the WHERE clause (semi-join, anti-join)",
        ),
        (
            "SELECT Id FROM Account WHERE CALENDAR_YEAR(CreatedDate) = 2026",
            "the function CALENDAR_YEAR()",
        ),
        ("SELECT Id FROM Account WITH SECURITY_ENFORCED", "the clause WITH"),
        ("SELECT Name FROM Account GROUP BY Name", "the clause GROUP BY"),
        ("SELECT Id FROM Account FOR VIEW", "the clause FOR"),
    ] {
        assert_eq!(parse(text).unwrap_err(), SoqlError::unsupported(what), "{text}");
    }
}

#[test]
fn a_like_without_quotes_and_an_impossible_day_point_at_their_place() {
    let error = parse("SELECT Id FROM A WHERE Name LIKE 5").unwrap_err();
    assert_eq!(error.code, "INVALID_FIELD");
    assert_eq!(
        error.message,
        "\nSELECT Id FROM A WHERE Name LIKE 5\n                       ^\nERROR at Row:1:Column:24\n\
         value of filter criterion for field 'Name' must be of type string and should be enclosed in quotes"
    );
    let error = parse("SELECT Id FROM A WHERE D = 2026-02-30").unwrap_err();
    assert!(
        error
            .message
            .ends_with("ERROR at Row:1:Column:28\nInvalid date: 2026-02-30"),
        "{error}"
    );
}

#[test]
fn limits_of_size_hold() {
    let deep = format!(
        "SELECT Id FROM A WHERE {}x = 1{}",
        "(".repeat(5_000),
        ")".repeat(5_000)
    );
    assert_eq!(parse(&deep).unwrap_err().code, "MALFORMED_QUERY");
    let long = format!("SELECT Id FROM A WHERE x = '{}'", "a".repeat(MAX_QUERY_LENGTH));
    assert_eq!(
        parse(&long).unwrap_err(),
        SoqlError::malformed("SOQL statements cannot be longer than 100000 characters.")
    );
    let far = parse("SELECT Id FROM A OFFSET 2001").unwrap_err();
    assert_eq!(
        (far.code, far.message.as_str()),
        (
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000"
        )
    );
}
