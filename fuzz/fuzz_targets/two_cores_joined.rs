//! See `h2_sync_fuzz::two_cores_joined`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| h2_sync_fuzz::two_cores_joined(data));
