//! What a change means: from news of one side and what is known, to effects as data.
//!
//! - `link`, `news` and `effects` are the words: what is known, what was heard, what follows.
//! - `rules` says who wins a field, and is the only place that does.
//! - `field` carries that out for one field, `merge` for all fields of a record and its owner.
//! - `breaker` stops two sides that keep overwriting each other.
//! - `salesforce`, `partner` and `write` lead news from either side, and the write to Salesforce, through the merge;
//!   `person` what somebody asked for.

mod breaker;
pub mod effects;
mod field;
mod known;
pub mod link;
mod merge;
pub mod news;
mod owner;
pub mod partner;
pub mod person;
mod rules;
pub mod salesforce;
pub mod write;

pub use effects::{
    ChangeCause, ChangeSource, Decision, DropReason, Effects, FieldChange, LinkEffect, LinkRef, Lost,
    Outcome, RecordEffect, Side,
};
pub use known::{Holder, Known};
pub use link::{
    Agreed, AgreedPair, FieldTimes, HeldReason, Identity, InFlight, LinkState, LinkStatus, Noted, Outgoing,
    Presence, RecordState, SalesforceWrite, Turns, WriteKind,
};
pub use news::{Converted, Incoming, MergedInto, PartnerNews, PartnerNewsKind, Snapshot, Target};

#[cfg(test)]
mod tests;
