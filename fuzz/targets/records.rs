//! Hands libFuzzer's inputs to the check `records`; what it checks stands in `checks/records.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sidestream_fuzz::records::check(data));
