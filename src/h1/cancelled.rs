//! Whether the peer has gone.

use std::time::{Duration, Instant};

use super::link::{Guard, Link, State};
use super::read::{Filled, Lending};
use crate::error::Error;

/// Octets behind a request that are read to find out whether the client has closed. Behind more of
/// them that is not known.
const LOOK_MAX: usize = 64 << 10;

/// How long a look may take where the transport has something that is no octet of HTTP.
const LOOK_TIMEOUT: Duration = Duration::from_millis(1);

/// How often a wait looks whether there is room to read again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl Link {
    /// Whether the peer has closed the connection, or it has failed, as far as that can be known
    /// without waiting: a system call looks for the end of what the peer sends.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.read_available().is_over()
    }

    /// Why nothing that is sent can reach the peer, as far as that can be known without waiting. A peer
    /// that has ended its direction alone may still read.
    pub(super) fn failure(&self) -> Option<Error> {
        let state = self.read_available();
        state.send_error().or_else(|| state.input_ended.clone().flatten())
    }

    /// Reads what there is to be read without waiting, up to a bound.
    fn read_available(&self) -> Guard<'_> {
        let mut state = self.lock();
        loop {
            if state.is_over() || state.reading.is_none() || state.input_len() >= LOOK_MAX {
                return state;
            }
            drop(state);
            let may_be_readable = self.may_be_readable();
            state = self.lock();
            if !may_be_readable {
                return state;
            }
            let came;
            let until = Instant::now().checked_add(LOOK_TIMEOUT);
            (state, came) = self.read_once(state, until);
            if !came {
                return state;
            }
        }
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled), for as long as `timeout`, and says whether it
    /// is.
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
            if state.input_len() >= LOOK_MAX {
                let again = now + LOOK_AGAIN;
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
    /// Whether the connection has ended, or nothing more comes from the peer.
    fn is_over(&self) -> bool {
        self.send_error().is_some() || self.input_ended.is_some()
    }
}
