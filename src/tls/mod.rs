//! TLS by [rustls], for HTTP/2 over `https`.
//!
//! An [`Acceptor`] (a server) or a [`Connector`] (a client) does the handshake over any
//! [`Transport`], and gives a [`TlsStream`], which is a [`Transport`] again.
//!
//! ```text
//!   TcpStream ── Acceptor::accept ───▶ TlsStream ── new_connection ──▶ Session
//!                Connector::connect        │
//!                     │                    └ facts(): protocol, version, cipher, names
//!                     └ HandshakeError: what went wrong; or HTTP/2 was not chosen, and the stream
//! ```
//!
//! # Two threads, one TLS connection
//!
//! Reading and writing share the keys, so they share a lock, which is held to encrypt and to
//! decrypt. The transport below is outside of it: a read that waits for the peer keeps no write
//! out.
//!
//! ```text
//!   reader:  read ciphertext ─▶ lock, decrypt, unlock ─▶ plaintext
//!   writer:  plaintext ─▶ lock, encrypt, unlock ─▶ write ciphertext
//! ```
//!
//! The reader never writes. What TLS itself has to say (new keys, tickets) goes out with the next
//! write, which is all that RFC 8446 asks for; alerts when our direction is shut.
//!
//! # The end
//!
//! Ending our direction sends close_notify. If the transport ends without the peer's having sent
//! its own, a read fails with `UnexpectedEof`: what has come may have been cut off on the way. HTTP/2
//! says of each message by itself whether it is complete, so this takes nothing from those that are.
//!
//! # Features
//!
//! | feature | gives |
//! | --- | --- |
//! | `tls` (default) | this module |
//! | `tls-ring` (default) | cryptography by `ring`, quick to build |
//! | `system-roots` | [`Connector::with_system_roots`] |
//! | `tls-aws-lc-rs` | cryptography by `aws-lc-rs`, which is then used, also beside `tls-ring` |
//!
//! Without either of the two, the default provider of the process is used, or the one in a
//! configuration of your own. [`rustls`] is re-exported to write one.
//!
//! # Examples
//!
//! Both ends, over a pipe in memory, with a certificate that is made for the occasion:
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
//! // From here on, TLS is not to be seen.
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
mod connector;
mod explain;
mod facts;
mod failure;
mod handshake;
mod handshake_error;
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
pub use self::connector::Connector;
pub use self::facts::Facts;
pub use self::handshake_error::{HandshakeError, HandshakeErrorKind};
pub use self::reader::TlsReader;
pub use self::stream::TlsStream;
pub use self::writer::TlsWriter;
