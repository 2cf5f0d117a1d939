//! A scripted peer, which can also violate the protocol.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use bytes::BytesMut;
use h2_sync::Headers;
use h2_sync::frame::{self, Frame, Head, Setting, Settings};
use h2_sync::hpack::{Decoder, Encoder, Limits};

use super::bounded::LONG;
use super::seen::Seen;

/// A peer that sends octets and receives frames. It only acknowledges SETTINGS by itself.
///
/// Writes to a closed connection are ignored; the test notices when it expects input.
pub(crate) struct Peer<S = TcpStream> {
    pub(crate) stream: S,
    pub(super) input: BytesMut,
    /// Whether a client's preface is expected before its first frame.
    expects_preface: bool,
    /// The identifier of the next stream to open or promise.
    pub(crate) next_id: u32,
    pub(super) encoder: Encoder,
    /// The decoder for the other side's field blocks.
    pub(crate) decoder: Decoder,
    /// The last field section received.
    pub(crate) section: Option<Headers>,
    /// The largest payload that the other side may send.
    pub(crate) max_frame_size: u32,
    /// Whether SETTINGS are acknowledged.
    pub(crate) acknowledges: bool,
    /// The number of octets written.
    pub(crate) sent: u64,
    pub(crate) seen: Seen,
}

/// A listener for a client to connect to, and its URL.
pub(crate) fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    (listener, url)
}

impl Peer {
    /// Connects as a client that sends its preface and empty SETTINGS.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Peer::connect_with(address, Vec::new())
    }

    /// Connects as a client that sends its preface and these SETTINGS.
    pub(crate) fn connect_with(address: SocketAddr, entries: Vec<Setting>) -> Self {
        Peer::client(tcp(TcpStream::connect(address).unwrap()), entries)
    }

    /// A client on a connected stream, which sends its preface and SETTINGS.
    pub(crate) fn of_stream(stream: TcpStream) -> Self {
        Peer::client(tcp(stream), Vec::new())
    }

    /// Connects without sending anything.
    pub(crate) fn connect_silent(address: SocketAddr) -> Self {
        Peer::silent(tcp(TcpStream::connect(address).unwrap()))
    }

    /// Accepts a connection as a server that sends empty SETTINGS.
    pub(crate) fn accept(listener: &TcpListener) -> Self {
        Peer::accept_with(listener, Vec::new())
    }

    /// Accepts a connection as a server that sends these SETTINGS.
    pub(crate) fn accept_with(listener: &TcpListener, entries: Vec<Setting>) -> Self {
        Peer::server(tcp(listener.accept().unwrap().0), entries)
    }

    /// Accepts a connection without sending anything.
    pub(crate) fn accept_silent(listener: &TcpListener) -> Self {
        let mut peer = Peer::silent(tcp(listener.accept().unwrap().0));
        peer.expects_preface = true;
        peer.next_id = 2;
        peer
    }

    /// Shuts our direction: the other side reads the end.
    pub(crate) fn shut(&mut self) {
        // The other side may already have closed.
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }
}

/// Sets timeouts on reads and writes.
fn tcp(stream: TcpStream) -> TcpStream {
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.set_write_timeout(Some(LONG)).unwrap();
    stream
}

impl<S: Read + Write> Peer<S> {
    /// A peer that sends nothing by itself. Reads and writes of the stream must have timeouts.
    pub(crate) fn silent(stream: S) -> Self {
        Peer {
            stream,
            input: BytesMut::new(),
            expects_preface: false,
            next_id: 1,
            encoder: Encoder::new(),
            decoder: Decoder::new(Limits::default()),
            section: None,
            max_frame_size: frame::DEFAULT_MAX_FRAME_SIZE,
            acknowledges: true,
            sent: 0,
            seen: Seen::default(),
        }
    }

    /// A client that has sent its preface and these SETTINGS.
    pub(crate) fn client(stream: S, entries: Vec<Setting>) -> Self {
        let mut peer = Peer::silent(stream);
        let mut start = frame::PREFACE.to_vec();
        Settings { ack: false, entries }.encode(&mut start);
        peer.write(&start);
        peer
    }

    /// A server that has sent these SETTINGS.
    pub(crate) fn server(stream: S, entries: Vec<Setting>) -> Self {
        let mut peer = Peer::silent(stream);
        peer.expects_preface = true;
        peer.next_id = 2;
        peer.send(Settings { ack: false, entries });
        peer
    }

