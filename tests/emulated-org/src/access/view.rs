//! The metadata as one user sees it: what the user may not read is not there, what the user may not write is read-only.
//! Names are looked up in this view on every path, so that nothing else has to ask for read access.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Access;
use super::rights::FieldRights;
use super::sight::{ParentSight, Sight};
use crate::schema::{Field, Object, Schema, Sharing};

impl Access {
    /// The object as the user sees it; `None` where the user does not.
    pub(super) fn seen(&self, object: &Arc<Object>) -> Option<Arc<Object>> {
        let rights = self.object(object);
        if !rights.read {
            return None;
        }
        let mut seen = Object::clone(object);
        seen.is_view = true;
        seen.createable &= rights.create;
        seen.updateable &= rights.edit;
        seen.deletable &= rights.delete;
        seen.undeletable &= rights.delete;
        let mut hidden = BTreeSet::new();
        for (position, field) in seen.fields.iter_mut().enumerate() {
            let FieldRights { read, edit } = self.field(object, field);
            if !read {
                hidden.insert(position);
            }
            field.createable &= edit && rights.create;
            field.updateable &= edit && rights.edit;
        }
        seen.hide(hidden);
        seen.child_relationships.retain(|child| {
            let child_object = self.full.object(&child.child_sobject);
            child_object.is_none_or(|child_object| {
                let field = child_object.field(&child.field).map(|(_, field)| field);
                self.object(child_object).read
                    && field.is_none_or(|field| self.field(child_object, field).read)
            })
        });
        seen.sight = self.sight(object);
        self.choose_record_types(&mut seen);
        Some(Arc::new(seen))
    }

    /// Which rows of an object the user sees; `None` for all.
    pub(crate) fn sight(&self, object: &Object) -> Option<Arc<Sight>> {
        let rights = self.object(object);
        if rights.view_all || rights.modify_all {
            return None;
        }
        let owner = object.field("OwnerId").map(|(position, _)| position);
        let sight = |parent| {
            Arc::new(Sight {
                owner,
                owners: Arc::clone(&self.owners),
                parent,
            })
        };
        match sharing_of(object) {
            Sharing::Private => owner.map(|_| sight(None)),
            Sharing::ControlledByParent => {
                let (reference, parent) = controlling_parent(object, &self.full)?;
                let of_parent = self.sight(parent)?;
                Some(sight(Some(ParentSight {
                    reference,
                    object: parent.name.clone(),
                    sight: Some(of_parent),
                })))
            }
            _ => None,
        }
    }
}

/// The organisation-wide default that holds: details of a master always follow it.
pub(super) fn sharing_of(object: &Object) -> Sharing {
    if object.fields.iter().any(is_master) {
        Sharing::ControlledByParent
    } else {
        object.sharing
    }
}

/// The parent that decides about an object's rows: the first master, or the account of a contact.
pub(super) fn controlling_parent<'s>(
    object: &Object,
    schema: &'s Schema,
) -> Option<(usize, &'s Arc<Object>)> {
    let fields = object.fields.iter().enumerate();
    let (position, field) = fields
        .filter(|(_, field)| is_master(field) || field.name == "AccountId")
        .min_by_key(|(_, field)| field.relationship_order.unwrap_or(u8::MAX))?;
    Some((position, schema.object(field.reference_to.first()?)?))
}

fn is_master(field: &Field) -> bool {
    field.custom && field.relationship_order.is_some()
}
