//! The queue of events for the application, whose size is bounded.
//!
//! The receive windows bound DATA in octets. To bound it in events too, adjacent small pieces of
//! one stream are joined. Connection events and interim responses are bounded by their octets;
//! above limits that no legitimate peer reaches, they are dropped. Events do not keep large read
//! buffers alive.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::event::{Event, Extension};
use crate::frame::StreamId;
use crate::logging;

/// Pieces up to this size are joined to the previous one.
const SMALL: usize = 4 << 10;
/// Joining does not grow a DATA event beyond this size.
const JOINED: usize = 16 << 10;
/// Maximum queued connection events.
const MAX_LOOSE: usize = 256;
/// Maximum octets of frames in them.
const MAX_LOOSE_OCTETS: usize = 256 << 10;
/// Maximum octets of queued interim responses, over all streams. If the application does not take
/// them, a server could otherwise fill the memory with field sections, several per stream.
const MAX_INTERIM_OCTETS: usize = 256 << 10;
/// The overhead of a small field section besides its names and values: its event, the positions of
/// its fields, and spare capacity.
const SECTION_OVERHEAD: usize = 640;
/// Capacity kept in an empty queue that had more than [`MAX_SPARE`].
const KEPT: usize = 64;
/// Up to this capacity, the memory is kept for the next batch.
const MAX_SPARE: usize = 512;

/// DATA up to this size is copied, so that a small piece held by the application does not keep the
/// whole read buffer alive.
const SMALL_PAYLOAD: usize = 4 << 10;
/// DATA in input with fewer octets than this is copied. The last frame of an input is rarely whole,
/// and its beginning is moved: in small input, that is much of the memory that would be kept.
const SMALL_INPUT: usize = 192 << 10;
/// A payload is also copied if sharing it would keep more than this many times its size alive: a
/// peer could otherwise make us hold large buffers of ignored frames for small payloads. A frame of
/// 16 KiB in the largest read, plus what was left before it, is shared.
const MAX_WASTE: usize = 20;

/// Returns a payload to keep in an event, from input of `input_len` octets: shared if both are large,
/// otherwise copied.
pub(crate) fn detach(payload: Bytes, input_len: usize) -> Bytes {
    let is_large = payload.len() > SMALL_PAYLOAD && input_len >= SMALL_INPUT;
    let is_shared = is_large && payload.len() * MAX_WASTE >= input_len;
    if is_shared { payload } else { Bytes::copy_from_slice(&payload) }
}

#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    waiting: VecDeque<Waiting>,
    /// The number of the first event.
    first: u64,
    loose: usize,
    loose_octets: usize,
    interim_octets: usize,
}

#[derive(Debug)]
enum Waiting {
    /// An event of a stream, bounded by its window or state.
    Stream(Event),
    /// An event of the connection.
    Loose(Event),
    /// An interim response, of which a stream may have several.
    Interim(Event),
    Data {
        stream_id: StreamId,
        piece: Piece,
        end_stream: bool,
    },
}

#[derive(Debug)]
enum Piece {
    Whole(Bytes),
    Joined(BytesMut),
}

impl EventQueue {
    pub(crate) fn push(&mut self, event: Event) {
        self.waiting.push_back(Waiting::Stream(event));
    }

    /// Queues an informational event that a peer can cause at will, or drops it above the limit.
    pub(crate) fn push_loose(&mut self, event: Event) {
        let octets = self.loose_octets + octets_of(&event);
        // One event larger than the limit is accepted if it is the only one.
        let has_room = octets <= MAX_LOOSE_OCTETS || self.loose_octets == 0;
        if self.loose < MAX_LOOSE && has_room {
            self.loose += 1;
            self.loose_octets = octets;
            self.waiting.push_back(Waiting::Loose(event));
        } else {
            logging::debug!("too many events wait to be taken: dropped {event:?}");
        }
    }

    /// Queues an interim response, or drops it above the limit.
    pub(crate) fn push_interim(&mut self, event: Event) {
        let octets = self.interim_octets + octets_of(&event);
        if octets <= MAX_INTERIM_OCTETS || self.interim_octets == 0 {
            self.interim_octets = octets;
            self.waiting.push_back(Waiting::Interim(event));
        } else {
            logging::debug!("too many interim responses wait to be taken: dropped {event:?}");
        }
    }

