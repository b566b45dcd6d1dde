//! What a request costs: API calls of the daily allocation.

use std::cell::Cell;
use std::rc::Rc;

use actix_web::HttpMessage;

use crate::limits::{Allocation, LimitExceeded};
use crate::org::Org;

/// The calls that a request has cost so far; it lies in the request's extensions.
#[derive(Clone, Debug, Default)]
pub(super) struct Cost(Rc<Cell<u64>>);

impl Cost {
    /// The number of calls.
    pub(super) fn calls(&self) -> u64 {
        self.0.get()
    }
}

/// Spends one call in a request's name.
pub(super) fn spend_call(org: &Org, request: &impl HttpMessage) -> Result<(), LimitExceeded> {
    let now = org.clock.now();
    if org.switches().daily_requests_may_overrun {
        org.limits.overrun(Allocation::DailyApiRequests, 1, now);
    } else {
        org.limits.spend(Allocation::DailyApiRequests, 1, now)?;
    }
    if let Some(Cost(calls)) = request.extensions().get::<Cost>() {
        calls.set(calls.get() + 1);
    }
    Ok(())
}
