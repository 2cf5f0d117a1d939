//! The client's side of the TLS handshake.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore};

use super::failure::Failure;
use super::handshake::handshake;
use super::handshake_error::HandshakeError;
use super::peer::Peer;
use super::pem::Pem;
use super::protocols::{H2, HTTP1, offer_http1};
use super::provider::{provider, unusable};
use super::stream::TlsStream;
use super::verifier::{AcceptAll, SelfSignedRoots};
use crate::error::{Error, ErrorKind};
use crate::transport::Transport;

/// Makes TLS connections, with trusted certificates and the state for resuming sessions.
///
/// Cheap to clone. Sessions are resumed across clones.
///
/// ```no_run
/// use std::net::TcpStream;
/// use std::time::Duration;
///
/// use h2_sync::new_connection;
/// use h2_sync::tls::Connector;
///
/// let connector = Connector::new()?;
/// let stream = TcpStream::connect(("example.com", 443))?;
/// let stream = connector.connect("example.com", stream, Duration::from_secs(10))?;
/// let session = new_connection(stream, true, false)?;
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[derive(Clone)]
pub struct Connector {
    config: Arc<ClientConfig>,
}

impl Connector {
    /// Creates a connector that trusts Mozilla's certificate authorities, as of the crate
    /// `webpki-roots` at build time.
    ///
    /// TLS 1.2 and 1.3 are supported, only `h2` is offered (see [`with_http1`](Self::with_http1)),
    /// and sessions are resumed.
    ///
    /// # Errors
    ///
    /// If there is no cryptography provider, since the crate was built without the features
    /// `tls-ring` and `tls-aws-lc-rs`.
    pub fn new() -> Result<Self, Error> {
        Connector::trusting(public_roots(), Vec::new())
    }

