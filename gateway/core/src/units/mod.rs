//! The units of work of the sync: what one database transaction does, from what is stored and what was heard to
//! what is stored next.
//!
//! A unit is a function over [`Transaction`](crate::ports::Transaction) and the time. It calls nobody outside; what
//! has to be asked of Salesforce between two units is data that one returns and the next takes. Nothing between the
//! units is kept anywhere, so a process may end there at any moment.
//!
//! - [`inbox`] decides what the package pushed, with [`posted`] choosing what is worth deciding.
//! - [`salesforce_news`] is the one way in which news of Salesforce records is decided and written.
//! - [`partner_news`] decides what a partner posts.
//! - [`outgoing`] brings links with something on its way to Salesforce there: claim, (read targets), prepare,
//!   (send, read back), settle.
//! - [`person`] carries out what a person asks for a held record, or a value that lost.

pub mod inbox;
mod known;
pub mod outgoing;
pub mod partner_news;
pub mod person;
pub mod posted;
mod record_log;
pub mod salesforce_news;
#[cfg(test)]
pub(crate) mod sample;

use crate::Instant;
use crate::id::ConnectionId;
use crate::mapping::MappingPlan;
use crate::owners::OwnerDirectory;
use crate::ports::Lane;
use crate::ports::connections::PartnerUser;

/// What all news of one call shares.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Connection.
    pub connection: ConnectionId,
    /// Plan in force.
    pub plan: &'a MappingPlan,
    /// Users of both sides.
    pub owners: &'a OwnerDirectory,
    /// Now.
    pub at: Instant,
    /// The queue in which links are made ready that have something to write to Salesforce.
    pub lane: Lane,
}

/// The owner ladder's directory: active partner users by their Salesforce user.
pub fn directory(users: &[PartnerUser]) -> OwnerDirectory {
    OwnerDirectory::new(
        users
            .iter()
            .filter(|user| user.active)
            .filter_map(|user| Some((user.salesforce_user?, user.id.clone()))),
    )
}
