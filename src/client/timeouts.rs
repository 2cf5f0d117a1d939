//! How long the parts of one request may take.

use std::time::{Duration, Instant};

use super::config::Config;

/// How long the parts of one request may take; `None` is for ever.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    pub(super) whole: Option<Duration>,
    pub(super) response: Option<Duration>,
    pub(super) read: Option<Duration>,
}

impl Timeouts {
    /// Those of the client, where the request has none of its own.
    pub(super) fn of(config: &Config) -> Self {
        Timeouts {
            whole: config.timeout,
            response: config.response_timeout,
            read: config.read_timeout,
        }
    }
}

/// When a time that begins now is over, or the deadline, if that comes first.
pub(super) fn sooner(timeout: Option<Duration>, deadline: Option<Instant>) -> Option<Instant> {
    let over = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    [over, deadline].into_iter().flatten().min()
}
