//! Hands libFuzzer's inputs to the check `operators`; what it checks stands in `checks/operators.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sidestream_fuzz::operators::check(data));
