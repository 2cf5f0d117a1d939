//! Messages and control frames of a peer.

use std::io::{Read, Write};

use bytes::Bytes;
use h2_sync::frame::{self, Frame, Goaway, Ping, RstStream, WindowUpdate};
use h2_sync::{ErrorCode, Headers, StreamId, headers};

use super::peer::Peer;

pub(crate) fn get(path: &str) -> Headers {
    request("GET", path)
}

pub(crate) fn post(path: &str) -> Headers {
    request("POST", path)
}

pub(crate) fn request(method: &str, path: &str) -> Headers {
    headers!(":method" => method, ":scheme" => "http", ":authority" => "test", ":path" => path)
}

impl<S: Read + Write> Peer<S> {
    /// Sends HEADERS of a new stream.
    pub(crate) fn open(&mut self, fields: &Headers, end_stream: bool) -> StreamId {
        let (stream_id, octets) = self.opening(fields, end_stream);
        self.write(&octets);
        stream_id
    }

    /// Encodes HEADERS of a new stream.
    pub(crate) fn opening(&mut self, fields: &Headers, end_stream: bool) -> (StreamId, Vec<u8>) {
        let stream_id = self.take_id();
        (stream_id, self.encode_headers(stream_id, fields, end_stream))
    }

    /// Takes the next stream identifier.
    pub(crate) fn take_id(&mut self) -> StreamId {
        let stream_id = StreamId::new(self.next_id).unwrap();
        self.next_id += 2;
        stream_id
    }

    pub(crate) fn send_headers(&mut self, stream_id: StreamId, fields: &Headers, end_stream: bool) {
        let octets = self.encode_headers(stream_id, fields, end_stream);
        self.write(&octets);
    }

    fn encode_headers(&mut self, stream_id: StreamId, fields: &Headers, end: bool) -> Vec<u8> {
        let mut block = Vec::new();
        self.encoder.encode(fields, &mut block);
        let mut octets = Vec::new();
        Frame::from(frame::Headers {
            stream_id,
            fragment: block.into(),
            end_stream: end,
            end_headers: true,
            priority: None,
            padding: None,
        })
        .encode(&mut octets);
        octets
    }

    pub(crate) fn send_data(
        &mut self,
        stream_id: StreamId,
        data: impl Into<Bytes>,
        end_stream: bool,
    ) {
        self.send(frame::Data { stream_id, data: data.into(), end_stream, padding: None });
    }

    /// Sends a whole response.
    pub(crate) fn answer(&mut self, stream_id: StreamId, status: u16, body: &'static str) {
        let fields = headers!(":status" => status.to_string());
        self.send_headers(stream_id, &fields, body.is_empty());
        if !body.is_empty() {
            self.send_data(stream_id, body, true);
        }
    }

    pub(crate) fn reset(&mut self, stream_id: StreamId, error_code: ErrorCode) {
        self.send(RstStream { stream_id, error_code });
    }

    pub(crate) fn goaway(&mut self, last_stream_id: StreamId, error_code: ErrorCode) {
        self.send(Goaway { last_stream_id, error_code, debug_data: Bytes::new() });
    }

    pub(crate) fn grant(&mut self, stream_id: StreamId, increment: u32) {
        self.send(WindowUpdate { stream_id, increment });
    }

    pub(crate) fn ping(&mut self, payload: &[u8; 8]) {
        self.send(Ping { ack: false, payload: *payload });
    }
}
