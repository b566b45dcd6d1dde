//! The simulation's own promises, and those that it proves of the core.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod histories;
mod machine;
mod orders;
mod posts;
