//! A client that speaks frames, or any octets, by hand, and means no good.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use h2_sync::frame::{self, Frame, Setting, Settings, StreamId};
use h2_sync::hpack::Encoder;
use h2_sync::tls::Connector;
use h2_sync::{headers, Headers};

use crate::gate::Gate;
use crate::load::Load;
use crate::server::PATIENCE;

/// What must be cut is cut long before.
const LONG: Duration = Duration::from_secs(40);

/// How often it is looked whether there is something else to do.
const TICK: Duration = Duration::from_millis(50);

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// One end of a connection.
pub(crate) struct Raw<'a> {
    stream: Box<dyn Stream>,
    /// The same, for its timeouts.
    socket: TcpStream,
    encoder: Encoder,
    next_id: u32,
    gate: &'a Gate,
}

/// The octets of a frame behind others.
pub(crate) fn put(out: &mut Vec<u8>, frame: impl Into<Frame>) {
    frame.into().encode(out);
}

/// The head of a frame and a payload, whether they make sense or not.
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
    /// A connection that nothing has been said on.
    pub(crate) fn silent(load: &'a Load, address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_write_timeout(Some(LONG))?;
        let stream = Box::new(socket.try_clone()?);
        Ok(Raw::new(load, stream, socket))
    }

    /// One with the preface and these settings.
    pub(crate) fn with(load: &'a Load, entries: Vec<Setting>) -> io::Result<Self> {
        let mut raw = Raw::silent(load, load.about.plain)?;
        raw.greet(entries)?;
        Ok(raw)
    }

    /// The same over TLS.
    pub(crate) fn over_tls(load: &'a Load, entries: Vec<Setting>) -> io::Result<Self> {
        let socket = TcpStream::connect(load.about.secure)?;
        socket.set_write_timeout(Some(LONG))?;
        let stream = load.connector.connect("127.0.0.1", socket.try_clone()?, LONG);
        let stream = stream.map_err(|error| io::Error::other(error.to_string()))?;
        let mut raw = Raw::new(load, Box::new(stream), socket);
        raw.greet(entries)?;
        Ok(raw)
    }

    /// TLS without ALPN, as clients of HTTP/1.1 speak it, and nothing said behind it.
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

    /// Nothing more comes.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.socket.shutdown(Shutdown::Write)
    }

    pub(crate) fn send(&mut self, frame: impl Into<Frame>) -> io::Result<()> {
        let mut octets = Vec::new();
        put(&mut octets, frame);
        self.write(&octets)
    }

    /// So many times what `make` puts out, in large writes. Between these, what has come is read, or
    /// left where it is.
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

    /// HEADERS of a new stream.
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

    /// The same with any octets for a field block.
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

    /// Reads what comes within that time, and forgets it. How much it was.
    ///
    /// # Errors
    ///
    /// The server has put an end to it.
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

    /// Whether the server puts an end to it; `None` if the gate is shut before.
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

    /// Goes on with something that is done now and then, for longer than the server has patience.
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
