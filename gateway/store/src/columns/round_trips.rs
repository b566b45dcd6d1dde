//! Every value that stands in a column as JSON reads back as what it was, numbers included.
//!
//! Decimals are kept letter for letter, for which numbers of tagged values take another way through the reader: a
//! number that cannot go it would be written well and never be read again.

use std::collections::BTreeMap;
use std::fmt::Debug;

use causeway_core::decide::{
    Agreed, AgreedPair, ChangeCause, ChangeSource, Converted, FieldTimes, HeldReason, InFlight, LinkStatus,
    Lost, MergedInto, Noted, Outcome, Outgoing, SalesforceWrite, Side, Turns, WriteKind,
};
use causeway_core::id::{FieldId, InboxId, MappingId, PlanRevision, RecordId, RunId, SalesforceId};
use causeway_core::mapping::{ConversionCause, ConversionProblem};
use causeway_core::owners::OwnerRung;
use causeway_core::ports::Lane;
use causeway_core::ports::runs::{PartProgress, RunPart};
use causeway_core::record::{FieldValue, Fields};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;

fn at(second: i64) -> Instant {
    moment(1_763_800_000_123_456 + second * 1_000_000).unwrap()
}

fn contact() -> SalesforceId {
    SalesforceId::parse("003ZM0000000001").unwrap()
}

fn values() -> Vec<FieldValue> {
    vec![
        FieldValue::Null,
        FieldValue::Text("O\"Neil \u{1F980}\nÅ".to_owned()),
        FieldValue::Text(String::new()),
        FieldValue::Boolean(true),
        FieldValue::Number("79228162514264337593543950335".parse().unwrap()),
        FieldValue::Number("-0.0000000000000000000000000001".parse().unwrap()),
        FieldValue::Number("100.00".parse().unwrap()),
        FieldValue::Date("2026-02-28".parse().unwrap()),
        FieldValue::DateTime(at(1)),
        FieldValue::Choices(vec!["A".to_owned(), "B; C".to_owned()]),
        FieldValue::Reference(contact()),
        FieldValue::Record(RecordId(i64::MAX)),
    ]
}

fn by_field() -> BTreeMap<FieldId, FieldValue> {
    (0..).map(FieldId).zip(values()).collect()
}

fn times() -> FieldTimes {
    BTreeMap::from([(FieldId::OWNER, at(1)), (FieldId(u32::MAX), at(2))])
}

fn reasons() -> Vec<HeldReason> {
    let problem = |cause| ConversionProblem {
        salesforce_field: "Rating__c".to_owned(),
        partner_field: "rating".to_owned(),
        cause,
    };
    vec![
        HeldReason::Conversion {
            problems: vec![
                problem(ConversionCause::Required),
                problem(ConversionCause::UnmappedChoice {
                    option: "Hot".to_owned(),
                }),
                problem(ConversionCause::TooLong {
                    length: u32::MAX,
                    limit: 255,
                }),
                problem(ConversionCause::Malformed {
                    expected: "a date (YYYY-MM-DD)".to_owned(),
                }),
            ],
        },
        HeldReason::DeleteAsked,
        HeldReason::PartnerDeleteAsked,
        HeldReason::Refused {
            code: "DUPLICATE_VALUE".to_owned(),
            message: "duplicate value found: 12 <unknown>".to_owned(),
            fields: vec!["Email".to_owned()],
            advice: "Change the value.".to_owned(),
        },
        HeldReason::Ambiguous {
            identity: "ann@miller.example".to_owned(),
            candidates: vec![contact(), contact()],
        },
        HeldReason::Flipping { turns: 9 },
        HeldReason::OutOfSight,
        HeldReason::OutcomeUnknown,
    ]
}

fn outgoing() -> Vec<Outgoing> {
    let in_flight = |kind, job: Option<&str>| InFlight {
        write: SalesforceWrite {
            kind,
            values: by_field(),
        },
        basis: by_field(),
        since: at(3),
        until: at(4),
        job: job.map(str::to_owned),
    };
    let pending = Outgoing {
        pending: true,
        ..Outgoing::default()
    };
    let kinds = [WriteKind::Create, WriteKind::Update, WriteKind::Delete];
    let mut all: Vec<Outgoing> = kinds
        .into_iter()
        .map(|kind| Outgoing {
            in_flight: Some(in_flight(kind, None)),
            ..pending.clone()
        })
        .collect();
    all.push(Outgoing {
        pending: true,
        in_flight: Some(in_flight(WriteKind::Create, Some("750ZM"))),
        overruled: by_field(),
        noted: [
            (
                FieldId(3),
                Noted {
                    at: at(3),
                    value: None,
                },
            ),
            (
                FieldId(4),
                Noted {
                    at: at(4),
                    value: Some(FieldValue::Null),
                },
            ),
        ]
        .into(),
        turns: Some(Turns {
            since: at(5),
            count: 8,
            last: Side::Partner,
        }),
        generation: u32::MAX,
    });
    all.push(pending);
    all.push(Outgoing::default());
    all
}

fn reads_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let json = to_json(value).unwrap();
    let read = from_json::<T>("value", &json);
    assert_eq!(read.as_ref(), Ok(value), "{json}");
    // Letter for letter, which tells 100.00 from 100.
    assert_eq!(read.and_then(|read| to_json(&read)), Ok(json));
}

