//! Budgets against abuse: what each thing that a peer may do costs, and what earns it back.
//!
//! Budgets are token buckets that refill all the time, so a long life is never held against a
//! connection, and a burst of useless frames always is. [`Budgets::charge`] has every price:
//!
//! | what the peer did | budget | costs | earns back |
//! | --- | --- | --- | --- |
//! | RST_STREAM of its own stream, before the final response | resets received | 1 | |
//! | the same while the response goes out (its slot stays taken) | resets received | 1/8 | |
//! | the same after the response; RST_STREAM of a stream of ours | | | |
//! | a stream that ended as it should | resets received | | 1/4 |
//! | a frame that has us reset a stream, or a stream over our limit | resets provoked | 1 | |
//! | a request within the limit, while held slots leave no room for it | resets provoked | 1/8 | |
//! | RST_STREAM that crosses ours | | | |
//! | another RST_STREAM, or credit for more than was sent, of a stream that is over or forgotten | glitches | 1 | |
//! | another frame of such a stream, but for DATA that was on its way or is large | glitches | 1/4 | |
//! | empty DATA, PRIORITY, PRIORITY_UPDATE, GOAWAY, stray ACK, unknown types | glitches | 1 | |
//! | a request, or DATA that carries something | glitches, PINGs | | 1 of each |
//! | PING; DATA that we send | PINGs | 1 | 1 |
//! | SETTINGS and their acknowledgement | SETTINGS | 1 | |

use std::time::Instant;

use super::config::{Budget, Config};
use super::error::ConnectionError;
use crate::frame::ErrorCode;

/// One token, in the unit that buckets count: refilling for a nanosecond is a whole number of it.
const TOKEN: u64 = 1_000_000_000;

/// The most octets that we have sent for which late credit may come.
const MAX_UNCREDITED: usize = 16 << 20;

/// Something that a peer does and that has a price, or earns something back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PeerAction {
    /// RST_STREAM for a stream that the peer opened, before a final response has gone out.
    ResetBeforeResponse,
    /// RST_STREAM for a stream that the peer opened, while the response is going out.
    ResetDuringResponse,
    /// RST_STREAM after the whole response has gone out: the peer stops its upload.
    ResetAfterResponse,
    /// RST_STREAM for a stream that we opened or promised.
    ResetOfOurs,
    /// RST_STREAM for a stream that is over or forgotten, but for the first.
    LateReset,
    /// Another frame for a stream that is over or forgotten, or beyond our GOAWAY.
    LateFrame,
    /// A piece of DATA for such a stream that is worth the work.
    LateData,
    /// WINDOW_UPDATE for a stream that is over, for more than was sent.
    LateCredit,
    /// A frame that has us reset a stream.
    ProvokedReset,
    /// A stream over a limit, which we refuse.
    RefusedStream,
    /// A request that finds no slot, though fewer streams are open than we allow: work on streams that
    /// were cut short holds the slots.
    RefusedWithinLimit,
    /// A request that is accepted.
    Request,
    /// DATA with octets, or with END_STREAM.
    Data,
    /// DATA without octets that does not end its stream.
    EmptyData,
    /// A stream has ended as it should, with all of its request and its response.
    CompleteStream,
    /// PING that asks for an answer.
    Ping,
    /// An acknowledgement of a PING or SETTINGS that we never sent.
    StrayAck,
    /// SETTINGS, or an acknowledgement of ours.
    Settings,
    /// GOAWAY.
    Goaway,
    /// PRIORITY, which has no effect.
    Priority,
    /// PRIORITY_UPDATE.
    PriorityUpdate,
    /// A frame of an extension, or of an unknown type.
    Extension,
}

/// The buckets, each a limit of [`Config`].
#[derive(Debug, Clone, Copy)]
enum Bucket {
    ResetsReceived,
    ResetsProvoked,
    Glitches,
    Pings,
    Settings,
}

impl Bucket {
    /// What GOAWAY says when the bucket is empty.
    fn complaint(self) -> &'static str {
        match self {
            Bucket::ResetsReceived => "too many RST_STREAM frames",
            Bucket::ResetsProvoked => "too many streams that had to be reset",
            Bucket::Glitches => "too many frames of no use",
            Bucket::Pings => "too many PING frames",
            Bucket::Settings => "too many SETTINGS frames",
        }
    }
}

/// The budgets of one connection.
#[derive(Debug)]
pub(crate) struct Budgets {
    /// In the order of [`Bucket`].
    buckets: [TokenBucket; 5],
    /// Octets of DATA that we have sent and that the peer may give credit for when their streams have
    /// ended.
    uncredited: usize,
}

