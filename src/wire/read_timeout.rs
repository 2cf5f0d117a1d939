//! The read timeout of a transport, set only when it changes enough.
//!
//! Setting the timeout is a system call. A caller with a fixed timeout per read computes a slightly
//! different time at each one, so small differences are ignored. 2,000 consecutive requests set it
//! once, and reads with a common deadline set it at most a hundred times a second.

use std::time::{Duration, Instant};

use crate::logging;
use crate::transport::Closer;

/// A read without a deadline may still give up after this time.
const UNLIMITED_READ_MIN: Duration = Duration::from_secs(10);

/// The most by which a read may exceed its deadline.
const OVERTIME_MAX: Duration = Duration::from_millis(10);

/// The read timeout that was last set on the transport.
#[derive(Debug, Default)]
pub(crate) struct ReadTimeout(Option<Duration>);

impl ReadTimeout {
    /// Returns the timeout to set for a read that ends at a deadline, or `None` if the current one
    /// is close enough.
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

    /// Records a timeout that was set elsewhere.
    pub(super) fn note(&mut self, timeout: Option<Duration>) {
        self.0 = timeout;
    }
}

/// Sets the timeout chosen by [`ReadTimeout::choose`]. If that fails, the deadline is only kept
/// less precisely.
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
    fn a_fixed_timeout_per_read_is_set_once() {
        let mut timeout = ReadTimeout::default();
        let begin = Instant::now();
        let changes = (0..100).filter(|n| {
            let now = begin + *n * Duration::from_micros(137);
            timeout.choose(Some(now + SECOND), now).is_some()
        });
        assert_eq!(changes.count(), 1);
    }

    #[test]
    fn an_approaching_deadline_shortens_the_timeout() {
        let mut timeout = ReadTimeout::default();
        let now = Instant::now();
        timeout.choose(Some(now + SECOND), now);
        let late = now + SECOND - Duration::from_millis(5);
        let set = timeout.choose(Some(now + SECOND), late).expect("it has to be changed");
        assert_eq!(set, Some(Duration::from_millis(5)));
    }

    #[test]
    fn an_unlimited_read_keeps_only_a_long_timeout() {
        let mut timeout = ReadTimeout::default();
        let now = Instant::now();
        timeout.choose(Some(now + 100 * SECOND), now);
        assert_eq!(timeout.choose(None, now), None);
        timeout.choose(Some(now + SECOND), now);
        assert_eq!(timeout.choose(None, now), Some(None));
    }
}