    /// Creates a connector that trusts the operating system's certificate authorities, or those in
    /// the environment variables `SSL_CERT_FILE` and `SSL_CERT_DIR`; otherwise like
    /// [`new`](Self::new).
    ///
    /// The certificates are loaded in this call, which takes some milliseconds.
    ///
    /// # Errors
    ///
    /// Those of `new`, and if the system has no usable certificate.
    ///
    /// ```no_run
    /// use h2_sync::client::{Client, Config};
    /// use h2_sync::tls::Connector;
    ///
    /// let mut config = Config::default();
    /// config.tls = Some(Connector::with_system_roots()?);
    /// let client = Client::with_config(config)?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    #[cfg(feature = "system-roots")]
    pub fn with_system_roots() -> Result<Self, Error> {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            crate::logging::warn!("cannot load a system certificate: {error}");
        }
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(found.certs.iter().cloned());
        if added == 0 {
            let why = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
            let what = format!("no usable certificates on this system{why}");
            return Err(Failure::new(what).into_error(ErrorKind::Caller));
        }
        // `SSL_CERT_FILE` may contain a self-signed certificate of a server.
        Connector::trusting(roots, found.certs)
    }

    /// Creates a connector that also trusts the certificates in a PEM text; otherwise like
    /// [`new`](Self::new).
    ///
    /// ```no_run
    /// use h2_sync::client::{Client, Config};
    /// use h2_sync::tls::Connector;
    ///
    /// let connector = Connector::with_extra_roots(&std::fs::read("company-ca.pem")?)?;
    /// let client = Client::with_config(Config::default().with(|it| it.tls = Some(connector)))?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `new`, and if the text is not PEM or contains no certificate.
    pub fn with_extra_roots(pem: &[u8]) -> Result<Self, Error> {
        let mut roots = public_roots();
        let own = root_pem(pem).add_to(&mut roots)?;
        Connector::trusting(roots, own)
    }

    /// Creates a connector that only trusts the certificates in a PEM text; otherwise like
    /// [`new`](Self::new).
    ///
    /// For a private certificate authority, or for a server with a self-signed certificate. A
    /// self-signed certificate is accepted even if it is marked as an authority (`CA:TRUE`, the
    /// default of `openssl req -x509`).
    ///
    /// ```
    /// use h2_sync::client::{Client, Config};
    /// use h2_sync::tls::Connector;
    ///
    /// let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// let connector = Connector::with_only_roots(made.cert.pem().as_bytes())?;
    /// let client = Client::with_config(Config::default().with(|it| it.tls = Some(connector)))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`with_extra_roots`](Self::with_extra_roots).
    pub fn with_only_roots(pem: &[u8]) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        let own = root_pem(pem).add_to(&mut roots)?;
        Connector::trusting(roots, own)
    }

    /// Creates a connector from a rustls configuration, for example with another cryptography
    /// provider or a custom verifier.
    ///
    /// The configuration is used as it is. Without `h2` among its `alpn_protocols`, no handshake
    /// yields HTTP/2.
    ///
    /// ```
    /// use h2_sync::tls::rustls::{ClientConfig, RootCertStore};
    /// use h2_sync::tls::Connector;
    ///
    /// fn with_own_roots(roots: RootCertStore) -> Connector {
    ///     let builder = ClientConfig::builder().with_root_certificates(roots);
    ///     let mut config = builder.with_no_client_auth();
    ///     config.alpn_protocols = vec![b"h2".to_vec()];
    ///     Connector::from_config(config)
    /// }
    /// ```
    pub fn from_config(config: impl Into<Arc<ClientConfig>>) -> Self {
        Connector { config: config.into() }
    }

    fn trusting(roots: RootCertStore, own: Vec<CertificateDer<'static>>) -> Result<Self, Error> {
        let provider = provider()?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
        let mut config = if own.is_empty() {
            builder.with_root_certificates(roots).with_no_client_auth()
        } else {
            let verifier = SelfSignedRoots::new(roots, own, provider).map_err(|error| {
                let what = format!("the trusted certificates cannot be used: {error}");
                Failure::new(what).caused_by(error).into_error(ErrorKind::Caller)
            })?;
            let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
            builder.with_no_client_auth()
        };
        config.alpn_protocols = vec![H2.to_vec()];
        Ok(Connector::from_config(config))
    }

    /// Sets the client certificate to present to servers that ask for one: a chain and its key, as
    /// PEM text.
    ///
    /// # Errors
    ///
    /// If the text is not PEM or incomplete, or if the key does not belong to the certificate.
    ///
    /// ```no_run
    /// use std::fs;
    ///
    /// use h2_sync::client::{Client, Config};
    /// use h2_sync::tls::Connector;
    ///
    /// let (chain, key) = (fs::read("client.pem")?, fs::read("client.key")?);
    /// let mut config = Config::default();
    /// config.tls = Some(Connector::new()?.with_client_certificate(&chain, &key)?);
    /// let client = Client::with_config(config)?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn with_client_certificate(mut self, chain: &[u8], key: &[u8]) -> Result<Self, Error> {
        let name = "the client's certificate chain".to_owned();
        let chain = Pem { text: chain, name }.certificates()?;
        let key = Pem { text: key, name: "the client's private key".to_owned() }.key()?;
        let certified = CertifiedKey::from_der(chain, key, self.config.crypto_provider());
        let certified = certified.map_err(|error| {
            let what = format!("the client's certificate or key is unusable: {error}");
            Failure::new(what).caused_by(error).into_error(ErrorKind::Caller)
        })?;
        let config = Arc::make_mut(&mut self.config);
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certified));
        Ok(self)
    }

    /// Accepts every certificate, with any name, even if it has expired: **anyone on the network
    /// path can read and change what is sent.** For tests against servers whose certificate is not
    /// available. If it is, use [`with_only_roots`](Self::with_only_roots), which is safe.
    ///
    /// ```
    /// use h2_sync::client::{Client, Config};
    /// use h2_sync::tls::Connector;
    ///
    /// let connector = Connector::new()?.danger_accept_invalid_certificates();
    /// let client = Client::with_config(Config::default().with(|it| it.tls = Some(connector)))?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    #[must_use]
    pub fn danger_accept_invalid_certificates(mut self) -> Self {
        let config = Arc::make_mut(&mut self.config);
        let verifier = Arc::new(AcceptAll(Arc::clone(config.crypto_provider())));
        config.dangerous().set_certificate_verifier(verifier);
        self
    }

    /// Also offers HTTP/1.1. If the server chooses it, the stream is returned as
    /// [`HandshakeError::into_stream`], for use with another library.
    ///
    /// ```
    /// use h2_sync::tls::Connector;
    ///
    /// let connector = Connector::new()?.with_http1();
    /// assert_eq!(connector.config().alpn_protocols, [&b"h2"[..], b"http/1.1"]);
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    #[must_use]
    pub fn with_http1(mut self) -> Self {
        offer_http1(&mut Arc::make_mut(&mut self.config).alpn_protocols);
        self
    }

    /// Returns a connector that only offers HTTP/1.1, for a proxy. The handshake yields
    /// [`HandshakeError::into_stream`].
    pub(crate) fn for_http1(&self) -> Result<Self, Error> {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = vec![HTTP1.to_vec()];
        Ok(Connector::from_config(config))
    }

    /// Writes the secrets of each connection to the file named by the environment variable
    /// `SSLKEYLOGFILE`, if it is set now. Wireshark can then decrypt recorded traffic, and so can
    /// anyone else with the file.
    ///
    /// ```
    /// use h2_sync::tls::Connector;
    ///
    /// let connector = Connector::new()?.with_key_log();
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    #[must_use]
    pub fn with_key_log(mut self) -> Self {
        Arc::make_mut(&mut self.config).key_log = Arc::new(rustls::KeyLogFile::new());
        self
    }

    /// Performs the handshake over a stream connected to the server, within `timeout`.
    ///
    /// `server_name` is the name or IP address that the server's certificate must be valid for,
    /// without a port. A name is also sent to the server (SNI; RFC 9113, Section 9.2).
    ///
    /// Transports without a read timeout are handled as in [`Acceptor::accept`].
    ///
    /// [`Acceptor::accept`]: super::Acceptor::accept
    ///
    /// # Errors
    ///
    /// [`HandshakeError`] has the reason. If TLS was established but the protocol is not `h2`, it
    /// holds the stream.
    pub fn connect<T: Transport>(
        &self,
        server_name: &str,
        stream: T,
        timeout: Duration,
    ) -> Result<TlsStream<T>, HandshakeError<T>> {
        // The brackets of `[::1]` are part of the URL syntax, not of the address.
        let bare = server_name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        let name = ServerName::try_from(bare.unwrap_or(server_name)).map_err(|error| {
            let what = format!("{server_name:?} is not a valid server name or IP address");
            HandshakeError::setup(Failure::new(what).caused_by(error))
        })?;
        let tls = ClientConnection::new(Arc::clone(&self.config), name.to_owned());
        let tls = tls.map_err(|error| {
            let what = format!("TLS setup failed: {error}");
            HandshakeError::setup(Failure::new(what).caused_by(error))
        })?;
        handshake(stream, Connection::Client(tls), Peer::Server(server_name), timeout)
    }

    /// Returns the configuration in use.
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
