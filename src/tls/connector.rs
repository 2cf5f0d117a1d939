//! The client's end of the handshake.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore};

use super::failure::Failure;
use super::handshake::handshake;
use super::handshake_error::HandshakeError;
use super::peer::Peer;
use super::pem::Pem;
use super::protocols::{offer_http1, H2};
use super::provider::{provider, unusable};
use super::stream::TlsStream;
use crate::error::Error;
use crate::transport::Transport;

/// Makes TLS connections: whom to trust, and the sessions of servers seen before.
///
/// Cheap to clone. Sessions are resumed across clones.
#[derive(Clone)]
pub struct Connector {
    config: Arc<ClientConfig>,
}

impl Connector {
    /// Trusts the authorities that Mozilla's browser trusts, as this crate was built with them
    /// (the crate `webpki-roots`).
    ///
    /// TLS 1.2 and 1.3 are spoken, `h2` alone is offered (see [`with_http1`](Self::with_http1)), and
    /// sessions are resumed.
    ///
    /// # Errors
    ///
    /// There is no cryptography to use, if the crate was built without the features `tls-ring` and
    /// `tls-aws-lc-rs`.
    pub fn new() -> Result<Self, Error> {
        Connector::trusting(public_roots())
    }

    /// Like [`new`](Self::new), and trusts the certificates in this PEM text as well.
    ///
    /// # Errors
    ///
    /// Those of `new`, and text that is not PEM or has no certificate in it.
    pub fn with_extra_roots(pem: &[u8]) -> Result<Self, Error> {
        let mut roots = public_roots();
        root_pem(pem).add_to(&mut roots)?;
        Connector::trusting(roots)
    }

    /// Trusts the certificates in this PEM text and no others; otherwise like [`new`](Self::new).
    ///
    /// For a private authority, or a server with a certificate that it has signed itself.
    ///
    /// # Errors
    ///
    /// Those of [`with_extra_roots`](Self::with_extra_roots).
    pub fn with_only_roots(pem: &[u8]) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        root_pem(pem).add_to(&mut roots)?;
        Connector::trusting(roots)
    }

    /// Takes a configuration of your own: the system's roots, a client certificate, another provider
    /// of cryptography.
    ///
    /// It is used as it is. Its `alpn_protocols` must have `h2` among them, or no handshake is one
    /// for HTTP/2.
    pub fn from_config(config: impl Into<Arc<ClientConfig>>) -> Self {
        Connector { config: config.into() }
    }

    fn trusting(roots: RootCertStore) -> Result<Self, Error> {
        let builder = ClientConfig::builder_with_provider(provider()?);
        let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![H2.to_vec()];
        Ok(Connector::from_config(config))
    }

    /// Offers HTTP/1.1 as well. A server that chooses it gives [`HandshakeError::into_stream`], for
    /// another library to go on with.
    #[must_use]
    pub fn with_http1(mut self) -> Self {
        offer_http1(&mut Arc::make_mut(&mut self.config).alpn_protocols);
        self
    }

    /// Writes the secrets of each connection to the file that the environment variable
    /// `SSLKEYLOGFILE` names, if there is one now: Wireshark can then decrypt what it has recorded,
    /// and so can anyone else who has the file.
    #[must_use]
    pub fn with_key_log(mut self) -> Self {
        Arc::make_mut(&mut self.config).key_log = Arc::new(rustls::KeyLogFile::new());
        self
    }

    /// Does the handshake over a stream that is connected to the server; all of it in `timeout`.
    ///
    /// `server_name` is the name or the IP address that the server's certificate must be for,
    /// without port. RFC 9113, Section 9.2: a name is sent to the server (SNI).
    ///
    /// Transports without read timeouts are dealt with as in [`Acceptor::accept`].
    ///
    /// [`Acceptor::accept`]: super::Acceptor::accept
    ///
    /// # Errors
    ///
    /// [`HandshakeError`] says what went wrong and whose fault it was. Where all went well but the
    /// protocol is not `h2`, it has the stream.
    pub fn connect<T: Transport>(
        &self,
        server_name: &str,
        stream: T,
        timeout: Duration,
    ) -> Result<TlsStream<T>, HandshakeError<T>> {
        // The brackets of `[::1]` belong to the URL, not to the address.
        let bare = server_name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        let name = ServerName::try_from(bare.unwrap_or(server_name)).map_err(|error| {
            let what = format!("{server_name:?} is neither the name of a server nor an IP address");
            HandshakeError::setup(Failure::new(what).caused_by(error))
        })?;
        let tls = ClientConnection::new(Arc::clone(&self.config), name.to_owned());
        let tls = tls.map_err(|error| {
            let what = format!("TLS cannot begin: {error}");
            HandshakeError::setup(Failure::new(what).caused_by(error))
        })?;
        handshake(stream, Connection::Client(tls), Peer::Server(server_name), timeout)
    }

    /// The configuration in use.
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }
}

fn public_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn root_pem(text: &[u8]) -> Pem<'_> {
    Pem { text, name: "the root certificate".to_owned() }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}
