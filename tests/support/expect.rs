//! Expectations of a peer. Each wait ends with a panic at the stream's timeout.

use std::io::{Read, Write};

use h2_sync::frame::{Frame, Goaway, Ping};
use h2_sync::{ErrorCode, Headers, StreamId};

use super::peer::Peer;

impl<S: Read + Write> Peer<S> {
    /// Reads frames until `wanted` returns a value.
    #[track_caller]
    pub(crate) fn until<T>(&mut self, mut wanted: impl FnMut(&Frame) -> Option<T>) -> T {
        loop {
            let Some(frame) = self.next() else {
                panic!("the other end has closed: {:?}", self.seen);
            };
            if let Some(found) = wanted(&frame) {
                return found;
            }
        }
    }

    /// Reads until the other side has closed. [`seen`](Self::seen) counts what was received.
    #[track_caller]
    pub(crate) fn until_closed(&mut self) {
        while self.next().is_some() {}
    }

    /// Like `until_closed`, but the last frame may be truncated.
    #[track_caller]
    pub(crate) fn until_cut(&mut self) {
        loop {
            while self.decode().is_some() {}
            if !self.read() {
                return;
            }
        }
    }

    /// Expects the other side to end the connection with GOAWAY and this code.
    #[track_caller]
    pub(crate) fn expect_goaway(&mut self, code: ErrorCode) -> Goaway {
        self.until_closed();
        let goaway = self.seen.goaway.clone().expect("it has closed without GOAWAY");
        assert_eq!(goaway.error_code, code, "{goaway:?}");
        goaway
    }

    /// Expects a reset of the stream with this code, while the connection continues.
    #[track_caller]
    pub(crate) fn expect_reset(&mut self, stream_id: StreamId, code: ErrorCode) {
        let found = self.until_reset(stream_id);
        assert_eq!(found, code, "RST_STREAM of stream {stream_id}");
        self.synchronize();
    }

    /// Waits for a reset of the stream, and returns its code. It may already have been reset.
    #[track_caller]
    pub(crate) fn until_reset(&mut self, stream_id: StreamId) -> ErrorCode {
        if let Some(code) = self.seen.reset_of(stream_id) {
            return code;
        }
        self.until(|frame| match frame {
            Frame::RstStream(reset) if reset.stream_id == stream_id => Some(reset.error_code),
            _ => None,
        })
    }

    /// Sends a PING and reads up to its answer, so that everything sent before has been read.
    #[track_caller]
    pub(crate) fn synchronize(&mut self) {
        self.ping(b"are you?");
        self.until_pong(b"are you?");
    }

    /// Reads up to the answer to a PING.
    #[track_caller]
    pub(crate) fn until_pong(&mut self, payload: &[u8; 8]) {
        self.until(|frame| {
            matches!(frame, Frame::Ping(ping) if ping.ack && ping.payload == *payload).then_some(())
        });
    }

    /// Sends a request without a body and reads the whole response. Returns its status and body.
    #[track_caller]
    pub(crate) fn fetch(&mut self, fields: &Headers) -> (u16, Vec<u8>) {
        let stream_id = self.open(fields, true);
        self.response(stream_id)
    }

    /// Reads the whole response on a stream. Returns its status and body.
    #[track_caller]
    pub(crate) fn response(&mut self, stream_id: StreamId) -> (u16, Vec<u8>) {
        let (mut status, mut body) = (0, Vec::new());
        loop {
            let Some(frame) = self.next() else {
                panic!("the other end has closed: {:?}", self.seen);
            };
            let end = match frame {
                Frame::Headers(frame) if frame.stream_id == stream_id => {
                    let section = self.section.as_ref().expect("a field section in one frame");
                    if let Some(value) = section.get(":status") {
                        status = value.parse().unwrap();
                    }
                    frame.end_stream
                }
                Frame::Data(frame) if frame.stream_id == stream_id => {
                    body.extend_from_slice(&frame.data);
                    frame.end_stream
                }
                Frame::RstStream(frame) if frame.stream_id == stream_id => {
                    panic!("stream {stream_id} was reset: {:?}", frame.error_code)
                }
                _ => false,
            };
            if end {
                return (status, body);
            }
        }
    }

    /// Reads up to HEADERS, and returns the stream and the fields.
    #[track_caller]
    pub(crate) fn receive_headers(&mut self) -> (StreamId, Headers) {
        let stream_id = self.until(|frame| match frame {
            Frame::Headers(frame) => Some(frame.stream_id),
            _ => None,
        });
        while self.section.is_none() {
            assert!(self.next().is_some(), "the other end has closed within a field block");
        }
        (stream_id, self.section.clone().unwrap())
    }

    /// Reads DATA until `octets` octets have arrived.
    #[track_caller]
    pub(crate) fn receive_data(&mut self, octets: usize) {
        let mut left = octets;
        while left > 0 {
            let len = self.until(|frame| match frame {
                Frame::Data(frame) => Some(frame.data.len()),
                _ => None,
            });
            left = left.checked_sub(len).expect("no more DATA than expected");
        }
    }

    /// Reads up to a RST_STREAM.
    #[track_caller]
    pub(crate) fn receive_reset(&mut self) -> (StreamId, ErrorCode) {
        self.until(|frame| match frame {
            Frame::RstStream(frame) => Some((frame.stream_id, frame.error_code)),
            _ => None,
        })
    }

    /// Reads up to a PING and answers it.
    #[track_caller]
    pub(crate) fn answer_ping(&mut self) {
        let payload = self.until(|frame| match frame {
            Frame::Ping(frame) if !frame.ack => Some(frame.payload),
            _ => None,
        });
        self.send(Ping { ack: true, payload });
    }
}
