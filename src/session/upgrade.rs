//! Sessions without TLS that find out what the client speaks, or that begin in HTTP/1.1.

use super::handle::Session;
use crate::error::{Error, ErrorKind};
use crate::proto::{Config, Role};
use crate::transport::Transport;
use crate::upgrade::{detect, Detected, Opening, Options, Upgraded};

impl Session {
    /// Starts the server's side of a cleartext connection, for clients that speak HTTP/2 from the
    /// first octet (prior knowledge) and for those that ask for it in HTTP/1.1 (`Upgrade: h2c`).
    ///
    /// It waits until the client has said which, for as long as `options` says, so call it in the
    /// thread of the connection and not in the one that accepts. A request that upgraded comes as
    /// events of stream 1. Other requests of HTTP/1.1 are
    /// [refused](crate::upgrade::Http1Request::refuse) with an answer that says what to do; to serve
    /// them as well, use [`detect`].
    ///
    /// # Errors
    ///
    /// Those of [`detect`] and of [`accept`](crate::upgrade::UpgradeRequest::accept); a client that
    /// has been refused is an error of kind [`Peer`](ErrorKind::Peer).
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
    ///     panic!("the server stays with HTTP/1.1");
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
        // Before the peer is told that it may go on.
        config.validate()?;
        match detect(stream, options)? {
            Detected::PriorKnowledge(stream) => Session::with_config(stream, Role::Server, config),
            Detected::Upgrade(request) => {
                let Upgraded { stream, opening } = request.accept()?;
                Session::with_opening(stream, config, opening)
            }
            Detected::Http1(request) => {
                request.refuse()?;
                let what = "the peer speaks HTTP/1 and has been told to speak HTTP/2";
                Err(Error::upgrade(ErrorKind::Peer, what))
            }
        }
    }

    /// Starts a connection that was upgraded from HTTP/1.1: the request that did it is stream 1.
    ///
    /// At a server the request comes as events of that stream; at a client its response does, and
    /// the next stream is 3. [`accept_h2c`](Self::accept_h2c) has an example.
    ///
    /// `config` has [`skip_preface`](Config::skip_preface) `false`, on both sides: the client still
    /// sends its preface. At a client it is the one that the request was sent with.
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
