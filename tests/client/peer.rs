//! A server that speaks frames by hand.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use bytes::{Bytes, BytesMut};
use h2_sync::client::Connection;
use h2_sync::frame::{self, Frame, Goaway, Ping, RstStream, Setting, Settings, StreamId};
use h2_sync::hpack::{Decoder, Encoder, Limits};
use h2_sync::transport::{duplex, Duplex};
use h2_sync::{headers, ErrorCode, Headers};

use crate::support::LONG;

/// Reads and writes frames. It acknowledges SETTINGS; anything else is for the test to answer.
pub(crate) struct Peer<S> {
    stream: S,
    input: BytesMut,
    encoder: Encoder,
    decoder: Decoder,
    greeted: bool,
}

/// A connection, and the peer of it in memory.
pub(crate) fn connection_and_peer() -> (Connection, Peer<Duplex>) {
    let (near, far) = duplex(1 << 20);
    far.set_read_timeout(Some(LONG)).unwrap();
    far.set_write_timeout(Some(LONG)).unwrap();
    let connection = Connection::start(near, h2_sync::Config::default()).unwrap();
    (connection, Peer::new(far, Vec::new()))
}

/// The peer of the next connection to be accepted.
pub(crate) fn accept(listener: &TcpListener) -> Peer<TcpStream> {
    accept_with(listener, Vec::new())
}

pub(crate) fn accept_with(listener: &TcpListener, settings: Vec<Setting>) -> Peer<TcpStream> {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    Peer::new(stream, settings)
}

pub(crate) fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    (listener, url)
}

impl<S: Read + Write> Peer<S> {
    pub(crate) fn new(stream: S, entries: Vec<Setting>) -> Self {
        let mut peer = Peer {
            stream,
            input: BytesMut::new(),
            encoder: Encoder::new(),
            decoder: Decoder::new(Limits::default()),
            greeted: false,
        };
        peer.send(Settings { ack: false, entries });
        peer
    }

    /// The client may have gone, which shows when something is to be received.
    pub(crate) fn send(&mut self, frame: impl Into<Frame>) {
        let mut octets = Vec::new();
        frame.into().encode(&mut octets);
        drop(self.stream.write_all(&octets));
    }

    pub(crate) fn send_headers(&mut self, stream_id: StreamId, fields: &Headers, end_stream: bool) {
        let mut block = Vec::new();
        self.encoder.encode(fields, &mut block);
        self.send(frame::Headers {
            stream_id,
            fragment: block.into(),
            end_stream,
            end_headers: true,
            priority: None,
            padding: None,
        });
    }

    pub(crate) fn send_data(
        &mut self,
        stream_id: StreamId,
        data: impl Into<Bytes>,
        end_stream: bool,
    ) {
        self.send(frame::Data { stream_id, data: data.into(), end_stream, padding: None });
    }

    /// A whole response.
    pub(crate) fn answer(&mut self, stream_id: StreamId, status: u16, body: &'static str) {
        let headers = headers!(":status" => status.to_string());
        self.send_headers(stream_id, &headers, body.is_empty());
        if !body.is_empty() {
            self.send_data(stream_id, body, true);
        }
    }

    pub(crate) fn reset(&mut self, stream_id: StreamId, error_code: ErrorCode) {
        self.send(RstStream { stream_id, error_code });
    }

    pub(crate) fn goaway(&mut self, last_stream_id: StreamId) {
        let error_code = ErrorCode::NoError;
        self.send(Goaway { last_stream_id, error_code, debug_data: Bytes::new() });
    }

    pub(crate) fn ping(&mut self, payload: &[u8; 8]) {
        self.send(Ping { ack: false, payload: *payload });
    }

    /// The next frame; `None` at the end of the stream.
    pub(crate) fn try_receive(&mut self) -> Option<Frame> {
        if !self.greeted {
            let mut preface = [0; frame::PREFACE.len()];
            self.stream.read_exact(&mut preface).ok()?;
            assert_eq!(preface, *frame::PREFACE);
            self.greeted = true;
        }
        loop {
            let frame = Frame::decode(&mut self.input, frame::MAX_MAX_FRAME_SIZE).unwrap();
            if let Some(frame) = frame {
                if matches!(&frame, Frame::Settings(settings) if !settings.ack) {
                    self.send(Settings { ack: true, entries: Vec::new() });
                }
                return Some(frame);
            }
            let mut octets = [0; 16 << 10];
            match self.stream.read(&mut octets) {
                Ok(0) => return None,
                Ok(n) => self.input.extend_from_slice(&octets[..n]),
                // Reset, or silent for as long as it is listened to.
                Err(_) => return None,
            }
        }
    }

    /// Receives frames until one is the one.
    pub(crate) fn receive_until<T>(&mut self, mut wanted: impl FnMut(&Frame) -> Option<T>) -> T {
        loop {
            let frame = self.try_receive().expect("the stream has not ended");
            if let Some(found) = wanted(&frame) {
                return found;
            }
        }
    }

    /// Receives HEADERS and decodes them, in the order of the wire.
    pub(crate) fn receive_headers(&mut self) -> (StreamId, Headers) {
        let frame = self.receive_until(|frame| match frame {
            Frame::Headers(frame) => Some(frame.clone()),
            _ => None,
        });
        let decoded = self.decoder.decode(&frame.fragment, true).unwrap().unwrap();
        (frame.stream_id, decoded.headers)
    }

    /// Receives DATA until there are so many octets.
    pub(crate) fn receive_data(&mut self, octets: usize) {
        let mut left = octets;
        while left > 0 {
            left -= self.receive_until(|frame| match frame {
                Frame::Data(frame) => Some(frame.data.len()),
                _ => None,
            });
        }
    }

    /// Receives RST_STREAM.
    pub(crate) fn receive_reset(&mut self) -> (StreamId, ErrorCode) {
        self.receive_until(|frame| match frame {
            Frame::RstStream(frame) => Some((frame.stream_id, frame.error_code)),
            _ => None,
        })
    }

    /// Receives a PING and answers it.
    pub(crate) fn receive_ping(&mut self) {
        let payload = self.receive_until(|frame| match frame {
            Frame::Ping(frame) if !frame.ack => Some(frame.payload),
            _ => None,
        });
        self.send(Ping { ack: true, payload });
    }

    /// Receives the answer to a PING.
    pub(crate) fn receive_pong(&mut self, payload: &[u8; 8]) {
        self.receive_until(|frame| match frame {
            Frame::Ping(frame) if frame.ack && frame.payload == *payload => Some(()),
            _ => None,
        });
    }

    /// Receives up to the end of the stream. Whether GOAWAY was among it.
    pub(crate) fn receive_to_the_end(&mut self) -> bool {
        let mut went_away = false;
        while let Some(frame) = self.try_receive() {
            went_away |= matches!(frame, Frame::Goaway(_));
        }
        went_away
    }
}
