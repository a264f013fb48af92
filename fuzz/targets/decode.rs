//! Hands libFuzzer's inputs to the check `decode`; what it checks stands in `checks/decode.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sidestream_fuzz::decode::check(data));