    /// Queues DATA, joined to event number `last` if that is still queued and both are small.
    /// Returns the number of its event.
    pub(crate) fn push_data(
        &mut self,
        stream_id: StreamId,
        data: Bytes,
        end_stream: bool,
        last: Option<u64>,
    ) -> u64 {
        let waiting = last.and_then(|number| self.get_mut(number));
        if let Some((number, Waiting::Data { stream_id: id, piece, end_stream: end })) = waiting {
            if *id == stream_id && piece.join(&data) {
                *end = end_stream;
                return number;
            }
        }
        let piece = Piece::Whole(data);
        self.waiting.push_back(Waiting::Data { stream_id, piece, end_stream });
        self.first + self.waiting.len() as u64 - 1
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        let waiting = self.waiting.pop_front()?;
        self.first += 1;
        if self.waiting.is_empty() && self.waiting.capacity() > MAX_SPARE {
            self.waiting.shrink_to(KEPT);
        }
        Some(match waiting {
            Waiting::Stream(event) => event,
            Waiting::Loose(event) => {
                self.loose -= 1;
                self.loose_octets -= octets_of(&event);
                event
            }
            Waiting::Interim(event) => {
                self.interim_octets -= octets_of(&event);
                event
            }
            Waiting::Data { stream_id, piece, end_stream } => {
                Event::Data { stream_id, data: piece.into_bytes(), end_stream }
            }
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn get_mut(&mut self, number: u64) -> Option<(u64, &mut Waiting)> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        Some((number, self.waiting.get_mut(index)?))
    }
}

/// Returns the octets that an event holds besides its own size.
fn octets_of(event: &Event) -> usize {
    match event {
        Event::Headers { headers, .. } => headers.section_size() + SECTION_OVERHEAD,
        Event::Goaway { debug_data, .. } => debug_data.len(),
        Event::SettingsChanged { settings } => std::mem::size_of_val(&settings[..]),
        Event::Extension(Extension::AltSvc(frame)) => frame.origin.len() + frame.field_value.len(),
        Event::Extension(Extension::Origin(frame)) => {
            frame.origins.iter().map(|origin| origin.len() + 32).sum()
        }
        Event::Extension(Extension::Unknown(frame)) => frame.payload.len(),
        _ => 0,
    }
}

impl Piece {
    fn join(&mut self, more: &[u8]) -> bool {
        let len = match self {
            Piece::Whole(data) => data.len(),
            Piece::Joined(data) => data.len(),
        };
        if more.len() > SMALL || len + more.len() > JOINED {
            return false;
        }
        if let Piece::Whole(data) = self {
            let mut joined = BytesMut::with_capacity((2 * (len + more.len())).max(256));
            joined.extend_from_slice(data);
            *self = Piece::Joined(joined);
        }
        if let Piece::Joined(data) = self {
            data.extend_from_slice(more);
        }
        true
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Piece::Whole(data) => data,
            Piece::Joined(data) => data.freeze(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &mut EventQueue, data: &[u8], last: Option<u64>) -> u64 {
        queue.push_data(StreamId::from_wire(1), Bytes::copy_from_slice(data), false, last)
    }

    #[test]
    fn a_million_tiny_pieces_wait_as_a_few_events() {
        let mut queue = EventQueue::default();
        let mut last = None;
        for _ in 0..1_000_000 {
            last = Some(push(&mut queue, b"x", last));
        }
        assert!(queue.waiting.len() <= 1_000_000 / JOINED + 1);
        let total: usize = std::iter::from_fn(|| queue.pop())
            .map(|event| match event {
                Event::Data { data, .. } => data.len(),
                other => panic!("{other:?}"),
            })
            .sum();
        assert_eq!(total, 1_000_000);
    }

    #[test]
    fn a_piece_that_has_been_taken_is_not_joined() {
        let mut queue = EventQueue::default();
        let last = push(&mut queue, b"a", None);
        queue.pop().unwrap();
        let next = push(&mut queue, b"b", Some(last));
        assert_ne!(next, last);
    }

    #[test]
    fn events_without_a_stream_are_bounded() {
        let mut queue = EventQueue::default();
        for _ in 0..10_000 {
            queue.push_loose(Event::SettingsAcknowledged);
        }
        assert_eq!(queue.waiting.len(), MAX_LOOSE);
    }
}
