//! Opening, reopening and losing a database.

use causeway_store::{Engine, OpenError, Store, StoreOptions};

use crate::given::{apply, connection, first_contact, linked};
use crate::place::Place;

pub async fn a_store_opens_again_where_it_was_left(place: &Place) {
    let store = place.store().await;
    assert_eq!(store.engine(), place.engine);
    let id = connection(&store, "miller").await;
    apply(&store, id, vec![first_contact(1, "A")], 1).await.unwrap();
    store.close().await;

    let store = place.store().await;
    let found = linked(&store, id, 1).await.unwrap();
    // Numbers go on where they were.
    let written = apply(&store, id, vec![first_contact(2, "B")], 2).await.unwrap();
    assert!(written[0].link > found.link.id);
    assert_eq!(store.read(move |unit| unit.connections()).await.unwrap().len(), 1);
}

pub async fn an_empty_database_is_brought_up_to_date_by_many_at_once(place: &Place) {
    let url = match place.engine {
        Engine::Sqlite => format!("sqlite://{}/fresh.db", place.folder().unwrap().display()),
        Engine::Postgres => causeway_store::throwaway_postgres::ThrowawayPostgres::shared()
            .unwrap()
            .empty_database()
            .unwrap(),
    };
    let open = || Store::open(&url, StoreOptions::default());
    let (first, second, third) = tokio::join!(open(), open(), open());
    for store in [first.unwrap(), second.unwrap(), third.unwrap()] {
        assert_eq!(store.read(|unit| unit.connections()).await, Ok(Vec::new()));
        store.close().await;
    }
}

pub async fn a_store_that_cannot_be_opened_says_why(place: &Place) {
    let url = match place.engine {
        Engine::Sqlite => format!(
            "sqlite://{}/no/such/folder/store.db",
            place.folder().unwrap().display()
        ),
        Engine::Postgres => {
            let nothing_listens = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let port = nothing_listens.local_addr().unwrap().port();
            drop(nothing_listens);
            format!("postgres://nobody:hunter2@127.0.0.1:{port}/none")
        }
    };
    let error = Store::open(&url, StoreOptions::default()).await.unwrap_err();
    assert!(matches!(error, OpenError::Connect { .. }), "{error:?}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

pub async fn the_database_answers(place: &Place) {
    let store = place.store().await;
    assert_eq!(store.ping().await, Ok(()));
}
