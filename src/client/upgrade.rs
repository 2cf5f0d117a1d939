//! Requests that switch to another protocol (RFC 9110, Section 7.8; RFC 8441).
//!
//! ```text
//!   HTTP/2 possible? ── no ──────────────────────────────────▶ a connection of HTTP/1.1 of its own,
//!        │ yes: a connection of the pool, its SETTINGS            GET with `upgrade`: 101?
//!        ├─ announce extended CONNECT ─▶ CONNECT: 2xx?            ▲
//!        └─ do not, or HTTP_1_1_REQUIRED, or it is HTTP/1.1 ──────┘
//! ```

#[cfg(feature = "websocket")]
use std::time::Duration;
use std::time::Instant;

use http::header::{HeaderMap, HeaderName, HeaderValue, UPGRADE};
use http::{Method, StatusCode, Uri, request};

use super::any_connection::AnyConnection;
use super::call::Call;
use super::engine::{Ask, Engine, Found};
use super::facts::Facts;
use super::head::RequestHead;
use super::incoming::ResponseHead;
use super::request::RequestBuilder;
use super::response::Response;
use super::response_body::Raw;
use super::response_half::ResponseHalf;
use super::timeouts::{Timeouts, sooner};
use super::versions::Versions;
use crate::convert::Protocol;
use crate::error::{Error, ErrorKind, Phase};
use crate::frame::ErrorCode;
use crate::halves::{RecvHalf, SendHalf};
use crate::logging;

/// The outcome of an upgrade request. See
/// [`RequestBuilder::upgrade`](super::RequestBuilder::upgrade).
///
/// [`RequestBuilder::upgrade`](super::RequestBuilder::upgrade) has an example, with [`Tunnel`].
#[derive(Debug)]
pub enum Upgraded {
    /// The server switched to the other protocol.
    Switched(Box<Tunnel>),
    /// The server responded with HTTP.
    Refused(Box<Response>),
}

/// A byte stream in both directions, for a protocol that client and server have agreed on.
///
/// It occupies an HTTP/1.1 connection, or one stream of an HTTP/2 connection, until both halves are
/// dropped.
///
/// ```
/// use std::io::{BufRead, Write};
///
/// use h2_sync::client::Tunnel;
///
/// /// Asks a question of one line and returns the line of the answer.
/// fn ask(tunnel: &mut Tunnel, question: &str) -> std::io::Result<String> {
///     writeln!(tunnel.send, "{question}")?;
///     tunnel.send.flush()?;
///     let mut answer = String::new();
///     tunnel.recv.read_line(&mut answer)?;
///     Ok(answer)
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Tunnel {
    /// The head of the response: 101 in HTTP/1.1, 2xx in HTTP/2.
    pub response: http::Response<()>,
    /// The receiving half.
    pub recv: RecvHalf,
    /// The sending half.
    pub send: SendHalf,
}

/// The protocol that a request asks for.
#[derive(Debug)]
pub(crate) struct Upgrade<'a> {
    /// The name of the protocol.
    pub(crate) protocol: &'a str,
    /// Fields that are sent only in HTTP/1.1.
    pub(crate) http1: HeaderMap,
    /// Whether a thread may reset the stream through one half while another waits on the other.
    pub(crate) is_interruptible: bool,
}

