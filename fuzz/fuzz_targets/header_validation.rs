//! See `h2_sync_fuzz::header_validation`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| h2_sync_fuzz::header_validation(data));
