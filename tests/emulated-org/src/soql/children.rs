//! Child subqueries: `(SELECT LastName FROM Contacts)`.

use std::collections::HashMap;
use std::sync::Arc;

use super::evaluate::{Scope, Selection};
use super::plan::Plan;
use crate::data::{Data, Row, Table};
use crate::id::RecordId;
use crate::value::Value;

/// The children that a query asks of each row.
#[derive(Clone, Debug)]
pub struct Children {
    /// The child relationship as the metadata spells it.
    pub name: String,
    /// What is asked of the children.
    pub plan: Plan,
    /// The position of the child's field that refers to the parent.
    pub(super) reference: usize,
}

/// A child subquery bound to the tables, for the rows of one page.
#[expect(missing_debug_implementations, reason = "holds a filter bound to tables")]
pub struct Litter<'a> {
    children: &'a Children,
    selection: Selection<'a>,
    table: Option<&'a Table>,
    /// The children of every parent, where no index knows them.
    by_parent: Option<HashMap<RecordId, Vec<&'a Arc<Row>>>>,
}

impl<'a> Litter<'a> {
    /// Binds a settled subquery.
    #[must_use]
    pub fn new(children: &'a Children, data: &'a Data, scope: Scope) -> Self {
        let table = data.table(&children.plan.object.name);
        // The index knows live rows alone.
        let indexed = scope == Scope::Live
            && table.is_some_and(|table| {
                table
                    .find_by_reference(children.reference, RecordId::MIN)
                    .is_some()
            });
        let by_parent = match table {
            Some(table) if !indexed => {
                let mut by_parent: HashMap<RecordId, Vec<&Arc<Row>>> = HashMap::new();
                for row in table.shared_rows() {
                    let parent = match row.get(children.reference) {
                        Value::Id(parent) => Some(*parent),
                        durable => table
                            .object
                            .fields
                            .get(children.reference)
                            .and_then(|field| data.defined(field, durable)),
                    };
                    if let Some(parent) = parent {
                        by_parent.entry(parent).or_default().push(row);
                    }
                }
                Some(by_parent)
            }
            _ => None,
        };
        Self {
            children,
            selection: Selection::new(&children.plan, data, scope),
            table,
            by_parent,
        }
    }

    /// The subquery.
    #[must_use]
    pub fn children(&self) -> &'a Children {
        self.children
    }

    /// The children of a row, in the order and number that the subquery asks for.
    #[must_use]
    pub fn of(&self, parent: RecordId) -> Vec<&'a Arc<Row>> {
        if let Some(by_parent) = &self.by_parent {
            let rows = by_parent.get(&parent).into_iter().flatten().copied();
            return self.selection.rows(rows);
        }
        let Some(table) = self.table else {
            return Vec::new();
        };
        let ids = table.find_by_reference(self.children.reference, parent);
        self.selection
            .rows(ids.into_iter().flatten().filter_map(|id| table.shared(&id)))
    }
}
