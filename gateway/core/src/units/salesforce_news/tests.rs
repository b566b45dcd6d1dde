use super::*;
use crate::Instant;
use crate::decide::MergedInto;
use crate::id::ConnectionId;
use crate::mapping::sample::{field, plan};
use crate::mapping::{MappingPlan, PartnerType};
use crate::owners::OwnerDirectory;
use crate::ports::Lane;
use crate::record::FieldValue;
use crate::version::SalesforceVersion;

const VERSION: SalesforceVersion = SalesforceVersion::NEVER;

fn news(incoming: Incoming) -> News {
    News {
        incoming,
        source: ChangeSource::ReadAgain {
            at: Instant::UNIX_EPOCH,
        },
    }
}

fn id(number: u32) -> SalesforceId {
    SalesforceId::parse(&format!("003{number:012}")).unwrap()
}

fn gone(number: u32, external_id: Option<&str>) -> News {
    news(Incoming::Deleted {
        salesforce_id: id(number),
        version: VERSION,
        merged: MergedInto::Unknown,
        external_id: external_id.map(str::to_owned),
    })
}

fn named(plan: &MappingPlan, number: u32, name: &str) -> News {
    news(Incoming::Present(Snapshot::read(
        plan,
        id(number),
        VERSION,
        None,
        |_| Some(Ok(FieldValue::Text(name.to_owned()))),
    )))
}

/// How many pieces of news each round takes.
fn sizes(plan: &MappingPlan, news: &[News]) -> Vec<usize> {
    let owners = OwnerDirectory::default();
    let setting = Setting {
        connection: ConnectionId(1),
        plan,
        owners: &owners,
        at: Instant::UNIX_EPOCH,
        lane: Lane::Interactive,
    };
    let rounds = rounds(&setting, news);
    assert_eq!(rounds.concat(), news, "nothing is lost and the order stays");
    rounds.iter().map(|round| round.len()).collect()
}

fn contact_plan() -> MappingPlan {
    plan(vec![field("name", PartnerType::Text, "LastName")])
}

#[test]
fn no_record_comes_twice_in_a_round() {
    let all = [1, 2, 1, 1, 3, 2].map(|number| gone(number, None));
    assert_eq!(sizes(&contact_plan(), &all), [2, 1, 3]);
    assert_eq!(sizes(&contact_plan(), &[]), [0; 0]);
}

#[test]
fn no_external_id_comes_twice_in_a_round() {
    let all = [
        gone(1, Some("cw-1-1")),
        gone(2, Some("cw-1-2")),
        gone(3, Some("cw-1-1")),
    ];
    assert_eq!(sizes(&contact_plan(), &all), [2, 1]);
}

#[test]
fn what_records_are_recognised_by_comes_once_in_a_round() {
    let mut plan = contact_plan();
    let all = [
        named(&plan, 1, "Ann"),
        named(&plan, 2, " ann"),
        named(&plan, 3, "Bob"),
        named(&plan, 4, ""),
        named(&plan, 5, ""),
    ];
    assert_eq!(sizes(&plan, &all), [5], "without an identity names tell nothing");
    plan.identity = Some(plan.fields[0].id);
    assert_eq!(sizes(&plan, &all), [1, 4]);
}
