//! From messages to octets.

use std::collections::VecDeque;
use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::config::Role;
use super::deflate::{DeflateParams, Deflater};
use super::head::{Head, Opcode};
use super::mask::{self, Keys};
use super::message::Message;

/// The largest payload that is copied after its head. Larger ones are shared: below this size a
/// slice of its own costs more than the copy.
const COPIED_MAX: usize = 2 << 10;

/// The most queued answers to PINGs. RFC 6455, Section 5.5.3, allows answering only the latest
/// PING; this queue answers each of several that arrive at once.
const PONGS_MAX: usize = 16;

/// The octets that a queued frame counts in addition to its payload.
const OVERHEAD: usize = 64;

/// The sending direction.
pub(super) struct Sender {
    /// The masking keys of a client.
    keys: Option<Keys>,
    deflater: Option<Deflater>,
    /// PINGs, which go out before messages.
    pings: VecDeque<Frame>,
    /// Answers to PINGs, at most [`PONGS_MAX`].
    pongs: VecDeque<Bytes>,
    messages: VecDeque<Frame>,
    /// The last frame.
    close: Option<Frame>,
    /// The queued octets, with [`OVERHEAD`] for each frame.
    waiting: usize,
    has_closed: bool,
    /// The number of messages queued so far, including the Close frame.
    queued: u64,
    /// The number of them that have been handed out.
    handed: u64,
    /// The number that had been handed out when the others were dropped.
    lost_from: Option<u64>,
}

struct Frame {
    opcode: Opcode,
    is_compressed: bool,
    payload: Bytes,
}

impl Frame {
    fn control(opcode: Opcode, payload: Bytes) -> Self {
        Frame { opcode, is_compressed: false, payload }
    }
}

impl Sender {
    pub(super) fn new(role: Role, deflate: Option<&DeflateParams>) -> Self {
        Sender {
            keys: (role == Role::Client).then(Keys::new),
            deflater: deflate.map(Deflater::new),
            pings: VecDeque::new(),
            pongs: VecDeque::new(),
            messages: VecDeque::new(),
            close: None,
            waiting: 0,
            has_closed: false,
            queued: 0,
            handed: 0,
            lost_from: None,
        }
    }

    pub(super) fn queued(&self) -> u64 {
        self.queued
    }

    pub(super) fn handed(&self) -> u64 {
        self.handed
    }

    pub(super) fn is_lost(&self, frame: u64) -> bool {
        self.lost_from.is_some_and(|from| frame > from)
    }

    /// Whether it holds a compression context.
    #[cfg(test)]
    pub(super) fn holds_context(&self) -> bool {
        self.deflater.as_ref().is_some_and(Deflater::holds_context)
    }

    /// The queued octets, plus 64 for each frame.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    pub(super) fn has_messages(&self) -> bool {
        !self.messages.is_empty()
    }

    /// The number of queued PINGs.
    pub(super) fn pings(&self) -> usize {
        self.pings.len()
    }

    /// Whether the Close frame has been handed out.
    pub(super) fn has_closed(&self) -> bool {
        self.has_closed
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pings.is_empty()
            && self.pongs.is_empty()
            && self.messages.is_empty()
            && self.close.is_none()
    }

    pub(super) fn message(&mut self, message: &Message) {
        let opcode = match message {
            Message::Text(_) => Opcode::Text,
            Message::Binary(_) => Opcode::Binary,
        };
        let compressed = self.deflater.as_mut().and_then(|it| it.deflate(message.as_bytes()));
        let is_compressed = compressed.is_some();
        let payload = compressed.unwrap_or_else(|| message.clone().into_bytes());
        self.waiting += payload.len() + OVERHEAD;
        self.queued += 1;
        self.messages.push_back(Frame { opcode, is_compressed, payload });
    }

    pub(super) fn ping(&mut self, payload: Bytes) {
        self.waiting += payload.len() + OVERHEAD;
        self.pings.push_back(Frame::control(Opcode::Ping, payload));
    }

    /// Queues the answer to a PING. If the queue is full, it replaces the latest answer.
    pub(super) fn pong(&mut self, payload: Bytes) {
        if self.pongs.len() == PONGS_MAX {
            self.pongs.pop_back();
        }
        self.pongs.push_back(payload);
    }

    /// Queues the Close frame, which ends this direction.
    pub(super) fn close(&mut self, payload: Bytes) {
        self.queued += 1;
        self.close = Some(Frame::control(Opcode::Close, payload));
    }

    /// Drops all queued frames.
    pub(super) fn clear(&mut self) {
        if self.handed < self.queued {
            self.lost_from.get_or_insert(self.handed);
        }
        self.pings.clear();
        self.pongs.clear();
        self.messages.clear();
        self.close = None;
        self.waiting = 0;
    }

    /// Appends frames to `out` until it has `max` octets or a frame has a shared payload, which is
    /// returned and follows `out`.
    pub(super) fn transmit(&mut self, out: &mut BytesMut, max: usize) -> Option<Bytes> {
        while out.len() < max {
            let frame = self.next()?;
            let mask = self.keys.as_mut().map(Keys::next);
            let head = Head {
                is_fin: true,
                is_compressed: frame.is_compressed,
                opcode: frame.opcode,
                mask,
                len: frame.payload.len() as u64,
            };
            head.encode(out);
            let Some(key) = mask else {
                if frame.payload.len() > COPIED_MAX {
                    return Some(frame.payload);
                }
                out.put_slice(&frame.payload);
                continue;
            };
            let begin = out.len();
            out.put_slice(&frame.payload);
            mask::apply(key, 0, &mut out[begin..]);
        }
        None
    }

    fn next(&mut self) -> Option<Frame> {
        if let Some(payload) = self.pongs.pop_front() {
            return Some(Frame::control(Opcode::Pong, payload));
        }
        let ping = self.pings.pop_front();
        if ping.is_none() && !self.messages.is_empty() {
            self.handed += 1;
        }
        if let Some(frame) = ping.or_else(|| self.messages.pop_front()) {
            self.waiting -= frame.payload.len() + OVERHEAD;
            return Some(frame);
        }
        let close = self.close.take()?;
        self.handed = self.queued;
        self.has_closed = true;
        Some(close)
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}
