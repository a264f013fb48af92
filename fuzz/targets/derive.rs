//! Hands libFuzzer's inputs to the check `derive`; what it checks stands in `checks/derive.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sidestream_fuzz::derive::check(data));
