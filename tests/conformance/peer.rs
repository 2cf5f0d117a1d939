//! The other end of the connection: it says what it is told to say, right or wrong, and reads frames.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::BytesMut;
use h2_sync::frame::{self, Frame, Head};
use h2_sync::hpack::{Decoder, Limits};
use h2_sync::Headers;

/// A wait as long as this is a failure.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// How the octets of an exchange are cut into writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// All that is sent between two reads is one write.
    Whole,
    /// Each octet is a write. Of long payloads, all but the last 2 KiB goes in odd pieces.
    Octets,
}

/// Octets out, frames in.
pub(crate) struct Peer {
    stream: TcpStream,
    cut: Cut,
    output: Vec<u8>,
    input: BytesMut,
    /// The largest payload that the live side may send.
    pub(crate) max_frame_size: u32,
    /// What the live side's field blocks are decoded with.
    pub(crate) decoder: Decoder,
    /// The last field section that has come in.
    pub(crate) section: Option<Headers>,
    /// The fragments of the last field block, as they came.
    pub(crate) block: Vec<u8>,
    /// The frames that have come in, for what has to be the same however the octets are cut.
    pub(crate) transcript: Vec<String>,
}

impl Peer {
    pub(crate) fn new(stream: TcpStream, cut: Cut) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        Peer {
            stream,
            cut,
            output: Vec::new(),
            input: BytesMut::new(),
            max_frame_size: frame::DEFAULT_MAX_FRAME_SIZE,
            decoder: Decoder::new(Limits::default()),
            section: None,
            block: Vec::new(),
            transcript: Vec::new(),
        }
    }

    /// Says something. It is on the wire at the next read, or [`flush`](Self::flush).
    pub(crate) fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.output.extend_from_slice(octets.as_ref());
    }

    pub(crate) fn flush(&mut self) {
        let output = std::mem::take(&mut self.output);
        let mut rest = &output[..];
        while !rest.is_empty() {
            let len = match self.cut {
                Cut::Whole => rest.len(),
                Cut::Octets if rest.len() > 2048 => 1021,
                Cut::Octets => 1,
            };
            let (piece, after) = rest.split_at(len);
            rest = after;
            match self.stream.write_all(piece) {
                Ok(()) => {}
                // The live side has closed; what it said before is there to be read.
                Err(error) if is_gone(error.kind()) => return,
                Err(error) => panic!("writing: {error}"),
            }
        }
    }

    /// Nothing more is sent: the live side reads the end.
    pub(crate) fn shut(&mut self) {
        self.flush();
        // It may have been faster.
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// Exactly so many octets that are no frame.
    #[track_caller]
    pub(crate) fn read_exact(&mut self, len: usize) -> BytesMut {
        self.flush();
        while self.input.len() < len {
            assert!(self.read(), "the live side closed");
        }
        self.input.split_to(len)
    }

    /// The next frame, of whatever kind; `None` where the live side has closed.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<Frame> {
        self.flush();
        loop {
            if let Some(head) = self.input.first_chunk::<{ Head::LEN }>() {
                assert_clean(*head);
            }
            // RFC 9113, Section 4.2: never more than the receiver allows.
            let frame = Frame::decode(&mut self.input, self.max_frame_size);
            if let Some(frame) = frame.expect("the live side's frames are valid") {
                self.note(&frame);
                return Some(frame);
            }
            if !self.read() {
                assert!(self.input.is_empty(), "the live side's last frame was cut");
                return None;
            }
        }
    }

    #[track_caller]
    fn read(&mut self) -> bool {
        let mut octets = [0; 16 << 10];
        match self.stream.read(&mut octets) {
            Ok(0) => false,
            Ok(len) => {
                self.input.extend_from_slice(&octets[..len]);
                true
            }
            Err(error) if is_gone(error.kind()) => false,
            Err(error) => panic!("waiting for the live side: {error}"),
        }
    }

    /// Field blocks are decoded as they come, since the table is the connection's.
    fn note(&mut self, frame: &Frame) {
        let (fragment, end) = match frame {
            Frame::Headers(frame) => (&frame.fragment, frame.end_headers),
            Frame::PushPromise(frame) => (&frame.fragment, frame.end_headers),
            Frame::Continuation(frame) => (&frame.fragment, frame.end_headers),
            // How much is granted at once depends on how much was read at once.
            Frame::WindowUpdate(_) => return,
            other => return self.transcript.push(other.to_string()),
        };
        if !matches!(frame, Frame::Continuation(_)) {
            self.block.clear();
        }
        self.block.extend_from_slice(fragment);
        self.transcript.push(frame.to_string());
        let decoded = self.decoder.decode(fragment, end).expect("the field block is valid");
        self.section = decoded.map(|decoded| decoded.headers);
    }
}

fn is_gone(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
    )
}

/// RFC 9113, Section 4.1: the reserved bit is sent as 0, and so are flags that a kind does not have.
#[track_caller]
fn assert_clean(head: [u8; Head::LEN]) {
    let [_, _, _, kind, flags, stream, ..] = head;
    assert_eq!(stream & 0x80, 0, "the reserved bit is set: {head:x?}");
    let defined = match kind {
        0x00 => 0x09,
        0x01 => 0x2d,
        0x04 | 0x06 => 0x01,
        0x05 => 0x0c,
        0x09 => 0x04,
        _ => 0x00,
    };
    assert_eq!(flags & !defined, 0, "a flag without a meaning is set: {head:x?}");
}