impl Budgets {
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        let buckets = [
            config.resets_received,
            config.resets_provoked,
            config.glitches,
            config.pings_received,
            config.settings_received,
        ];
        Budgets { buckets: buckets.map(|budget| TokenBucket::new(budget, now)), uncredited: 0 }
    }

    /// Charges the price of what the peer did, or puts back what it earned. This is the table of all
    /// prices.
    ///
    /// # Errors
    ///
    /// ENHANCE_YOUR_CALM if the budget is used up.
    #[inline]
    pub(crate) fn charge(
        &mut self,
        action: PeerAction,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        use Bucket::*;
        match action {
            // Rapid reset (CVE-2023-44487): what a reset wastes is the work on a response that
            // nobody reads. One that has begun holds its slot until its handler has ended, so the
            // reset buys no further work at once: a browser leaves a page of 128 images so.
            PeerAction::ResetBeforeResponse => self.take(ResetsReceived, TOKEN, now),
            PeerAction::ResetDuringResponse => self.take(ResetsReceived, TOKEN / 8, now),
            PeerAction::ResetAfterResponse => Ok(()),
            // A server can only reset what its client has asked for, and a client what its server
            // promised without being asked.
            PeerAction::ResetOfOurs => Ok(()),
            // A connection that many share may have one request in five cancelled at any rate.
            PeerAction::CompleteStream => self.put_back(ResetsReceived, TOKEN / 4),

            // Frames cross a reset of ours, also when so many streams came after that it is
            // forgotten: an honest race.
            PeerAction::LateReset => self.take(Glitches, TOKEN, now),
            PeerAction::LateFrame => self.take(Glitches, TOKEN / 4, now),
            PeerAction::LateData => Ok(()),
            PeerAction::LateCredit => self.take(Glitches, TOKEN, now),

            // MadeYouReset (CVE-2025-8671).
            PeerAction::ProvokedReset => self.take(ResetsProvoked, TOKEN, now),
            PeerAction::RefusedStream => self.take(ResetsProvoked, TOKEN, now),
            // The peer cannot know which slots are held. One whose requests time out sends others, and
            // each is refused at next to no cost while our handlers hang.
            PeerAction::RefusedWithinLimit => self.take(ResetsProvoked, TOKEN / 8, now),

            // Frames that carry something earn back a glitch, so that honest traffic with empty
            // DATA frames (gRPC) never runs out; and a PING, which gRPC sends once a round trip
            // while data flows, to measure the bandwidth.
            PeerAction::Request | PeerAction::Data => {
                self.put_back(Glitches, TOKEN)?;
                self.put_back(Pings, TOKEN)
            }
            PeerAction::EmptyData => self.take(Glitches, TOKEN, now),

            PeerAction::Ping => self.take(Pings, TOKEN, now),
            PeerAction::Settings => self.take(Settings, TOKEN, now),
            PeerAction::StrayAck => self.take(Glitches, TOKEN, now),
            PeerAction::Goaway => self.take(Glitches, TOKEN, now),
            PeerAction::Priority => self.take(Glitches, TOKEN, now),
            PeerAction::PriorityUpdate => self.take(Glitches, TOKEN, now),
            PeerAction::Extension => self.take(Glitches, TOKEN, now),
        }
    }

    /// Counts a frame of DATA that the peer's windows allowed us to send.
    pub(crate) fn sent(&mut self, octets: usize) {
        self.buckets[Bucket::Pings as usize].put_back(TOKEN);
        self.uncredited = self.uncredited.saturating_add(octets).min(MAX_UNCREDITED);
    }

    /// Charges WINDOW_UPDATE for a stream that has ended. A response goes out in one write, and its
    /// client gives credit for each few KiB that it has read of it: credit for no more octets than
    /// were sent is free.
    pub(crate) fn charge_late_credit(
        &mut self,
        octets: usize,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        match self.uncredited.checked_sub(octets) {
            Some(rest) => {
                self.uncredited = rest;
                Ok(())
            }
            None => self.charge(PeerAction::LateCredit, now),
        }
    }

    fn take(&mut self, bucket: Bucket, tokens: u64, now: Instant) -> Result<(), ConnectionError> {
        if self.buckets[bucket as usize].take(tokens, now) {
            Ok(())
        } else {
            Err(ConnectionError::limit(ErrorCode::EnhanceYourCalm, bucket.complaint()))
        }
    }

    fn put_back(&mut self, bucket: Bucket, tokens: u64) -> Result<(), ConnectionError> {
        self.buckets[bucket as usize].put_back(tokens);
        Ok(())
    }
}

/// A bucket of `burst` tokens that gains `per_second` tokens a second, and never holds more than
/// the burst.
#[derive(Debug, Clone)]
struct TokenBucket {
    budget: Budget,
    /// What is in it, as of `refilled`.
    level: u64,
    refilled: Instant,
}

impl TokenBucket {
    fn new(budget: Budget, now: Instant) -> Self {
        TokenBucket { budget, level: u64::from(budget.burst) * TOKEN, refilled: now }
    }

    fn take(&mut self, tokens: u64, now: Instant) -> bool {
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
    fn put_back(&mut self, tokens: u64) {
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
