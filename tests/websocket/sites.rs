//! Servers with a WebSocket beside an ordinary route, and clients for them.

use h2_sync::Error;
use h2_sync::client::{self, Client, Proxies, Versions};
use h2_sync::server::{self, Handle, Request, Response, Server};
#[cfg(feature = "tls")]
use h2_sync::tls::{Acceptor, Connector};
use h2_sync::websocket::{self, WebSocket};

/// A server whose `/ws` is a WebSocket, and whose other routes answer with `plain`.
pub(crate) struct Site {
    pub(crate) handle: Handle,
    /// Scheme and authority, `ws://…` or `wss://…`.
    pub(crate) url: String,
    #[cfg(feature = "tls")]
    roots: Option<Connector>,
}

/// How a client reaches a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Http1,
    Http2,
    #[cfg(feature = "tls")]
    Tls1,
    #[cfg(feature = "tls")]
    Tls2,
}

pub(crate) const WAYS: &[Way] = &[
    Way::Http1,
    Way::Http2,
    #[cfg(feature = "tls")]
    Way::Tls1,
    #[cfg(feature = "tls")]
    Way::Tls2,
];

impl Way {
    pub(crate) fn is_http2(self) -> bool {
        match self {
            Way::Http1 => false,
            Way::Http2 => true,
            #[cfg(feature = "tls")]
            Way::Tls1 => false,
            #[cfg(feature = "tls")]
            Way::Tls2 => true,
        }
    }

    fn is_tls(self) -> bool {
        !matches!(self, Way::Http1 | Way::Http2)
    }
}

/// Sends back what comes, to the end.
pub(crate) fn echo(mut socket: WebSocket) -> Result<(), Error> {
    while let Some(message) = socket.read()? {
        socket.send(message)?;
    }
    Ok(())
}

pub(crate) fn server_config() -> server::Config {
    let mut config = server::Config::default();
    config.websockets = true;
    config
}

impl Site {
    /// One that echoes.
    pub(crate) fn echoing(way: Way) -> Self {
        Site::with(way, websocket::Config::default(), echo)
    }

    /// One that does `act` with its WebSockets.
    pub(crate) fn with(
        way: Way,
        config: websocket::Config,
        act: impl Fn(WebSocket) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        Site::of(way, server_config(), move |request, response| match request.path() {
            "/ws" => act(websocket::accept(request, response, &config)?),
            _ => response.send("plain"),
        })
    }

    /// One with this handler.
    pub(crate) fn of(
        way: Way,
        config: server::Config,
        handler: impl Fn(&mut Request, &mut Response) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        let server = Server::bind("127.0.0.1:0").unwrap().config(config);
        #[cfg(feature = "tls")]
        if way.is_tls() {
            let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
            let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
            let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
            let handle = server.tls(acceptor).serve(handler).unwrap();
            let url = format!("wss://{}", handle.local_addr().unwrap());
            let roots = Some(Connector::with_only_roots(certificate.as_bytes()).unwrap());
            return Site { handle, url, roots };
        }
        assert!(!way.is_tls());
        let handle = server.serve(handler).unwrap();
        let url = format!("ws://{}", handle.local_addr().unwrap());
        Site {
            handle,
            url,
            #[cfg(feature = "tls")]
            roots: None,
        }
    }

    /// The URL of the WebSocket.
    pub(crate) fn ws(&self) -> String {
        format!("{}/ws", self.url)
    }

    /// The URL of an ordinary route.
    pub(crate) fn plain(&self) -> String {
        format!("http{}/", self.url.strip_prefix("ws").unwrap())
    }

    /// A client that reaches it that way.
    pub(crate) fn client(&self, way: Way) -> Client {
        self.client_with(way, |_| {})
    }

    pub(crate) fn client_with(&self, way: Way, change: impl FnOnce(&mut client::Config)) -> Client {
        let mut config = client_config();
        config.versions = if way.is_http2() { Versions::Http2 } else { Versions::Http1 };
        #[cfg(feature = "tls")]
        {
            config.tls.clone_from(&self.roots);
        }
        change(&mut config);
        Client::with_config(config).unwrap()
    }
}

/// The default settings of a WebSocket, with something changed.
pub(crate) fn config(change: impl FnOnce(&mut websocket::Config)) -> websocket::Config {
    let mut config = websocket::Config::default();
    change(&mut config);
    config
}

/// Settings that do not look at the environment.
pub(crate) fn client_config() -> client::Config {
    let mut config = client::Config::default();
    config.proxies = Proxies::Never;
    config
}

/// Sends a text, and expects it back.
#[track_caller]
pub(crate) fn assert_echo(socket: &mut WebSocket, text: &str) {
    socket.send(text).unwrap();
    assert_eq!(socket.read().unwrap(), Some(text.into()));
}
