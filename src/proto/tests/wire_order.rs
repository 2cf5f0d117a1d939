//! What goes out may only concern streams that the peer knows of (RFC 9113, Section 5.1). The fuzz
//! targets include this file.

use super::frame::{Frame, StreamId};
use super::Role;

/// Panics at a frame for a stream that nothing has opened.
#[derive(Debug)]
pub(crate) struct WireOrder {
    /// The highest stream that a client has opened, and that a server has promised.
    opened: [StreamId; 2],
}

impl WireOrder {
    /// Checks the frames of both ends.
    pub(crate) fn of_both() -> Self {
        WireOrder { opened: [StreamId::CONNECTION; 2] }
    }

    /// Checks the frames of one end, as far as they concern streams that it opens itself.
    pub(crate) fn of_one(role: Role) -> Self {
        let mut order = Self::of_both();
        order.opened[usize::from(role == Role::Client)] = StreamId::MAX;
        order
    }

    /// Checks the next frame that `sender` sends.
    pub(crate) fn check(&mut self, sender: Role, frame: &Frame) {
        match frame {
            Frame::Headers(headers) if sender == Role::Client => self.open(headers.stream_id),
            Frame::PushPromise(promise) => {
                self.check_known(promise.stream_id, frame);
                self.open(promise.promised_stream_id);
            }
            Frame::Priority(_) => {}
            _ => self.check_known(frame.stream_id(), frame),
        }
    }

    /// A stream is open from now on, as by an upgrade from HTTP/1.1.
    pub(crate) fn open(&mut self, id: StreamId) {
        let highest = &mut self.opened[usize::from(id.is_server_initiated())];
        *highest = id.max(*highest);
    }

    fn check_known(&self, id: StreamId, frame: &Frame) {
        let highest = self.opened[usize::from(id.is_server_initiated())];
        assert!(id <= highest, "{frame} for a stream that is idle for the peer");
    }
}
