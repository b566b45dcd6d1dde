//! Connections, clients, users and plans.

use causeway_core::id::{MappingId, PlanRevision, SalesforceId};
use causeway_core::ports::connections::{Client, ClientKey, PartnerUser, Sealed};
use causeway_core::ports::{Lane, StoreError};

use crate::given::{at, connection, new_connection, plan};
use crate::place::Place;

fn user(id: &str, email: &str) -> PartnerUser {
    PartnerUser {
        id: id.to_owned(),
        email: email.to_owned(),
        name: id.to_uppercase(),
        active: true,
        salesforce_user: None,
    }
}

fn client(id: &str, key: ClientKey) -> Client {
    Client {
        id: id.to_owned(),
        connection: causeway_core::id::ConnectionId(0),
        key,
        scopes: vec!["records:read".to_owned(), "salesforce:write".to_owned()],
        revoked_at: None,
    }
}

pub async fn a_connection_reads_back_as_it_was_added(place: &Place) {
    let store = place.store().await;
    let mut new = new_connection("miller");
    new.clients = vec![
        client("package", ClientKey::Hs256(Sealed(vec![9, 0, 255]))),
        client(
            "portal",
            ClientKey::Rs256("-----BEGIN PUBLIC KEY-----".to_owned()),
        ),
    ];
    new.users = vec![
        user("u-1", "ann@miller.example"),
        user("u-2", "bob@miller.example"),
    ];
    let adding = new.clone();
    let id = store
        .write(Lane::Interactive, move |unit| unit.add_connection(&adding, at(5)))
        .await
        .unwrap();

    let (found, by_name, clients, portal, users) = store
        .read(move |unit| {
            Ok((
                unit.connection(id)?.unwrap(),
                unit.connection_named("miller")?.unwrap(),
                unit.clients(id)?,
                unit.client("portal")?.unwrap(),
                unit.partner_users(id)?,
            ))
        })
        .await
        .unwrap();

    let mut expected = new.connection.clone();
    expected.id = id;
    expected.tenant = found.tenant;
    expected.created_at = at(5);
    assert_eq!(found, expected);
    assert_eq!(by_name, expected);
    for client in &mut new.clients {
        client.connection = id;
    }
    assert_eq!(clients, new.clients);
    assert_eq!(portal, new.clients[1]);
    assert_eq!(users, new.users);
}

pub async fn a_taken_name_or_client_is_refused_and_leaves_nothing(place: &Place) {
    let store = place.store().await;
    let mut first = new_connection("miller");
    first.clients = vec![client("package", ClientKey::Hs256(Sealed(vec![1])))];
    let mut same_name = new_connection("miller");
    same_name.tenant = "Somebody else".to_owned();
    let mut same_client = new_connection("smith");
    same_client.clients = first.clients.clone();

    let mut answers = Vec::new();
    for new in [first, same_name, same_client] {
        answers.push(
            store
                .write(Lane::Interactive, move |unit| unit.add_connection(&new, at(0)))
                .await,
        );
    }

    assert!(answers[0].is_ok());
    assert!(matches!(&answers[1], Err(StoreError::Exists { what }) if what.contains("miller")));
    assert!(matches!(&answers[2], Err(StoreError::Exists { what }) if what.contains("package")));
    let names: Vec<String> = store
        .read(|unit| {
            Ok(unit
                .connections()?
                .into_iter()
                .map(|connection| connection.name)
                .collect())
        })
        .await
        .unwrap();
    assert_eq!(names, ["miller"]);
}

pub async fn connections_of_one_tenant_share_it(place: &Place) {
    let store = place.store().await;
    let production = connection(&store, "production").await;
    let sandbox = connection(&store, "sandbox").await;
    let mut other = new_connection("other");
    other.tenant = "Another".to_owned();
    let other = store
        .write(Lane::Interactive, move |unit| unit.add_connection(&other, at(0)))
        .await
        .unwrap();

    let tenant = |id| {
        let store = store.clone();
        async move {
            let found = store.read(move |unit| unit.connection(id)).await;
            found.unwrap().unwrap().tenant
        }
    };
    assert_ne!(production, sandbox);
    assert_eq!(tenant(production).await, tenant(sandbox).await);
    assert_ne!(tenant(production).await, tenant(other).await);
}

