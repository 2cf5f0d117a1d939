//! Servers of a channel that are skipped after a failure.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time for which a server is skipped after its first failure. Each further failure doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// The longest time for which a server is skipped.
const MAX_PAUSE: Duration = Duration::from_secs(32);

/// The record of a server's failed connection attempts.
#[derive(Debug, Default)]
pub(super) struct Absence {
    /// Saves calls to a reachable server from taking the lock.
    is_absent: AtomicBool,
    attempts: Mutex<Attempts>,
}

#[derive(Debug, Default)]
struct Attempts {
    failed: u32,
    next: Option<Instant>,
}

impl Absence {
    /// Returns whether a call may use the server. After the pause, one call at a time tries an
    /// absent server.
    pub(super) fn allows(&self, now: Instant) -> bool {
        if !self.is_absent.load(Ordering::Relaxed) {
            return true;
        }
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = attempts.next.is_none_or(|next| next <= now);
        if is_due {
            attempts.next = now.checked_add(attempts.pause());
        }
        is_due
    }

    /// Records that the server could not be reached.
    pub(super) fn failed(&self, now: Instant) {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.next = now.checked_add(attempts.pause());
        attempts.failed = attempts.failed.saturating_add(1);
        self.is_absent.store(true, Ordering::Relaxed);
    }

    /// Records that the server was reached.
    pub(super) fn reached(&self) {
        if self.is_absent.load(Ordering::Relaxed) {
            let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
            *attempts = Attempts::default();
            self.is_absent.store(false, Ordering::Relaxed);
        }
    }
}

impl Attempts {
    fn pause(&self) -> Duration {
        FIRST_PAUSE.saturating_mul(1 << self.failed.min(8)).min(MAX_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_server_is_tried_by_one_call_after_each_pause() {
        let (absence, start) = (Absence::default(), Instant::now());
        let after = |millis| start + Duration::from_millis(millis);
        assert!(absence.allows(start));
        absence.failed(start);
        assert!(!absence.allows(after(1_999)));
        assert!(absence.allows(after(2_000)));
        assert!(!absence.allows(after(2_001)), "another call tries it");
        absence.failed(after(2_100));
        assert!(!absence.allows(after(6_000)));
        assert!(absence.allows(after(6_100)));
        // The call that tries the server may never report its outcome.
        assert!(absence.allows(after(60_000)));
    }

    #[test]
    fn reached_server_is_called_by_all() {
        let (absence, now) = (Absence::default(), Instant::now());
        absence.failed(now);
        absence.reached();
        assert!(absence.allows(now) && absence.allows(now));
        absence.failed(now);
        assert!(absence.allows(now + FIRST_PAUSE), "the pause is the first one again");
    }

    #[test]
    fn pauses_have_a_longest_one() {
        let (absence, now) = (Absence::default(), Instant::now());
        (0..1_000).for_each(|_| absence.failed(now));
        assert!(!absence.allows(now + MAX_PAUSE - Duration::from_millis(1)));
        assert!(absence.allows(now + MAX_PAUSE));
    }
}
