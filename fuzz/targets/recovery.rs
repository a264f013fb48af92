//! Hands libFuzzer's inputs to the check `recovery`; what it checks stands in `checks/recovery.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sidestream_fuzz::recovery::check(data));
