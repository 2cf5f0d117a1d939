//! The server's side of the TLS handshake.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::ResolvesServerCert;
use rustls::sign::SingleCertAndKey;
use rustls::{Connection, ServerConfig, ServerConnection};

use super::certificates::Certificates;
use super::failure::Failure;
use super::handshake::handshake;
use super::handshake_error::HandshakeError;
use super::key_pair;
use super::peer::Peer;
use super::pem::{self, Pem};
use super::protocols::{H2, HTTP1, HTTP1_0, offer_http1};
use super::provider::{provider, ticketer, unusable};
use super::stream::TlsStream;
use crate::error::Error;
use crate::transport::Transport;

/// Accepts TLS connections, with a certificate, its key, and the state for resuming sessions.
///
/// Cheap to clone. Clients resume their sessions with any clone.
///
/// ```
/// use h2_sync::server::Server;
/// use h2_sync::tls::Acceptor;
///
/// let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// let acceptor = Acceptor::from_pem(chain.as_bytes(), key.as_bytes())?;
/// assert_eq!(acceptor.config().alpn_protocols, [b"h2"]);
/// let server = Server::bind("127.0.0.1:0")?.tls(acceptor);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Acceptor {
    config: Arc<ServerConfig>,
}

impl Acceptor {
    /// Creates an acceptor from a certificate chain and its private key in two PEM files.
    ///
    /// The chain begins with the server's own certificate. TLS 1.2 and 1.3 are supported, and only
    /// `h2` is accepted (see [`with_http1`](Self::with_http1)). Clients are not asked for
    /// certificates, and get tickets to resume their sessions.
    ///
    /// ```no_run
    /// use h2_sync::tls::Acceptor;
    ///
    /// let acceptor = Acceptor::from_pem_files("chain.pem", "key.pem")?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If a file cannot be read or its content is unusable; see [`from_pem`](Self::from_pem).
    pub fn from_pem_files(
        cert_chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, Error> {
        let (cert_chain, key) = (cert_chain.as_ref(), key.as_ref());
        let (chain_text, key_text) =
            (pem::read("the certificate chain", cert_chain)?, pem::read("the private key", key)?);
        Acceptor::new(
            &Pem {
                text: &chain_text,
                name: format!("the certificate chain {}", cert_chain.display()),
            },
            &Pem { text: &key_text, name: format!("the private key {}", key.display()) },
        )
    }

    /// Creates an acceptor from a certificate chain and its private key as PEM text; otherwise like
    /// [`from_pem_files`](Self::from_pem_files).
    ///
    /// # Errors
    ///
    /// If the text is not PEM, if it contains no certificate or no key, or if the key does not
    /// belong to the certificate.
    pub fn from_pem(cert_chain: &[u8], key: &[u8]) -> Result<Self, Error> {
        Acceptor::new(
            &Pem { text: cert_chain, name: "the certificate chain".to_owned() },
            &Pem { text: key, name: "the private key".to_owned() },
        )
    }

    /// Creates an acceptor from a rustls configuration, for example with client certificates or
    /// another cryptography provider. For several certificates, see [`Certificates`].
    ///
    /// The configuration is used as it is, except that early data (0-RTT) is disabled: it can be
    /// replayed by anyone who has recorded it (RFC 8446, Section 8). Without `h2` among its
    /// `alpn_protocols`, no handshake yields HTTP/2. A [`Server`](crate::server::Server) adds
    /// `http/1.1`.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use h2_sync::tls::rustls::server::{ResolvesServerCert, ServerConfig};
    /// use h2_sync::tls::Acceptor;
    ///
    /// fn with_own_choice(certificates: Arc<dyn ResolvesServerCert>) -> Acceptor {
    ///     let builder = ServerConfig::builder().with_no_client_auth();
    ///     let mut config = builder.with_cert_resolver(certificates);
    ///     config.alpn_protocols = vec![b"h2".to_vec()];
    ///     Acceptor::from_config(config)
    /// }
    /// ```
    pub fn from_config(config: impl Into<Arc<ServerConfig>>) -> Self {
        let mut config = config.into();
        if config.max_early_data_size != 0 {
            // rustls stores early data separately, and this crate would never read it.
            Arc::make_mut(&mut config).max_early_data_size = 0;
        }
        Acceptor { config }
    }

    /// Creates an acceptor whose certificates can be replaced while it is in use; otherwise like
    /// [`from_pem_files`](Self::from_pem_files).
    ///
    /// [`Certificates`] has an example.
    ///
    /// # Errors
    ///
    /// If the cryptography provider is unusable.
    pub fn from_certificates(certificates: &Certificates) -> Result<Self, Error> {
        Acceptor::resolving(Arc::clone(&certificates.shared) as _)
    }

    fn new(cert_chain: &Pem<'_>, key: &Pem<'_>) -> Result<Self, Error> {
        let certified = key_pair::parse(cert_chain, key)?;
        Acceptor::resolving(Arc::new(SingleCertAndKey::from(certified)))
    }

    fn resolving(certificates: Arc<dyn ResolvesServerCert>) -> Result<Self, Error> {
        let builder = ServerConfig::builder_with_provider(provider()?);
        let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(certificates);
        config.alpn_protocols = vec![H2.to_vec()];
        if let Some(ticketer) = ticketer()? {
            config.ticketer = ticketer;
        }
        Ok(Acceptor::from_config(config))
    }

    /// Also accepts clients that only speak HTTP/1.1, and returns their streams as
    /// [`HandshakeError::into_stream`], for use with another library.
    ///
    /// Without this, such clients are rejected with the alert no_application_protocol.
    ///
    /// [`HandshakeError`] has an example of a server for both.
    #[must_use]
    pub fn with_http1(mut self) -> Self {
        offer_http1(&mut Arc::make_mut(&mut self.config).alpn_protocols);
        self
    }

    /// Sets whether HTTP/2 and HTTP/1.x are offered by ALPN; other protocols are left unchanged.
    pub(crate) fn offering(mut self, http2: bool, http1: bool) -> Self {
        let offered = &mut Arc::make_mut(&mut self.config).alpn_protocols;
        offered.retain(|it| (http2 || it != H2) && (http1 || it != HTTP1));
        if http1 {
            offer_http1(offered);
            // curl offers this for `--http1.0`.
            offered.push(HTTP1_0.to_vec());
        }
        self
    }

    /// Writes the secrets of each connection to the file named by the environment variable
    /// `SSLKEYLOGFILE`, if it is set now. Wireshark can then decrypt recorded traffic, and so can
    /// anyone else with the file.
    ///
    /// ```no_run
    /// use h2_sync::tls::Acceptor;
    ///
    /// let acceptor = Acceptor::from_pem_files("chain.pem", "key.pem")?.with_key_log();
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    #[must_use]
    pub fn with_key_log(mut self) -> Self {
        Arc::make_mut(&mut self.config).key_log = Arc::new(rustls::KeyLogFile::new());
        self
    }

    /// Performs the handshake with a newly connected client, within `timeout`.
    ///
    /// If the transport has no [read timeout](crate::transport::Closer::set_read_timeout), a thread
    /// is started that closes it at the deadline. If closing does not wake the reader either (as
    /// with a plain pair), the call waits for as long as the client is silent.
    ///
    /// ```
    /// use std::net::TcpListener;
    /// use std::time::Duration;
    ///
    /// use h2_sync::tls::Acceptor;
    /// use h2_sync::{new_connection, BoxError, Session};
    ///
    /// fn next(listener: &TcpListener, acceptor: &Acceptor) -> Result<Session, BoxError> {
    ///     let (stream, _) = listener.accept()?;
    ///     let stream = acceptor.accept(stream, Duration::from_secs(10))?;
    ///     Ok(new_connection(stream, false, false)?)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`HandshakeError`] has the reason. If TLS was established but the protocol is not `h2`, it
    /// holds the stream.
    pub fn accept<T: Transport>(
        &self,
        stream: T,
        timeout: Duration,
    ) -> Result<TlsStream<T>, HandshakeError<T>> {
        let tls = ServerConnection::new(Arc::clone(&self.config)).map_err(|error| {
            let what = format!("TLS setup failed: {error}");
            HandshakeError::setup(Failure::new(what).caused_by(error))
        })?;
        handshake(stream, Connection::Server(tls), Peer::Client, timeout)
    }

    /// Returns the configuration in use.
    pub fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").finish_non_exhaustive()
    }
}
