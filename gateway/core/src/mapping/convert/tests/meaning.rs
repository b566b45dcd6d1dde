//! Values that Salesforce spells its own way.

use super::*;

#[test]
fn salesforces_spelling_of_a_value_means_the_same() {
    use SalesforceType as S;
    let plan = |partner, kind, scale, precision| {
        let mut plan = field_plan(field("name", PartnerType::Text, "LastName"));
        plan.partner_type = partner;
        plan.salesforce = SalesforceField {
            scale,
            precision,
            ..salesforce_field("X__c", kind)
        };
        plan
    };
    let moment = |millis| FieldValue::DateTime(chrono::DateTime::from_timestamp_millis(millis).unwrap());
    let (null, no_options) = (FieldValue::Null, options(&[]));
    for (partner, kind, one, other, same) in [
        (PartnerType::Text, S::String, text(" A\t"), text("A"), true),
        (PartnerType::Text, S::String, text("A"), text("a"), false),
        (PartnerType::Text, S::String, text("A B"), text("AB"), false),
        (
            PartnerType::MultiLine,
            S::Textarea,
            text("a\r\nb\rc"),
            text("a\nb\nc"),
            true,
        ),
        (PartnerType::Text, S::String, text(" "), null.clone(), true),
        (PartnerType::Text, S::String, null.clone(), text("x"), false),
        (
            PartnerType::MultiChoice,
            S::Multipicklist,
            null.clone(),
            no_options,
            true,
        ),
        (
            PartnerType::Phone,
            S::Phone,
            text("+41 (0)44 12"),
            text(" +410 44-12"),
            true,
        ),
        (PartnerType::Phone, S::Phone, text("+41 44"), text("41 44"), false),
        (PartnerType::Phone, S::Phone, text("044 1"), text("044 2"), false),
        (PartnerType::Phone, S::Phone, text("none"), text("unknown"), false),
        (PartnerType::Phone, S::Phone, text("none"), text("none "), true),
        (PartnerType::Phone, S::Phone, text("none"), text("1"), false),
        (PartnerType::Text, S::String, text("044 1"), text("0441"), false),
        (
            PartnerType::Email,
            S::Email,
            text("Ada@X.org "),
            text("ada@x.ORG"),
            true,
        ),
        (
            PartnerType::Email,
            S::Email,
            text("ada@x.org"),
            text("bob@x.org"),
            false,
        ),
        (
            PartnerType::DateTime,
            S::Datetime,
            moment(1_000),
            moment(1_999),
            true,
        ),
        (
            PartnerType::DateTime,
            S::Datetime,
            moment(1_999),
            moment(2_000),
            false,
        ),
        (
            PartnerType::Boolean,
            S::Boolean,
            FieldValue::Boolean(false),
            null,
            false,
        ),
    ] {
        let plan = plan(partner, kind, 0, 0);
        assert_eq!(same_meaning(&plan, &one, &other), same, "{one:?} {other:?}");
        assert_eq!(same_meaning(&plan, &other, &one), same, "{other:?} {one:?}");
    }
    let unsorted = FieldValue::Choices(vec!["b".to_owned(), "a".to_owned(), "a".to_owned()]);
    let languages = plan(PartnerType::MultiChoice, S::Multipicklist, 0, 0);
    assert!(same_meaning(&languages, &unsorted, &options(&["a", "b"])));
    assert!(!same_meaning(&languages, &unsorted, &options(&["a"])));
    for (kind, scale, precision, one, other, same) in [
        (S::Currency, 2, 18, "1.005", "1.01", true),
        (S::Currency, 2, 18, "-1.005", "-1.01", true),
        (S::Currency, 2, 18, "1.004", "1.01", false),
        (S::Double, 0, 18, "2.5", "3", true),
        (S::Int, 0, 0, "1.4", "1", true),
        (S::Int, 0, 0, "1", "2", false),
        (S::Long, 0, 0, "1.4", "1", true),
        (S::Double, 0, 0, "1.4", "1", false),
        (S::Double, 0, 0, "1.40", "1.4", true),
    ] {
        let plan = plan(PartnerType::Number, kind, scale, precision);
        assert_eq!(
            same_meaning(&plan, &decimal(one), &decimal(other)),
            same,
            "{kind:?} {one} {other}"
        );
    }
}
