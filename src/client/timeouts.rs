//! How long the parts of one request may take.

use std::time::{Duration, Instant};

use super::config::Config;
use crate::error::Error;

/// How long the parts of one request may take; `None` is for ever.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    pub(super) whole: Option<Duration>,
    /// Making a connection or waiting for one, where the request has a time of its own for that.
    pub(super) connect: Option<Duration>,
    pub(super) response: Option<Duration>,
    pub(super) read: Option<Duration>,
}

impl Timeouts {
    /// Those of the client, where the request has none of its own.
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
    /// The error of a wait that is over, with the setting that gave it its time: `own`, or that of the
    /// whole request by its `deadline`.
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

/// When a time that begins now is over, or the deadline, if that comes first.
pub(super) fn sooner(timeout: Option<Duration>, deadline: Option<Instant>) -> Option<Instant> {
    let over = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    [over, deadline].into_iter().flatten().min()
}
