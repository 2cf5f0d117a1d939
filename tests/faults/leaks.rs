//! Faults leak no memory.

use std::io;

use peak_alloc::PeakAlloc;

use crate::drivers::ALL;
use crate::faulty::{At, Call, Fault, Script};
use crate::secure::Security;
use crate::sweep::{alone, times};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The number of runs for each driver and kind of fault.
const RUNS: usize = 60;

/// Memory that is kept once for all runs: names of threads, buffers of the test.
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
    // The first run allocates what is kept for ever.
    run_all(13);
    let before = ALLOCATOR.current_usage();
    run_all(RUNS);
    let left = ALLOCATOR.current_usage().saturating_sub(before);
    // A connection holds several KiB, so leaking one in each of sixty runs exceeds the bound.
    assert!(left < KEPT, "{left} octets are left");
}
