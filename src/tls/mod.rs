//! TLS with [rustls], for `https://` and `wss://`.
//!
//! An [`Acceptor`] (server) or a [`Connector`] (client) performs the handshake over any
//! [`Transport`]. The result is a [`TlsStream`], which is itself a [`Transport`].
//!
//! ```text
//!   TcpStream ── Acceptor::accept ───▶ TlsStream ── new_connection ──▶ Session
//!                Connector::connect        │
//!                     │                    └ facts(): protocol, version, cipher, names
//!                     └ HandshakeError: the reason, or the stream if HTTP/2 was not chosen
//! ```
//!
//! # Two threads, one TLS connection
//!
//! Reading and writing share the TLS state and its lock, which is held while encrypting and
//! decrypting, but not during I/O. A read that waits for the peer does not block writes.
//!
//! ```text
//!   reader:  read ciphertext ─▶ lock, decrypt, unlock ─▶ plaintext
//!   writer:  plaintext ─▶ lock, encrypt, unlock ─▶ write ciphertext
//! ```
//!
//! The reader never writes. Records that TLS itself produces (key updates, tickets) are sent with
//! the next write, as RFC 8446 allows; alerts are sent when our direction is shut down.
//!
//! # Closing
//!
//! Shutting down our direction sends close_notify. If the transport ends without a close_notify
//! from the peer, a read fails with `UnexpectedEof`, since the data may have been truncated. HTTP/2
//! delimits every message itself, so complete messages are not affected.
//!
//! # Certificates
//!
//! [`Acceptor::from_pem_files`] uses one certificate for as long as the acceptor lives.
//! [`Certificates`] holds several, chosen by the name that a client asks for, and replaces them while
//! the server runs, on call or when their files change.
//!
//! # Features
//!
//! | feature | gives |
//! | --- | --- |
//! | `tls` (default) | this module |
//! | `tls-ring` (default) | cryptography by `ring`, quick to build |
//! | `tls-aws-lc-rs` | cryptography by `aws-lc-rs`, preferred if both are enabled |
//! | `system-roots` | [`Connector::with_system_roots`] |
//!
//! Without `tls-ring` and `tls-aws-lc-rs`, the process-wide default provider is used, or the one in a custom
//! configuration. [`rustls`] is re-exported for that.
//!
//! # Examples
//!
//! Both sides over an in-memory pipe, with a certificate generated on the fly:
//!
//! ```
//! use std::thread;
//! use std::time::Duration;
//!
//! use h2_sync::tls::{Acceptor, Connector};
//! use h2_sync::transport::duplex;
//! use h2_sync::new_connection;
//!
//! # #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let made = rcgen::generate_simple_self_signed(["example.com".to_owned()])?;
//! let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
//!
//! let (near, far) = duplex(1 << 16);
//! let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes())?;
//! let server = thread::spawn(move || {
//!     let stream = acceptor.accept(far, Duration::from_secs(10))?;
//!     println!("a client asks for {:?}", stream.facts().server_name);
//!     new_connection(stream, false, false)
//! });
//!
//! let connector = Connector::with_only_roots(certificate.as_bytes())?;
//! let stream = connector.connect("example.com", near, Duration::from_secs(10))?;
//! let client = new_connection(stream, true, false)?;
//! // From here on, the session is used as without TLS.
//! # let server = server.join().unwrap()?;
//! # client.close();
//! # drop(server);
//! # Ok(())
//! # }
//! # #[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc-rs")))]
//! # fn main() {}
//! ```
//!
//! [`Transport`]: crate::transport::Transport

mod acceptor;
mod alert;
mod certificates;
mod connector;
mod explain;
mod facts;
mod failure;
mod handshake;
mod handshake_error;
mod key_pair;
mod outgoing;
mod peer;
mod pem;
mod protocols;
mod provider;
mod reader;
mod shared;
mod stream;
mod verifier;
mod writer;

pub use rustls;

pub use self::acceptor::Acceptor;
pub use self::certificates::{CertificateWatch, Certificates};
pub use self::connector::Connector;
pub use self::facts::Facts;
pub use self::handshake_error::{HandshakeError, HandshakeErrorKind};
pub use self::reader::TlsReader;
pub use self::stream::TlsStream;
pub use self::writer::TlsWriter;
