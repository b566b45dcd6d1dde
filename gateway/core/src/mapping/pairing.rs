//! Which partner type may read which Salesforce type.

use crate::mapping::catalog::{PartnerType, SalesforceType};

/// Whether a partner field of one type takes values of a Salesforce type without loss.
pub fn pairs(partner: PartnerType, salesforce: SalesforceType) -> bool {
    partners(salesforce).contains(&partner)
}

/// The partner types that take a Salesforce type, the best first. None: values of this type do not travel whole.
pub fn partners(salesforce: SalesforceType) -> &'static [PartnerType] {
    use PartnerType as P;
    match salesforce {
        SalesforceType::String => &[P::Text, P::MultiLine, P::Address],
        SalesforceType::Textarea => &[P::MultiLine, P::Address],
        SalesforceType::Picklist => &[P::SingleChoice, P::Text, P::Address],
        SalesforceType::Combobox => &[P::SingleChoice, P::Text],
        SalesforceType::Multipicklist => &[P::MultiChoice],
        SalesforceType::Reference => &[P::Reference],
        SalesforceType::Boolean => &[P::Boolean],
        SalesforceType::Int | SalesforceType::Long | SalesforceType::Double | SalesforceType::Percent => {
            &[P::Number]
        }
        SalesforceType::Currency => &[P::Currency],
        SalesforceType::Date => &[P::Date],
        SalesforceType::Datetime => &[P::DateTime],
        SalesforceType::Email => &[P::Email, P::Text],
        SalesforceType::Phone => &[P::Phone, P::Text],
        SalesforceType::Id | SalesforceType::Time | SalesforceType::Url | SalesforceType::Encryptedstring => {
            &[P::Text]
        }
        SalesforceType::Address
        | SalesforceType::Location
        | SalesforceType::Base64
        | SalesforceType::Anytype
        | SalesforceType::Complexvalue => &[],
    }
}

/// The Salesforce types that a partner type may read, in words for an admin.
pub fn readable(partner: PartnerType) -> &'static str {
    match partner {
        PartnerType::Text => {
            "text, picklist, e-mail, phone, URL, auto number, encrypted text, time and record id fields"
        }
        PartnerType::MultiLine => "text area and text fields",
        PartnerType::Date => "date fields",
        PartnerType::DateTime => "date/time fields",
        PartnerType::SingleChoice => "picklist fields",
        PartnerType::MultiChoice => "multi-select picklist fields",
        PartnerType::Number => "number and percent fields",
        PartnerType::Currency => "currency fields",
        PartnerType::Email => "e-mail fields",
        PartnerType::Phone => "phone fields",
        PartnerType::Boolean => "checkbox fields",
        PartnerType::Reference => "lookup fields",
        PartnerType::Address => {
            "the component fields of an address (street, city, state, postal code, country)"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTNER_TYPES: [PartnerType; 13] = [
        PartnerType::Text,
        PartnerType::MultiLine,
        PartnerType::Date,
        PartnerType::DateTime,
        PartnerType::SingleChoice,
        PartnerType::MultiChoice,
        PartnerType::Number,
        PartnerType::Currency,
        PartnerType::Email,
        PartnerType::Phone,
        PartnerType::Boolean,
        PartnerType::Reference,
        PartnerType::Address,
    ];

    #[test]
    fn the_pairing_table_is_the_published_one() {
        use PartnerType as P;
        use SalesforceType as S;
        let table: &[(S, &[P])] = &[
            (S::Id, &[P::Text]),
            (S::String, &[P::Text, P::MultiLine, P::Address]),
            (S::Textarea, &[P::MultiLine, P::Address]),
            (S::Picklist, &[P::Text, P::SingleChoice, P::Address]),
            (S::Multipicklist, &[P::MultiChoice]),
            (S::Combobox, &[P::Text, P::SingleChoice]),
            (S::Reference, &[P::Reference]),
            (S::Boolean, &[P::Boolean]),
            (S::Int, &[P::Number]),
            (S::Long, &[P::Number]),
            (S::Double, &[P::Number]),
            (S::Currency, &[P::Currency]),
            (S::Percent, &[P::Number]),
            (S::Date, &[P::Date]),
            (S::Datetime, &[P::DateTime]),
            (S::Time, &[P::Text]),
            (S::Email, &[P::Text, P::Email]),
            (S::Phone, &[P::Text, P::Phone]),
            (S::Url, &[P::Text]),
            (S::Encryptedstring, &[P::Text]),
            (S::Address, &[]),
            (S::Location, &[]),
            (S::Base64, &[]),
            (S::Anytype, &[]),
            (S::Complexvalue, &[]),
        ];
        for (salesforce, expected) in table {
            for partner in PARTNER_TYPES {
                assert_eq!(
                    pairs(partner, *salesforce),
                    expected.contains(&partner),
                    "{partner:?} reads {salesforce:?}"
                );
            }
        }
    }
}