impl RequestBuilder<'_> {
    /// Sends the request and asks the server to switch its connection or stream to another protocol
    /// (RFC 9110, Section 7.8; RFC 8441). The request must be a GET without a body.
    ///
    /// If the client can use HTTP/2 with the server, it waits for the server's SETTINGS, bounded by
    /// `response_timeout`. If they enable extended CONNECT, the request uses it on a pooled
    /// connection that other requests share. Otherwise it sends `upgrade` in HTTP/1.1, on a
    /// connection of its own, which does not count against `max_http1_connections_per_origin`; a
    /// proxy opens a tunnel for it.
    ///
    /// The request is not retried and redirects are not followed. `read_timeout` applies to the
    /// receiving half until it is changed. A [`CancelHandle`](super::CancelHandle) is effective
    /// until the server has responded.
    ///
    /// ```
    /// use h2_sync::client::{Client, Upgraded};
    /// use h2_sync::server::{Request, Response, Server};
    ///
    /// let server = Server::bind("127.0.0.1:0")?.serve(|request: &mut Request, response: &mut Response| {
    ///     let (mut recv, mut send) = response.upgrade(request, "echo")?;
    ///     while let Some(octets) = recv.next_chunk()? {
    ///         send.send(octets)?;
    ///     }
    ///     send.finish()
    /// })?;
    /// let url = format!("http://{}/", server.local_addr().ok_or("no address")?);
    ///
    /// let client = Client::new()?;
    /// match client.get(url).upgrade("echo")? {
    ///     Upgraded::Switched(mut tunnel) => {
    ///         tunnel.send.send("hello")?;
    ///         tunnel.send.finish()?;
    ///         assert_eq!(std::io::read_to_string(tunnel.recv)?, "hello");
    ///     }
    ///     Upgraded::Refused(response) => println!("{}", response.status()),
    /// }
    /// # drop(client);
    /// # server.shutdown(std::time::Duration::from_secs(10));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send); the request is not a GET or has a body; the server switched
    /// to a protocol that was not requested.
    pub fn upgrade(self, protocol: &str) -> Result<Upgraded, Error> {
        let http1 = HeaderMap::new();
        self.upgrade_with(&Upgrade { protocol, http1, is_interruptible: true })
    }

    /// Sets how long establishing or waiting for a connection may take.
    #[cfg(feature = "websocket")]
    pub(crate) fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.connect = Some(timeout);
        self
    }

    /// Returns the fields set so far.
    #[cfg(feature = "websocket")]
    pub(crate) fn headers_so_far(&self) -> Result<&HeaderMap, Error> {
        self.parts.as_ref().map(|parts| &parts.headers).map_err(Error::clone)
    }

    /// Like [`upgrade`](Self::upgrade), with fields that are sent only in HTTP/1.1.
    pub(crate) fn upgrade_with(self, upgrade: &Upgrade<'_>) -> Result<Upgraded, Error> {
        let parts = self.parts?;
        if !self.body.is_empty() {
            let what = "a request that asks for an upgrade has no body";
            return Err(Error::usage(what).with_url(&parts.uri));
        }
        self.engine.upgrade(parts, self.timeouts, upgrade)
    }
}

/// The two halves of a started exchange.
type Begun = (SendHalf, ResponseHalf);

impl Engine {
    /// Sends an upgrade request. Does not retry it or follow redirects.
    pub(super) fn upgrade(
        &self,
        parts: request::Parts,
        timeouts: Timeouts,
        upgrade: &Upgrade<'_>,
    ) -> Result<Upgraded, Error> {
        let url = parts.uri.clone();
        let failed = |error: Error| error.with_url(&url);
        if parts.method != Method::GET {
            return Err(failed(Error::usage("an upgrade needs the method GET")));
        }
        if HeaderName::from_bytes(upgrade.protocol.as_bytes()).is_err() {
            let what = format!("{:?} is not the name of a protocol", upgrade.protocol);
            return Err(failed(Error::usage(what)));
        }
        let ask = self.ask(parts, super::body::Body::empty(), timeouts);
        let found = self.ask_for_upgrade(&ask, upgrade).map_err(failed)?;
        #[cfg(feature = "cookies")]
        if let Some(jar) = &self.config.cookies {
            jar.keep(found.head.headers(), &url);
        }
        found.finish(self, url, ask)
    }

    fn ask_for_upgrade(&self, ask: &Ask, upgrade: &Upgrade<'_>) -> Result<Answered, Error> {
        let is_https = ask.parts.uri.scheme_str() == Some("https");
        let versions = self.config.versions;
        // Where the server speaks HTTP/1.1, a connection of the pool is neither needed nor waited for.
        let is_http1 = versions.is_http1(is_https, self.config.prior_knowledge)
            || self.pool.speaks_http1(&self.origin_of(&ask.parts)?);
        if !is_http1 {
            if let Some(found) = self.upgrade_stream(ask, upgrade)? {
                return Ok(found);
            }
            if versions == Versions::Http2 {
                let what = "the server does not announce extended CONNECT (RFC 8441)";
                return Err(Error::text(ErrorKind::Peer, what));
            }
            logging::debug!("{}: requesting the upgrade in HTTP/1.1", ask.parts.uri);
        }
        self.upgrade_connection(ask, upgrade)
    }

    /// Uses extended CONNECT. `None` if the server does not support it.
    fn upgrade_stream(&self, ask: &Ask, upgrade: &Upgrade<'_>) -> Result<Option<Answered>, Error> {
        let mut parts = ask.parts.clone();
        parts.method = Method::CONNECT;
        parts.extensions.insert(Protocol::from(upgrade.protocol));
        let call = self.call(ask, self.with_cookies(RequestHead::open(&parts)?, &ask.parts))?;
        let Some(begun) = call.open_extended()? else { return Ok(None) };
        if upgrade.is_interruptible {
            begun.1.make_interruptible();
        }
        match call.answered(begun) {
            Err(error) if error.code() == Some(ErrorCode::Http11Required) && error.is_reset() => {
                Ok(None)
            }
            answered => answered.map(Some),
        }
    }

