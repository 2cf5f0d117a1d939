//! What has come for one stream and has not been taken yet.

use std::collections::VecDeque;
use std::thread::{self, Thread};

use bytes::Bytes;

use super::wake_batching::WakeBatching;
use crate::error::Error;
use crate::hpack::Headers;
use crate::proto::HeadersKind;

/// Pieces of DATA up to this size are joined to what waits already.
const SMALL: usize = 4 << 10;
/// What waits does not grow beyond this by joining.
const JOINED: usize = 16 << 10;

/// What the core has told of one stream. It lives until the stream is over *and* the application
/// has done with it.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Responses, interim and final, at a client.
    pub(crate) responses: VecDeque<(Headers, HeadersKind)>,
    pub(crate) data: VecDeque<Bytes>,
    /// Octets of `data`, and of what has been taken and not been given back.
    pub(super) held: usize,
    pub(crate) trailers: Option<Headers>,
    /// The peer has sent END_STREAM.
    pub(crate) has_ended: bool,
    /// Why the stream ended before its time.
    pub(crate) failure: Option<Error>,
    /// The core has done with the stream.
    pub(crate) is_closed: bool,
    /// The stream was reset and keeps its slot until the application has done with it.
    pub(crate) holds_slot: bool,
    /// Halves of the stream that the application has.
    pub(crate) halves: u8,
    /// The application has done with the stream.
    pub(crate) is_released: bool,
    /// What comes is of no interest any more.
    pub(crate) is_declined: bool,
    /// It carries a tunnel, whose handler has answered.
    pub(crate) is_tunnel: bool,
    /// A thread that has neither half may end the stream.
    pub(super) is_interruptible: bool,
    /// A send was refused for lack of room, and there is none yet.
    pub(crate) is_full: bool,
    /// Threads that wait for the stream: one that reads, one that writes.
    waiting: [Option<Thread>; 2],
    /// Threads that wait for nothing but the stream's end.
    watching: Vec<Thread>,
    batching: WakeBatching,
}

/// Which half of a stream a thread waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    Recv,
    Send,
    /// Either of them, for a thread that has both.
    Either,
    /// Neither: the thread waits for the stream's end.
    End,
}

impl Inbox {
    pub(crate) fn new(has_ended: bool) -> Self {
        // Where nothing comes, nobody has to wait for it.
        Inbox { has_ended, halves: if has_ended { 1 } else { 2 }, ..Inbox::default() }
    }

    /// Whether nothing more comes.
    pub(crate) fn is_over(&self) -> bool {
        self.failure.is_some() || self.is_closed
    }

    /// Whether there is no room to send, and nothing else to tell the sender either.
    pub(super) fn is_blocked(&self) -> bool {
        self.is_full && !self.is_closed
    }

    /// The application has done with the stream. Whether the core has as well.
    pub(super) fn release(&mut self) -> bool {
        self.is_released = true;
        self.is_declined = true;
        self.data.clear();
        self.is_closed
    }

    /// Adds DATA that has come. The window bounds its octets; a peer that sends them one by one, so
    /// that the core cannot join them, would have us keep dozens of octets for each.
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
            // It is a part of something larger.
            Err(last) => self.data.extend([last, data]),
        }
    }

    /// Notes the thread that waits, or that it waits no more.
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
    /// be woken yet, in a window of that size.
    pub(super) fn defers_wake(&mut self, octets: usize, window: impl FnOnce() -> usize) -> bool {
        self.batching.came(octets);
        self.waiting[0].is_some() && self.batching.may_defer(self.waiting_octets(), window())
    }

    /// The thread that waits is not woken. Whether it was before.
    pub(super) fn begins_to_defer(&mut self) -> bool {
        self.batching.begins_to_defer()
    }

    /// Wakes a thread that was not woken, unless much more has come for it since the last tick.
    /// Whether its wake stays deferred.
    pub(super) fn check_deferred_wake(&mut self, wake: &mut Vec<Thread>) -> bool {
        let goes_on = self.batching.look(self.waiting_octets());
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
