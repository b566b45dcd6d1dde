//! Taking a field out of stored rows.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::row::{Row, Stamp};
use super::Table;

impl Table {
    /// Forgets a field's values; the fields behind it move up by one. Indexes are built anew when the changed object is
    /// taken over.
    pub(in super::super) fn drop_column(&mut self, gone: usize) {
        let moved = |at: usize| match at.cmp(&gone) {
            std::cmp::Ordering::Less => Some(at),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some(at - 1),
        };
        // Rows of one write share their stamp, and go on sharing it.
        let mut stamps: HashMap<*const (), Arc<Stamp>> = HashMap::new();
        for row in &mut self.rows {
            let known = Arc::as_ptr(row.stamp()).cast::<()>();
            let stamp = stamps.entry(known).or_insert_with(|| {
                let fields = row.stamp().iter();
                fields
                    .filter_map(|(at, value)| Some((moved(*at)?, value.clone())))
                    .collect()
            });
            let fields = row
                .own_fields()
                .filter_map(|(at, value)| Some((moved(at)?, value.clone())))
                .collect();
            *row = Arc::new(Row::new(row.id(), row.is_deleted(), fields, Arc::clone(stamp)));
        }
        self.keys.clear();
        self.references.clear();
        self.auto_numbers = std::mem::take(&mut self.auto_numbers)
            .into_iter()
            .filter_map(|(at, next)| Some((moved(at)?, next)))
            .collect();
    }
}
