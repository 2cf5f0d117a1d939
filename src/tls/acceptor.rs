//! The server's end of the handshake.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::{Connection, ServerConfig, ServerConnection};

use super::failure::Failure;
use super::handshake::handshake;
use super::handshake_error::HandshakeError;
use super::peer::Peer;
use super::pem::{self, Pem};
use super::protocols::{offer_http1, H2, HTTP1, HTTP1_0};
use super::provider::{provider, ticketer, unusable};
use super::stream::TlsStream;
use crate::error::{Error, ErrorKind};
use crate::transport::Transport;

/// Accepts TLS connections: a certificate, its key, and what has been agreed with earlier clients.
///
/// Cheap to clone. Clients resume their sessions with any clone.
#[derive(Clone)]
pub struct Acceptor {
    config: Arc<ServerConfig>,
}

impl Acceptor {
    /// Takes a certificate chain and its private key from two files of PEM text.
    ///
    /// The chain begins with the server's own certificate. TLS 1.2 and 1.3 are spoken, `h2` alone is
    /// taken (see [`with_http1`](Self::with_http1)), no certificate is asked of clients, and they
    /// get tickets to resume their sessions with.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or what is in it does not serve; see [`from_pem`](Self::from_pem).
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

    /// Takes a certificate chain and its private key from PEM text; otherwise like
    /// [`from_pem_files`](Self::from_pem_files).
    ///
    /// # Errors
    ///
    /// The text is not PEM, has no certificate or no key in it, or the key is not that of the
    /// certificate.
    pub fn from_pem(cert_chain: &[u8], key: &[u8]) -> Result<Self, Error> {
        Acceptor::new(
            &Pem { text: cert_chain, name: "the certificate chain".to_owned() },
            &Pem { text: key, name: "the private key".to_owned() },
        )
    }

    /// Takes a configuration of your own: several certificates, client certificates, another
    /// provider of cryptography.
    ///
    /// It is used as it is, but for early data (0-RTT), which is not taken: whoever has recorded it
    /// can send it again (RFC 8446, Section 8). Its `alpn_protocols` must have `h2` among them, or
    /// no handshake is one for HTTP/2; a [`Server`](crate::server::Server) adds `http/1.1`. Resumption
    /// is as it says.
    pub fn from_config(config: impl Into<Arc<ServerConfig>>) -> Self {
        let mut config = config.into();
        if config.max_early_data_size != 0 {
            // rustls keeps it apart from what comes later, and nobody would look there.
            Arc::make_mut(&mut config).max_early_data_size = 0;
        }
        Acceptor { config }
    }

    fn new(cert_chain: &Pem<'_>, key: &Pem<'_>) -> Result<Self, Error> {
        let chain = cert_chain.certificates()?;
        let builder = ServerConfig::builder_with_provider(provider()?);
        let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
        let mut config =
            builder.with_no_client_auth().with_single_cert(chain, key.key()?).map_err(|error| {
                let (chain, key) = (&cert_chain.name, &key.name);
                let what = match error {
                    rustls::Error::InconsistentKeys(_) => {
                        format!("{key} is not that of the first certificate in {chain}")
                    }
                    rustls::Error::InvalidCertificate(_) => format!("{chain} is damaged: {error}"),
                    _ => format!("{key} cannot be used: {error}"),
                };
                Failure::new(what).caused_by(error).into_error(ErrorKind::Caller)
            })?;
        config.alpn_protocols = vec![H2.to_vec()];
        if let Some(ticketer) = ticketer()? {
            config.ticketer = ticketer;
        }
        Ok(Acceptor::from_config(config))
    }

    /// Takes clients as well that speak HTTP/1.1 alone. They come as
    /// [`HandshakeError::into_stream`], for another library to go on with.
    ///
    /// Otherwise they are turned away with the alert no_application_protocol.
    #[must_use]
    pub fn with_http1(mut self) -> Self {
        offer_http1(&mut Arc::make_mut(&mut self.config).alpn_protocols);
        self
    }

    /// Offers these versions of HTTP by ALPN, and leaves other protocols as they are.
    pub(crate) fn offering(mut self, http2: bool, http1: bool) -> Self {
        let offered = &mut Arc::make_mut(&mut self.config).alpn_protocols;
        offered.retain(|it| (http2 || it != H2) && (http1 || it != HTTP1));
        if http1 {
            offer_http1(offered);
            // What curl offers when it is told to speak that.
            offered.push(HTTP1_0.to_vec());
        }
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

    /// Does the handshake with a client that has just connected; all of it in `timeout`.
    ///
    /// A transport that has no [read timeout](crate::transport::Closer::set_read_timeout) is closed
    /// at the deadline by a thread that is started for it. If closing does not wake it either (a
    /// plain pair), a silent client is waited for.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`] says what went wrong and whose fault it was. Where all went well but the
    /// protocol is not `h2`, it has the stream.
    pub fn accept<T: Transport>(
        &self,
        stream: T,
        timeout: Duration,
    ) -> Result<TlsStream<T>, HandshakeError<T>> {
        let tls = ServerConnection::new(Arc::clone(&self.config)).map_err(|error| {
            let what = format!("TLS cannot begin: {error}");
            HandshakeError::setup(Failure::new(what).caused_by(error))
        })?;
        handshake(stream, Connection::Server(tls), Peer::Client, timeout)
    }

    /// The configuration in use.
    pub fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").finish_non_exhaustive()
    }
}
