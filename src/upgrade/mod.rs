//! HTTP/2 without TLS (h2c): by prior knowledge, and by the upgrade from HTTP/1.1.
//!
//! A client on a cleartext connection may speak HTTP/2 from the first octet, if it knows that the
//! server does (RFC 9113, Section 3.3). Or it asks in HTTP/1.1, with a request that the server may
//! answer in HTTP/2 (RFC 7540, Section 3.2). RFC 9113, Section 3.1 has retired the second way, as
//! hardly anybody took it; curl and a few others still do, when they are told `--http2` with an
//! `http://` URL. Then there are those who speak HTTP/1.1 alone, and they should get to read why
//! that does not work.
//!
//! ```text
//!                        ┌ "PRI "                    ─▶ PriorKnowledge
//!  first octets ─ detect ┼ a request, Upgrade: h2c   ─▶ Upgrade ─ accept ─▶ 101, stream 1
//!                        ├ another request           ─▶ Http1 ─ refuse ─▶ 426 or 505
//!                        └ TLS, nonsense, silence    ─▶ an error, and GOAWAY
//! ```
//!
//! # Which one?
//!
//! | you have | use |
//! | --- | --- |
//! | a server that speaks HTTP/2 alone | [`Session::accept_h2c`](crate::Session::accept_h2c) |
//! | a server that speaks HTTP/1.1 as well, or a core of your own | [`detect`] |
//! | a client that knows that the server speaks HTTP/2 | nothing of this: [`new_connection`](crate::new_connection) |
//! | a client that does not | [`request_upgrade`], then [`Session::with_opening`](crate::Session::with_opening) |
//!
//! # After the 101
//!
//! The request is stream 1 and half-closed from the start, since all of it has been sent, body
//! included. The client's next stream is 3. Both ends then do what they always do: the server's
//! first frame is SETTINGS, and the client sends the 24 octets of the preface and its SETTINGS. So
//! [`skip_preface`](crate::Config::skip_preface) stays `false` on both sides. That is for a server
//! whose preface somebody else has *consumed*; [`detect`] has only looked at it, and gives it back.
//!
//! The client's settings stand in the request as well (`HTTP2-Settings`), so that the server knows
//! them before it answers.
//!
//! # What is refused
//!
//! A proxy in front may not agree with us on where a request ends, and what comes behind it is taken
//! for HTTP/2. So a request to upgrade is refused if there is any doubt: two lengths that differ, a
//! length beside `Transfer-Encoding`, a coding other than `chunked`, folded lines, lines that end
//! with LF alone, a second `Host`. That is what the codec of [`http1`](crate::http1) refuses anyway. A
//! request also has to be valid in HTTP/2 (RFC 9113, Section 8), where it becomes one. Its body is bounded
//! by [`max_body_size`](Options::max_body_size).
//!
//! A request that mentions h2c and does not ask for it as RFC 7540, Section 3.2.1 says (no
//! `HTTP2-Settings`, `Connection` does not list what it has to, HTTP/1.0) is an ordinary request of
//! HTTP/1.1. One that does and is malformed is answered with 400 and the reason.
//!
//! # Examples
//!
//! Both ends are at [`Session::accept_h2c`](crate::Session::accept_h2c). A server that speaks
//! HTTP/1.1 as well:
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
//!         // All octets of the request are still to be read.
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

pub use client::{request_upgrade, Declined, Outcome};
pub use detect::{detect, Detected};
pub use http1::Http1Request;
pub use opening::Opening;
pub use options::Options;
pub use prefixed::{Prefixed, Replay};
pub use request::{UpgradeRequest, Upgraded};
pub(crate) use sniff::{sniff, Spoken};
