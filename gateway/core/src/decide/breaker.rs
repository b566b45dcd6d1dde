//! The loop breaker: two sides whose automations keep overwriting each other are stopped before they spend the day's
//! calls on it.

use crate::Instant;
use crate::decide::{Side, Turns};
use crate::mapping::{Direction, MappingPlan};

/// What a decision does to a record, as far as loops go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// One side's value was put, or is about to be put, over the other's edit.
    pub(super) overwrites: bool,
    /// Values travel to the partner.
    pub(super) to_partner: bool,
    /// Values travel to Salesforce.
    pub(super) to_salesforce: bool,
}

/// Counts a step. A turn is an overwrite, or values that travel the other way than the last ones did.
///
/// # Errors
/// The count, once it is too high: the record must wait for a person.
pub(super) fn count(
    plan: &MappingPlan,
    before: Option<Turns>,
    step: Step,
    now: Instant,
) -> Result<Option<Turns>, u32> {
    // Where values travel one way only, nothing but an overwrite tells of a loop.
    if plan.direction != Direction::Both && !step.overwrites {
        return Ok(before);
    }
    let way = match (step.to_partner, step.to_salesforce) {
        (true, false) => Some(Side::Salesforce),
        (false, true) => Some(Side::Partner),
        _ => None,
    };
    let last = before.map(|turns| turns.last);
    let turned = step.overwrites || way.is_some_and(|way| last.is_some_and(|last| last != way));
    let Some(last) = way.or(last).or(step.overwrites.then_some(Side::Partner)) else {
        return Ok(before);
    };
    let calm = if step.overwrites {
        Turns::CALM_AFTER_OVERWRITE
    } else {
        Turns::CALM
    };
    let running = before.filter(|turns| now - turns.since <= calm);
    let turns = Turns {
        since: before.map(|turns| turns.since).filter(|_| !turned).unwrap_or(now),
        count: running.map_or(0, |turns| turns.count) + u32::from(turned),
        last,
    };
    if turns.count > Turns::MOST {
        return Err(turns.count);
    }
    Ok(Some(turns))
}
