//! Scenarios over the real binaries, named after what happens, and the rules of the house.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails loudly"
)]

mod crash;
mod crm_data;
mod house;
mod known_failures;
mod main_job;
mod package;
mod package_chaos;
mod package_tests;
mod package_trouble;
mod package_world;
mod real_crm;
mod two_way;
mod two_way_world;
mod world;
