//! A client that speaks frames by hand.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use bytes::{Bytes, BytesMut};
use h2_sync::frame::{self, Frame, RstStream, Settings};
use h2_sync::hpack::{Decoder, Encoder, Limits};
use h2_sync::server::Handle;
use h2_sync::{ErrorCode, Headers, StreamId};

use crate::support::LONG;

pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    input: BytesMut,
    encoder: Encoder,
    decoder: Decoder,
    /// The last field section that has come in.
    pub(crate) section: Option<Headers>,
    next_id: u32,
    /// SETTINGS are acknowledged.
    pub(crate) acknowledges: bool,
}

impl Peer {
    /// One that has sent its preface and these SETTINGS.
    pub(crate) fn with(server: &Handle, settings: Settings) -> Self {
        let mut peer = Peer::silent(server);
        peer.write(frame::PREFACE);
        peer.send(settings);
        peer
    }

    pub(crate) fn of(server: &Handle) -> Self {
        Peer::with(server, Settings::default())
    }

    /// One that has connected, and said nothing.
    pub(crate) fn silent(server: &Handle) -> Self {
        let stream = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        Peer {
            stream,
            input: BytesMut::new(),
            encoder: Encoder::new(),
            decoder: Decoder::new(Limits::default()),
            section: None,
            next_id: 1,
            acknowledges: true,
        }
    }

    pub(crate) fn write(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).unwrap();
    }

    pub(crate) fn send(&mut self, frame: impl Into<Frame>) {
        let mut octets = Vec::new();
        frame.into().encode(&mut octets);
        self.write(&octets);
    }

    /// HEADERS of a new stream.
    pub(crate) fn open(&mut self, fields: &Headers, end_stream: bool) -> StreamId {
        let (id, octets) = self.opening(fields, end_stream);
        self.write(&octets);
        id
    }

    /// The octets of HEADERS of a new stream.
    pub(crate) fn opening(&mut self, fields: &Headers, end_stream: bool) -> (StreamId, Vec<u8>) {
        let stream_id = StreamId::new(self.next_id).unwrap();
        self.next_id += 2;
        let mut block = Vec::new();
        self.encoder.encode(fields, &mut block);
        let frame = frame::Headers {
            stream_id,
            fragment: block.into(),
            end_stream,
            end_headers: true,
            priority: None,
            padding: None,
        };
        let mut octets = Vec::new();
        Frame::from(frame).encode(&mut octets);
        (stream_id, octets)
    }

    pub(crate) fn send_data(&mut self, stream_id: StreamId, data: Bytes, end_stream: bool) {
        self.send(frame::Data { stream_id, data, end_stream, padding: None });
    }

    pub(crate) fn reset(&mut self, stream_id: StreamId) {
        self.send(RstStream { stream_id, error_code: ErrorCode::Cancel });
    }

    /// The next frame; `None` where the server has closed. SETTINGS are acknowledged.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        loop {
            let frame = Frame::decode(&mut self.input, frame::DEFAULT_MAX_FRAME_SIZE).unwrap();
            match frame {
                Some(Frame::Settings(settings)) if !settings.ack && self.acknowledges => {
                    self.send(Settings { ack: true, entries: Vec::new() });
                }
                Some(frame) => {
                    self.note(&frame);
                    return Some(frame);
                }
                None if self.read() => {}
                None => return None,
            }
        }
    }

    /// The next frame that is the one.
    #[track_caller]
    pub(crate) fn until<T>(&mut self, mut wanted: impl FnMut(&Frame) -> Option<T>) -> T {
        loop {
            let frame = self.next().expect("the server has closed");
            if let Some(found) = wanted(&frame) {
                return found;
            }
        }
    }

    /// Reads to the end, and gives all frames.
    pub(crate) fn read_to_end(&mut self) -> Vec<Frame> {
        std::iter::from_fn(|| self.next()).collect()
    }

    fn read(&mut self) -> bool {
        let mut octets = [0; 16 << 10];
        match self.stream.read(&mut octets) {
            Ok(0) => false,
            Ok(len) => {
                self.input.extend_from_slice(&octets[..len]);
                true
            }
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
                ) =>
            {
                false
            }
            Err(error) => panic!("waiting for the server: {error}"),
        }
    }

    fn note(&mut self, frame: &Frame) {
        let (fragment, end) = match frame {
            Frame::Headers(frame) => (&frame.fragment, frame.end_headers),
            Frame::PushPromise(frame) => (&frame.fragment, frame.end_headers),
            Frame::Continuation(frame) => (&frame.fragment, frame.end_headers),
            _ => return,
        };
        let decoded = self.decoder.decode(fragment, end).unwrap();
        self.section = decoded.map(|decoded| decoded.headers);
    }
}
