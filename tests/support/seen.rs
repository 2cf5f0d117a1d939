//! Statistics of the input of a peer.

use h2_sync::frame::{Frame, Goaway, Head, Kind, RstStream};
use h2_sync::{ErrorCode, StreamId};

/// Counters of received frames. A peer that reads a flood does not store its frames.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Octets, including the preface.
    pub(crate) octets: u64,
    frames: [u64; 32],
    acks: [u64; 32],
    /// Octets of DATA without padding.
    pub(crate) data: u64,
    resets: Vec<RstStream>,
    /// The last GOAWAY.
    pub(crate) goaway: Option<Goaway>,
}

impl Seen {
    /// Frames of this type, including acknowledgements; types above 0x1f are counted together.
    pub(crate) fn frames(&self, kind: Kind) -> u64 {
        self.frames[place(kind)]
    }

    /// SETTINGS or PING frames with the flag ACK.
    pub(crate) fn acks(&self, kind: Kind) -> u64 {
        self.acks[place(kind)]
    }

    pub(crate) fn total_frames(&self) -> u64 {
        self.frames.iter().sum()
    }

    /// RST_STREAM frames with this code.
    pub(crate) fn resets(&self, code: ErrorCode) -> usize {
        self.resets.iter().filter(|reset| reset.error_code == code).count()
    }

    /// The code with which the stream was reset, if it was.
    pub(crate) fn reset_of(&self, stream_id: StreamId) -> Option<ErrorCode> {
        self.resets.iter().find(|reset| reset.stream_id == stream_id).map(|reset| reset.error_code)
    }

    pub(super) fn note(&mut self, head: &Head, frame: &Frame) {
        let at = place(head.kind);
        self.frames[at] += 1;
        match frame {
            Frame::Settings(settings) => self.acks[at] += u64::from(settings.ack),
            Frame::Ping(ping) => self.acks[at] += u64::from(ping.ack),
            Frame::Data(data) => self.data += data.data.len() as u64,
            Frame::RstStream(reset) => self.resets.push(*reset),
            Frame::Goaway(goaway) => self.goaway = Some(goaway.clone()),
            _ => {}
        }
    }
}

fn place(kind: Kind) -> usize {
    usize::from(kind.0).min(31)
}