#[test]
fn every_field_value() {
    let fields: Fields = (0..)
        .map(|number| format!("field {number}"))
        .zip(values())
        .collect();
    reads_back(&fields);
    let pairs = values()
        .into_iter()
        .map(|value| AgreedPair::new(value, FieldValue::Null));
    reads_back(&Agreed((1..).map(FieldId).zip(pairs).collect()));
    for value in values() {
        for side in [Side::Salesforce, Side::Partner] {
            reads_back(&Lost {
                side,
                value: value.clone(),
            });
        }
    }
    reads_back(&times());
}

#[test]
fn every_status_of_a_link() {
    let ended = [
        LinkStatus::Creating,
        LinkStatus::Linked,
        LinkStatus::Deleted,
        LinkStatus::Unlinked,
        LinkStatus::Merged { into: contact() },
        LinkStatus::Converted {
            to: Converted::default(),
        },
        LinkStatus::Converted {
            to: Converted {
                contact: Some(contact()),
                account: SalesforceId::parse("001ZM0000000001").ok(),
                opportunity: SalesforceId::parse("006ZM0000000001").ok(),
            },
        },
    ];
    let held = reasons().into_iter().map(|reason| LinkStatus::Held { reason });
    for status in ended.into_iter().chain(held) {
        let (word, data) = status_columns(&status).unwrap();
        assert_eq!(super::status(word, data.as_deref()), Ok(status));
    }
    assert!(super::status("no such word", None).is_err());
    assert!(super::status(HELD, None).is_err(), "held without a reason");
}

#[test]
fn every_outgoing_state() {
    for outgoing in outgoing() {
        reads_back(&outgoing);
        let column = to_optional_json(&outgoing).unwrap();
        assert_eq!(column.is_none(), outgoing == Outgoing::default());
        assert_eq!(from_optional_json("outgoing", column.as_deref()), Ok(outgoing));
    }
}

#[test]
fn every_cause_and_source_of_a_change() {
    let causes = [
        ChangeCause::SalesforceWins,
        ChangeCause::BlankKeepsPartner,
        ChangeCause::OptionDoesNotSync,
        ChangeCause::PartnerWins,
        ChangeCause::PartnerEdited,
        ChangeCause::MostRecent {
            winner: Side::Salesforce,
        },
        ChangeCause::MostRecent {
            winner: Side::Partner,
        },
        ChangeCause::Agreed,
        ChangeCause::StoredOtherwise,
        ChangeCause::Diverged,
        ChangeCause::Restored,
        ChangeCause::Merged,
        ChangeCause::Converted,
        ChangeCause::Deleted,
        ChangeCause::PartnerDeleted,
        ChangeCause::Unmapped,
        ChangeCause::Owner(OwnerRung::Mapped),
        ChangeCause::Owner(OwnerRung::Default),
    ];
    for cause in causes {
        reads_back(&cause);
    }
    let sources = [
        ChangeSource::Run { run: RunId(i64::MAX) },
        ChangeSource::Push { inbox: InboxId(7) },
        ChangeSource::ReadAgain { at: at(1) },
        ChangeSource::Partner {
            client: "portal".to_owned(),
        },
        ChangeSource::Write { at: at(2) },
        ChangeSource::Person {
            client: "ann".to_owned(),
        },
    ];
    for source in sources {
        reads_back(&source);
    }
}

#[test]
fn every_progress_of_a_part() {
    let plan = PlanRevision(i64::MAX);
    let after = Some((at(2), contact()));
    let progress = [
        PartProgress::Waiting,
        PartProgress::Reading {
            job: "750ZM".to_owned(),
            plan,
            watermark: at(1),
            locator: Some("MTAwMDA".to_owned()),
            row: u64::MAX,
        },
        PartProgress::Reading {
            job: "750ZM".to_owned(),
            plan,
            watermark: at(1),
            locator: None,
            row: 0,
        },
        PartProgress::Polling {
            plan,
            until: at(1),
            after,
        },
        PartProgress::Polling {
            plan,
            until: at(1),
            after: None,
        },
        PartProgress::PollingDeletes {
            plan,
            until: at(1),
            after,
        },
        PartProgress::Comparing {
            plan,
            watermark: at(1),
            after: Some(contact()),
        },
        PartProgress::Marking { marked: 7 },
        PartProgress::Done,
    ];
    for progress in progress {
        reads_back(&progress);
        reads_back(&RunPart {
            mapping: MappingId(1),
            progress,
            rows: u64::MAX,
            expected: Some(u64::MAX),
            outcomes: BTreeMap::from([(Outcome::Relinked, u64::MAX)]),
            dropped: 0,
        });
    }
}

#[test]
fn where_a_deleted_record_went_and_the_lanes() {
    for merged in [
        MergedInto::Unknown,
        MergedInto::Nothing,
        MergedInto::Record(contact()),
    ] {
        assert_eq!(merged_into(merged_column(&merged)), Ok(merged));
    }
    assert!(merged_into(Some("no id")).is_err());
    for one in [Lane::Interactive, Lane::Bulk] {
        assert_eq!(lane(lane_number(one)), Ok(one));
    }
    assert!(lane(2).is_err());
}
