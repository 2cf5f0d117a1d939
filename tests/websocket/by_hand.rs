//! A client, or a server, whose frames are made by hand.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use h2_sync::client::{Client, Tunnel, Upgraded};

use crate::support::LONG;

pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

/// The opening request in HTTP/1.1, with further fields, which end their lines themselves.
pub(crate) fn request(fields: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nhost: test\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: {KEY}\r\n{fields}\r\n"
    )
}

/// One end of a connection after the handshake.
pub(crate) struct ByHand<S = TcpStream> {
    pub(crate) stream: S,
    is_client: bool,
}

/// A tunnel in HTTP/2 as a stream of octets.
pub(crate) struct InTunnel(Tunnel);

/// A frame as it came, its payload unmasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) is_masked: bool,
    pub(crate) payload: Vec<u8>,
}

impl ByHand {
    /// Opens a WebSocket.
    pub(crate) fn connect(address: SocketAddr, fields: &str) -> (Self, String) {
        let mut stream = prepared(TcpStream::connect(address).unwrap());
        stream.write_all(request(fields).as_bytes()).unwrap();
        let head = head(&mut stream);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains(&format!("sec-websocket-accept: {ACCEPT}\r\n")), "{head}");
        (ByHand { stream, is_client: true }, head)
    }

    /// Takes the opening request of a client, and gives its head. It is left to
    /// [`write`](Self::write) the answer.
    pub(crate) fn accept(listener: &TcpListener) -> (Self, String) {
        let mut stream = prepared(listener.accept().unwrap().0);
        let head = head(&mut stream);
        (ByHand { stream, is_client: false }, head)
    }
}

impl ByHand<InTunnel> {
    /// Opens a WebSocket by extended CONNECT.
    pub(crate) fn connect_http2(client: &Client, url: &str) -> Self {
        let request = client.get(url).header("sec-websocket-version", "13");
        let Upgraded::Switched(mut tunnel) = request.upgrade("websocket").unwrap() else {
            panic!("no WebSocket is opened")
        };
        tunnel.recv.set_read_timeout(Some(LONG));
        tunnel.send.set_write_timeout(Some(LONG));
        ByHand { stream: InTunnel(*tunnel), is_client: true }
    }
}

impl<S: Read + Write> ByHand<S> {
    /// Writes octets as they are. The peer may have had enough of them.
    pub(crate) fn write(&mut self, octets: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(octets.as_ref()).is_ok()
    }

    /// Writes a frame with this first octet.
    pub(crate) fn send(&mut self, first: u8, payload: impl AsRef<[u8]>) -> bool {
        let octets = frame(first, payload.as_ref(), self.is_client);
        self.write(octets)
    }

    /// The next frame; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 2];
        match self.stream.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if is_end(&error) => return None,
            Err(error) => panic!("no frame comes: {error}"),
        }
        let len = match head[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes(self.octets())),
            127 => u64::from_be_bytes(self.octets()),
            len => u64::from(len),
        };
        let is_masked = head[1] & 0x80 != 0;
        let mask: [u8; 4] = if is_masked { self.octets() } else { [0; 4] };
        let mut payload = vec![0; usize::try_from(len).unwrap()];
        self.stream.read_exact(&mut payload).unwrap();
        payload.iter_mut().enumerate().for_each(|(n, octet)| *octet ^= mask[n % 4]);
        Some(Frame { first: head[0], is_masked, payload })
    }

    fn octets<const N: usize>(&mut self) -> [u8; N] {
        let mut octets = [0; N];
        self.stream.read_exact(&mut octets).unwrap();
        octets
    }

    /// Reads up to a Close frame, and expects this code in it.
    #[track_caller]
    pub(crate) fn expect_close(&mut self, code: u16) {
        loop {
            let frame = self.next().expect("a Close frame comes before the end");
            if frame.first == CLOSE {
                let told = u16::from_be_bytes(frame.payload[..2].try_into().unwrap());
                let reason = String::from_utf8_lossy(&frame.payload[2..]).into_owned();
                assert_eq!(told, code, "{reason}");
                return;
            }
        }
    }

    /// Reads to the end, which comes.
    pub(crate) fn until_end(&mut self) {
        let mut piece = [0; 16 << 10];
        loop {
            match self.stream.read(&mut piece) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if is_end(&error) => return,
                Err(error) => panic!("the end does not come: {error}"),
            }
        }
    }
}

impl Read for InTunnel {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.recv.read(buf)
    }
}

impl Write for InTunnel {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.send.write_all(buf)?;
        self.0.send.flush()?;
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.send.flush()
    }
}

/// Whether the connection or the stream has ended, in order or by a reset.
fn is_end(error: &io::Error) -> bool {
    let ours = error.get_ref().and_then(|error| error.downcast_ref::<h2_sync::Error>());
    let is_ended = |error: &h2_sync::Error| error.is_reset() || error.is_closed();
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset)
        || ours.is_some_and(is_ended)
}

/// The octets of a frame.
pub(crate) fn frame(first: u8, payload: &[u8], is_masked: bool) -> Vec<u8> {
    let bit = if is_masked { 0x80 } else { 0 };
    let mut octets = vec![first];
    match payload.len() {
        len @ 0..=125 => octets.push(bit | len as u8),
        len @ 126..=65_535 => {
            octets.push(bit | 126);
            octets.extend((len as u16).to_be_bytes());
        }
        len => {
            octets.push(bit | 127);
            octets.extend((len as u64).to_be_bytes());
        }
    }
    if is_masked {
        octets.extend(MASK);
        octets.extend(payload.iter().enumerate().map(|(n, octet)| octet ^ MASK[n % 4]));
    } else {
        octets.extend(payload);
    }
    octets
}

fn prepared(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.set_write_timeout(Some(LONG)).unwrap();
    stream
}

fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        stream.read_exact(&mut octet).unwrap();
        head.push(octet[0]);
    }
    String::from_utf8(head).unwrap()
}
