//! See `h2_sync_fuzz::frame_decode`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| h2_sync_fuzz::frame_decode(data));
