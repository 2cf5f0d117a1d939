//! Budgets against abuse: the price of each action of the peer, and what refunds it.
//! Budgets are token buckets that refill continuously, so they tolerate a long-lived connection and
//! stop a burst of useless frames. [`Budgets::charge`] has every price:
//!
//! | the peer's action | budget | costs | refunds |
//! | --- | --- | --- | --- |
//! | RST_STREAM of a stream it opened, before the final response | resets received | 1 | |
//! | RST_STREAM of such a stream during the response (its slot stays taken) | resets received | 1/8 | |
//! | RST_STREAM of such a stream after the response; of a locally opened stream | | | |
//! | a stream that ended normally | resets received | | 1/4 |
//! | a frame that forces us to reset a stream, or a stream over our limit | resets provoked | 1 | |
//! | a request within the limit while held slots leave no room for it | resets provoked | 1/8 | |
//! | RST_STREAM that crosses our own | | | |
//! | another RST_STREAM, or credit for more than was sent, for an ended or forgotten stream | glitches | 1 | |
//! | another frame for such a stream, except DATA that was in flight or is large | glitches | 1/4 | |
//! | empty DATA, PRIORITY, PRIORITY_UPDATE, GOAWAY, stray ACK, unknown types | glitches | 1 | |
//! | a request, or DATA with content | glitches, PINGs | | 1 each |
//! | PING received; DATA sent | PINGs | 1 | 1 |
//! | SETTINGS and their acknowledgments | SETTINGS | 1 | |

use std::time::Instant;

use super::config::Config;
use super::error::ConnectionError;
use super::stats::BUDGETS;
use crate::budget::{TOKEN, TokenBucket};
use crate::frame::ErrorCode;

/// Maximum octets sent for which late credit is free.
const MAX_UNCREDITED: usize = 16 << 20;

/// An action of the peer that costs or refunds tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PeerAction {
    /// RST_STREAM for a stream that the peer opened, before the final response was sent.
    ResetBeforeResponse,
    /// RST_STREAM for a stream that the peer opened, during the response.
    ResetDuringResponse,
    /// RST_STREAM after the complete response: the peer stops its upload.
    ResetAfterResponse,
    /// RST_STREAM for a stream that we opened or promised.
    ResetOfOurs,
    /// RST_STREAM for an ended or forgotten stream, except the first.
    LateReset,
    /// Another frame for an ended or forgotten stream, or one beyond our GOAWAY.
    LateFrame,
    /// DATA for such a stream, large enough to be worth its processing.
    LateData,
    /// WINDOW_UPDATE for an ended stream that exceeds what was sent.
    LateCredit,
    /// A frame that forces us to reset a stream.
    ProvokedReset,
    /// A stream over a limit, which is refused.
    RefusedStream,
    /// A request that finds no slot although fewer streams are open than allowed: work on cancelled
    /// streams holds the slots.
    RefusedWithinLimit,
    /// An accepted request.
    Request,
    /// DATA with octets, or with END_STREAM.
    Data,
    /// DATA without octets and without END_STREAM.
    EmptyData,
    /// A stream has ended normally, with its complete request and response.
    CompleteStream,
    /// PING without the ACK flag.
    Ping,
    /// An acknowledgment of a PING or SETTINGS that was never sent.
    StrayAck,
    /// SETTINGS, or an acknowledgment of ours.
    Settings,
    /// GOAWAY.
    Goaway,
    /// PRIORITY, which has no effect.
    Priority,
    /// PRIORITY_UPDATE.
    PriorityUpdate,
    /// A frame of an extension or of an unknown type.
    Extension,
}

/// The buckets, each a limit of [`Config`], in the order of [`BUDGETS`].
#[derive(Debug, Clone, Copy)]
enum Bucket {
    ResetsReceived,
    ResetsProvoked,
    Glitches,
    Pings,
    Settings,
}

