//! The behaviour while the system does not start threads: pauses between attempts, and one log line
//! per second.

use std::io;
use std::time::{Duration, Instant};

/// The pause after a failed attempt; doubled after each further one, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The interval between log lines.
const LINE_INTERVAL: Duration = Duration::from_secs(1);

/// The state of a pool that may be unable to start threads.
#[derive(Debug, Default)]
pub(super) struct Shortage {
    /// No thread is requested before this time.
    until: Option<Instant>,
    pause: Duration,
    logged: Option<Instant>,
    /// Tasks without a thread since the last log line.
    turned_away: u64,
}

impl Shortage {
    /// Returns whether a thread may be requested now. Only reads the clock during a shortage.
    pub(super) fn may_try(&mut self, now: impl FnOnce() -> Instant) -> bool {
        let may = self.until.is_none_or(|until| until <= now());
        self.turned_away += u64::from(!may);
        may
    }

    #[cfg(test)]
    pub(super) fn set(&mut self, is_short: bool) {
        self.until = is_short.then(|| Instant::now() + Duration::from_secs(3600));
    }

    /// Records that a thread was started.
    pub(super) fn ended(&mut self) {
        self.until = None;
        self.pause = Duration::ZERO;
    }

    /// Records that the system has refused a thread. Returns the log line, if it is time for one.
    pub(super) fn failed(&mut self, now: Instant, error: &io::Error) -> Option<String> {
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.until = now.checked_add(self.pause);
        self.turned_away += 1;
        let is_recent = |at: Instant| now.saturating_duration_since(at) < LINE_INTERVAL;
        if self.logged.is_some_and(is_recent) {
            return None;
        }
        self.logged = Some(now);
        let tasks = std::mem::take(&mut self.turned_away);
        Some(format!("no thread could be started for {tasks} tasks: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> io::Error {
        io::ErrorKind::WouldBlock.into()
    }

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let (mut shortage, mut now) = (Shortage::default(), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..10 {
            assert!(shortage.may_try(|| now));
            shortage.failed(now, &error());
            let begun = now;
            while !shortage.may_try(|| now) {
                now += Duration::from_millis(1);
            }
            pauses.push(now - begun);
        }
        assert_eq!(pauses[..3], [1, 2, 4].map(|times| FIRST_PAUSE * times));
        assert_eq!(pauses.last(), Some(&LONGEST_PAUSE));
    }

    #[test]
    fn thread_that_starts_ends_the_pause() {
        let (mut shortage, now) = (Shortage::default(), Instant::now());
        shortage.failed(now, &error());
        assert!(!shortage.may_try(|| now));
        shortage.ended();
        assert!(shortage.may_try(|| now));
        shortage.failed(now, &error());
        assert!(shortage.may_try(|| now + FIRST_PAUSE));
    }

    #[test]
    fn log_has_a_line_a_second_that_counts_the_tasks() {
        let (mut shortage, start) = (Shortage::default(), Instant::now());
        let mut lines = Vec::new();
        for millis in 0..3_000 {
            let now = start + Duration::from_millis(millis);
            if shortage.may_try(|| now) {
                lines.extend(shortage.failed(now, &error()));
            }
        }
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].contains("for 1 tasks"), "{lines:?}");
        assert!(lines[1].contains("for 1") && lines[1] != lines[0], "{lines:?}");
    }
}
