//! Messages in a body, each with a prefix of five octets: a flag and the length.

use bytes::{Buf, Bytes, BytesMut};

use crate::codec::Codec;
use crate::compression::Compression;
use crate::status::Status;

/// Octets of the prefix.
const PREFIX: usize = 5;

/// The initial buffer of a message that arrives in pieces. It grows with the octets received.
const FIRST_ROOM: usize = 16 << 10;

/// Writes messages to a buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer {
    pub(crate) compression: Option<Compression>,
    /// The limit of a message on the wire, in octets.
    pub(crate) max_message: usize,
}

impl Writer {
    /// Appends a message to the buffer. After an error the buffer is unchanged.
    pub(crate) fn write<T>(
        &self,
        codec: &impl Codec<T>,
        message: &T,
        buffer: &mut BytesMut,
    ) -> Result<(), Status> {
        let start = buffer.len();
        let written = self.try_write(codec, message, buffer);
        if written.is_err() {
            buffer.truncate(start);
        }
        written
    }

    fn try_write<T>(
        &self,
        codec: &impl Codec<T>,
        message: &T,
        buffer: &mut BytesMut,
    ) -> Result<(), Status> {
        let start = buffer.len();
        buffer.extend_from_slice(&[0; PREFIX]);
        codec.encode(message, buffer)?;
        if let Some(compression) = self.compression {
            let plain = buffer.split_off(start + PREFIX);
            compression.deflate(&plain, buffer)?;
        }
        let len = buffer.len() - start - PREFIX;
        let fits = u32::try_from(len).ok().filter(|_| len <= self.max_message);
        let Some(octets) = fits else {
            let most = self.max_message;
            return Err(Status::resource_exhausted(format!(
                "a message of {len} octets exceeds the limit for sending ({most} octets)"
            )));
        };
        buffer[start] = u8::from(self.compression.is_some());
        buffer[start + 1..start + PREFIX].copy_from_slice(&octets.to_be_bytes());
        Ok(())
    }
}

/// Splits a body into messages. Memory grows with the octets received, not with the length that a
/// prefix announces.
#[derive(Debug)]
pub(crate) struct Reader {
    /// The compression of messages whose flag is set.
    compression: Option<Compression>,
    /// The limit of a message, both compressed and inflated, in octets.
    max_message: usize,
    /// Octets received and not yet parsed.
    input: Bytes,
    prefix: [u8; PREFIX],
    prefix_len: usize,
    /// The beginning of a message whose prefix is complete.
    partial: BytesMut,
}

impl Reader {
    pub(crate) fn new(compression: Option<Compression>, max_message: usize) -> Self {
        Reader {
            compression,
            max_message,
            input: Bytes::new(),
            prefix: [0; PREFIX],
            prefix_len: 0,
            partial: BytesMut::new(),
        }
    }

    /// Takes the next piece of the body, after `next` has returned `None`.
    pub(crate) fn push(&mut self, piece: Bytes) {
        debug_assert!(self.input.is_empty(), "the piece before has not been used up");
        self.input = piece;
    }

