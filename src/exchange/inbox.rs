//! The input of one stream that was not taken yet.

use std::collections::VecDeque;
use std::thread::{self, Thread};

use bytes::Bytes;

use super::wake_batching::WakeBatching;
use crate::error::Error;
use crate::hpack::Headers;
use crate::proto::HeadersKind;

/// DATA up to this size in octets is appended to the last piece.
const SMALL: usize = 4 << 10;
/// Pieces do not grow beyond this size by appending.
const JOINED: usize = 16 << 10;

/// The state of one stream outside of the core. It lives until the stream has ended *and* the
/// application has finished with it.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Responses, interim and final, at a client.
    pub(crate) responses: VecDeque<(Headers, HeadersKind)>,
    pub(crate) data: VecDeque<Bytes>,
    /// Octets of `data`, and of what has been taken and not been given back.
    pub(super) held: usize,
    pub(crate) trailers: Option<Headers>,
    /// The field section that had END_STREAM, for the half that sends. It stays when it is taken.
    pub(super) last_section: Option<Headers>,
    /// Whether the peer has sent END_STREAM.
    pub(crate) has_ended: bool,
    /// The reason for a premature end of the stream.
    pub(crate) failure: Option<Error>,
    /// Whether the stream has ended in the core.
    pub(crate) is_closed: bool,
    /// Whether the stream was reset and keeps its slot until the application has finished with it.
    pub(crate) holds_slot: bool,
    /// The number of halves that the application holds.
    pub(crate) halves: u8,
    /// Whether the application has finished with the stream.
    pub(crate) is_released: bool,
    /// Whether further input is discarded.
    pub(crate) is_declined: bool,
    /// Whether it carries a tunnel, whose handler has responded.
    pub(crate) is_tunnel: bool,
    /// Whether a thread without a half may end the stream.
    pub(super) is_interruptible: bool,
    /// Whether a send was refused for lack of room, and there is still none.
    pub(crate) is_full: bool,
    /// The threads that wait for the stream: a reader and a writer.
    waiting: [Option<Thread>; 2],
    /// Threads that only wait for the end of the stream.
    watching: Vec<Thread>,
    batching: WakeBatching,
}

/// The half of a stream that a thread waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    Recv,
    Send,
    /// Either half, for a thread that has both.
    Either,
    /// Neither: the thread waits for the end of the stream.
    End,
}

impl Inbox {
    pub(crate) fn new(has_ended: bool) -> Self {
        // A half without input needs no reader.
        Inbox { has_ended, halves: if has_ended { 1 } else { 2 }, ..Inbox::default() }
    }

    /// Returns whether nothing more arrives.
    pub(crate) fn is_over(&self) -> bool {
        self.failure.is_some() || self.is_closed
    }

    /// Returns whether a sender has to wait: there is no room, and no error to report.
    pub(super) fn is_blocked(&self) -> bool {
        self.is_full && !self.is_closed
    }

    /// Records that the application has finished with the stream. Returns whether the core has too.
    pub(super) fn release(&mut self) -> bool {
        self.is_released = true;
        self.is_declined = true;
        self.data.clear();
        self.is_closed
    }

    /// Appends DATA. The window bounds the octets, but not the pieces: single octets would take
    /// dozens of octets of memory each, if they were not joined.
    pub(super) fn push_data(&mut self, data: Bytes) {
        self.held += data.len();
        let joins = |last: &Bytes| data.len() <= SMALL && last.len() + data.len() <= JOINED;
        if !self.data.back().is_some_and(joins) {
            return self.data.push_back(data);
        }
        match self.data.pop_back().unwrap_or_default().try_into_mut() {
            Ok(mut joined) => {
                joined.extend_from_slice(&data);
                self.data.push_back(joined.freeze());
            }
            // The piece is part of a larger buffer.
            Err(last) => self.data.extend([last, data]),
        }
    }

    /// Records the waiting thread, or that it no longer waits.
    pub(super) fn set_waiting(&mut self, half: Half, thread: Option<Thread>) {
        match half {
            Half::Recv => self.waiting[0] = thread,
            Half::Send => self.waiting[1] = thread,
            Half::Either => self.waiting = [thread.clone(), thread],
            Half::End => match thread {
                Some(thread) => self.watching.push(thread),
                None => self.watching.retain(|thread| thread.id() != thread::current().id()),
            },
        }
    }

    /// A piece of the body has come that is not the last. Whether the thread that waits for it need not
    /// be woken yet. `body` returns the size of the window, and whether more of the body has been
    /// announced.
    pub(super) fn defers_wake(
        &mut self,
        octets: usize,
        body: impl FnOnce() -> (usize, bool),
    ) -> bool {
        self.batching.came(octets);
        let may_defer = |(window, is_announced)| {
            self.batching.may_defer(self.waiting_octets(), window, is_announced)
        };
        self.waiting[0].is_some() && may_defer(body())
    }

    /// Defers the wake of the reader. Returns whether it was not deferred before.
    pub(super) fn begins_to_defer(&mut self) -> bool {
        self.batching.begins_to_defer()
    }

    /// Wakes a reader with a deferred wake, unless much has arrived since the last tick. Returns
    /// whether the wake stays deferred.
    pub(super) fn check_deferred_wake(&mut self, wake: &mut Vec<Thread>) -> bool {
        let goes_on = self.batching.tick(self.waiting_octets());
        if goes_on == Some(false) {
            self.wake(Half::Recv, wake);
        }
        goes_on == Some(true)
    }

    fn waiting_octets(&self) -> usize {
        self.data.iter().map(Bytes::len).sum()
    }

    /// Moves the threads to be woken into `wake`.
    pub(super) fn wake(&mut self, half: Half, wake: &mut Vec<Thread>) {
        match half {
            Half::Recv => {
                self.batching.wake();
                wake.extend(self.waiting[0].take());
            }
            Half::Send => wake.extend(self.waiting[1].take()),
            Half::Either => {
                self.wake(Half::Recv, wake);
                self.wake(Half::Send, wake);
            }
            Half::End => wake.append(&mut self.watching),
        }
    }

    pub(super) fn wake_all(&mut self, wake: &mut Vec<Thread>) {
        self.wake(Half::Either, wake);
        self.wake(Half::End, wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(inbox: &Inbox) -> Vec<usize> {
        inbox.data.iter().map(Bytes::len).collect()
    }

    #[test]
    fn octets_that_come_one_by_one_are_joined_while_they_wait() {
        let mut inbox = Inbox::default();
        let octets: Vec<u8> = (0..JOINED + 10).map(|n| n as u8).collect();
        octets.iter().for_each(|octet| inbox.push_data(Bytes::copy_from_slice(&[*octet])));
        assert_eq!(pieces(&inbox), [JOINED, 10]);
        assert_eq!(inbox.data.iter().flatten().copied().collect::<Vec<_>>(), octets);
    }

    #[test]
    fn large_pieces_stay_as_they_are() {
        let mut inbox = Inbox::default();
        for len in [SMALL + 1, 1, 2, SMALL + 1, JOINED, 3] {
            inbox.push_data(Bytes::from(vec![0; len]));
        }
        assert_eq!(pieces(&inbox), [SMALL + 4, SMALL + 1, JOINED, 3]);
    }

    #[test]
    fn a_piece_that_is_shared_is_not_written_to() {
        let mut inbox = Inbox::default();
        let shared = Bytes::from_static(b"shared");
        inbox.push_data(shared);
        inbox.push_data(Bytes::from_static(b"next"));
        assert_eq!(pieces(&inbox), [6, 4]);
    }
}
