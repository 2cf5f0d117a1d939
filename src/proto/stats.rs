//! Figures of one connection.

use std::time::Duration;

use crate::frame::Kind;

/// The frame types that are counted apart; all others share the last place.
const KINDS: usize = 11;

/// Frames and octets of one direction, by frame type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic {
    frames: [u64; KINDS],
    octets: [u64; KINDS],
}

impl Traffic {
    /// Frames of one type; all types above 0x09 are counted together.
    pub fn frames(&self, kind: Kind) -> u64 {
        self.frames[place(kind)]
    }

    /// Octets of these frames, their 9-octet heads included.
    pub fn octets(&self, kind: Kind) -> u64 {
        self.octets[place(kind)]
    }

    /// All frames.
    pub fn total_frames(&self) -> u64 {
        self.frames.iter().sum()
    }

    /// All octets.
    pub fn total_octets(&self) -> u64 {
        self.octets.iter().sum()
    }

    pub(crate) fn count(&mut self, kind: Kind, octets: usize) {
        self.frames[place(kind)] += 1;
        self.octets[place(kind)] += octets as u64;
    }
}

fn place(kind: Kind) -> usize {
    usize::from(kind.0).min(KINDS - 1)
}

/// What HPACK did in one direction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compression {
    /// Octets of names and values.
    pub plain: u64,
    /// Octets of field blocks.
    pub wire: u64,
}

impl Compression {
    /// Octets on the wire for each octet of names and values; 1 before there are any.
    pub fn ratio(&self) -> f64 {
        if self.plain == 0 {
            1.0
        } else {
            self.wire as f64 / self.plain as f64
        }
    }
}

/// Figures of one connection, from its start to now.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Frames that were queued to be sent.
    pub sent: Traffic,
    /// Frames received.
    pub received: Traffic,
    /// Streams that we opened or promised.
    pub streams_opened: u64,
    /// Streams that the peer opened or promised and that were accepted.
    pub streams_accepted: u64,
    /// Streams of the peer's that were refused, being over a limit.
    pub streams_refused: u64,
    /// RST_STREAM frames sent.
    pub resets_sent: u64,
    /// RST_STREAM frames received.
    pub resets_received: u64,
    /// Streams that are open now.
    pub streams_open: usize,
    /// What we may still send on the connection, octets.
    pub send_window: i64,
    /// What the peer may still send on the connection, octets.
    pub receive_window: i64,
    /// Octets waiting to be sent.
    pub send_buffered: usize,
    /// How long DATA has waited for a window in sum, over all streams.
    pub blocked_on_windows: Duration,
    /// The last round-trip time that a PING measured.
    pub round_trip_time: Option<Duration>,
    /// HPACK of what we send.
    pub hpack_sent: Compression,
    /// HPACK of what we receive.
    pub hpack_received: Compression,
}