    /// The next message; `None` if more of the body is needed.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, Status> {
        while self.prefix_len < PREFIX {
            if self.input.is_empty() {
                return Ok(None);
            }
            self.prefix[self.prefix_len] = self.input.get_u8();
            self.prefix_len += 1;
        }
        let [flag, a, b, c, d] = self.prefix;
        let announced = u32::from_be_bytes([a, b, c, d]);
        let is_compressed = match flag {
            0 => false,
            1 => true,
            _ => return Err(Status::internal(format!("a message has the flag {flag}"))),
        };
        let compression = self.compression.filter(|_| is_compressed);
        if is_compressed && compression.is_none() {
            let what = "a message is compressed, but grpc-encoding names no compression";
            return Err(Status::internal(what));
        }
        let most = self.max_message;
        let len = usize::try_from(announced).ok().filter(|len| *len <= most).ok_or_else(|| {
            let what =
                format!("a message of {announced} octets exceeds {most} octets (max_message)");
            Status::resource_exhausted(what)
        })?;
        let Some(message) = self.take(len) else { return Ok(None) };
        self.prefix_len = 0;
        match compression {
            Some(compression) => compression.inflate(&message, most).map(Some),
            None => Ok(Some(message)),
        }
    }

    /// Handles the end of the body.
    ///
    /// # Errors
    ///
    /// The body ends within a message.
    pub(crate) fn finish(&self) -> Result<(), Status> {
        if self.prefix_len == 0 {
            return Ok(());
        }
        Err(Status::internal("the body ends within a message"))
    }

    /// Returns a whole message, if all of its octets have arrived.
    fn take(&mut self, len: usize) -> Option<Bytes> {
        if self.partial.is_empty() && self.input.len() >= len {
            return Some(self.input.split_to(len));
        }
        let missing = len - self.partial.len();
        let here = missing.min(self.input.len());
        if self.partial.capacity() - self.partial.len() < here {
            let room = FIRST_ROOM.max(self.partial.len()).max(here);
            self.partial.reserve(room.min(missing));
        }
        self.partial.extend_from_slice(&self.input.split_to(here));
        (here == missing).then(|| std::mem::take(&mut self.partial).freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;

    /// A codec that copies octets.
    #[derive(Clone, Copy)]
    struct Raw;

    impl Codec<Vec<u8>> for Raw {
        fn encode(&self, message: &Vec<u8>, buffer: &mut BytesMut) -> Result<(), Status> {
            buffer.extend_from_slice(message);
            Ok(())
        }

        fn decode(&self, octets: Bytes) -> Result<Vec<u8>, Status> {
            Ok(octets.into())
        }
    }

    fn written(compression: Option<Compression>, messages: &[&[u8]]) -> Bytes {
        let writer = Writer { compression, max_message: usize::MAX };
        let mut buffer = BytesMut::new();
        for message in messages {
            writer.write(&Raw, &message.to_vec(), &mut buffer).unwrap();
        }
        buffer.freeze()
    }

    /// Reads all messages of a body that arrives in pieces of `step` octets.
    fn read(reader: &mut Reader, body: &Bytes, step: usize) -> Result<Vec<Bytes>, Status> {
        let mut messages = Vec::new();
        for piece in body.chunks(step) {
            reader.push(Bytes::copy_from_slice(piece));
            while let Some(message) = reader.next()? {
                messages.push(message);
            }
        }
        reader.finish().map(|()| messages)
    }

    #[test]
    fn messages_do_not_depend_on_how_the_body_was_split() {
        let large = vec![7; 70_000];
        let messages: [&[u8]; 5] = [b"", b"a", &large, b"", b"hello"];
        let body = written(None, &messages);
        for step in [1, 2, 3, 4, 5, 6, 7, 1_000, 69_999, body.len()] {
            let mut reader = Reader::new(None, 70_000);
            assert_eq!(read(&mut reader, &body, step).unwrap(), messages, "{step}");
        }
    }

    #[test]
    fn prefix_has_the_flag_and_the_length() {
        assert_eq!(written(None, &[b"abc"])[..], *b"\0\0\0\0\x03abc");
    }

    #[test]
    fn whole_message_is_not_copied() {
        let body = written(None, &[b"hello"]);
        let mut reader = Reader::new(None, 100);
        reader.push(body.clone());
        let message = reader.next().unwrap().unwrap();
        assert_eq!(message.as_ptr(), body[5..].as_ptr());
    }

    #[test]
    fn announced_length_over_the_limit_is_refused_by_the_prefix_alone() {
        for announced in [101, u32::MAX] {
            let mut reader = Reader::new(None, 100);
            let mut prefix = BytesMut::from(&[0][..]);
            prefix.extend_from_slice(&announced.to_be_bytes());
            reader.push(prefix.freeze());
            let status = reader.next().unwrap_err();
            assert_eq!(status.code(), Code::ResourceExhausted);
        }
        let mut reader = Reader::new(None, 100);
        assert!(read(&mut reader, &written(None, &[&[1; 100]]), 200).is_ok());
    }

    #[test]
    fn memory_grows_with_the_octets_received() {
        let mut reader = Reader::new(None, usize::MAX);
        reader.push(Bytes::from_static(b"\0\xff\xff\xff\xffabc"));
        assert!(reader.next().unwrap().is_none());
        assert!(reader.partial.capacity() <= 2 * FIRST_ROOM);
    }

    #[test]
    fn half_messages_are_refused() {
        let body = written(None, &[b"first", b"second"]);
        for len in 1..body.len() {
            let cut = body.slice(..len);
            let whole = len == written(None, &[b"first"]).len();
            let status = read(&mut Reader::new(None, 100), &cut, 100).err();
            assert_eq!(status.map(|status| status.code()), (!whole).then_some(Code::Internal));
        }
    }

    #[test]
    fn flags_other_than_zero_and_one_are_refused() {
        for flag in 2..=u8::MAX {
            let mut reader = Reader::new(None, 100);
            reader.push(Bytes::copy_from_slice(&[flag, 0, 0, 0, 0]));
            assert_eq!(reader.next().unwrap_err().code(), Code::Internal);
        }
    }

    #[test]
    fn compressed_message_needs_an_encoding() {
        let mut reader = Reader::new(None, 100);
        reader.push(Bytes::from_static(&[1, 0, 0, 0, 0]));
        assert_eq!(reader.next().unwrap_err().code(), Code::Internal);
    }

    #[cfg(feature = "gzip")]
    #[test]
    fn compressed_and_plain_messages_may_alternate() {
        let gzip = Some(Compression::Gzip);
        let mut body = BytesMut::from(&written(gzip, &[&[1; 1_000]])[..]);
        body.extend_from_slice(&written(None, &[b"plain"]));
        let mut reader = Reader::new(gzip, 1_000);
        let messages = read(&mut reader, &body.freeze(), 9).unwrap();
        assert_eq!(messages, [&[1; 1_000][..], b"plain"]);
    }

    #[test]
    fn message_that_is_too_large_to_send_leaves_the_buffer_as_it_was() {
        let writer = Writer { compression: None, max_message: 4 };
        let mut buffer = BytesMut::new();
        writer.write(&Raw, &b"1234".to_vec(), &mut buffer).unwrap();
        let status = writer.write(&Raw, &b"12345".to_vec(), &mut buffer).unwrap_err();
        assert_eq!((status.code(), buffer.len()), (Code::ResourceExhausted, 9));
    }
}
