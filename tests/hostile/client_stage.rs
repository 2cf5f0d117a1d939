//! A client between two servers: a well-behaved one, and one that the test scripts.

use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use h2_sync::client::{Client, Config, Proxies, Versions};
use h2_sync::frame::{Frame, Ping};
use h2_sync::server::Handle;
use h2_sync::{Error, ErrorCode, ErrorKind, StreamId};

use crate::neighbour::{Neighbour, honest_server};
use crate::support::Peer;

/// The client and its servers.
pub(crate) struct Stage {
    pub(crate) client: Client,
    /// The URL of the scripted server.
    pub(crate) url: String,
    pub(crate) listener: TcpListener,
    /// Sends requests to the well-behaved server, with the same client.
    neighbour: Neighbour,
    _honest: Handle,
}

/// The result of a request.
pub(crate) type Asked<T = String> = JoinHandle<Result<T, Error>>;

impl Stage {
    /// With the default configuration.
    pub(crate) fn new() -> Self {
        Stage::with(|_| {})
    }

    /// With a modified default configuration.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let client = client(change);
        Stage::of(client.clone(), client)
    }

    /// With timeouts so short that a well-behaved peer could miss them on a busy machine. So the
    /// neighbour uses a separate client.
    pub(crate) fn hasty(change: impl FnOnce(&mut Config)) -> Self {
        Stage::of(client(change), client(|_| {}))
    }

    fn of(client: Client, of_the_neighbour: Client) -> Self {
        let (honest, honest_url) = honest_server();
        let neighbour = Neighbour::with(of_the_neighbour, &honest_url);
        let (listener, url) = crate::support::listener();
        Stage { client, url, listener, neighbour, _honest: honest }
    }

    /// Runs an operation of the client on a separate thread.
    pub(crate) fn asks<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Client, &str) -> Result<T, Error> + Send + 'static,
    ) -> Asked<T> {
        let (client, url) = (self.client.clone(), self.url.clone());
        thread::spawn(move || ask(&client, &url))
    }

    /// Sends a request and reads the whole response.
    pub(crate) fn gets(&self) -> Asked {
        self.asks(|client, url| client.get(url).send()?.text())
    }

    /// Sends a request with a body of `octets` octets and reads the whole response.
    pub(crate) fn posts(&self, octets: usize) -> Asked {
        self.asks(move |client, url| client.post(url).body(vec![7; octets]).send()?.text())
    }

    /// Accepts a new connection, and reads the request on it.
    pub(crate) fn meets(&self) -> (Peer, StreamId) {
        let mut peer = Peer::accept(&self.listener);
        let (stream_id, _) = peer.receive_headers();
        (peer, stream_id)
    }

    /// Accepts a connection, and answers a first request on it.
    pub(crate) fn has_met(&self) -> Peer {
        let asked = self.gets();
        let (mut peer, stream_id) = self.meets();
        peer.answer(stream_id, 200, "");
        asked.join().unwrap().unwrap();
        peer
    }

    /// Checks that the neighbour is served during the attack.
    #[track_caller]
    pub(crate) fn serves_the_neighbour(&self) {
        self.neighbour.is_served();
    }

    /// Checks that the neighbour was always served.
    #[track_caller]
    pub(crate) fn ends(self) {
        self.neighbour.was_served();
    }

    /// Checks that the neighbour was always served, and that the client uses a new connection for
    /// the next request to the scripted server.
    #[track_caller]
    pub(crate) fn begins_anew(self) {
        let asked = self.gets();
        let (mut peer, stream_id) = self.meets();
        peer.answer(stream_id, 200, "hello");
        assert_eq!(asked.join().unwrap().unwrap(), "hello");
        self.neighbour.was_served();
    }

    /// Checks that the neighbour was always served, and that the connection to the scripted server
    /// continues.
    #[track_caller]
    pub(crate) fn goes_on(self, peer: &mut Peer) {
        let asked = self.gets();
        let stream_id = next_request(peer);
        peer.answer(stream_id, 200, "hello");
        assert_eq!(asked.join().unwrap().unwrap(), "hello");
        self.neighbour.was_served();
    }
}

/// An HTTP/2 client that ignores the environment.
pub(crate) fn client(change: impl FnOnce(&mut Config)) -> Client {
    let mut config = Config::default();
    config.proxies = Proxies::Never;
    config.versions = Versions::Http2;
    change(&mut config);
    Client::with_config(config).unwrap()
}

/// Reads up to the next request. A client that is not sure that the connection is alive sends a
/// PING first.
#[track_caller]
pub(crate) fn next_request(peer: &mut Peer) -> StreamId {
    loop {
        match peer.next() {
            Some(Frame::Headers(frame)) => return frame.stream_id,
            Some(Frame::Ping(Ping { ack: false, payload })) => {
                peer.send(Ping { ack: true, payload });
            }
            Some(_) => {}
            None => panic!("the client has closed: {:?}", peer.seen),
        }
    }
}

/// Checks the caller's error kind, and the code sent to the server.
#[track_caller]
pub(crate) fn assert_failed<T: std::fmt::Debug>(asked: Asked<T>, kind: ErrorKind, code: ErrorCode) {
    let error = asked.join().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.code()), (kind, Some(code)), "{error}");
}

/// Checks that the stream was reset with this code.
#[track_caller]
pub(crate) fn assert_reset<T: std::fmt::Debug>(asked: Asked<T>, code: ErrorCode) {
    assert_failed(asked, ErrorKind::Reset, code);
}
