//! What this thread has used of its core: unlike the time of day, it stands still while another
//! process has the core.

use std::ffi::{c_int, c_long};
use std::time::Duration;

/// `struct timespec`.
#[repr(C)]
struct Timespec {
    seconds: c_long,
    nanoseconds: c_long,
}

/// As Linux numbers its clocks.
const CLOCK_THREAD_CPUTIME_ID: c_int = 3;

unsafe extern "C" {
    fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int;
}

pub fn now() -> Duration {
    let mut time = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: it writes to where it is told to.
    let result = unsafe { clock_gettime(CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(result, 0);
    Duration::new(time.seconds.try_into().unwrap(), time.nanoseconds.try_into().unwrap())
}
