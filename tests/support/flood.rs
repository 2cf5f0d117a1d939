//! Large amounts of output to a peer that may respond, stop reading, or close.

use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use h2_sync::ErrorCode;
use h2_sync::frame::{Goaway, Kind, Settings};

use super::bounded::LONG;
use super::peer::{Peer, is_gone};

/// The result of a flood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Flood {
    /// Everything was written.
    Whole,
    /// The other side has closed.
    Cut,
    /// The other side accepted nothing more within the time limit.
    Stuck,
}

impl Peer {
    /// Writes the pieces and reads the input in between, so that neither side blocks the other.
    /// Ends when the other side has closed.
    #[track_caller]
    pub(crate) fn flood<P: AsRef<[u8]>>(&mut self, pieces: impl IntoIterator<Item = P>) -> Flood {
        let end = self.pour(pieces, true, LONG);
        assert_ne!(end, Flood::Stuck, "the other end neither reads nor closes: {:?}", self.seen);
        end
    }

    /// Writes the pieces like [`flood`](Self::flood), and expects the other side to end the
    /// connection with this code. How much it has read by then is unknown, since the system buffers
    /// some megabytes.
    #[track_caller]
    pub(crate) fn flood_to_goaway<P: AsRef<[u8]>>(
        &mut self,
        pieces: impl IntoIterator<Item = P>,
        code: ErrorCode,
    ) -> Goaway {
        let _ = self.flood(pieces);
        self.expect_goaway(code)
    }

    /// Like [`flood`](Self::flood), but without reading. Returns [`Flood::Stuck`] when nothing
    /// could be written for `patience`.
    pub(crate) fn flood_unread<P: AsRef<[u8]>>(
        &mut self,
        pieces: impl IntoIterator<Item = P>,
        patience: Duration,
    ) -> Flood {
        self.pour(pieces, false, patience)
    }

    fn pour<P: AsRef<[u8]>>(
        &mut self,
        pieces: impl IntoIterator<Item = P>,
        reads: bool,
        patience: Duration,
    ) -> Flood {
        self.stream.set_nonblocking(true).unwrap();
        // SETTINGS must not be acknowledged in the middle of a partially written frame.
        let acknowledges = std::mem::replace(&mut self.acknowledges, false);
        let before = self.settings_seen();
        let end = pieces
            .into_iter()
            .map(|piece| self.pour_one(piece.as_ref(), reads, patience))
            .find(|end| *end != Flood::Whole)
            .unwrap_or(Flood::Whole);
        self.stream.set_nonblocking(false).unwrap();
        self.acknowledges = acknowledges;
        if acknowledges && end == Flood::Whole {
            for _ in before..self.settings_seen() {
                self.send(Settings { ack: true, entries: Vec::new() });
            }
        }
        end
    }

    fn pour_one(&mut self, mut piece: &[u8], reads: bool, patience: Duration) -> Flood {
        let mut last = Instant::now();
        while !piece.is_empty() {
            if reads && !self.read_what_is_there() {
                return Flood::Cut;
            }
            match self.stream.write(piece) {
                Ok(len) => {
                    piece = &piece[len..];
                    self.sent += len as u64;
                    last = Instant::now();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if last.elapsed() > patience {
                        return Flood::Stuck;
                    }
                    thread::park_timeout(Duration::from_micros(100));
                }
                Err(error) if is_gone(error.kind()) => return Flood::Cut,
                Err(error) => panic!("writing: {error}"),
            }
        }
        Flood::Whole
    }

    fn settings_seen(&self) -> u64 {
        self.seen.frames(Kind::SETTINGS) - self.seen.acks(Kind::SETTINGS)
    }

    /// Reads the available input. Returns `false` at the end.
    fn read_what_is_there(&mut self) -> bool {
        let mut octets = [0; 16 << 10];
        loop {
            match self.stream.read(&mut octets) {
                Ok(0) => return false,
                Ok(len) => {
                    self.input.extend_from_slice(&octets[..len]);
                    self.seen.octets += len as u64;
                    while self.decode().is_some() {}
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if is_gone(error.kind()) => return false,
                Err(error) => panic!("reading: {error}"),
            }
        }
    }
}
