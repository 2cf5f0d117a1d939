//! A client between two servers: one that behaves, and one that the test plays by hand.

use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use h2_sync::client::{Client, Config, Proxies, Versions};
use h2_sync::frame::{Frame, Ping};
use h2_sync::server::Handle;
use h2_sync::{Error, ErrorCode, ErrorKind, StreamId};

use crate::neighbour::{honest_server, Neighbour};
use crate::support::Peer;

/// The client, and what it has to do with.
pub(crate) struct Stage {
    pub(crate) client: Client,
    /// The server that does not behave.
    pub(crate) url: String,
    pub(crate) listener: TcpListener,
    /// Asks the other one, with the same client.
    neighbour: Neighbour,
    _honest: Handle,
}

/// What comes of a request.
pub(crate) type Asked<T = String> = JoinHandle<Result<T, Error>>;

impl Stage {
    /// With the defaults.
    pub(crate) fn new() -> Self {
        Stage::with(|_| {})
    }

    /// With the defaults, but for what is changed.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let client = client(change);
        Stage::of(client.clone(), client)
    }

    /// The same, with a time that is so short that somebody who behaves could miss it on a machine
    /// that is busy. So the neighbour has a client of its own.
    pub(crate) fn hasty(change: impl FnOnce(&mut Config)) -> Self {
        Stage::of(client(change), client(|_| {}))
    }

    fn of(client: Client, of_the_neighbour: Client) -> Self {
        let (honest, honest_url) = honest_server();
        let neighbour = Neighbour::with(of_the_neighbour, &honest_url);
        let (listener, url) = crate::support::listener();
        Stage { client, url, listener, neighbour, _honest: honest }
    }

    /// Something that the client is to do, on a thread of its own.
    pub(crate) fn asks<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Client, &str) -> Result<T, Error> + Send + 'static,
    ) -> Asked<T> {
        let (client, url) = (self.client.clone(), self.url.clone());
        thread::spawn(move || ask(&client, &url))
    }

    /// A request, and its response read to the end.
    pub(crate) fn gets(&self) -> Asked {
        self.asks(|client, url| client.get(url).send()?.text())
    }

    /// A request with a body of so many octets, and its response read to the end.
    pub(crate) fn posts(&self, octets: usize) -> Asked {
        self.asks(move |client, url| client.post(url).body(vec![7; octets]).send()?.text())
    }

    /// The server's end of a new connection, and the request on it.
    pub(crate) fn meets(&self) -> (Peer, StreamId) {
        let mut peer = Peer::accept(&self.listener);
        let (stream_id, _) = peer.receive_headers();
        (peer, stream_id)
    }

    /// The server's end of a connection over which a request has been answered already.
    pub(crate) fn has_met(&self) -> Peer {
        let asked = self.gets();
        let (mut peer, stream_id) = self.meets();
        peer.answer(stream_id, 200, "");
        asked.join().unwrap().unwrap();
        peer
    }

    /// In the midst of it all, the neighbour is served.
    #[track_caller]
    pub(crate) fn serves_the_neighbour(&self) {
        self.neighbour.is_served();
    }

    /// The neighbour was served all the time.
    #[track_caller]
    pub(crate) fn ends(self) {
        self.neighbour.was_served();
    }

    /// The neighbour was served all the time; and when the server behaves again, the client asks it
    /// over a new connection.
    #[track_caller]
    pub(crate) fn begins_anew(self) {
        let asked = self.gets();
        let (mut peer, stream_id) = self.meets();
        peer.answer(stream_id, 200, "hello");
        assert_eq!(asked.join().unwrap().unwrap(), "hello");
        self.neighbour.was_served();
    }

    /// The neighbour was served all the time; and the connection with the server goes on.
    #[track_caller]
    pub(crate) fn goes_on(self, peer: &mut Peer) {
        let asked = self.gets();
        let stream_id = next_request(peer);
        peer.answer(stream_id, 200, "hello");
        assert_eq!(asked.join().unwrap().unwrap(), "hello");
        self.neighbour.was_served();
    }
}

/// A client of HTTP/2 that does not look at the environment.
pub(crate) fn client(change: impl FnOnce(&mut Config)) -> Client {
    let mut config = Config::default();
    config.proxies = Proxies::Never;
    config.versions = Versions::Http2;
    change(&mut config);
    Client::with_config(config).unwrap()
}

/// Reads up to the next request. A client that is not sure whether the server is there asks by PING
/// before.
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

/// The caller is told whose fault it was, and the code that the server was told.
#[track_caller]
pub(crate) fn assert_failed<T: std::fmt::Debug>(asked: Asked<T>, kind: ErrorKind, code: ErrorCode) {
    let error = asked.join().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.code()), (kind, Some(code)), "{error}");
}

/// The stream was reset with this code.
#[track_caller]
pub(crate) fn assert_reset<T: std::fmt::Debug>(asked: Asked<T>, code: ErrorCode) {
    assert_failed(asked, ErrorKind::Reset, code);
}
