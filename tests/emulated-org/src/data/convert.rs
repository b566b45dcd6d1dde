//! Lead conversion: an account, a contact and an opportunity come out of a lead.
//!
//! Source: Salesforce SOAP API Developer Guide, `convertLead()`; Salesforce Help, Lead Conversion Field Mapping
//! (the standard fields; custom fields go nowhere unless an administrator maps them). A converted lead can no
//! longer be edited (`CANNOT_UPDATE_CONVERTED_LEAD`).

use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::audit::Touch;
use super::draft::{Draft, Fields};
use super::operation::Conversion;
use super::outcome::{Outcome, SaveError, Saved};
use super::row::Row;
use super::write::Transaction;
use crate::id::RecordId;
use crate::schema::Object;
use crate::value::Value;

/// Lead fields and where the account keeps them.
const ON_ACCOUNT: [(&str, &str); 13] = [
    ("Company", "Name"),
    ("Phone", "Phone"),
    ("Fax", "Fax"),
    ("Website", "Website"),
    ("Industry", "Industry"),
    ("AnnualRevenue", "AnnualRevenue"),
    ("NumberOfEmployees", "NumberOfEmployees"),
    ("LeadSource", "AccountSource"),
    ("Street", "BillingStreet"),
    ("City", "BillingCity"),
    ("State", "BillingState"),
    ("PostalCode", "BillingPostalCode"),
    ("Country", "BillingCountry"),
];

/// Lead fields and where the contact keeps them.
const ON_CONTACT: [(&str, &str); 18] = [
    ("Salutation", "Salutation"),
    ("FirstName", "FirstName"),
    ("MiddleName", "MiddleName"),
    ("LastName", "LastName"),
    ("Suffix", "Suffix"),
    ("Title", "Title"),
    ("Email", "Email"),
    ("Phone", "Phone"),
    ("MobilePhone", "MobilePhone"),
    ("Fax", "Fax"),
    ("LeadSource", "LeadSource"),
    ("Description", "Description"),
    ("HasOptedOutOfEmail", "HasOptedOutOfEmail"),
    ("Street", "MailingStreet"),
    ("City", "MailingCity"),
    ("State", "MailingState"),
    ("PostalCode", "MailingPostalCode"),
    ("Country", "MailingCountry"),
];

/// Refuses a lead that is converted.
pub(super) fn refuse_converted(object: &Object, row: &Row) -> Result<(), SaveError> {
    let converted = object.name == "Lead"
        && object
            .field("IsConverted")
            .is_some_and(|(at, _)| row.get(at) == &Value::Boolean(true));
    if converted {
        return Err(SaveError::new(
            "CANNOT_UPDATE_CONVERTED_LEAD",
            "cannot reference converted lead",
        ));
    }
    Ok(())
}