impl Bucket {
    /// Returns the debug data of the GOAWAY sent when the bucket is empty.
    fn complaint(self) -> &'static str {
        match self {
            Bucket::ResetsReceived => "too many RST_STREAM frames",
            Bucket::ResetsProvoked => "too many streams that had to be reset",
            Bucket::Glitches => "too many useless frames (glitches)",
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
    /// Octets of DATA sent for which the peer may still grant credit after their streams have
    /// ended.
    uncredited: usize,
    exhausted: Option<Bucket>,
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
        Budgets {
            buckets: buckets.map(|budget| TokenBucket::new(budget, now)),
            uncredited: 0,
            exhausted: None,
        }
    }

    /// Charges the price of the peer's action, or refunds what it earns. This `match` holds all
    /// prices.
    ///
    /// # Errors
    ///
    /// ENHANCE_YOUR_CALM if the budget is exhausted.
    #[inline]
    pub(crate) fn charge(
        &mut self,
        action: PeerAction,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        use Bucket::*;
        match action {
            // Rapid reset (CVE-2023-44487): a reset wastes the work on a response that is no longer
            // wanted. Once the response has begun, its slot is held until the handler returns, so
            // the reset does not permit further work at once. A browser that leaves a page of 128
            // images does this.
            PeerAction::ResetBeforeResponse => self.take(ResetsReceived, TOKEN, now),
            PeerAction::ResetDuringResponse => self.take(ResetsReceived, TOKEN / 8, now),
            PeerAction::ResetAfterResponse => Ok(()),
            // A server can only reset what its client requested, and a client what its server
            // promised unasked.
            PeerAction::ResetOfOurs => Ok(()),
            // A connection shared by many users may have one request in five cancelled at any rate.
            PeerAction::CompleteStream => self.put_back(ResetsReceived, TOKEN / 4),

            // Frames may cross our reset, even if so many streams followed that it is forgotten: a
            // legitimate race.
            PeerAction::LateReset => self.take(Glitches, TOKEN, now),
            PeerAction::LateFrame => self.take(Glitches, TOKEN / 4, now),
            PeerAction::LateData => Ok(()),
            PeerAction::LateCredit => self.take(Glitches, TOKEN, now),

            // MadeYouReset (CVE-2025-8671).
            PeerAction::ProvokedReset => self.take(ResetsProvoked, TOKEN, now),
            PeerAction::RefusedStream => self.take(ResetsProvoked, TOKEN, now),
            // The peer cannot know which slots are held. A client whose requests time out sends
            // others, and refusing each costs next to nothing while our handlers hang.
            PeerAction::RefusedWithinLimit => self.take(ResetsProvoked, TOKEN / 8, now),

            // Frames with content refund a glitch, so that legitimate traffic with empty DATA
            // frames (gRPC) never exhausts the budget; and a PING, which gRPC sends once per round
            // trip while data flows, to measure bandwidth.
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

    /// Counts a sent DATA frame.
    pub(crate) fn sent(&mut self, octets: usize) {
        self.buckets[Bucket::Pings as usize].put_back(TOKEN);
        self.uncredited = self.uncredited.saturating_add(octets).min(MAX_UNCREDITED);
    }

    /// Charges WINDOW_UPDATE for an ended stream. A response is sent in one write, and its client
    /// grants credit for every few KiB it reads: credit for no more octets than were sent is free.
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
            self.exhausted = Some(bucket);
            Err(ConnectionError::limit(ErrorCode::EnhanceYourCalm, bucket.complaint()))
        }
    }

    /// Returns the name of the budget that is exhausted.
    pub(crate) fn exhausted(&self) -> Option<&'static str> {
        self.exhausted.map(|bucket| BUDGETS[bucket as usize])
    }

    fn put_back(&mut self, bucket: Bucket, tokens: u64) -> Result<(), ConnectionError> {
        self.buckets[bucket as usize].put_back(tokens);
        Ok(())
    }
}
