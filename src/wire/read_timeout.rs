//! How long reads wait, and when that is worth changing.
//!
//! Changing it is a system call. A caller whose every read has the same timeout from its own
//! beginning asks for a slightly different time at each read: what differs by little is not changed.
//! 2,000 requests one after the other change it once, and reads that share a deadline change it a
//! hundred times a second at most.

use std::time::{Duration, Instant};

use crate::logging;
use crate::transport::Closer;

/// A read that may wait for ever may as well give up after this time.
const UNLIMITED_READ_MIN: Duration = Duration::from_secs(10);

/// A read may take this much longer than it was to take.
const OVERTIME_MAX: Duration = Duration::from_millis(10);

/// What the transport's reads were last told to wait.
#[derive(Debug, Default)]
pub(crate) struct ReadTimeout(Option<Duration>);

impl ReadTimeout {
    /// What to set for a read that is to end by then. `None` if nothing has to be changed.
    pub(crate) fn choose(
        &mut self,
        until: Option<Instant>,
        now: Instant,
    ) -> Option<Option<Duration>> {
        let wanted = until.map(|until| until.saturating_duration_since(now));
        let is_good = match (self.0, wanted) {
            (None, None) => true,
            (Some(set), None) => set >= UNLIMITED_READ_MIN,
            (None, Some(_)) => false,
            (Some(set), Some(wanted)) => {
                set <= wanted + OVERTIME_MAX.min(wanted / 8) && set * 2 >= wanted
            }
        };
        if is_good {
            return None;
        }
        self.0 = wanted;
        Some(wanted)
    }

    /// It has been set from elsewhere.
    pub(super) fn note(&mut self, timeout: Option<Duration>) {
        self.0 = timeout;
    }
}

/// Sets what [`ReadTimeout::choose`] has chosen. Where that fails, only the deadline is kept less
/// exactly.
pub(crate) fn set(closer: &Closer, chosen: Option<Option<Duration>>) {
    if let Some(Err(error)) = chosen.map(|timeout| closer.set_read_timeout(timeout)) {
        logging::debug!("setting a read timeout: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn same_timeout_from_each_read_is_set_once() {
        let mut timeout = ReadTimeout::default();
        let begin = Instant::now();
        let changes = (0..100).filter(|n| {
            let now = begin + *n * Duration::from_micros(137);
            timeout.choose(Some(now + SECOND), now).is_some()
        });
        assert_eq!(changes.count(), 1);
    }

    #[test]
    fn deadline_that_comes_near_is_kept() {
        let mut timeout = ReadTimeout::default();
        let now = Instant::now();
        timeout.choose(Some(now + SECOND), now);
        let late = now + SECOND - Duration::from_millis(5);
        let set = timeout.choose(Some(now + SECOND), late).expect("it has to be changed");
        assert_eq!(set, Some(Duration::from_millis(5)));
    }

    #[test]
    fn unlimited_read_keeps_a_long_timeout_and_no_short_one() {
        let mut timeout = ReadTimeout::default();
        let now = Instant::now();
        timeout.choose(Some(now + 100 * SECOND), now);
        assert_eq!(timeout.choose(None, now), None);
        timeout.choose(Some(now + SECOND), now);
        assert_eq!(timeout.choose(None, now), Some(None));
    }
}
