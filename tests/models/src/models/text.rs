//! The peer of a connection of HTTP/1.1, which reads and writes text.

use std::io::{Read, Write};
use std::net::TcpStream;

/// A peer that reads and writes text itself.
pub(super) struct Peer {
    stream: TcpStream,
    pub(super) input: Vec<u8>,
}

impl Peer {
    pub(super) fn new(stream: TcpStream) -> Self {
        Peer { stream, input: Vec::new() }
    }

    /// Returns whether nothing is left of what was read.
    pub(super) fn is_empty(&self) -> bool {
        self.input.is_empty()
    }

    /// Sends octets. Ignores a closed peer.
    pub(super) fn send(&mut self, text: &str) {
        let _ = self.stream.write_all(text.as_bytes());
    }

    /// Reads a head without a body, and returns its first line. `None` at the end.
    pub(super) fn head(&mut self) -> Option<String> {
        let end = self.find("\r\n\r\n")?;
        let head: Vec<u8> = self.input.drain(..end).collect();
        let head = String::from_utf8(head).unwrap();
        Some(head.lines().next().unwrap().to_owned())
    }

    /// Reads a response with `content-length`, and returns its body.
    pub(super) fn body(&mut self) -> Option<String> {
        let end = self.find("\r\n\r\n")?;
        let head = String::from_utf8(self.input.drain(..end).collect()).unwrap();
        let lines = head.lines().filter_map(|line| line.strip_prefix("content-length: "));
        let len: usize = lines.last().expect(&head).parse().unwrap();
        while self.input.len() < len {
            self.read()?;
        }
        Some(String::from_utf8(self.input.drain(..len).collect()).unwrap())
    }

    /// Where a text ends.
    pub(super) fn find(&mut self, text: &str) -> Option<usize> {
        loop {
            let found = self.input.windows(text.len()).position(|it| it == text.as_bytes());
            match found {
                Some(at) => return Some(at + text.len()),
                None => self.read()?,
            }
        }
    }

    /// `None` at the end.
    pub(super) fn read(&mut self) -> Option<()> {
        let mut octets = vec![0; 4 << 10];
        let len = self.stream.read(&mut octets).unwrap_or(0);
        self.input.extend_from_slice(&octets[..len]);
        (len > 0).then_some(())
    }

    /// Answers a GET with its path. Returns `false` at the end of the connection.
    pub(super) fn answer(&mut self, field: &str) -> bool {
        let Some(line) = self.head() else { return false };
        let path = line.split(' ').nth(1).unwrap();
        let len = path.len();
        self.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: {len}\r\n{field}\r\n{path}"));
        true
    }
}
