//! Hands libFuzzer's inputs to the check `config`; what it checks stands in `checks/config.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sidestream_fuzz::config::check(data));
