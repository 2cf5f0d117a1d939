//! Retries of calls.

use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::{Duration, Instant};

use super::options::CallOptions;
use crate::code::Code;
use crate::status::Status;

/// A policy for repeating calls that the server may have processed. For idempotent methods.
///
/// The pause before an attempt is a random part of a time that grows by half with each attempt, or
/// the time that the server sent (`grpc-retry-pushback-ms`). A call whose response has begun is not
/// repeated.
///
/// ```
/// use std::time::Duration;
///
/// use h2_sync_grpc::client::{CallOptions, RetryPolicy};
///
/// let mut policy = RetryPolicy::default();
/// policy.max_attempts = 5;
/// policy.max_pause = Duration::from_secs(2);
/// let options = CallOptions::new().retry(policy);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The number of attempts, including the first one. Default 3.
    pub max_attempts: u32,
    /// The upper limit of the pause after the first attempt. Default 100 ms.
    pub first_pause: Duration,
    /// The upper limit of all pauses. Default 5 s.
    pub max_pause: Duration,
    /// The codes after which a call is repeated. Default: only [`Code::Unavailable`].
    pub codes: Vec<Code>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            max_attempts: 3,
            first_pause: Duration::from_millis(100),
            max_pause: Duration::from_secs(5),
            codes: vec![Code::Unavailable],
        }
    }
}

/// The field in which a server sends the pause before the next attempt.
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// The longest pause before a call that waits for a server is tried again.
const READY_PAUSE: Duration = Duration::from_secs(1);

/// The interval at which a pause checks whether the call has been cancelled.
const LOOK: Duration = Duration::from_millis(20);

impl RetryPolicy {
    /// Returns the pause after attempt number `attempt`, counted from 1. `None` if there is no
    /// further attempt.
    pub(super) fn pause(&self, status: &Status, attempt: u32) -> Option<Duration> {
        if attempt >= self.max_attempts || !self.codes.contains(&status.code()) {
            return None;
        }
        if let Some(pushback) = status.metadata().protocol_field(PUSHBACK) {
            // A value that is not a number of milliseconds forbids another attempt.
            return pushback.parse().ok().map(Duration::from_millis);
        }
        let grown = (1..attempt).fold(self.first_pause, |pause, _| pause.saturating_mul(3) / 2);
        Some(random_part(grown.min(self.max_pause), attempt))
    }
}

/// Returns the pause after attempt number `attempt` of a call that waits for its server.
pub(super) fn until_ready(attempt: u32) -> Duration {
    let grown = Duration::from_millis(50).saturating_mul(1 << attempt.min(8));
    grown.min(READY_PAUSE)
}

/// Sleeps for `pause`, unless the call is cancelled or its deadline is earlier.
pub(super) fn sleep(
    pause: Duration,
    options: &CallOptions,
    deadline: Option<Instant>,
) -> Result<(), Status> {
    let Some(until) = Instant::now().checked_add(pause) else {
        return Err(Status::unavailable("the pause before the next attempt is too long"));
    };
    loop {
        let now = Instant::now();
        if options.is_cancelled() {
            return Err(Status::cancelled("the call was cancelled"));
        }
        if deadline.is_some_and(|deadline| deadline <= now) {
            return Err(Status::deadline_exceeded("the deadline has passed between two attempts"));
        }
        if until <= now {
            return Ok(());
        }
        thread::sleep((until - now).min(LOOK));
    }
}

/// Returns a random part of a time.
fn random_part(time: Duration, attempt: u32) -> Duration {
    // Each state has random keys.
    let random = RandomState::new().hash_one(attempt) % 1_024;
    time / 1_024 * u32::try_from(random).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn unavailable() -> Status {
        Status::unavailable("")
    }

    #[test]
    fn attempts_are_bounded_and_pauses_grow() {
        let policy = RetryPolicy { max_attempts: 40, ..RetryPolicy::default() };
        for attempt in 1..40 {
            let most = if attempt == 1 { policy.first_pause } else { policy.max_pause };
            assert!(policy.pause(&unavailable(), attempt).unwrap() <= most);
        }
        assert_eq!(policy.pause(&unavailable(), 40), None);
    }

    #[test]
    fn other_codes_are_not_worth_it() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.pause(&Status::internal(""), 1), None);
        assert!(policy.pause(&unavailable(), 1).is_some());
    }

    #[test]
    fn server_says_when() {
        let pushed = |value| {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("14"));
            trailers.insert(PUSHBACK, HeaderValue::from_static(value));
            let status = Status::of_fields(&trailers).unwrap().unwrap_err();
            RetryPolicy::default().pause(&status, 1)
        };
        assert_eq!(pushed("1500"), Some(Duration::from_millis(1_500)));
        assert_eq!(pushed("0"), Some(Duration::ZERO));
        assert_eq!(pushed("-1"), None);
        assert_eq!(pushed("soon"), None);
    }
}
