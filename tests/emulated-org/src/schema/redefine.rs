//! What deployments do to objects beyond adding to them.

use super::{Field, Schema, SchemaError};

impl Schema {
    /// Forgets a field, and what its parent objects know of it.
    ///
    /// # Errors
    /// An object that does not exist.
    pub(crate) fn remove_field(&mut self, object: &str, field: &str) -> Result<(), SchemaError> {
        let is_it = |known: &Field| {
            known.name.eq_ignore_ascii_case(field)
                || known
                    .compound_field_name
                    .as_deref()
                    .is_some_and(|compound| compound.eq_ignore_ascii_case(field))
        };
        self.change_object(object, |object| object.fields.retain(|known| !is_it(known)))?;
        self.forget_children(|child, by| child.eq_ignore_ascii_case(object) && by.eq_ignore_ascii_case(field))
    }

    /// Forgets an object.
    ///
    /// # Errors
    /// Objects that contradict themselves afterwards.
    pub(crate) fn remove_object(&mut self, object: &str) -> Result<(), SchemaError> {
        let key = object.to_ascii_lowercase();
        if let Some(gone) = self.by_name.remove(&key) {
            self.name_by_prefix.remove(&gone.key_prefix);
        }
        self.forget_children(|child, _| child.eq_ignore_ascii_case(object))
    }

    /// Forgets a validation rule; what is not there is left.
    ///
    /// # Errors
    /// An object that does not exist.
    pub(crate) fn remove_validation_rule(&mut self, object: &str, rule: &str) -> Result<(), SchemaError> {
        self.change_object(object, |object| {
            object
                .validation_rules
                .retain(|known| !known.name.eq_ignore_ascii_case(rule));
        })
    }

    /// Forgets a duplicate rule; what is not there is left.
    ///
    /// # Errors
    /// An object that does not exist.
    pub(crate) fn remove_duplicate_rule(&mut self, object: &str, rule: &str) -> Result<(), SchemaError> {
        self.change_object(object, |object| {
            object
                .duplicate_rules
                .retain(|known| !known.name.eq_ignore_ascii_case(rule));
        })
    }

    /// Puts the fields of every object that was there before into their old order, new ones behind them: stored rows
    /// keep their values by position.
    ///
    /// # Errors
    /// Objects that contradict themselves.
    pub(crate) fn keep_positions(&mut self, before: &Self) -> Result<(), SchemaError> {
        for old in before.objects() {
            if self.object(&old.name).is_none() {
                continue;
            }
            self.change_object(&old.name, |object| {
                let place = |field: &Field| old.field(&field.name).map_or(usize::MAX, |(at, _)| at);
                object.fields.sort_by_key(place);
            })?;
        }
        Ok(())
    }

    fn forget_children(&mut self, gone: impl Fn(&str, &str) -> bool) -> Result<(), SchemaError> {
        let parents: Vec<String> = self
            .objects()
            .filter(|object| {
                let mut children = object.child_relationships.iter();
                children.any(|child| gone(&child.child_sobject, &child.field))
            })
            .map(|object| object.name.clone())
            .collect();
        for parent in parents {
            self.change_object(&parent, |object| {
                object
                    .child_relationships
                    .retain(|child| !gone(&child.child_sobject, &child.field));
            })?;
        }
        Ok(())
    }
}
