//! See `h2_sync_fuzz::client_receive`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| h2_sync_fuzz::client_receive(data));