impl Transaction<'_> {
    pub(super) fn convert_lead(&mut self, lead: RecordId, conversion: &Conversion) -> Outcome {
        let object = self.object("Lead")?;
        let row = self.live(&object, lead)?;
        refuse_converted(&object, &row)?;
        let status = converted_status(&object, conversion.status.as_deref())?;
        let taken = |name: &str| {
            object
                .field(name)
                .map_or(Value::Null, |(at, _)| row.get(at).clone())
        };
        let owner = taken("OwnerId");

        let account = match conversion.account {
            Some(account) => account,
            None => self.create_from("Account", mapped(&ON_ACCOUNT, &taken), &owner)?,
        };
        let contact = match conversion.contact {
            Some(contact) => contact,
            None => {
                let mut fields = mapped(&ON_CONTACT, &taken);
                fields.push(("AccountId", Value::Id(account)));
                self.create_from("Contact", fields, &owner)?
            }
        };
        let opportunity = if let Some(opportunity) = conversion.opportunity {
            Some(opportunity)
        } else if conversion.without_opportunity {
            None
        } else {
            let name = conversion.opportunity_name.as_deref().map(Value::text);
            let fields = vec![
                ("Name", name.unwrap_or_else(|| taken("Company"))),
                ("AccountId", Value::Id(account)),
                ("LeadSource", taken("LeadSource")),
                ("StageName", Value::text(self.first_stage()?)),
                ("CloseDate", end_of_quarter(self.author.now)),
            ];
            Some(self.create_from("Opportunity", fields, &owner)?)
        };

        for child in self.children(&object, lead) {
            if matches!(child.object.name.as_str(), "Task" | "Event") {
                let activity = self.live(&child.object, child.id)?;
                self.point(&child.object, &activity, child.field, Value::Id(contact))?;
            }
        }
        let plan = self.plan(&object)?;
        let mut fields = Fields::from_row(&row);
        for (name, value) in [
            ("Status", Value::text(status)),
            ("IsConverted", Value::Boolean(true)),
            ("ConvertedDate", Value::Date(self.author.now.date_naive())),
            ("ConvertedAccountId", Value::Id(account)),
            ("ConvertedContactId", Value::Id(contact)),
            (
                "ConvertedOpportunityId",
                opportunity.map_or(Value::Null, Value::Id),
            ),
        ] {
            if let Some((at, _)) = object.field(name) {
                fields.set(at, value);
            }
        }
        let stamp = self.stamp_of_changed(&plan, &row, Touch::Modified);
        self.put(
            &object,
            Arc::new(Row::new(lead, false, fields.into_values(), stamp)),
        );
        Ok(Saved {
            id: lead,
            created: false,
        })
    }

    fn create_from(
        &mut self,
        object: &str,
        fields: Vec<(&str, Value)>,
        owner: &Value,
    ) -> Result<RecordId, super::Refusal> {
        let object = self.object(object)?;
        let mut draft = Draft::default();
        for (name, value) in fields.into_iter().chain([("OwnerId", owner.clone())]) {
            if let Some((at, _)) = object.field(name)
                && !value.is_null()
            {
                draft.values.push((at, value));
            }
        }
        Ok(self.create(&object, draft)?.id)
    }

    fn first_stage(&self) -> Result<String, SaveError> {
        let object = self.object("Opportunity")?;
        let stages = object.field("StageName").map(|(_, field)| &field.picklist_values);
        let first = stages.and_then(|stages| stages.iter().find(|stage| stage.active));
        Ok(first.map(|stage| stage.value.clone()).unwrap_or_default())
    }

    fn object(&self, name: &str) -> Result<Arc<Object>, SaveError> {
        self.schema.object(name).cloned().ok_or_else(|| {
            let message = format!("sObject type '{name}' is not supported.");
            SaveError::new("INVALID_TYPE", message)
        })
    }
}

fn mapped<'n>(names: &[(&str, &'n str)], taken: &dyn Fn(&str) -> Value) -> Vec<(&'n str, Value)> {
    names.iter().map(|(from, to)| (*to, taken(from))).collect()
}

fn converted_status(object: &Object, wanted: Option<&str>) -> Result<String, SaveError> {
    let statuses = object.field("Status").map(|(_, field)| &field.picklist_values);
    let status = statuses.into_iter().flatten().find(|status| {
        status.active && status.is_converted && wanted.is_none_or(|name| status.value == name)
    });
    status.map(|status| status.value.clone()).ok_or_else(|| {
        let message = format!("invalid convertedStatus: {}", wanted.unwrap_or_default());
        SaveError::of_field("INVALID_STATUS", "Status", message)
    })
}

/// New opportunities close with the quarter.
fn end_of_quarter(now: DateTime<Utc>) -> Value {
    let (year, month) = (now.year(), now.month());
    let (year, month) = if month > 9 {
        (year + 1, 1)
    } else {
        (year, (month - 1) / 3 * 3 + 4)
    };
    NaiveDate::from_ymd_opt(year, month, 1)
        .and_then(|next| next.pred_opt())
        .map_or(Value::Null, Value::Date)
}
