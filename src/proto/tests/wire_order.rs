//! Output may only concern streams that the peer knows (RFC 9113, Section 5.1). The fuzz targets
//! include this file.

use super::Role;
use super::frame::{Frame, StreamId};

/// Panics on a frame for a stream that nothing has opened.
#[derive(Debug)]
pub(crate) struct WireOrder {
    /// The highest streams that the client has opened and that the server has promised.
    opened: [StreamId; 2],
}

impl WireOrder {
    /// Checks the frames of both sides.
    pub(crate) fn of_both() -> Self {
        WireOrder { opened: [StreamId::CONNECTION; 2] }
    }

    /// Checks the frames of one side, for streams that it opens itself.
    pub(crate) fn of_one(role: Role) -> Self {
        let mut order = Self::of_both();
        order.opened[usize::from(role == Role::Client)] = StreamId::MAX;
        order
    }

    /// Checks the next frame from `sender`.
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

    /// Marks a stream as open, as after an upgrade from HTTP/1.1.
    pub(crate) fn open(&mut self, id: StreamId) {
        let highest = &mut self.opened[usize::from(id.is_server_initiated())];
        *highest = id.max(*highest);
    }

    fn check_known(&self, id: StreamId, frame: &Frame) {
        let highest = self.opened[usize::from(id.is_server_initiated())];
        assert!(id <= highest, "{frame} for a stream that is idle for the peer");
    }
}