    /// Uses an HTTP/1.1 connection for this request alone.
    fn upgrade_connection(&self, ask: &Ask, upgrade: &Upgrade<'_>) -> Result<Answered, Error> {
        let mut head = self.with_cookies(RequestHead::new(&ask.parts, Some(0))?, &ask.parts);
        // `upgrade` has validated the name.
        if let Ok(protocol) = HeaderValue::from_str(upgrade.protocol) {
            head.add(UPGRADE, protocol);
        }
        for (name, value) in &upgrade.http1 {
            head.add(name.clone(), value.clone());
        }
        let call = self.call(ask, head)?;
        let begun = call.open_of_its_own()?;
        let answered = call.answered(begun)?;
        if answered.is_switched() {
            let named = answered.head.headers().get(UPGRADE).and_then(|name| name.to_str().ok());
            if !named.is_some_and(|name| name.eq_ignore_ascii_case(upgrade.protocol)) {
                let what = format!(
                    "the server switched to {:?}, not to {:?}",
                    named.unwrap_or_default(),
                    upgrade.protocol
                );
                return Err(Error::text(ErrorKind::Peer, what).in_phase(Phase::Response));
            }
        }
        Ok(answered)
    }
}

impl Call<'_> {
    /// Starts an extended CONNECT on a pooled connection. `None` if the server uses HTTP/1.1 or
    /// does not enable extended CONNECT.
    fn open_extended(&self) -> Result<Option<Begun>, Error> {
        let patience = self.timeouts.response.unwrap_or_else(|| self.pool.connector().patience());
        let open = |connection: &AnyConnection| match connection.http2() {
            Some(http2)
                if http2.takes_extended_connect(sooner(Some(patience), self.deadline))? =>
            {
                Ok(connection.open(&self.head)?.map(Some))
            }
            _ => Ok(Some(None)),
        };
        let (_, begun) = self.on_connection(false, open).map_err(|failed| failed.error)?;
        begun.map(|begun| self.sent(begun)).transpose()
    }

    /// Starts the request on a new HTTP/1.1 connection.
    fn open_of_its_own(&self) -> Result<Begun, Error> {
        self.cancellation.check()?;
        let left = self.deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = [self.timeouts.connect, left].into_iter().flatten().min();
        let connector = self.pool.connector();
        let connected = connector.connect_to_upgrade(&self.origin, timeout)?;
        // A new connection is free.
        let busy = || Error::text(ErrorKind::Internal, "a new connection is not free");
        let begun = connected.connection.open(&self.head)?.ok_or_else(busy)?;
        self.sent(begun)
    }

    fn sent(&self, (mut send, response): Begun) -> Result<Begun, Error> {
        self.may_be_ended(&response, Phase::Request)?;
        send.flush_put();
        Ok((send, response))
    }

    /// Waits for the final response.
    fn answered(&self, (send, mut response): Begun) -> Result<Answered, Error> {
        let start = Instant::now();
        response.set_deadline(sooner(self.timeouts.response, self.deadline));
        let head = response.final_head().map_err(|error| self.told(error, Phase::Response))?;
        let is_http2 = matches!(head, ResponseHead::Http2(_));
        let facts = Facts {
            stream_id: response.stream_id(),
            connect: None,
            tls: None,
            first_byte: start.elapsed(),
            retries: 0,
            redirects: 0,
        };
        let head = http::Response::from_parts(head.into_parts()?, ());
        Ok(Answered { head, is_http2, send, response, facts, deadline: self.deadline })
    }
}

/// A response to an upgrade request.
struct Answered {
    head: http::Response<()>,
    is_http2: bool,
    send: SendHalf,
    response: ResponseHalf,
    facts: Facts,
    deadline: Option<Instant>,
}

impl Answered {
    fn is_switched(&self) -> bool {
        match self.is_http2 {
            true => self.head.status().is_success(),
            false => self.head.status() == StatusCode::SWITCHING_PROTOCOLS,
        }
    }

    fn finish(self, engine: &Engine, url: Uri, mut ask: Ask) -> Result<Upgraded, Error> {
        let is_switched = self.is_switched();
        let Answered { head, mut send, response, facts, deadline, .. } = self;
        let mut recv = response.into_recv();
        if is_switched {
            let mut recv: RecvHalf = recv.into_half()?;
            recv.set_deadline(None);
            recv.set_read_timeout(ask.timeouts.read);
            return Ok(Upgraded::Switched(Box::new(Tunnel { response: head, recv, send })));
        }
        // The request is complete. A server that has responded may no longer read its end.
        if let Err(error) = send.finish() {
            logging::debug!("{url}: the end of a refused request was not sent: {error}");
        }
        recv.set_deadline(deadline);
        recv.set_read_timeout(ask.timeouts.read);
        let body = Raw::new(recv, None);
        let found = Found::new_plain(head.into_parts().0.into(), body, facts);
        Ok(Upgraded::Refused(Box::new(found.finish(engine, url, &mut ask))))
    }
}
