//! What has come for one stream and has not been taken yet.

use std::collections::VecDeque;
use std::thread::Thread;

use bytes::Bytes;

use crate::error::Error;
use crate::hpack::Headers;
use crate::proto::HeadersKind;

/// What the core has told of one stream. It lives until the stream is over *and* the application
/// has done with it.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Responses, interim and final, at a client.
    pub(crate) responses: VecDeque<(Headers, HeadersKind)>,
    pub(crate) data: VecDeque<Bytes>,
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
    /// A send was refused for lack of room, and there is none yet.
    pub(crate) is_full: bool,
    /// Threads that wait for the stream: one that reads, one that writes.
    pub(super) waiting: [Option<Thread>; 2],
}

/// Which half of a stream a thread waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    Recv,
    Send,
    /// Either of them, for a thread that has both.
    Either,
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

    /// Notes the thread that waits, or that it waits no more.
    pub(super) fn set_waiting(&mut self, half: Half, thread: Option<Thread>) {
        match half {
            Half::Recv => self.waiting[0] = thread,
            Half::Send => self.waiting[1] = thread,
            Half::Either => self.waiting = [thread.clone(), thread],
        }
    }

    /// Moves the threads to be woken into `wake`.
    pub(super) fn wake(&mut self, half: Half, wake: &mut Vec<Thread>) {
        match half {
            Half::Recv => wake.extend(self.waiting[0].take()),
            Half::Send => wake.extend(self.waiting[1].take()),
            Half::Either => self.wake_all(wake),
        }
    }

    pub(super) fn wake_all(&mut self, wake: &mut Vec<Thread>) {
        self.wake(Half::Recv, wake);
        self.wake(Half::Send, wake);
    }
}