    /// Writes octets, and returns whether the other side still accepts them.
    #[track_caller]
    pub(crate) fn write(&mut self, octets: impl AsRef<[u8]>) -> bool {
        let octets = octets.as_ref();
        match self.stream.write_all(octets) {
            Ok(()) => {
                self.sent += octets.len() as u64;
                true
            }
            Err(error) if is_gone(error.kind()) => false,
            Err(error) => panic!("writing: {error}"),
        }
    }

    #[track_caller]
    pub(crate) fn send(&mut self, frame: impl Into<Frame>) -> bool {
        let mut octets = Vec::new();
        frame.into().encode(&mut octets);
        self.write(&octets)
    }

    /// Returns the next frame; `None` if the other side has closed.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.decode() {
                return Some(frame);
            }
            if !self.read() {
                assert!(self.input.is_empty(), "the last frame is truncated");
                return None;
            }
        }
    }

    /// Decodes the next complete frame, if there is one. SETTINGS are acknowledged.
    #[track_caller]
    pub(super) fn decode(&mut self) -> Option<Frame> {
        if !self.take_preface() {
            return None;
        }
        let head = Head::parse(&self.input)?;
        assert_clean(&self.input);
        // RFC 9113, Section 4.2: at most the size that the receiver allows.
        let frame = Frame::decode(&mut self.input, self.max_frame_size);
        let frame = frame.expect("the other end's frames are valid")?;
        self.seen.note(&head, &frame);
        self.note(&frame);
        if matches!(&frame, Frame::Settings(settings) if !settings.ack && self.acknowledges) {
            self.send(Settings { ack: true, entries: Vec::new() });
        }
        Some(frame)
    }

    /// Reads the preface of a client.
    #[track_caller]
    pub(crate) fn read_preface(&mut self) {
        while !self.take_preface() {
            assert!(self.read(), "the other end has closed");
        }
    }

    /// Reads exactly `len` octets that are not a frame.
    #[track_caller]
    pub(crate) fn read_exact(&mut self, len: usize) -> BytesMut {
        while self.input.len() < len {
            assert!(self.read(), "the other end has closed");
        }
        self.input.split_to(len)
    }

    /// Removes the preface from the input. Returns whether none is expected any more.
    #[track_caller]
    fn take_preface(&mut self) -> bool {
        if self.expects_preface && self.input.len() >= frame::PREFACE.len() {
            let preface = self.input.split_to(frame::PREFACE.len());
            assert_eq!(preface[..], *frame::PREFACE);
            self.expects_preface = false;
        }
        !self.expects_preface
    }

    /// Reads once; returns `false` at the end.
    #[track_caller]
    pub(super) fn read(&mut self) -> bool {
        let mut octets = [0; 16 << 10];
        match self.stream.read(&mut octets) {
            Ok(0) => false,
            Ok(len) => {
                self.input.extend_from_slice(&octets[..len]);
                self.seen.octets += len as u64;
                true
            }
            Err(error) if is_gone(error.kind()) => false,
            Err(error) => panic!("waiting for the other end: {error}"),
        }
    }

    /// Field blocks are decoded on arrival, since the table belongs to the connection.
    fn note(&mut self, frame: &Frame) {
        let (fragment, end) = match frame {
            Frame::Headers(frame) => (&frame.fragment, frame.end_headers),
            Frame::PushPromise(frame) => (&frame.fragment, frame.end_headers),
            Frame::Continuation(frame) => (&frame.fragment, frame.end_headers),
            _ => return,
        };
        let decoded = self.decoder.decode(fragment, end).expect("the field block is valid");
        self.section = decoded.map(|decoded| decoded.headers);
    }
}

/// Returns whether an error means that the connection is closed.
pub(crate) fn is_gone(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
    )
}

/// RFC 9113, Section 4.1: the reserved bit and undefined flags are sent as zero.
#[track_caller]
fn assert_clean(input: &[u8]) {
    let [_, _, _, kind, flags, stream, ..] = *input else { return };
    assert_eq!(stream & 0x80, 0, "the reserved bit is set");
    let defined = match kind {
        0x00 => 0x09,
        0x01 => 0x2d,
        0x04 | 0x06 => 0x01,
        0x05 => 0x0c,
        0x09 => 0x04,
        _ => 0x00,
    };
    assert_eq!(flags & !defined, 0, "kind {kind:#x}: an undefined flag is set: {flags:#x}");
}
