//! Detects that the peer has closed the connection.

use std::time::{Duration, Instant};

use super::link::{Guard, Link, State};
use super::read::{Filled, Lending};
use crate::error::Error;

/// The most octets after a request that are read ahead to find the client's close. A close behind
/// more octets is not detected.
const READ_AHEAD_MAX: usize = 64 << 10;

/// How long a check may take if the transport has input without octets of HTTP, such as TLS
/// tickets.
const READ_AHEAD_TIMEOUT: Duration = Duration::from_millis(1);

/// The interval at which a wait checks whether there is room to read ahead again.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

impl Link {
    /// Whether the connection has failed or the peer has closed it, as far as can be told without
    /// waiting. Makes a system call that looks for the end of the peer's stream.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.read_available().is_over()
    }

    /// The reason why sending is futile, as far as can be told without waiting. A peer that has
    /// closed only its own direction may still read.
    pub(super) fn failure(&self) -> Option<Error> {
        let state = self.read_available();
        state.send_error().or_else(|| state.input_ended.clone().flatten())
    }

    /// Reads ahead without waiting, up to a bound.
    fn read_available(&self) -> Guard<'_> {
        let mut state = self.lock();
        loop {
            if state.is_over() || state.reading.is_none() || state.input_len() >= READ_AHEAD_MAX {
                return state;
            }
            drop(state);
            let may_be_readable = self.may_be_readable();
            state = self.lock();
            if !may_be_readable {
                return state;
            }
            let came;
            let until = Instant::now().checked_add(READ_AHEAD_TIMEOUT);
            (state, came) = self.read_once(state, until);
            if !came {
                return state;
            }
        }
    }

    /// Waits for `timeout` at most until [`is_cancelled`](Self::is_cancelled), and returns it.
    pub(crate) fn wait_cancelled(&self, timeout: Duration) -> bool {
        let until = Instant::now().checked_add(timeout);
        let mut lending = Lending::begin(self);
        let mut state = self.lock();
        loop {
            if state.is_over() {
                return true;
            }
            let now = Instant::now();
            if until.is_some_and(|until| until <= now) {
                return false;
            }
            if state.input_len() >= READ_AHEAD_MAX {
                let again = now + CHECK_INTERVAL;
                let until = until.map_or(again, |until| until.min(again));
                state = self.wait_for_change(state, Some(until));
                continue;
            }
            let filled;
            (state, filled) = self.fill(state, until, &mut lending);
            if filled == Filled::Late {
                return state.is_over();
            }
        }
    }
}

impl State {
    /// Whether the connection, or the peer's direction of it, has ended.
    fn is_over(&self) -> bool {
        self.send_error().is_some() || self.input_ended.is_some()
    }
}
