//! Octets collected for the transport, so that one vectored write sends many frames.

use std::io::{self, IoSlice, Write};

use bytes::Bytes;

use crate::frame::Head;

/// DATA up to this size is copied next to its frame header; larger payloads are shared. Below it, a
/// separate slice costs more than the copy.
const COPIED_MAX: usize = 2 << 10;

/// Slices passed to one vectored write. Systems allow 1,024; this is 1 MiB in frames of 16 KiB.
const SLICES: usize = 132;

/// The output of [`Connection::poll_transmit`](crate::proto::Connection::poll_transmit): a sequence
/// of octets, stored as a buffer of frames with large payloads shared in between.
#[derive(Debug, Default)]
pub struct Transmit {
    buffer: Vec<u8>,
    /// Payloads, each with the position in `buffer` that it precedes.
    shared: Vec<(usize, Bytes)>,
    shared_len: usize,
    written: usize,
}

impl Transmit {
    /// Returns an empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of unwritten octets.
    pub fn len(&self) -> usize {
        self.buffer.len() + self.shared_len - self.written
    }

    /// Whether everything has been written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Discards all octets, and keeps a buffer of reasonable size for reuse.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.buffer.shrink_to(16 << 10);
        self.shared.clear();
        self.shared.shrink_to(SLICES);
        self.shared_len = 0;
        self.written = 0;
    }

    /// Returns the unwritten octets in pieces.
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let mut skip = self.written;
        self.all_chunks().filter_map(move |chunk| {
            let skipped = skip.min(chunk.len());
            skip -= skipped;
            let rest = &chunk[skipped..];
            (!rest.is_empty()).then_some(rest)
        })
    }

    /// Returns a copy of the unwritten octets.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.len());
        self.chunks().for_each(|chunk| all.extend_from_slice(chunk));
        all
    }

    /// Writes as much as one call accepts, and advances by that.
    ///
    /// # Errors
    ///
    /// Those of the writer; `WriteZero` if it accepts nothing.
    pub fn write_to(&mut self, writer: &mut impl Write) -> io::Result<usize> {
        if self.is_empty() {
            return Ok(0);
        }
        let written = if self.shared.is_empty() {
            // `written` is within the buffer, and octets are left.
            writer.write(&self.buffer[self.written..])?
        } else {
            self.write_vectored_to(writer)?
        };
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        // Guards against a writer that reports more than it was given.
        let written = written.min(self.len());
        self.written += written;
        if self.is_empty() {
            self.clear();
        }
        Ok(written)
    }

    // Separate, since the slices take stack space and most writes do not need them.
    #[inline(never)]
    fn write_vectored_to(&self, writer: &mut impl Write) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut count = 0;
        for (slot, chunk) in slices.iter_mut().zip(self.chunks()) {
            *slot = IoSlice::new(chunk);
            count += 1;
        }
        writer.write_vectored(&slices[..count])
    }

    fn all_chunks(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.shared.iter().map(|&(at, _)| at));
        let ends = self.shared.iter().map(|&(at, _)| at).chain([self.buffer.len()]);
        let between = starts.zip(ends).map(|(from, to)| &self.buffer[from..to]);
        let shared = self.shared.iter().map(|(_, data)| &data[..]).chain([&[][..]]);
        between.zip(shared).flat_map(|(frames, data)| [frames, data])
    }

    /// Takes encoded frames, without a copy if the batch is empty.
    pub(super) fn take_from(&mut self, encoded: &mut Vec<u8>) {
        if self.is_empty() {
            self.clear();
            std::mem::swap(&mut self.buffer, encoded);
        } else {
            self.buffer.append(encoded);
        }
    }

    pub(super) fn push_data(&mut self, head: Head, payload: Bytes) {
        head.encode(&mut self.buffer);
        self.push(payload);
    }

    /// Returns the buffer to append small pieces to.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Appends a payload: small ones are copied, large ones shared.
    pub(crate) fn push(&mut self, payload: Bytes) {
        if payload.len() <= COPIED_MAX {
            self.buffer.extend_from_slice(&payload);
        } else {
            self.shared_len += payload.len();
            self.shared.push((self.buffer.len(), payload));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Data, Flags, Kind, StreamId};

    fn data(len: usize, fill: u8) -> (Head, Bytes) {
        let (flags, stream_id) = (Flags::default(), StreamId::from_wire(1));
        let head = Head { length: len as u32, kind: Kind::DATA, flags, stream_id };
        (head, vec![fill; len].into())
    }

    /// Accepts `step` octets per call.
    struct Slow(usize, Vec<u8>);

    impl Write for Slow {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            let n = buf.len().min(self.0);
            self.1.extend_from_slice(&buf[..n]);
            Ok(n)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_octets_are_the_same_however_little_each_write_takes() {
        let pieces =
            [data(10, 1), data(20_000, 2), data(0, 3), data(COPIED_MAX + 1, 4), data(5, 5)];
        let mut expected = Vec::new();
        for (head, data) in pieces.clone() {
            let (stream_id, end_stream, padding) = (head.stream_id, false, None);
            Data { stream_id, data, end_stream, padding }.encode(&mut expected);
        }
        for step in [1, 7, 9, 4096, usize::MAX] {
            let mut out = Transmit::new();
            pieces.iter().cloned().for_each(|(head, data)| out.push_data(head, data));
            assert_eq!(out.to_vec(), expected);
            let mut slow = Slow(step, Vec::new());
            while !out.is_empty() {
                out.write_to(&mut slow).unwrap();
            }
            assert_eq!(slow.1, expected, "step {step}");
        }
    }

    #[test]
    fn a_writer_that_takes_nothing_is_an_error() {
        let mut out = Transmit::new();
        let (head, payload) = data(1, 1);
        out.push_data(head, payload);
        let error = out.write_to(&mut Slow(0, Vec::new())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);
        assert_eq!(out.len(), 10);
    }
}
