//! Units on the caller's own thread.

use causeway_core::id::ConnectionId;
use causeway_core::ports::{StoreError, Transaction};
use causeway_store::SameThread;

use crate::given::{CONTACTS, apply_in, at, contact_id, first_contact, new_connection};

fn count(store: &mut SameThread, id: ConnectionId) -> usize {
    let mut count = 0;
    store
        .unit(&mut |unit: &mut dyn Transaction| {
            count = unit.linked(id, CONTACTS, &[contact_id(1), contact_id(2)])?.len();
            Ok(())
        })
        .unwrap();
    count
}

#[test]
fn a_unit_is_committed_or_leaves_nothing() {
    let mut store = SameThread::open_sqlite(":memory:").unwrap();
    let mut id = ConnectionId(0);
    store
        .unit(&mut |unit| {
            id = unit.add_connection(&new_connection("miller"), at(0))?;
            apply_in(unit, id, &[first_contact(1, "A")], 1).map(drop)
        })
        .unwrap();
    assert_eq!(count(&mut store, id), 1);

    let refusal = StoreError::Exists {
        what: "a reason to stop".to_owned(),
    };
    let refused = store.unit(&mut |unit| {
        apply_in(unit, id, &[first_contact(2, "B")], 2)?;
        Err(refusal.clone())
    });
    assert_eq!(refused, Err(refusal));
    assert_eq!(count(&mut store, id), 1);

    // Nor does one that swallows a port's error, and it does not run again.
    let mut runs = 0;
    let swallowed = store.unit(&mut |unit| {
        runs += 1;
        apply_in(unit, id, &[first_contact(2, "B")], 2)?;
        assert!(apply_in(unit, id, &[first_contact(1, "A")], 2).is_err());
        Ok(())
    });
    assert!(
        matches!(swallowed, Err(StoreError::Conflict { .. })),
        "{swallowed:?}"
    );
    assert_eq!((runs, count(&mut store, id)), (1, 1));
}

#[test]
fn a_file_is_opened_again_where_it_was_left() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let path = path.to_str().unwrap();
    let mut id = ConnectionId(0);
    SameThread::open_sqlite(path)
        .unwrap()
        .unit(&mut |unit| {
            id = unit.add_connection(&new_connection("miller"), at(0))?;
            Ok(())
        })
        .unwrap();
    let mut found = None;
    SameThread::open_sqlite(path)
        .unwrap()
        .unit(&mut |unit| {
            found = unit.connection(id)?;
            Ok(())
        })
        .unwrap();
    assert_eq!(found.map(|connection| connection.id), Some(id));
    assert!(SameThread::open_sqlite("/no/such/folder/store.db").is_err());
}
