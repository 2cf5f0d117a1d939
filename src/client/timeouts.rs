//! The timeouts of one request.

use std::time::{Duration, Instant};

use super::config::Config;
use crate::error::Error;

/// The timeouts of one request; `None` disables one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    pub(super) whole: Option<Duration>,
    /// For establishing or awaiting a connection, if the request sets one.
    pub(super) connect: Option<Duration>,
    pub(super) response: Option<Duration>,
    pub(super) read: Option<Duration>,
}

impl Timeouts {
    /// Returns the client's defaults.
    pub(super) fn of(config: &Config) -> Self {
        Timeouts {
            whole: config.timeout,
            connect: None,
            response: config.response_timeout,
            read: config.read_timeout,
        }
    }
}

impl Timeouts {
    /// Names the setting whose timeout passed in an error: that of the whole request if its
    /// `deadline` has passed, otherwise `own`.
    pub(super) fn tell(
        self,
        error: Error,
        deadline: Option<Instant>,
        own: (&'static str, Option<Duration>),
    ) -> Error {
        let is_over = deadline.is_some_and(|deadline| deadline <= Instant::now());
        match (self.whole.filter(|_| is_over), own) {
            (Some(whole), _) => error.by_setting("timeout", whole),
            (None, (setting, Some(time))) => error.by_setting(setting, time),
            (None, (_, None)) => error,
        }
    }
}

/// Returns the earlier of `timeout` from now and `deadline`.
pub(super) fn sooner(timeout: Option<Duration>, deadline: Option<Instant>) -> Option<Instant> {
    let over = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    [over, deadline].into_iter().flatten().min()
}
