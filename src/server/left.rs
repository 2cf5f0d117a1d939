//! The wait of an HTTP/1.x connection that is left to the poller.

use std::time::Instant;

use crate::h1::Waits;

/// A wait for a request, without a thread.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) token: u64,
    pub(super) since: Instant,
    pub(super) waits: Waits,
}

/// The wait of a connection, if it is left to the poller, and what the clock knows of it.
#[derive(Debug, Default)]
pub(super) struct LeftToPoller {
    wait: Option<Left>,
    /// The time at which the clock will check it.
    called_at: Option<Instant>,
}

impl Left {
    /// When the wait ends without a request.
    fn until(&self) -> Option<Instant> {
        self.since.checked_add(self.waits.idle?)
    }
}

impl LeftToPoller {
    /// Leaves the connection to the poller.
    pub(super) fn set(&mut self, left: Left) {
        self.wait = Some(left);
    }

    pub(super) fn is_left(&self, token: u64) -> bool {
        self.wait.as_ref().is_some_and(|left| left.token == token)
    }

    /// Takes the connection from the poller, if it is left to it with this token.
    pub(super) fn take_back(&mut self, token: u64) -> Option<Left> {
        self.wait.take_if(|left| left.token == token)
    }

    /// Takes the connection from the poller, if it is left to it.
    pub(super) fn take(&mut self) -> Option<Left> {
        self.wait.take()
    }

    /// Takes a connection whose time is over. For the clock.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Left> {
        self.called_at = self.called_at.filter(|&at| at > now);
        self.wait.take_if(|left| left.until().is_some_and(|at| at <= now))
    }

    /// Returns the time of another check that the clock has to be asked for.
    pub(super) fn next_call(&mut self) -> Option<Instant> {
        let at = self.wait.as_ref()?.until()?;
        if self.called_at.is_some_and(|called| called <= at) {
            return None;
        }
        self.called_at = Some(at);
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn left(token: u64, since: Instant, idle: Duration) -> Left {
        Left { token, since, waits: Waits { idle: Some(idle), head: None } }
    }

    #[test]
    fn clock_is_asked_again_only_for_an_earlier_time() {
        let (mut state, now) = (LeftToPoller::default(), Instant::now());
        state.set(left(0, now, 3 * SECOND));
        assert_eq!(state.next_call(), Some(now + 3 * SECOND));
        state.set(left(1, now + SECOND, 3 * SECOND));
        assert_eq!(state.next_call(), None);
        state.set(left(2, now + SECOND, SECOND));
        assert_eq!(state.next_call(), Some(now + 2 * SECOND));
    }

    #[test]
    fn wait_is_taken_when_its_time_is_over() {
        let (mut state, now) = (LeftToPoller::default(), Instant::now());
        state.set(left(0, now, 3 * SECOND));
        assert!(state.next_call().is_some());
        assert!(state.take_due(now + 2 * SECOND).is_none());
        assert_eq!(state.take_due(now + 3 * SECOND).map(|left| left.token), Some(0));
        assert_eq!(state.next_call(), None);
    }

    #[test]
    fn token_of_an_earlier_wait_takes_nothing() {
        let (mut state, now) = (LeftToPoller::default(), Instant::now());
        state.set(left(1, now, SECOND));
        assert!(!state.is_left(0) && state.take_back(0).is_none());
        assert!(state.is_left(1) && state.take_back(1).is_some());
        assert!(!state.is_left(1) && state.take().is_none());
    }
}
