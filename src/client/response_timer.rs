//! The timeout of a response whose request is sent by the other half of the stream.

use std::time::{Duration, Instant};

use crate::error::{Error, Phase};
use crate::halves::EndedAt;
use crate::proto::GRACE;

/// Limits how long a response may take once the request has been sent.
#[derive(Debug)]
pub(super) struct ResponseTimer {
    timeout: Duration,
    /// Empty while the request is being sent.
    sent_at: EndedAt,
}

impl ResponseTimer {
    pub(super) fn new(timeout: Duration, sent_at: EndedAt) -> Self {
        ResponseTimer { timeout, sent_at }
    }

    /// Calls `wait` with a deadline until it returns a response, or fails for another reason than
    /// that deadline. `limit` bounds the call in any case.
    ///
    /// While the request is being sent, each wait is as long as the timeout. If the request ends
    /// during a wait, the response is not late before the end of that wait, so the thread that
    /// sends need not wake this one.
    pub(super) fn run<T>(
        &self,
        limit: Option<Instant>,
        mut wait: impl FnMut(Option<Instant>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let began = Instant::now();
        loop {
            let sent_at = self.sent_at.get().copied();
            let late_at = sent_at.unwrap_or_else(Instant::now).checked_add(self.timeout);
            let until = match late_at {
                // The response may have arrived in time, and may not have been read yet.
                Some(late_at) if late_at <= began => began.checked_add(GRACE),
                late_at => late_at,
            };
            let until = [until, limit].into_iter().flatten().min();
            let result = wait(until);
            let now = Instant::now();
            let is_past = |at: Option<Instant>| at.is_some_and(|at| at <= now);
            match result {
                // The connection may have failed by a timeout too, such as that of a PING.
                Err(error) if error.is_timeout() && is_past(until) && !is_past(limit) => {
                    if sent_at.is_some() {
                        let error = error.by_setting("response_timeout", self.timeout);
                        return Err(error.in_phase(Phase::Response));
                    }
                }
                result => return result,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    const SHORT: Duration = Duration::from_millis(2);
    const LONG: Duration = Duration::from_secs(60);

    /// A wait in which nothing arrives.
    fn nothing_until(until: Option<Instant>) -> Result<(), Error> {
        thread::sleep(until.unwrap().saturating_duration_since(Instant::now()));
        Err(Error::late("no response came"))
    }

    #[test]
    fn time_begins_when_the_request_has_been_sent() {
        let sent_at = EndedAt::default();
        let timer = ResponseTimer::new(SHORT, Arc::clone(&sent_at));
        let mut waits = 0;
        let error = timer.run(None, |until| {
            waits += 1;
            if waits == 5 {
                sent_at.set(Instant::now()).unwrap();
            }
            nothing_until(until)
        });
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), "no response came within 2ms (response_timeout)");
        assert_eq!(error.phase(), Some(Phase::Response));
        assert!(waits >= 5 && sent_at.get().unwrap().elapsed() >= SHORT);
    }

    #[test]
    fn response_that_arrived_in_time_may_be_taken_later() {
        let timer = ResponseTimer::new(Duration::ZERO, Arc::new(Instant::now().into()));
        let mut waits = 0;
        let response = timer.run(None, |until| {
            waits += 1;
            assert!(until.unwrap() > Instant::now(), "there is time to read it");
            Ok("response")
        });
        assert_eq!((response.unwrap(), waits), ("response", 1));
    }

    #[test]
    fn caller_s_own_limit_holds_while_the_request_is_being_sent() {
        let timer = ResponseTimer::new(LONG, EndedAt::default());
        let error = timer.run(Instant::now().checked_add(SHORT), nothing_until).unwrap_err();
        assert_eq!(error.to_string(), "no response came in time");
    }

    #[test]
    fn timeout_of_the_connection_ends_the_wait() {
        let timer = ResponseTimer::new(LONG, EndedAt::default());
        let error = timer.run(None, |_| Err::<(), _>(Error::timeout("no PONG"))).unwrap_err();
        assert_eq!(error.to_string(), "no PONG");
    }
}
