//! Budgets against abuse: token buckets, which refill.

use std::time::Instant;

/// One token, in the unit that buckets count: refilling for a nanosecond is a whole number of it.
pub(crate) const TOKEN: u64 = 1_000_000_000;

/// A limit on how often a peer may do something: `burst` times at once, and `per_second` times a second.
///
/// It is a token bucket. It refills, so a connection that lives for weeks is not ended for what it has done
/// in total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The number allowed at once; at least 1.
    pub burst: u32,
    /// The number regained each second.
    pub per_second: u32,
}

impl Budget {
    /// Returns a budget of `burst` at once and `per_second` after that.
    pub const fn new(burst: u32, per_second: u32) -> Self {
        Budget { burst, per_second }
    }
}

/// A bucket of `burst` tokens that gains `per_second` tokens a second, and never holds more than
/// the burst.
#[derive(Debug, Clone)]
pub(crate) struct TokenBucket {
    budget: Budget,
    /// The content at the time `refilled`.
    level: u64,
    refilled: Instant,
}

impl TokenBucket {
    pub(crate) fn new(budget: Budget, now: Instant) -> Self {
        TokenBucket { budget, level: u64::from(budget.burst) * TOKEN, refilled: now }
    }

    pub(crate) fn take(&mut self, tokens: u64, now: Instant) -> bool {
        self.refill(now);
        match self.level.checked_sub(tokens) {
            Some(rest) => {
                self.level = rest;
                true
            }
            None => false,
        }
    }

    // What came in by time since `refilled` may be added before or after: the sum is the same.
    pub(crate) fn put_back(&mut self, tokens: u64) {
        self.level = self.level.saturating_add(tokens).min(u64::from(self.budget.burst) * TOKEN);
    }

    /// Adds what time has brought. Each nanosecond counts once, also one in which the bucket was
    /// full; a clock that goes back counts nothing.
    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.refilled);
        if !elapsed.is_zero() {
            let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
            self.put_back(nanos.saturating_mul(u64::from(self.budget.per_second)));
            self.refilled = now;
        }
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
        assert!((0..3).all(|_| bucket.take(TOKEN, now)));
        assert!(!bucket.take(TOKEN, now));
    }

    #[test]
    fn a_bucket_refills_with_time() {
        let (mut bucket, now) = bucket(1, 10);
        assert!(bucket.take(TOKEN, now));
        assert!(!bucket.take(TOKEN, now + Duration::from_millis(99)));
        assert!(bucket.take(TOKEN, now + Duration::from_millis(200)));
    }

    #[test]
    fn time_in_which_the_bucket_was_full_does_not_count_again() {
        let (mut bucket, now) = bucket(100, 10);
        let later = now + Duration::from_secs(60);
        assert!((0..100).all(|_| bucket.take(TOKEN, later)));
        assert!(!bucket.take(TOKEN, later));
        assert!((0..10).all(|_| bucket.take(TOKEN, later + Duration::from_secs(1))));
        assert!(!bucket.take(TOKEN, later + Duration::from_secs(1)));
    }

    #[test]
    fn looking_often_refills_as_fast_as_looking_once() {
        let (mut often, now) = bucket(10, 3);
        let (mut once, _) = (often.clone(), now);
        assert!(often.take(10 * TOKEN, now) && once.take(10 * TOKEN, now));
        let at = |n: u32| now + Duration::from_micros(7) * n;
        (0..100_000).for_each(|n| assert!(often.take(0, at(n))));
        assert!(once.take(0, at(99_999)));
        assert_eq!(often.level, once.level);
    }

    #[test]
    fn a_steady_rate_below_the_refill_never_runs_dry() {
        let (mut bucket, now) = bucket(5, 10);
        assert!((0..10_000u64).all(|i| bucket.take(TOKEN, now + Duration::from_millis(i * 100))));
    }

    #[test]
    fn a_clock_that_steps_back_is_harmless() {
        let (mut bucket, now) = bucket(1, 1_000);
        assert!(bucket.take(TOKEN, now + Duration::from_secs(10)));
        assert!(!bucket.take(TOKEN, now));
    }

    #[test]
    fn the_largest_budget_does_not_overflow() {
        let (mut bucket, now) = bucket(u32::MAX, u32::MAX);
        assert!(bucket.take(TOKEN, now + Duration::from_secs(u64::from(u32::MAX))));
        assert_eq!(bucket.level, (u64::from(u32::MAX) - 1) * TOKEN);
    }
}
