//! HTTP/2 without TLS (h2c): by prior knowledge, and by the upgrade from HTTP/1.1.
//!
//! A client on a cleartext connection may use HTTP/2 from the first octet, if it knows that the
//! server supports it (RFC 9113, Section 3.3). Or it sends an HTTP/1.1 request that asks for an
//! upgrade (RFC 7540, Section 3.2). RFC 9113, Section 3.1 has deprecated the upgrade, since it was
//! little used; curl still does it for `--http2` with an `http://` URL. Clients that only speak
//! HTTP/1.1 get a response that explains what to do.
//!
//! ```text
//!                        ┌ "PRI "                    ─▶ PriorKnowledge
//!  first octets ─ detect ┼ a request, Upgrade: h2c   ─▶ Upgrade ─ accept ─▶ 101, stream 1
//!                        ├ another request           ─▶ Http1 ─ refuse ─▶ 426 or 505
//!                        └ TLS, other data, silence  ─▶ an error, and GOAWAY
//! ```
//!
//! # Which function to use
//!
//! | for | use |
//! | --- | --- |
//! | a server with HTTP/2 only | [`Session::accept_h2c`](crate::Session::accept_h2c) |
//! | a server that also speaks HTTP/1.1, or a custom core | [`detect`] |
//! | a client that knows that the server speaks HTTP/2 | [`new_connection`](crate::new_connection) |
//! | any other client | [`request_upgrade`], then [`Session::with_opening`](crate::Session::with_opening) |
//!
//! # After the 101
//!
//! The upgrade request is stream 1. It is half-closed from the start, since the whole request has
//! been sent, including its body. The client's next stream is 3. Both sides then start as usual:
//! the server's first frame is SETTINGS, and the client sends the 24-octet preface and its
//! SETTINGS. So leave [`skip_preface`](crate::Config::skip_preface) `false` on both sides. It is
//! for servers whose preface other code has *consumed*; [`detect`] replays it.
//!
//! The request also contains the client's settings (`HTTP2-Settings`), so that the server knows
//! them before it answers.
//!
//! # What is refused
//!
//! If a proxy disagreed with us on the end of the request, the octets after it would be interpreted
//! differently, as HTTP/2. So an ambiguous upgrade request is refused: one with two lengths, a
//! length beside `Transfer-Encoding`, a coding other than `chunked`, folded lines, bare LF line
//! ends, or a second `Host`. The codec in [`http1`](crate::http1) does that. The request must also
//! be valid in HTTP/2 (RFC 9113, Section 8). Its body is bounded by
//! [`max_body_size`](Options::max_body_size).
//!
//! A request that mentions h2c but does not meet RFC 7540, Section 3.2.1 is treated as an ordinary
//! HTTP/1.1 request: one without `HTTP2-Settings`, with an incomplete `Connection`, or in HTTP/1.0.
//! An upgrade request that is malformed is answered with 400 and the reason.
//!
//! # Examples
//!
//! [`Session::accept_h2c`](crate::Session::accept_h2c) shows both sides. A server that also speaks
//! HTTP/1.1:
//!
//! ```no_run
//! use std::net::TcpStream;
//!
//! use h2_sync::upgrade::{detect, Detected, Options, Replay, Upgraded};
//! use h2_sync::{Config, Error, Role, Session};
//!
//! # fn serve_http1(_: Replay<TcpStream>) -> Result<(), Error> { Ok(()) }
//! # fn serve_http2(_: Session) -> Result<(), Error> { Ok(()) }
//! fn serve(stream: TcpStream) -> Result<(), Error> {
//!     let config = Config::default();
//!     match detect(stream, &Options::default())? {
//!         Detected::PriorKnowledge(stream) => {
//!             serve_http2(Session::with_config(stream, Role::Server, config)?)
//!         }
//!         Detected::Upgrade(request) => {
//!             let Upgraded { stream, opening } = request.accept()?;
//!             serve_http2(Session::with_opening(stream, config, opening)?)
//!         }
//!         // The stream replays all octets of the request.
//!         Detected::Http1(request) => serve_http1(request.into_stream()?),
//!     }
//! }
//! ```

mod answer;
mod base64url;
mod client;
mod detect;
mod first;
mod http1;
mod lists;
mod opening;
mod options;
mod prefixed;
mod refusal;
mod request;
mod sniff;
mod wire;
mod wish;

pub use client::{Declined, Outcome, request_upgrade};
pub use detect::{Detected, detect};
pub use http1::Http1Request;
pub use opening::Opening;
pub use options::Options;
pub use prefixed::{Prefixed, Replay};
pub use request::{UpgradeRequest, Upgraded};
pub(crate) use sniff::{Spoken, sniff};
