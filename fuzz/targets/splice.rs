//! Hands libFuzzer's inputs to the check `splice`; what it checks stands in `checks/splice.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sidestream_fuzz::splice::check(data));
