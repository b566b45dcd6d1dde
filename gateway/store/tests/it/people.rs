//! Names of Salesforce users.

use std::collections::HashMap;

use causeway_core::id::SalesforceId;
use causeway_core::ports::Lane;
use causeway_core::ports::people::KnownUser;

use crate::given::{at, connection};
use crate::place::Place;

fn user(number: u32) -> SalesforceId {
    SalesforceId::parse(&format!("005ZM{number:010}")).unwrap()
}

fn known(name: Option<&str>, second: i64) -> KnownUser {
    KnownUser {
        name: name.map(str::to_owned),
        read_at: at(second),
    }
}

pub async fn names_of_users_are_remembered_for_their_connection(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let other = connection(&store, "other").await;
    let (found, of_another) = store
        .write(Lane::Interactive, move |unit| {
            unit.put_salesforce_users(id, &[(user(1), known(Some("Ada"), 1)), (user(2), known(None, 1))])?;
            unit.put_salesforce_users(id, &[(user(1), known(Some("Ada L."), 2))])?;
            unit.put_salesforce_users(id, &[])?;
            let asked = [user(1), user(2), user(3)];
            Ok((
                unit.salesforce_users(id, &asked)?,
                unit.salesforce_users(other, &asked)?,
            ))
        })
        .await
        .unwrap();
    let expected = HashMap::from([(user(1), known(Some("Ada L."), 2)), (user(2), known(None, 1))]);
    assert_eq!(found, expected);
    assert!(of_another.is_empty());
}
