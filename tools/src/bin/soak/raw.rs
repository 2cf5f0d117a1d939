//! A hostile client that sends arbitrary frames and octets.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use h2_sync::frame::{self, Frame, Setting, Settings, StreamId};
use h2_sync::hpack::Encoder;
use h2_sync::tls::Connector;
use h2_sync::{Headers, headers};

use crate::gate::Gate;
use crate::load::Load;
use crate::server::PATIENCE;

/// A timeout far beyond the time in which an attack must be cut.
const LONG: Duration = Duration::from_secs(40);

/// The interval for checking the gate.
const TICK: Duration = Duration::from_millis(50);

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// The client's side of a connection.
pub(crate) struct Raw<'a> {
    stream: Box<dyn Stream>,
    /// The underlying socket, for its timeouts.
    socket: TcpStream,
    encoder: Encoder,
    next_id: u32,
    gate: &'a Gate,
}

/// Appends a frame.
pub(crate) fn put(out: &mut Vec<u8>, frame: impl Into<Frame>) {
    frame.into().encode(out);
}

/// Appends a frame header and a payload, valid or not.
pub(crate) fn put_raw(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    // The length has three octets.
    out.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

pub(crate) fn get(path: &str) -> Headers {
    request("GET", path)
}

pub(crate) fn request(method: &str, path: &str) -> Headers {
    headers!(":method" => method, ":scheme" => "http", ":authority" => "127.0.0.1", ":path" => path)
}

impl<'a> Raw<'a> {
    /// Connects without sending anything.
    pub(crate) fn silent(load: &'a Load, address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_write_timeout(Some(LONG))?;
        let stream = Box::new(socket.try_clone()?);
        Ok(Raw::new(load, stream, socket))
    }

    /// Connects and sends the preface and these settings.
    pub(crate) fn with(load: &'a Load, entries: Vec<Setting>) -> io::Result<Self> {
        let mut raw = Raw::silent(load, load.about.plain)?;
        raw.greet(entries)?;
        Ok(raw)
    }

    /// Connects over TLS and sends the preface and these settings.
    pub(crate) fn over_tls(load: &'a Load, entries: Vec<Setting>) -> io::Result<Self> {
        let socket = TcpStream::connect(load.about.secure)?;
        socket.set_write_timeout(Some(LONG))?;
        let stream = load.connector.connect("127.0.0.1", socket.try_clone()?, LONG);
        let stream = stream.map_err(|error| io::Error::other(error.to_string()))?;
        let mut raw = Raw::new(load, Box::new(stream), socket);
        raw.greet(entries)?;
        Ok(raw)
    }

    /// Connects over TLS without ALPN, like an HTTP/1.1 client, without sending anything.
    pub(crate) fn silent_over_tls(load: &'a Load) -> io::Result<Self> {
        let socket = TcpStream::connect(load.about.secure)?;
        socket.set_write_timeout(Some(LONG))?;
        let mut config = load.connector.config().as_ref().clone();
        config.alpn_protocols.clear();
        let connector = Connector::from_config(config);
        match connector.connect("127.0.0.1", socket.try_clone()?, LONG) {
            Ok(_) => Err(io::Error::other("the server has chosen a protocol by itself")),
            Err(error) => {
                let reason = error.to_string();
                let stream = error.into_stream().ok_or_else(|| io::Error::other(reason))?;
                Ok(Raw::new(load, Box::new(stream), socket))
            }
        }
    }

    fn new(load: &'a Load, stream: Box<dyn Stream>, socket: TcpStream) -> Self {
        Raw { stream, socket, encoder: Encoder::new(), next_id: 1, gate: &load.gate }
    }

    fn greet(&mut self, entries: Vec<Setting>) -> io::Result<()> {
        let mut octets = frame::PREFACE.to_vec();
        put(&mut octets, Settings { ack: false, entries });
        put(&mut octets, Settings::acknowledgement());
        self.write(&octets)
    }

    pub(crate) fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.write_all(octets)
    }

    /// Shuts our direction.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.socket.shutdown(Shutdown::Write)
    }

    pub(crate) fn send(&mut self, frame: impl Into<Frame>) -> io::Result<()> {
        let mut octets = Vec::new();
        put(&mut octets, frame);
        self.write(&octets)
    }

    /// Sends what `make` puts out, `count` times, in large writes. Between the writes, input is
    /// read or left unread.
    pub(crate) fn flood(
        &mut self,
        times: usize,
        reads: bool,
        mut make: impl FnMut(&mut Self, &mut Vec<u8>),
    ) -> io::Result<()> {
        let mut octets = Vec::new();
        for n in 1..=times {
            make(self, &mut octets);
            if octets.len() >= 8 << 10 || n == times {
                self.write(&octets)?;
                octets.clear();
                if reads {
                    self.read_for(Duration::from_millis(1))?;
                }
            }
        }
        Ok(())
    }

    /// Sends HEADERS of a new stream.
    pub(crate) fn open(
        &mut self,
        out: &mut Vec<u8>,
        fields: &Headers,
        end_stream: bool,
    ) -> StreamId {
        let mut block = Vec::new();
        self.encoder.encode(fields, &mut block);
        self.open_block(out, &block, end_stream, true)
    }

    /// Sends HEADERS of a new stream with arbitrary octets as field block.
    pub(crate) fn open_block(
        &mut self,
        out: &mut Vec<u8>,
        block: &[u8],
        end_stream: bool,
        end_headers: bool,
    ) -> StreamId {
        let stream_id = StreamId::from_wire(self.next_id);
        self.next_id += 2;
        let fragment = block.to_vec().into();
        put(
            out,
            frame::Headers {
                stream_id,
                fragment,
                end_stream,
                end_headers,
                priority: None,
                padding: None,
            },
        );
        stream_id
    }

    /// Reads and discards input for that time, and returns its length.
    ///
    /// # Errors
    ///
    /// If the server has ended the connection.
    pub(crate) fn read_for(&mut self, time: Duration) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(time))?;
        let mut buffer = [0; 64 << 10];
        match self.stream.read(&mut buffer) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => Ok(n),
            Err(error) if gave_up(&error) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Waits until the server ends the connection; returns `None` if the gate is shut before.
    pub(crate) fn is_cut(&mut self) -> Option<bool> {
        let until = Instant::now() + LONG;
        while Instant::now() < until {
            if self.read_for(TICK).is_err() {
                return Some(true);
            }
            if self.gate.is_shut() {
                return None;
            }
        }
        Some(false)
    }

    /// Repeats an action slowly, for longer than the server's timeouts.
    pub(crate) fn slowly(
        &mut self,
        every: Duration,
        mut step: impl FnMut(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        let until = Instant::now() + 2 * PATIENCE;
        while Instant::now() < until && self.gate.sleep(every) {
            step(self)?;
        }
        Ok(())
    }
}

pub(crate) fn gave_up(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
