//! Histories of a hostile world, driven from a seed.
//!
//! A [`world`] holds a model of a Salesforce [`org`], the package's [`pump`], a [`partner`], the [`network`] between
//! them, and the gateway's [`workers`](gateway) over a store in [`memory`]. The workers run the very units of the
//! core. One seed decides everything that happens, so a history that breaks a promise breaks it again.

mod actions;
pub mod coverage;
pub mod dice;
pub mod gateway;
pub mod history;
pub mod invariants;
pub mod memory;
pub mod network;
pub mod org;
pub mod partner;
pub mod pump;
pub mod setting;
mod told;
pub mod truth;
mod values;
pub mod world;
