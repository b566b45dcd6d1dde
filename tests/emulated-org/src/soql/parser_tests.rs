use super::*;
use crate::soql::ast::{Condition, Expression, Operator};
use crate::soql::literal::Literal;

fn path(dotted: &str, at: usize) -> Path {
    Path {
        names: dotted.split('.').map(str::to_owned).collect(),
        at,
    }
}

fn field(dotted: &str, at: usize) -> Expression {
    Expression::Path(path(dotted, at))
}

fn selected(dotted: &str, at: usize) -> SelectItem {
    SelectItem::Expression {
        expression: field(dotted, at),
        alias: None,
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
            select: Select::Items(vec![selected("Id", 7), selected("Account.Owner.Name", 11),]),
            from: path("Contact", 35),
            alias: Some(Word {
                text: "c".into(),
                at: 43
            }),
            named_parents: Vec::new(),
            scope: None,
            filter: Some(Condition::Compare {
                left: field("Email", 51),
                operator: Operator::NotEqual,
                literal: Literal::Null,
            }),
            group: None,
            order: vec![
                OrderKey {
                    expression: field("LastName", 74),
                    descending: true,
                    nulls_last: true
                },
                OrderKey {
                    expression: field("Id", 100),
                    descending: false,
                    nulls_last: false
                },
            ],
            limit: Some(10),
            offset: Some(20),
            purpose: None,
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
        "SELECT Id, (SELECT Id FROM Contacts WHERE LastName = 'x' ORDER BY Id LIMIT 5) FROM Account",
        "SELECT COUNT(Id), MAX(CreatedDate) newest FROM Account",
        "SELECT Name n, COUNT(Id) FROM Account GROUP BY Name HAVING COUNT(Id) > 1 AND Name LIKE 'a%'",
        "SELECT Type, GROUPING(Type) t FROM Account GROUP BY ROLLUP(Type) ORDER BY GROUPING(Type)",
        "SELECT Type, Rating FROM Account GROUP BY CUBE (Type, Rating)",
        "SELECT toLabel(Status) s, FORMAT(CreatedDate) FROM Lead",
        "SELECT HOUR_IN_DAY(convertTimezone(CreatedDate)) FROM Lead GROUP BY HOUR_IN_DAY(convertTimezone(CreatedDate))",
        "SELECT Id FROM Account WHERE CALENDAR_YEAR(CreatedDate) = 2026",
        "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE Name = 'x') AND Name != null",
        "SELECT Id FROM Account WHERE Id NOT IN (SELECT AccountId FROM Contact)",
        "SELECT COUNT() FROM Contact c, c.Account a WHERE a.Name = 'x'",
        "SELECT Id FROM Account USING SCOPE mine WHERE Name = 'x'",
        "SELECT Id FROM Account LIMIT 1 FOR VIEW",
        "SELECT Id FROM Account FOR REFERENCE",
        "SELECT Id FROM Account FOR UPDATE",
        "SELECT Id FROM A WHERE T__c > 08:30:00.000Z",
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
        // The word after a field is taken for its alias.
        ("SELECT Id FORM Account", "unexpected token: 'Account'"),
        ("SELECT Id Name Phone FROM Account", "unexpected token: 'Phone'"),
        ("SELECT Id FROM", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Account like", "unexpected token: 'like'"),
        ("SELECT COUNT(Id) in FROM Account", "unexpected token: 'in'"),
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
        ("SELECT UPPER(Name) FROM Account", "unexpected token: '('"),
        ("SELECT COUNT(), Id FROM Account", "unexpected token: ','"),
        ("SELECT Id, COUNT() FROM Account", "unexpected token: ')'"),
        (
            "SELECT Id FROM Account HAVING COUNT(Id) > 1",
            "unexpected token: 'HAVING'",
        ),
        ("SELECT Id FROM Account GROUP Name", "unexpected token: 'Name'"),
        (
            "SELECT Type FROM Account GROUP BY ROLLUP(Type), Name",
            "unexpected token: ','",
        ),
        ("SELECT Id FROM Account FOR DELETE", "unexpected token: 'DELETE'"),
        (
            "SELECT Id FROM Account FOR VIEW FOR REFERENCE",
            "unexpected token: 'FOR'",
        ),
        (
            "SELECT Id FROM Account WITH SECURITY_ENFORCED",
            "unexpected token: 'SECURITY_ENFORCED'",
        ),
        (
            "SELECT Id FROM Account WITH USER_MODE LIMIT 1",
            "unexpected token: 'USER_MODE'",
        ),
        (
            "SELECT Id FROM Account WHERE A = USD5000",
            "unexpected token: 'USD5000'",
        ),
        ("SELECT Id FROM Contact c, c.Account", "unexpected token: '<EOF>'"),
        (
            "SELECT Id, (SELECT Id FROM Contacts FROM Account",
            "unexpected token: 'FROM'",
        ),
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
        ("SELECT TYPEOF Owner WHEN User THEN Id END FROM Lead", "TYPEOF"),
        (
            "SELECT convertCurrency(Amount) FROM Opportunity",
            "the function CONVERTCURRENCY()",
        ),
        (
            "SELECT Id FROM Account WHERE DISTANCE(L__c, GEOLOCATION(1,2), 'mi') < 5",
            "the function DISTANCE()",
        ),
        (
            "SELECT Id FROM Account WITH DATA CATEGORY G__c AT a__c",
            "the clause WITH",
        ),
        ("SELECT Id FROM Account UPDATE VIEWSTAT", "the clause UPDATE"),
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
fn bind_variables_point_at_their_place() {
    for (text, column) in [
        ("SELECT Id FROM A WHERE Name = :name", 31),
        ("SELECT Id FROM A WHERE Name IN :names", 32),
        ("SELECT Id FROM A WHERE Name IN (:name)", 33),
        ("SELECT Id FROM A LIMIT :n", 24),
    ] {
        let error = parse(text).unwrap_err();
        let end = format!("ERROR at Row:1:Column:{column}\nBind variables only allowed in Apex code");
        assert!(error.message.ends_with(&end), "{error}");
        assert_eq!(error.code, "MALFORMED_QUERY");
    }
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
