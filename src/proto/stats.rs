//! Statistics of one connection.

use std::time::Duration;

use crate::frame::Kind;

/// The number of frame types counted separately; all others share the last entry.
const KINDS: usize = 11;

/// Frames and octets in one direction, by frame type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic {
    frames: [u64; KINDS],
    octets: [u64; KINDS],
}

impl Traffic {
    /// Returns the frames of one type; all types above 0x09 are counted together.
    pub fn frames(&self, kind: Kind) -> u64 {
        self.frames[place(kind)]
    }

    /// Returns the octets of these frames, including their 9-octet headers.
    pub fn octets(&self, kind: Kind) -> u64 {
        self.octets[place(kind)]
    }

    /// Returns the number of all frames.
    pub fn total_frames(&self) -> u64 {
        self.frames.iter().sum()
    }

    /// Returns the octets of all frames.
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

/// The budgets against abuse, by the names of their fields in [`Config`](super::Config).
pub const BUDGETS: [&str; 5] =
    ["resets_received", "resets_provoked", "glitches", "pings_received", "settings_received"];

/// HPACK statistics in one direction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compression {
    /// Octets of names and values.
    pub plain: u64,
    /// Octets of field blocks.
    pub wire: u64,
}

impl Compression {
    /// Returns the octets on the wire per octet of names and values; 1 if there are none.
    pub fn ratio(&self) -> f64 {
        if self.plain == 0 { 1.0 } else { self.wire as f64 / self.plain as f64 }
    }
}

/// Statistics of one connection since its start.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Frames queued for sending.
    pub sent: Traffic,
    /// Frames received.
    pub received: Traffic,
    /// Streams that we opened or promised.
    pub streams_opened: u64,
    /// Streams that the peer opened or promised and that were accepted.
    pub streams_accepted: u64,
    /// Streams of the peer that were refused because of a limit.
    pub streams_refused: u64,
    /// RST_STREAM frames sent.
    pub resets_sent: u64,
    /// RST_STREAM frames received.
    pub resets_received: u64,
    /// Streams open now.
    pub streams_open: usize,
    /// Octets that may still be sent on the connection.
    pub send_window: i64,
    /// Octets that the peer may still send on the connection.
    pub receive_window: i64,
    /// Octets queued for sending.
    pub send_buffered: usize,
    /// Total time that DATA has waited for a window, over all streams.
    pub blocked_on_windows: Duration,
    /// The budget that the peer has exhausted, which ends the connection: one of [`BUDGETS`].
    pub budget_exhausted: Option<&'static str>,
    /// The last round-trip time measured with a PING.
    pub round_trip_time: Option<Duration>,
    /// HPACK in the sending direction.
    pub hpack_sent: Compression,
    /// HPACK in the receiving direction.
    pub hpack_received: Compression,
}
