//! The other end of the connection: it says what it is told to say, right or wrong, and reads frames.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::ops::{Deref, DerefMut};

use h2_sync::frame::Frame;

pub(crate) use crate::support::LONG;
use crate::support::{Peer as Frames, is_gone};

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
    frames: Frames<Line>,
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
        let mut frames = Frames::silent(Line { stream, cut, output: Vec::new() });
        frames.acknowledges = false;
        Peer { frames, block: Vec::new(), transcript: Vec::new() }
    }

    /// Says something. It is on the wire at the next read, or [`flush`](Self::flush).
    pub(crate) fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.frames.write(octets);
    }

    pub(crate) fn flush(&mut self) {
        self.frames.stream.flush().unwrap();
    }

    /// Nothing more is sent: the live side reads the end.
    pub(crate) fn shut(&mut self) {
        self.flush();
        // It may have been faster.
        let _ = self.frames.stream.stream.shutdown(Shutdown::Write);
    }

    /// The next frame, of whatever kind; `None` where the live side has closed.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<Frame> {
        self.flush();
        let frame = self.frames.next()?;
        self.note(&frame);
        Some(frame)
    }

    fn note(&mut self, frame: &Frame) {
        let fragment = match frame {
            Frame::Headers(frame) => &frame.fragment,
            Frame::PushPromise(frame) => &frame.fragment,
            Frame::Continuation(frame) => &frame.fragment,
            // How much is granted at once depends on how much was read at once.
            Frame::WindowUpdate(_) => return,
            other => return self.transcript.push(other.to_string()),
        };
        if !matches!(frame, Frame::Continuation(_)) {
            self.block.clear();
        }
        self.block.extend_from_slice(fragment);
        self.transcript.push(frame.to_string());
    }
}

impl Deref for Peer {
    type Target = Frames<Line>;

    fn deref(&self) -> &Frames<Line> {
        &self.frames
    }
}

impl DerefMut for Peer {
    fn deref_mut(&mut self) -> &mut Frames<Line> {
        &mut self.frames
    }
}

/// A connection on which nothing goes out before it is flushed, or read from; and then as it is to be
/// cut.
pub(crate) struct Line {
    stream: TcpStream,
    cut: Cut,
    output: Vec<u8>,
}

impl Read for Line {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        self.flush()?;
        self.stream.read(octets)
    }
}

impl Write for Line {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.output.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
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
                Err(error) if is_gone(error.kind()) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
