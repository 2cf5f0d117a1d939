//! A server of HTTP/1.1 that reads and writes text itself.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use h2_sync::client::{Client, Config, Versions};

use crate::support::LONG;

/// Settings of a client whose version follows from the URL.
pub(crate) fn config() -> Config {
    let mut config = crate::support::config();
    config.versions = Versions::Auto;
    config
}

pub(crate) fn client() -> Client {
    Client::with_config(config()).unwrap()
}

/// The server's end of a connection.
pub(crate) struct Peer1 {
    stream: TcpStream,
}

/// A server on loopback that calls `act` with its listener, and its URL.
pub(crate) fn server<T: Send + 'static>(
    act: impl FnOnce(Server) -> T + Send + 'static,
) -> (JoinHandle<T>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (thread::spawn(move || act(Server(listener))), url)
}

pub(crate) struct Server(TcpListener);

impl Server {
    pub(crate) fn accept(&self) -> Peer1 {
        Peer1::new(self.0.accept().unwrap().0)
    }
}

impl Peer1 {
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        Peer1 { stream }
    }

    /// Reads the head of a request, and no octet after it.
    pub(crate) fn head(&mut self) -> String {
        self.until("\r\n\r\n")
    }

    /// Closes when a request arrives, without reading it: the client gets a reset.
    pub(crate) fn reset(self) {
        self.stream.peek(&mut [0]).unwrap();
    }

    /// Reads until `text` arrives.
    pub(crate) fn until(&mut self, end: &str) -> String {
        let mut text = Vec::new();
        while !text.ends_with(end.as_bytes()) {
            let mut octet = [0];
            self.stream.read_exact(&mut octet).unwrap();
            text.push(octet[0]);
        }
        String::from_utf8(text).unwrap()
    }

    pub(crate) fn octets(&mut self, len: usize) -> Vec<u8> {
        let mut octets = vec![0; len];
        self.stream.read_exact(&mut octets).unwrap();
        octets
    }

    pub(crate) fn write(&mut self, octets: impl AsRef<[u8]>) {
        self.stream.write_all(octets.as_ref()).unwrap();
    }

    /// Answers a request whose head is read with 200 and this body.
    pub(crate) fn answer(&mut self, body: &str) -> String {
        let head = self.head();
        self.write(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
        head
    }

    /// Waits for the client's close, and returns the octets that it sent.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset counts as the end.
        let _ = self.stream.read_to_end(&mut rest);
        rest
    }
}
