//! Two ends, each what a test likes: a WebSocket, or the halves underneath.

use std::io::Read;
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use http::{HeaderMap, Version};

use crate::client::{self, Client, Upgraded};
use crate::error::Error;
use crate::halves::{RecvHalf, SendHalf};
use crate::server::{self, Handle, Request, Response, Server};
use crate::websocket::{Config, Handshake, WebSocket};
use crate::ws::{self, Compression, DeflateParams, Role};

/// Longer than anything takes on a busy machine.
pub(super) const LONG: Duration = Duration::from_secs(60);

/// A server and a client, and the halves of one tunnel at both.
pub(super) struct Tunnel {
    pub(super) at_client: Option<(RecvHalf, SendHalf)>,
    pub(super) at_server: Option<(RecvHalf, SendHalf)>,
    version: Version,
    _client: Client,
    server: Handle,
}

/// Runs a test in each version.
pub(super) fn in_each_version(test: fn(Tunnel)) {
    test(Tunnel::new(Version::HTTP_11));
    test(Tunnel::new(Version::HTTP_2));
}

impl Tunnel {
    pub(super) fn new(version: Version) -> Self {
        let (halves, taken) = mpsc::channel();
        let halves = Mutex::new(halves);
        let handler = move |request: &mut Request, response: &mut Response| {
            let upgraded = response.upgrade(request, "websocket")?;
            // The halves outlive the handler.
            halves.lock().unwrap().send(upgraded).unwrap();
            Ok::<(), crate::Error>(())
        };
        let config = server::Config { websockets: true, ..server::Config::default() };
        let server = Server::bind("127.0.0.1:0").unwrap().config(config).serve(handler).unwrap();
        let prior_knowledge = version == Version::HTTP_2;
        let config = client::Config { prior_knowledge, ..client::Config::default() };
        let client = Client::with_config(config).unwrap();
        let url = format!("http://{}/", server.local_addr().unwrap());
        let Upgraded::Switched(tunnel) = client.get(url).upgrade("websocket").unwrap() else {
            panic!("the server has not switched")
        };
        Tunnel {
            at_client: Some((tunnel.recv, tunnel.send)),
            at_server: Some(taken.recv_timeout(LONG).unwrap()),
            version,
            _client: client,
            server,
        }
    }

    pub(super) fn is_http2(&self) -> bool {
        self.version == Version::HTTP_2
    }

    /// The halves at the client, for a peer that speaks octets.
    pub(super) fn client_halves(&mut self) -> (RecvHalf, SendHalf) {
        let (mut recv, send) = self.at_client.take().unwrap();
        recv.set_read_timeout(Some(LONG));
        (recv, send)
    }

    pub(super) fn client(&mut self, config: &Config) -> WebSocket {
        let (recv, send) = self.at_client.take().unwrap();
        self.start(recv, send, Role::Client, config)
    }

    pub(super) fn server(&mut self, config: &Config) -> WebSocket {
        let (recv, send) = self.at_server.take().unwrap();
        self.start(recv, send, Role::Server, config)
    }

    /// A client and a server.
    pub(super) fn both(&mut self, config: &Config) -> (WebSocket, WebSocket) {
        (self.client(config), self.server(config))
    }

    fn start(&self, recv: RecvHalf, send: SendHalf, role: Role, config: &Config) -> WebSocket {
        let deflate = config.compression.as_ref().map(|ours| agreed(ours, role));
        let handshake = Handshake {
            protocol: None,
            deflate,
            version: self.version,
            headers: HeaderMap::new(),
            peer: None,
            is_lent: false,
        };
        WebSocket::start(recv, send, role, config, handshake)
    }
}

/// What two ends with the same options agree upon.
fn agreed(ours: &Compression, role: Role) -> DeflateParams {
    let (of_server, value) = ws::answer([&*ws::offer(ours)], ours).unwrap();
    match role {
        Role::Server => of_server,
        Role::Client => ws::accepted([&*value], Some(ours)).unwrap().unwrap(),
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.server.shutdown(Duration::ZERO);
    }
}

/// Answers every message with itself.
pub(super) fn echo(mut socket: WebSocket) -> JoinHandle<Result<WebSocket, Error>> {
    thread::spawn(move || {
        while let Some(message) = socket.read()? {
            socket.send(message)?;
        }
        Ok(socket)
    })
}

/// A frame of a client. Its mask is zero.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).unwrap();
    assert!(len <= 125);
    [&[first, 0x80 | len, 0, 0, 0, 0], payload].concat()
}

/// Reads that many octets.
pub(super) fn read_octets(recv: &mut RecvHalf, len: usize) -> Vec<u8> {
    let mut octets = vec![0; len];
    recv.read_exact(&mut octets).unwrap();
    octets
}

/// Until the peer has taken so much that it takes no more.
pub(super) const MUCH: usize = 16 << 20;
