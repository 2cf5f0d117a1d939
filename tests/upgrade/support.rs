//! Scripted transports that record what is written.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

use h2_sync::Error;
use h2_sync::transport::{Closer, Halves, Pair};
use h2_sync::upgrade::{Detected, Options, detect};

/// The sizes of reads, which must not affect results.
pub(crate) const STEPS: [usize; 4] = [1, 2, 7, usize::MAX];

/// SETTINGS and GOAWAY (PROTOCOL_ERROR).
pub(crate) const GOAWAY: &str = "\0\0\0\x04\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x01";

/// The fields that make a request a valid upgrade request.
pub(crate) const WISH: &str = "Host: test\r\nConnection: Upgrade, HTTP2-Settings\r\n\
                               Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";

/// A request with these additional fields and this body.
pub(crate) fn wish(fields: &str, body: &str) -> String {
    format!("POST /in HTTP/1.1\r\n{WISH}{fields}\r\n{body}")
}

/// A peer that sends its input in pieces of a given size, and then closes or forbids further reads.
pub(crate) struct Script {
    rest: Vec<u8>,
    step: usize,
    end: End,
}

#[derive(Clone, Copy)]
pub(crate) enum End {
    Closed,
    /// A further read fails the test.
    Forbidden,
}

impl Read for Script {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.step.min(self.rest.len()).min(buf.len());
        assert!(len > 0 || matches!(self.end, End::Closed), "a read beyond the required input");
        buf[..len].copy_from_slice(&self.rest[..len]);
        self.rest.drain(..len);
        Ok(len)
    }
}

/// What was written to a peer.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Returns the status of the single response, if any.
    pub(crate) fn status(&self) -> Option<u16> {
        let text = self.text();
        assert!(text.lines().filter(|line| line.starts_with("HTTP/")).count() <= 1, "{text}");
        Some(text.strip_prefix("HTTP/1.1 ")?[..3].parse().unwrap())
    }
}

impl Write for Written {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) type Scripted = Pair<Script, Written>;

pub(crate) fn scripted(input: impl AsRef<[u8]>, step: usize, end: End) -> (Scripted, Written) {
    let written = Written::default();
    let script = Script { rest: input.as_ref().to_vec(), step, end };
    (Pair::with_closer(script, written.clone(), Closer::none()), written)
}

pub(crate) fn detect_in_steps(
    input: impl AsRef<[u8]>,
    step: usize,
) -> (Result<Detected<Scripted>, Error>, Written) {
    let (stream, written) = scripted(input, step, End::Closed);
    (detect(stream, &Options::default()), written)
}

/// Reads the rest of the input.
pub(crate) fn rest<R: Read, W>(mut stream: Halves<R, W>) -> String {
    let mut text = String::new();
    stream.reader.read_to_string(&mut text).unwrap();
    text
}
