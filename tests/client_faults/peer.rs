//! A connection of a server that handles frames itself. All calls return `None` after its end.

use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::{Bytes, BytesMut};
use h2_sync::frame::{self, Frame, Goaway, RstStream, Settings, StreamId};
use h2_sync::hpack::{Decoder, Encoder, Limits};
use h2_sync::{ErrorCode, headers};

pub(crate) struct Peer {
    stream: TcpStream,
    input: BytesMut,
    encoder: Encoder,
    decoder: Decoder,
}

impl Peer {
    pub(crate) fn new(mut stream: TcpStream) -> Option<Self> {
        let mut preface = [0; frame::PREFACE.len()];
        stream.read_exact(&mut preface).ok()?;
        assert_eq!(preface, *frame::PREFACE);
        let (encoder, decoder) = (Encoder::new(), Decoder::new(Limits::default()));
        let mut peer = Peer { stream, input: BytesMut::new(), encoder, decoder };
        peer.send(Settings { ack: false, entries: Vec::new() })?;
        Some(peer)
    }

    /// Returns the next frame, and acknowledges SETTINGS.
    pub(crate) fn receive(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = Frame::decode(&mut self.input, frame::MAX_MAX_FRAME_SIZE).unwrap()
            {
                if matches!(&frame, Frame::Settings(settings) if !settings.ack) {
                    self.send(Settings { ack: true, entries: Vec::new() })?;
                }
                return Some(frame);
            }
            let mut octets = [0; 16 << 10];
            let n = self.stream.read(&mut octets).ok().filter(|n| *n > 0)?;
            self.input.extend_from_slice(&octets[..n]);
        }
    }

    /// The path of a request, without its slash. Call it for each header section, to keep HPACK in
    /// step.
    pub(crate) fn path(&mut self, headers: &frame::Headers) -> String {
        let decoded = self.decoder.decode(&headers.fragment, true).unwrap().unwrap();
        let path = decoded.headers.iter().find(|field| field.name == b":path").unwrap();
        String::from_utf8_lossy(&path.value[1..]).into_owned()
    }

    pub(crate) fn send(&mut self, frame: impl Into<Frame>) -> Option<()> {
        let mut octets = Vec::new();
        frame.into().encode(&mut octets);
        self.send_octets(&octets)
    }

    pub(crate) fn send_octets(&mut self, octets: &[u8]) -> Option<()> {
        self.stream.write_all(octets).ok()
    }

    /// The header section of a response.
    pub(crate) fn send_status(&mut self, stream_id: StreamId) -> Option<()> {
        let mut block = Vec::new();
        self.encoder.encode(&headers!(":status" => "200"), &mut block);
        self.send(frame::Headers {
            stream_id,
            fragment: block.into(),
            end_stream: false,
            end_headers: true,
            priority: None,
            padding: None,
        })
    }

    pub(crate) fn send_data(&mut self, id: StreamId, data: &str, end_stream: bool) -> Option<()> {
        let data = Bytes::copy_from_slice(data.as_bytes());
        self.send(frame::Data { stream_id: id, data, end_stream, padding: None })
    }

    pub(crate) fn reset(&mut self, stream_id: StreamId, error_code: ErrorCode) -> Option<()> {
        self.send(RstStream { stream_id, error_code })
    }

    pub(crate) fn goaway(&mut self, last_stream_id: StreamId) -> Option<()> {
        let error_code = ErrorCode::NoError;
        self.send(Goaway { last_stream_id, error_code, debug_data: Bytes::new() })
    }
}
