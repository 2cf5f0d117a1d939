//! The clock's judgement of a thread that was at the same step at two ticks: whether it is stuck, so that
//! another thread has to take its place.
//!
//! ```text
//!   blocked (in a lock, a socket, a file, a sleep) ────────▶ stuck
//!   computes ─── has used a millisecond since ─────────────▶ stuck
//!   waits for a processor ─────────────────────────────────▶ not stuck, for a tenth of a second
//! ```
//!
//! Another thread would wait for the processor as well, and then take it from the first one: on a busy
//! machine, each connection with a quick handler would get a thread. Where the kernel does not tell
//! (elsewhere than on Linux), the thread counts as blocked.

use std::time::Duration;

use crate::kernel_thread::Scheduled;

/// A thread that has used this much processor time at one step computes.
const COMPUTES: Duration = Duration::from_millis(1);

/// A thread that is at the same step after this many ticks is stuck in any case: kernels count the time of
/// a thread late, and a thread with the lowest priority hardly gets any.
const TICKS_MAX: u32 = 50;

/// The observations of a suspected thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Suspect {
    /// The processor time that it had used at the second tick, if it could run then.
    used: Option<Duration>,
    ticks: u32,
    is_stuck: bool,
}

impl Suspect {
    /// Judges the thread, which is still at the same step. Returns whether it is stuck. Called once per
    /// tick.
    pub(super) fn judge(&mut self, now: Scheduled) -> bool {
        self.ticks += 1;
        self.is_stuck |= match now {
            Scheduled::Blocked => true,
            Scheduled::Runnable { used } => {
                let computes = used >= *self.used.get_or_insert(used) + COMPUTES;
                computes || self.ticks >= TICKS_MAX
            }
        };
        self.is_stuck
    }

    /// Returns whether it was found stuck.
    pub(super) fn is_stuck(&self) -> bool {
        self.is_stuck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn blocked_thread_is_stuck() {
        assert!(Suspect::default().judge(Scheduled::Blocked));
    }

    #[test]
    fn thread_that_waits_for_a_processor_is_not_stuck_for_a_tenth_of_a_second() {
        let mut suspect = Suspect::default();
        for _ in 1..TICKS_MAX {
            assert!(!suspect.judge(Scheduled::Runnable { used: 7 * MS }));
        }
        assert!(suspect.judge(Scheduled::Runnable { used: 7 * MS }));
    }

    #[test]
    fn thread_that_was_stuck_stays_so_at_its_step() {
        let mut suspect = Suspect::default();
        assert!(suspect.judge(Scheduled::Blocked));
        assert!(suspect.judge(Scheduled::Runnable { used: 7 * MS }) && suspect.is_stuck());
    }

    #[test]
    fn thread_that_computes_is_stuck() {
        let mut suspect = Suspect::default();
        let stuck = [7, 7, 8].map(|ms| suspect.judge(Scheduled::Runnable { used: ms * MS }));
        assert_eq!(stuck, [false, false, true]);
    }
}