pub async fn the_org_is_remembered_once_it_answered(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let org = SalesforceId::parse("00DZM0000000001").unwrap();

    store
        .write(Lane::Interactive, move |unit| {
            unit.set_org(id, org, "https://miller.my.salesforce.com")
        })
        .await
        .unwrap();

    let found = store
        .read(move |unit| unit.connection(id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.organization, Some(org));
    assert_eq!(
        found.instance_url.as_deref(),
        Some("https://miller.my.salesforce.com")
    );
}

pub async fn partner_users_are_replaced_by_id(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut ann = user("u-1", "ann@miller.example");
    let first = vec![ann.clone(), user("u-2", "bob@miller.example")];
    ann.active = false;
    ann.salesforce_user = Some(SalesforceId::parse("005ZM0000000001").unwrap());
    let second = vec![
        ann.clone(),
        user("u-3", "old@miller.example"),
        user("u-3", "cy@miller.example"),
    ];

    for users in [first, second] {
        store
            .write(Lane::Interactive, move |unit| unit.put_partner_users(id, &users))
            .await
            .unwrap();
    }

    let users = store.read(move |unit| unit.partner_users(id)).await.unwrap();
    assert_eq!(
        users,
        [
            ann,
            user("u-2", "bob@miller.example"),
            user("u-3", "cy@miller.example")
        ]
    );
}

pub async fn the_newest_revision_of_a_plan_is_in_force(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let (contacts, accounts) = store
        .write(Lane::Interactive, move |unit| {
            Ok((unit.next_mapping(id)?, unit.next_mapping(id)?))
        })
        .await
        .unwrap();
    assert_ne!(contacts, accounts);
    let in_force = || async {
        let plans = store.read(move |unit| unit.plans(id)).await.unwrap();
        plans
            .iter()
            .map(|plan| (plan.mapping, plan.revision.0, plan.partner_object.clone()))
            .collect::<Vec<_>>()
    };
    let add = |mapping, revision, object: &'static str| {
        let store = store.clone();
        async move {
            store
                .write(Lane::Interactive, move |unit| {
                    unit.add_plan(
                        id,
                        &plan(mapping, revision, object),
                        &format!("{{\"r\":{revision}}}"),
                        at(9),
                    )
                })
                .await
                .unwrap();
        }
    };

    add(accounts, 1, "account").await;
    add(contacts, 1, "contact").await;
    assert_eq!(
        in_force().await,
        [
            (contacts, 1, "contact".to_owned()),
            (accounts, 1, "account".to_owned())
        ]
    );
    add(contacts, 2, "person").await;
    assert_eq!(
        in_force().await,
        [
            (contacts, 2, "person".to_owned()),
            (accounts, 1, "account".to_owned())
        ]
    );

    let documents = store
        .read(move |unit| {
            let mut documents = Vec::new();
            for revision in [1, 2, 3] {
                documents.push(unit.document(id, contacts, PlanRevision(revision))?);
            }
            Ok(documents)
        })
        .await
        .unwrap();
    assert_eq!(
        documents,
        [Some("{\"r\":1}".to_owned()), Some("{\"r\":2}".to_owned()), None]
    );
}

pub async fn a_revision_is_added_once_and_a_partner_object_mapped_once(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let add = |mapping, revision, object: &'static str| {
        let store = store.clone();
        async move {
            store
                .write(Lane::Interactive, move |unit| {
                    unit.add_plan(id, &plan(MappingId(mapping), revision, object), "{}", at(9))
                })
                .await
        }
    };

    assert_eq!(add(1, 1, "contact").await, Ok(()));
    assert!(matches!(
        add(1, 1, "contact").await,
        Err(StoreError::Conflict { .. })
    ));
    assert!(
        matches!(add(2, 1, "contact").await, Err(StoreError::Exists { what }) if what.contains("contact"))
    );
    assert_eq!(add(1, 2, "contact").await, Ok(()));
}

pub async fn a_plan_that_was_rolled_back_is_not_remembered(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let refused = store
        .write(Lane::Interactive, move |unit| {
            unit.add_plan(id, &plan(MappingId(1), 1, "never"), "{}", at(1))?;
            assert_eq!(unit.plans(id)?[0].partner_object, "never");
            Err::<(), _>(StoreError::Exists {
                what: "a reason to stop".to_owned(),
            })
        })
        .await;
    assert!(refused.is_err());
    store
        .write(Lane::Interactive, move |unit| {
            unit.add_plan(id, &plan(MappingId(1), 1, "contact"), "{}", at(2))
        })
        .await
        .unwrap();

    let plans = store.read(move |unit| unit.plans(id)).await.unwrap();
    assert_eq!(plans[0].partner_object, "contact");
}

pub async fn what_salesforce_tells_of_the_user_and_the_allowance_is_remembered(place: &Place) {
    let store = place.store().await;
    let mut new = new_connection("miller");
    new.connection.daily_calls = Some(4_000);
    let id = store
        .write(Lane::Interactive, move |unit| unit.add_connection(&new, at(0)))
        .await
        .unwrap();
    let read = || {
        let store = store.clone();
        async move {
            let found = store.read(move |unit| unit.connection(id)).await;
            let found = found.unwrap().unwrap();
            (found.integration_user, found.daily_calls, found.daily_allowance)
        }
    };
    assert_eq!(read().await, (None, Some(4_000), None));
    let user = SalesforceId::parse("005ZM0000000001").unwrap();
    store
        .write(Lane::Interactive, move |unit| {
            unit.set_integration_user(id, user)?;
            unit.set_daily_allowance(id, 115_000)
        })
        .await
        .unwrap();
    assert_eq!(read().await, (Some(user), Some(4_000), Some(115_000)));
    let nowhere = causeway_core::id::ConnectionId(4711);
    let answers = [
        store
            .write(Lane::Interactive, move |unit| {
                unit.set_integration_user(nowhere, user)
            })
            .await,
        store
            .write(Lane::Interactive, move |unit| {
                unit.set_daily_allowance(nowhere, 1)
            })
            .await,
    ];
    for answer in answers {
        assert!(matches!(answer, Err(StoreError::Corrupt { .. })), "{answer:?}");
    }
}
