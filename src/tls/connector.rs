//! The client's end of the handshake.

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
use super::protocols::{offer_http1, H2, HTTP1};
use super::provider::{provider, unusable};
use super::stream::TlsStream;
use super::verifier::{Anyone, RootsThemselves};
use crate::error::{Error, ErrorKind};
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
        Connector::trusting(public_roots(), Vec::new())
    }

    /// Trusts the authorities that the operating system trusts, or those in the files that the
    /// variables `SSL_CERT_FILE` and `SSL_CERT_DIR` name; otherwise like [`new`](Self::new).
    ///
    /// They are read now, which takes some milliseconds.
    ///
    /// # Errors
    ///
    /// Those of `new`, and a system without any certificate that can be used.
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
            crate::logging::warn!("a certificate of the system cannot be read: {error}");
        }
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(found.certs.iter().cloned());
        if added == 0 {
            let why = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
            let what = format!("the system has no certificates that can be trusted{why}");
            return Err(Failure::new(what).into_error(ErrorKind::Caller));
        }
        // `SSL_CERT_FILE` may name a certificate that a server has signed itself.
        Connector::trusting(roots, found.certs)
    }

    /// Like [`new`](Self::new), and trusts the certificates in this PEM text as well.
    ///
    /// # Errors
    ///
    /// Those of `new`, and text that is not PEM or has no certificate in it.
    pub fn with_extra_roots(pem: &[u8]) -> Result<Self, Error> {
        let mut roots = public_roots();
        let own = root_pem(pem).add_to(&mut roots)?;
        Connector::trusting(roots, own)
    }

    /// Trusts the certificates in this PEM text and no others; otherwise like [`new`](Self::new).
    ///
    /// For a private authority, or a server with a certificate that it has signed itself. The latter is
    /// accepted as it is, whether or not it says that it is an authority's (`CA:TRUE`, as
    /// `openssl req -x509` makes them).
    ///
    /// # Errors
    ///
    /// Those of [`with_extra_roots`](Self::with_extra_roots).
    pub fn with_only_roots(pem: &[u8]) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        let own = root_pem(pem).add_to(&mut roots)?;
        Connector::trusting(roots, own)
    }

    /// Takes a configuration of your own: another provider of cryptography, a verifier of your own.
    ///
    /// It is used as it is. Its `alpn_protocols` must have `h2` among them, or no handshake is one
    /// for HTTP/2.
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
            let verifier = RootsThemselves::new(roots, own, provider).map_err(|error| {
                let what = format!("the trusted certificates cannot be used: {error}");
                Failure::new(what).caused_by(error).into_error(ErrorKind::Caller)
            })?;
            let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
            builder.with_no_client_auth()
        };
        config.alpn_protocols = vec![H2.to_vec()];
        Ok(Connector::from_config(config))
    }

    /// Presents a certificate of the client's to servers that ask for one: the chain and its key, as
    /// PEM text.
    ///
    /// # Errors
    ///
    /// Text that is not PEM or lacks what is needed, or a key that does not belong to the certificate.
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
            let what = format!("the client's certificate and key do not serve: {error}");
            Failure::new(what).caused_by(error).into_error(ErrorKind::Caller)
        })?;
        let config = Arc::make_mut(&mut self.config);
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certified));
        Ok(self)
    }

    /// Accepts every certificate, for whatever name, expired or not: **anyone on the way can read and
    /// change what is sent.** For tests against servers whose certificate cannot be had; where it can,
    /// [`with_only_roots`](Self::with_only_roots) is as easy and safe.
    #[must_use]
    pub fn danger_accept_invalid_certificates(mut self) -> Self {
        let config = Arc::make_mut(&mut self.config);
        let verifier = Arc::new(Anyone(Arc::clone(config.crypto_provider())));
        config.dangerous().set_certificate_verifier(verifier);
        self
    }

    /// Offers HTTP/1.1 as well. A server that chooses it gives [`HandshakeError::into_stream`], for
    /// another library to go on with.
    #[must_use]
    pub fn with_http1(mut self) -> Self {
        offer_http1(&mut Arc::make_mut(&mut self.config).alpn_protocols);
        self
    }

    /// The same connector with HTTP/1.1 alone offered, for a proxy: the handshake gives
    /// [`HandshakeError::into_stream`].
    pub(crate) fn for_http1(&self) -> Result<Self, Error> {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = vec![HTTP1.to_vec()];
        Ok(Connector::from_config(config))
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
