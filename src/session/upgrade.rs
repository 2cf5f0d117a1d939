//! Sessions on cleartext connections: protocol detection and the upgrade from HTTP/1.1.

use super::handle::Session;
use crate::error::{Error, ErrorKind};
use crate::proto::{Config, Role};
use crate::transport::Transport;
use crate::upgrade::{Detected, Opening, Options, Upgraded, detect};

impl Session {
    /// Starts the server's side of a cleartext connection, for clients that use HTTP/2 from the
    /// first octet (prior knowledge) or upgrade from HTTP/1.1 (`Upgrade: h2c`).
    ///
    /// The call blocks until the client's protocol is known, for at most the timeout of `options`;
    /// so do not call it on the accept thread. The request that upgraded is delivered as events of
    /// stream 1. Other HTTP/1.1 requests are [refused](crate::upgrade::Http1Request::refuse) with
    /// an explanation; to serve them as well, use [`detect`].
    ///
    /// # Errors
    ///
    /// Those of [`detect`] and of [`accept`](crate::upgrade::UpgradeRequest::accept). A refused
    /// client is an error of kind [`Peer`](ErrorKind::Peer).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    ///
    /// use h2_sync::transport::duplex;
    /// use h2_sync::upgrade::{request_upgrade, Options, Outcome, Upgraded};
    /// use h2_sync::{headers, Act, Config, Error, Evt, Session};
    /// use http::Request;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (near, far) = duplex(64 * 1024);
    /// let server = thread::spawn(move || -> Result<(), Error> {
    ///     let session = Session::accept_h2c(far, Config::default(), &Options::default())?;
    ///     while let Ok(evt) = session.take_evt() {
    ///         if let Evt::RecvHeaders { stream_identifier, headers, .. } = evt {
    ///             assert_eq!(headers.path(), Some("/hello"));
    ///             let headers = headers!(":status" => "204");
    ///             let is_end_stream = true;
    ///             session.put_act(Act::SendHeaders { stream_identifier, headers, is_end_stream })?;
    ///         }
    ///     }
    ///     Ok(())
    /// });
    ///
    /// let (config, options) = (Config::default(), Options::default());
    /// let request = Request::get("http://example.com/hello").body(())?;
    /// let Outcome::Upgraded(Upgraded { stream, opening }) =
    ///     request_upgrade(near, &request, &config, &options)?
    /// else {
    ///     panic!("the server declined the upgrade");
    /// };
    /// let client = Session::with_opening(stream, config, opening)?;
    /// loop {
    ///     if let Evt::RecvHeaders { stream_identifier, headers, .. } = client.take_evt()? {
    ///         assert_eq!((stream_identifier.get(), headers.status()), (1, Some(204)));
    ///         break;
    ///     }
    /// }
    /// client.close();
    /// server.join().unwrap()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn accept_h2c<T: Transport>(
        stream: T,
        config: Config,
        options: &Options,
    ) -> Result<Session, Error> {
        // Invalid settings must fail before the peer is told to upgrade.
        config.validate()?;
        match detect(stream, options)? {
            Detected::PriorKnowledge(stream) => Session::with_config(stream, Role::Server, config),
            Detected::Upgrade(request) => {
                let Upgraded { stream, opening } = request.accept()?;
                Session::with_opening(stream, config, opening)
            }
            Detected::Http1(request) => {
                request.refuse()?;
                let what = "the peer speaks HTTP/1, and was refused";
                Err(Error::upgrade(ErrorKind::Peer, what))
            }
        }
    }

    /// Starts a connection that was upgraded from HTTP/1.1: the upgrade request is stream 1.
    ///
    /// At a server, the request is delivered as events of that stream. At a client, its response
    /// is, and the next stream is 3. See [`accept_h2c`](Self::accept_h2c) for an example.
    ///
    /// Leave [`skip_preface`](Config::skip_preface) `false` on both sides: the client still sends
    /// its preface. A client must pass the same `config` as to the upgrade request.
    ///
    /// ```no_run
    /// use std::net::TcpListener;
    ///
    /// use h2_sync::upgrade::{detect, Detected, Options};
    /// use h2_sync::{Config, Role, Session};
    ///
    /// let (stream, _) = TcpListener::bind("127.0.0.1:8080")?.accept()?;
    /// if let Detected::Upgrade(request) = detect(stream, &Options::default())? {
    ///     let upgraded = request.accept()?;
    ///     let config = Config::for_role(Role::Server);
    ///     let session = Session::with_opening(upgraded.stream, config, upgraded.opening)?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`with_config`](Self::with_config) and of [`Opening::apply`].
    pub fn with_opening<T: Transport>(
        stream: T,
        config: Config,
        opening: Opening,
    ) -> Result<Session, Error> {
        Session::start(stream, opening.role(), config, |core, now| opening.apply(core, now))
    }
}
