//! See `h2_sync_fuzz::server_receive`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| h2_sync_fuzz::server_receive(data));
