//! See `h2_sync_fuzz::upgrade_response`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| h2_sync_fuzz::upgrade_response(data));
