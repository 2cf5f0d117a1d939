//! Faults leave no memory behind.

use std::io;

use peak_alloc::PeakAlloc;

use crate::drivers::ALL;
use crate::faulty::{At, Call, Fault, Script};
use crate::secure::Security;
use crate::sweep::{alone, times};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Runs for each driver and kind of fault.
const RUNS: usize = 60;

/// What is kept once, for all runs: names of threads, buffers of the test's own.
const KEPT: usize = 48 << 10;

#[test]
fn no_memory_is_left_behind() {
    let _alone = alone();
    let faults = [
        (Call::Read, Fault::Fails(io::ErrorKind::Other)),
        (Call::Read, Fault::Nothing),
        (Call::Read, Fault::Panics),
        (Call::Write, Fault::Resets),
    ];
    let run_all = |runs| {
        for driver in ALL {
            for (call, fault) in faults {
                times(runs, move |n| {
                    let script = Script::of(call, At::Call(n % 13), fault).in_pieces(24);
                    driver.run(script, &Security::Clear);
                });
            }
        }
    };
    // What is made when it is first needed is made here.
    run_all(13);
    let before = ALLOCATOR.current_usage();
    run_all(RUNS);
    let left = ALLOCATOR.current_usage().saturating_sub(before);
    // A connection holds some KiB, so one that is left behind in each of sixty runs is seen.
    assert!(left < KEPT, "{left} octets are left");
}
