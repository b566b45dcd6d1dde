//! Setup objects and others are not written in one transaction.
//!
//! Source: Apex Developer Guide, "sObjects That Cannot Be Used Together in DML Operations" and "Mixed DML Operations in
//! Test Methods": `System.runAs` begins anew.

use std::rc::Rc;
use std::sync::Arc;

use super::trigger::TriggerEvent;
use super::value::{RecordObject, Value};
use super::{Machine, Run};
use crate::host::{DmlCall, DmlOutcome};
use crate::syntax::ast::DmlKind;

/// The first object of each kind that a transaction has written.
#[derive(Debug, Clone, Default)]
pub struct Written {
    setup: Option<Arc<str>>,
    other: Option<Arc<str>>,
}

const SETUP: [&str; 9] = [
    "FieldPermissions",
    "GroupMember",
    "ObjectPermissions",
    "PermissionSet",
    "PermissionSetAssignment",
    "QueueSobject",
    "SetupEntityAccess",
    "UserPackageLicense",
    "UserRole",
];

/// A user who is updated without them, or inserted without a role, counts as no setup object.
const USER_FIELDS: [&str; 6] = [
    "UserRoleId",
    "IsActive",
    "ForecastEnabled",
    "IsPortalEnabled",
    "Username",
    "ProfileId",
];

/// Whether an operation on an object is one on a setup object; none where it may go with either kind.
fn is_setup(object: &str, kind: DmlKind, writes: impl Fn(&str) -> bool) -> Option<bool> {
    if SETUP.iter().any(|setup| setup.eq_ignore_ascii_case(object)) {
        return Some(true);
    }
    if object.eq_ignore_ascii_case("Group") {
        let free = matches!(kind, DmlKind::Insert | DmlKind::Update | DmlKind::Upsert);
        return (!free).then_some(true);
    }
    if object.eq_ignore_ascii_case("User") {
        let counts = match kind {
            DmlKind::Insert => writes("UserRoleId"),
            _ => USER_FIELDS.iter().any(|field| writes(field)),
        };
        return counts.then_some(true);
    }
    // Events are no rows.
    (!object.ends_with("__e")).then_some(false)
}

impl Written {
    /// Notes an operation; the object that stands in its way.
    fn note(&mut self, object: &Arc<str>, setup: bool) -> Option<Arc<str>> {
        let (own, against) = if setup {
            (&mut self.setup, &self.other)
        } else {
            (&mut self.other, &self.setup)
        };
        if against.is_none() {
            own.get_or_insert_with(|| Arc::clone(object));
        }
        against.clone()
    }
}

impl Machine<'_> {
    /// The refusals of a DML operation that mixes setup objects with others.
    pub(super) fn mixed_dml(&mut self, call: &DmlCall) -> Run<Option<Vec<DmlOutcome>>> {
        let mut found = None;
        for record in &call.records {
            let writes = |field: &str| match record.fields.borrow().get(field) {
                None => false,
                Some(value) => call.kind != DmlKind::Insert || !value.is_null(),
            };
            let Some(setup) = is_setup(&record.object, call.kind, writes) else {
                continue;
            };
            if let Some(original) = self.written.note(&record.object, setup) {
                found = Some((Arc::clone(&record.object), original));
                break;
            }
        }
        let Some((object, original)) = found else {
            return Ok(None);
        };
        if !call.all_or_none {
            return Err(self.not_supported("mixed DML with allOrNone = false"));
        }
        let words = format!(
            "DML operation on setup object is not permitted after you have updated a non-setup object (or vice versa): \
             {object}, original object: {original}"
        );
        let mut outcomes = vec![DmlOutcome::default(); call.records.len()];
        if let Some(first) = outcomes.first_mut() {
            first.errors = vec![("MIXED_DML_OPERATION".into(), words, Vec::new())];
        }
        Ok(Some(outcomes))
    }

    /// The save that fires a trigger is the first operation of its transaction.
    pub(super) fn note_saved(
        &mut self,
        object: &Arc<str>,
        event: TriggerEvent,
        new: Option<&[Rc<RecordObject>]>,
        old: Option<&[Rc<RecordObject>]>,
    ) {
        let (kind, pairs) = match (new, old) {
            (Some(new), Some(old)) => (DmlKind::Update, new.iter().zip(old).collect::<Vec<_>>()),
            (None, Some(_)) => (DmlKind::Delete, Vec::new()),
            _ if event == TriggerEvent::AfterUndelete => (DmlKind::Undelete, Vec::new()),
            _ => (DmlKind::Insert, Vec::new()),
        };
        let given = |field: &str| {
            let mut new = new.into_iter().flatten();
            new.any(|new| {
                new.fields
                    .borrow()
                    .get(field)
                    .is_some_and(|value| !value.is_null())
            })
        };
        let changes = |field: &str| {
            if kind == DmlKind::Insert {
                return given(field);
            }
            pairs.iter().any(|(new, old)| {
                let (new, old) = (new.fields.borrow(), old.fields.borrow());
                let (new, old) = (new.get(field), old.get(field));
                match (new, old) {
                    (Some(Value::Id(a) | Value::String(a)), Some(Value::Id(b) | Value::String(b))) => a != b,
                    (Some(Value::Boolean(a)), Some(Value::Boolean(b))) => a != b,
                    (None | Some(Value::Null), None | Some(Value::Null)) => false,
                    _ => true,
                }
            })
        };
        if let Some(setup) = is_setup(object, kind, changes) {
            self.written.note(object, setup);
        }
    }
}
