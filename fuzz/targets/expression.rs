//! Hands libFuzzer's inputs to the check `expression`; what it checks stands in `checks/expression.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sidestream_fuzz::expression::check(data));
