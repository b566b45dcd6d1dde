//! Rows that the platform itself writes about Apex: jobs, test runs.

use std::sync::Arc;

use crate::data::{Author, Authority, Draft, DuplicateOptions, Operation, Transaction};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::Object;
use crate::value::Value;

impl Org {
    /// Makes such a row; none where the organisation has no such object.
    pub(super) fn make_row(&self, object: &str, fields: &[(&str, Value)]) -> Option<RecordId> {
        let schema = self.schema();
        let object = Arc::clone(schema.object(object)?);
        let draft = draft_of(&object, fields);
        self.write_row(Operation::Create { object, draft })
    }

    /// Changes one, whichever object it is of. A row that is gone needs no change.
    pub(super) fn change_row(&self, id: RecordId, fields: &[(&str, Value)]) {
        let schema = self.schema();
        if let Some(object) = schema.object_by_prefix(id.prefix()) {
            let object = Arc::clone(object);
            let draft = draft_of(&object, fields);
            self.write_row(Operation::Update { object, id, draft });
        }
    }

    fn write_row(&self, operation: Operation) -> Option<RecordId> {
        let author = Author {
            user: self.admin,
            now: self.clock.now(),
            authority: Authority::Platform,
            duplicates: DuplicateOptions::default(),
        };
        let schema = self.schema();
        let outcome = Transaction::begin(&mut self.write(), &schema, author).save(operation);
        outcome.ok().map(|saved| saved.id)
    }
}

fn draft_of(object: &Object, fields: &[(&str, Value)]) -> Draft {
    let values = fields
        .iter()
        .filter_map(|(name, value)| Some((object.field(name)?.0, value.clone())));
    Draft {
        values: values.collect(),
        parents: Vec::new(),
    }
}
