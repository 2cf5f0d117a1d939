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

use super::config::Config;
use super::error::ConnectionError;
use crate::budget::{TokenBucket, TOKEN};
use crate::frame::ErrorCode;

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
