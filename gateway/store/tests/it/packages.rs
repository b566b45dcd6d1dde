//! Pairing codes, keys that packages bring, and what they report.

use causeway_core::id::{ConnectionId, SalesforceId};
use causeway_core::ports::connections::{Client, ClientKey, Sealed};
use causeway_core::ports::packages::{CodeHash, PackageQueue, PackageReport, PackageTrouble, Pairing};
use causeway_core::ports::{Lane, StoreError};

use crate::given::{at, connection};
use crate::place::Place;

fn pairing(connection: ConnectionId, code: &str, client: &str) -> Pairing {
    Pairing {
        code: CodeHash(code.to_owned()),
        connection,
        client: client.to_owned(),
        expires_at: at(100),
    }
}

fn client(connection: ConnectionId, key: u8) -> Client {
    Client {
        id: "miller-package".to_owned(),
        connection,
        key: ClientKey::Hs256(Sealed(vec![key])),
        scopes: vec!["salesforce:write".to_owned()],
        revoked_at: None,
    }
}

pub async fn a_pairing_code_is_used_once_and_replaced_by_a_newer_one(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let code = |text: &str| CodeHash(text.to_owned());
    store
        .write(Lane::Interactive, move |unit| {
            unit.add_pairing(&pairing(id, "first", "package"))?;
            unit.add_pairing(&pairing(id, "of-another", "portal"))?;
            unit.add_pairing(&pairing(id, "second", "package"))
        })
        .await
        .unwrap();
    let found = store
        .read(move |unit| {
            Ok((
                unit.pairing(&code("first"))?,
                unit.pairing(&code("second"))?,
                unit.pairing(&code("of-another"))?.is_some(),
            ))
        })
        .await
        .unwrap();
    assert_eq!(found, (None, Some(pairing(id, "second", "package")), true));

    store
        .write(Lane::Interactive, move |unit| {
            unit.use_pairing(&code("second"), at(50))
        })
        .await
        .unwrap();
    assert_eq!(
        store
            .read(move |unit| unit.pairing(&code("second")))
            .await
            .unwrap(),
        None
    );
    let again = store
        .write(Lane::Interactive, move |unit| {
            unit.use_pairing(&code("second"), at(51))
        })
        .await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
}

pub async fn codes_that_expired_are_forgotten_when_another_is_used(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let code = |text: &str| CodeHash(text.to_owned());
    let left = store
        .write(Lane::Interactive, move |unit| {
            unit.add_pairing(&pairing(id, "old", "portal"))?;
            unit.add_pairing(&Pairing {
                expires_at: at(300),
                ..pairing(id, "new", "package")
            })?;
            unit.use_pairing(&code("new"), at(200))?;
            unit.pairing(&code("old"))
        })
        .await
        .unwrap();
    assert_eq!(left, None);
}

pub async fn a_client_is_added_or_gets_a_new_key_and_belongs_to_one_connection(place: &Place) {
    let store = place.store().await;
    let miller = connection(&store, "miller").await;
    let smith = connection(&store, "smith").await;
    let known = async || {
        let found = store.read(move |unit| unit.client("miller-package")).await;
        found.unwrap().unwrap()
    };
    for revoked_at in [Some(at(1)), None] {
        for key in [1, 2] {
            let new = Client {
                revoked_at,
                ..client(miller, key)
            };
            let written = new.clone();
            store
                .write(Lane::Interactive, move |unit| unit.put_client(&written))
                .await
                .unwrap();
            assert_eq!(known().await, new);
        }
    }
    let taken = store
        .write(Lane::Interactive, move |unit| unit.put_client(&client(smith, 3)))
        .await;
    assert!(matches!(taken, Err(StoreError::Exists { .. })), "{taken:?}");
    assert_eq!(known().await, client(miller, 2));
}

pub async fn the_newest_report_of_a_package_is_kept(place: &Place) {
    let store = place.store().await;
    let miller = connection(&store, "miller").await;
    let smith = connection(&store, "smith").await;
    let first = PackageReport {
        at: at(1),
        version: "1.0".to_owned(),
        running_user: Some(SalesforceId::parse("005ZM000001n4n5").unwrap()),
        queue: PackageQueue {
            rows: 3,
            oldest: Some(at(0)),
        },
        markers: vec!["Contact".to_owned()],
        sweeper_scheduled: false,
        trouble: Some(PackageTrouble {
            code: "gateway-401".to_owned(),
            message: "The gateway refuses the key".to_owned(),
            since: at(0),
        }),
    };
    let second = PackageReport {
        at: at(2),
        running_user: None,
        trouble: None,
        ..first.clone()
    };
    for report in [first, second] {
        let told = report.clone();
        store
            .write(Lane::Interactive, move |unit| {
                unit.put_package_report(miller, &told)
            })
            .await
            .unwrap();
        let found = store
            .read(move |unit| Ok((unit.package_report(miller)?, unit.package_report(smith)?)))
            .await
            .unwrap();
        assert_eq!(found, (Some(report), None));
    }
}
