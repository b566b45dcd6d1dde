//! Fuzzes JSON bodies.

#![no_main]

use emulated_org_fuzz::{json, tokens};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|input: &[u8]| json::check(input));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    tokens::mutate(data, size, max_size, seed, json::VOCABULARY)
        .unwrap_or_else(|| fuzzer_mutate(data, size, max_size))
});
