//! Which of a partner's edits of one field is the newest.

use causeway_core::Instant;
use causeway_core::mapping::convert::read_partner_json;
use causeway_core::mapping::{FieldPlan, PartnerType, SyncRule};
use causeway_core::record::FieldValue;

use crate::truth::PartnerEdit;

/// The partner's newest edit.
pub(super) enum Newest {
    /// It never edited.
    None,
    /// This one.
    Known(Instant, FieldValue),
    /// It cannot be told: a value that is restated without a time may be a repeat of the message or an edit, so a
    /// stated time between the two has no certain place; and where the other side owns the field, its value stands
    /// before the second of two edits of one moment.
    Unclear,
}

/// An older edit that comes late changes nothing, and of two at one moment the order of their texts decides.
pub(super) fn newest(
    field: &FieldPlan,
    edits: &[&PartnerEdit],
    came_from_salesforce: impl Fn(&FieldValue) -> bool,
) -> Newest {
    let mut newest: Option<(Instant, String, FieldValue)> = None;
    let mut restated: Option<Instant> = None;
    for edit in edits {
        let Some(value) = read(field, edit) else {
            return Newest::Unclear;
        };
        let text = edit.value.to_string();
        let may_be_held = !edit.stated && came_from_salesforce(&value);
        let Some((known, known_text, _)) = &newest else {
            restated = may_be_held.then_some(edit.at);
            newest = Some((edit.at, text, value));
            continue;
        };
        let at = if edit.stated { edit.at } else { edit.at.max(*known) };
        if text == *known_text && !edit.stated {
            restated = Some(at);
            continue;
        }
        if edit.stated && restated.is_some_and(|restated| at <= restated) {
            return Newest::Unclear;
        }
        let tied = at == *known && edit.stated && text != *known_text;
        if tied && field.rule != SyncRule::Partner {
            return Newest::Unclear;
        }
        if at > *known || (at == *known && (!edit.stated || text > *known_text)) {
            newest = Some((at, text, value));
            restated = may_be_held.then_some(at);
        }
    }
    newest.map_or(Newest::None, |(at, _, value)| Newest::Known(at, value))
}

pub(super) fn read(field: &FieldPlan, edit: &PartnerEdit) -> Option<FieldValue> {
    if field.partner_type == PartnerType::Reference {
        return None;
    }
    read_partner_json(field.partner_type, &edit.value).ok()
}
