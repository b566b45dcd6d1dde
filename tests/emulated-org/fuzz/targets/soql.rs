//! Fuzzes queries.

#![no_main]

use emulated_org_fuzz::{soql, tokens};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|input: &[u8]| soql::check(input));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    tokens::mutate(data, size, max_size, seed, soql::VOCABULARY)
        .unwrap_or_else(|| fuzzer_mutate(data, size, max_size))
});
