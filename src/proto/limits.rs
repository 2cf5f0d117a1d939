//! Budgets against abuse: token buckets that refill, so that a long life is never held against a
//! connection, and a burst of rubbish always is.

use std::time::Instant;

use super::config::{Budget, Config};
use super::error::ConnectionError;
use crate::frame::ErrorCode;

/// Tokens are counted in thousandths so that slow refills add up.
const SCALE: u64 = 1_000;

/// The most octets that we have sent for which late credit may come.
const MAX_UNCREDITED: usize = 16 << 20;

/// A bucket that holds `burst` tokens and gains `per_second` tokens a second.
#[derive(Debug, Clone)]
pub(crate) struct TokenBucket {
    budget: Budget,
    level: u64,
    refilled: Instant,
}

impl TokenBucket {
    pub(crate) fn new(budget: Budget, now: Instant) -> Self {
        TokenBucket { budget, level: u64::from(budget.burst) * SCALE, refilled: now }
    }

    /// Takes one token; `false` when there is none.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        if self.level < SCALE {
            self.refill(now);
        }
        if self.level < SCALE {
            return false;
        }
        self.level -= SCALE;
        true
    }

    /// Puts one token back, up to the burst.
    pub(crate) fn put_back(&mut self) {
        self.put_back_thousandths(SCALE);
    }

    fn put_back_thousandths(&mut self, gained: u64) {
        self.level = (self.level + gained).min(u64::from(self.budget.burst) * SCALE);
    }

    /// Refilling only when the bucket runs dry gives the same verdicts as refilling at each take,
    /// except that what overflows the burst in between is not lost to rounding.
    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.refilled).as_millis();
        let gained = u64::try_from(elapsed)
            .unwrap_or(u64::MAX)
            .saturating_mul(u64::from(self.budget.per_second));
        if gained > 0 {
            self.level =
                self.level.saturating_add(gained).min(u64::from(self.budget.burst) * SCALE);
            self.refilled = now;
        }
    }
}

/// The budgets of one connection.
#[derive(Debug)]
pub(crate) struct Budgets {
    resets_received: TokenBucket,
    resets_provoked: TokenBucket,
    glitches: TokenBucket,
    pings: TokenBucket,
    settings: TokenBucket,
    /// Octets of DATA that we have sent and that the peer may give credit for when their streams have
    /// ended.
    uncredited: usize,
}

impl Budgets {
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        Budgets {
            resets_received: TokenBucket::new(config.resets_received, now),
            resets_provoked: TokenBucket::new(config.resets_provoked, now),
            glitches: TokenBucket::new(config.glitches, now),
            pings: TokenBucket::new(config.pings_received, now),
            settings: TokenBucket::new(config.settings_received, now),
            uncredited: 0,
        }
    }

    /// The peer has reset a stream (rapid reset, CVE-2023-44487).
    pub(crate) fn reset_received(&mut self, now: Instant) -> Result<(), ConnectionError> {
        charge(&mut self.resets_received, now, "too many RST_STREAM frames")
    }

    /// A stream has ended as it should, with all of its request and its response. Ten of these earn
    /// back one reset: a connection that many share, and that carries thousands of requests a second,
    /// may have one in eleven of them cancelled for ever. Who resets for nothing else would have to
    /// send ten real requests for each.
    pub(crate) fn answered(&mut self) {
        self.resets_received.put_back_thousandths(SCALE / 10);
    }

    /// The peer has made us reset a stream (MadeYouReset, CVE-2025-8671).
    pub(crate) fn reset_provoked(&mut self, now: Instant) -> Result<(), ConnectionError> {
        charge(&mut self.resets_provoked, now, "too many streams that had to be reset")
    }

    /// A frame that is legal and of no use: PRIORITY, unknown types, empty DATA, …
    pub(crate) fn glitch(&mut self, now: Instant) -> Result<(), ConnectionError> {
        charge(&mut self.glitches, now, "too many frames of no use")
    }

    /// A frame that carried something earns back one glitch, so that honest traffic with an empty
    /// DATA frame here and there (gRPC) never runs out; and one PING, which gRPC sends once a round
    /// trip while data flows, to measure the bandwidth.
    pub(crate) fn useful(&mut self) {
        self.glitches.put_back();
        self.pings.put_back();
    }

    /// DATA that we send earns back a PING as well.
    pub(crate) fn served(&mut self, octets: usize) {
        self.pings.put_back();
        self.uncredited = self.uncredited.saturating_add(octets).min(MAX_UNCREDITED);
    }

    /// Credit for a stream that has ended. A response goes out in one write, and its client gives credit
    /// for each few KiB that it has read of it: that is no abuse while it is no more than we have sent.
    pub(crate) fn late_credit(
        &mut self,
        octets: usize,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        match self.uncredited.checked_sub(octets) {
            Some(rest) => {
                self.uncredited = rest;
                Ok(())
            }
            None => self.glitch(now),
        }
    }

    pub(crate) fn ping(&mut self, now: Instant) -> Result<(), ConnectionError> {
        charge(&mut self.pings, now, "too many PING frames")
    }

    pub(crate) fn settings(&mut self, now: Instant) -> Result<(), ConnectionError> {
        charge(&mut self.settings, now, "too many SETTINGS frames")
    }
}

fn charge(
    bucket: &mut TokenBucket,
    now: Instant,
    what: &'static str,
) -> Result<(), ConnectionError> {
    if bucket.take(now) {
        Ok(())
    } else {
        Err(ConnectionError::limit(ErrorCode::EnhanceYourCalm, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn bucket(burst: u32, per_second: u32) -> (TokenBucket, Instant) {
        let now = Instant::now();
        (TokenBucket::new(Budget { burst, per_second }, now), now)
    }

    #[test]
    fn a_burst_is_allowed_and_no_more() {
        let (mut bucket, now) = bucket(3, 1);
        assert!((0..3).all(|_| bucket.take(now)));
        assert!(!bucket.take(now));
    }

    #[test]
    fn a_bucket_refills_with_time() {
        let (mut bucket, now) = bucket(1, 10);
        assert!(bucket.take(now));
        assert!(!bucket.take(now + Duration::from_millis(99)));
        assert!(bucket.take(now + Duration::from_millis(200)));
    }

    #[test]
    fn a_steady_rate_below_the_refill_never_runs_dry() {
        let (mut bucket, now) = bucket(5, 10);
        assert!((0..10_000u64).all(|i| bucket.take(now + Duration::from_millis(i * 100))));
    }

    #[test]
    fn a_clock_that_steps_back_is_harmless() {
        let (mut bucket, now) = bucket(1, 1_000);
        assert!(bucket.take(now + Duration::from_secs(10)));
        assert!(!bucket.take(now));
    }
}
