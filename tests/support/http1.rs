//! An HTTP/1.x client that writes raw octets and reads one response at a time.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use super::LONG;

/// A connection.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    input: Vec<u8>,
}

/// A response as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The fields, line by line, with the case of the wire.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The octets after the last chunk.
    pub(crate) trailers: String,
}

impl Raw {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        Raw { stream, input: Vec::new() }
    }

    /// Writes octets. The server may refuse them; the test sees that when it reads.
    pub(crate) fn send(&mut self, octets: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(octets.as_ref());
    }

    /// Shuts our direction.
    pub(crate) fn end(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Sends a GET and reads the response.
    pub(crate) fn get(&mut self, path: &str) -> Reply {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n"));
        self.reply()
    }

    /// Reads the next response, interim or final.
    #[track_caller]
    pub(crate) fn reply(&mut self) -> Reply {
        self.reply_to(true).expect("a response")
    }

    /// Reads the response to a HEAD.
    #[track_caller]
    pub(crate) fn reply_to_head(&mut self) -> Reply {
        self.reply_to(false).expect("a response")
    }

    /// Reads the next response; returns `None` if the connection has ended before it.
    pub(crate) fn reply_if_any(&mut self) -> Option<Reply> {
        self.reply_to(true)
    }

    fn reply_to(&mut self, has_body: bool) -> Option<Reply> {
        let head = loop {
            if let Some(end) = find(&self.input, b"\r\n\r\n") {
                break self.take(end + 4);
            }
            if self.fill() == 0 {
                assert!(self.input.is_empty(), "cut: {}", self.input.escape_ascii());
                return None;
            }
        };
        let head = String::from_utf8(head).unwrap();
        let status: u16 = head.strip_prefix("HTTP/1.1 ").expect(&head)[..3].parse().unwrap();
        let mut reply = Reply { status, head, body: Vec::new(), trailers: String::new() };
        if !has_body || status < 200 || matches!(status, 204 | 304) {
            return Some(reply);
        }
        if reply.field("transfer-encoding") == Some("chunked") {
            self.chunks(&mut reply);
        } else if let Some(length) = reply.field("content-length") {
            let length = length.parse().unwrap();
            reply.body = self.take_full(length);
        } else {
            while self.fill() > 0 {}
            reply.body = std::mem::take(&mut self.input);
        }
        Some(reply)
    }

    fn chunks(&mut self, reply: &mut Reply) {
        loop {
            let line = self.line();
            let size = usize::from_str_radix(line.trim_end(), 16).expect(&line);
            if size == 0 {
                break;
            }
            let chunk = self.take_full(size + 2);
            reply.body.extend_from_slice(&chunk[..size]);
        }
        loop {
            let line = self.line();
            if line == "\r\n" {
                return;
            }
            reply.trailers += &line;
        }
    }

    /// Reads everything until the server closes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.fill() > 0 {}
        std::mem::take(&mut self.input)
    }

    /// Expects the server to close without further output.
    #[track_caller]
    pub(crate) fn assert_closed(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "{}", rest.escape_ascii());
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.input.iter().position(|&octet| octet == b'\n') {
                return String::from_utf8(self.take(end + 1)).unwrap();
            }
            assert!(self.fill() > 0, "truncated within a body");
        }
    }

    fn take_full(&mut self, len: usize) -> Vec<u8> {
        while self.input.len() < len {
            assert!(self.fill() > 0, "truncated within a body");
        }
        self.take(len)
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        self.input.drain(..len).collect()
    }

    /// Reads once. A reset counts as the end.
    fn fill(&mut self) -> usize {
        let mut octets = [0; 16 << 10];
        match self.stream.read(&mut octets) {
            Ok(n) => {
                self.input.extend_from_slice(&octets[..n]);
                n
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("no response: {error}"),
        }
    }
}

impl Reply {
    /// Returns the value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Returns whether the response has `connection: close`.
    pub(crate) fn closes(&self) -> bool {
        self.field("connection") == Some("close")
    }
}

fn find(octets: &[u8], what: &[u8]) -> Option<usize> {
    octets.windows(what.len()).position(|window| window == what)
}
