//! What is fuzzed of the emulated organisation: queries, tables of Bulk jobs, and JSON bodies, each as requests that
//! go through the real routes without a network.
//!
//! `scripts/fuzz` runs libFuzzer on them; `tests/replay.rs` replays what it found worth keeping, on every run of the
//! tests. A target holds when no input panics, hangs, or is answered with an internal error.

pub mod csv;
pub mod json;
mod service;
pub mod soql;
pub mod tokens;
