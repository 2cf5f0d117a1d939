//! WebSocket without I/O: messages of one connection, for both roles (RFC 6455), with compression
//! (RFC 7692).
//!
//! It turns octets into messages and messages into octets, without threads, sockets or a clock. It
//! starts after the opening handshake, for which there are [`new_key`], [`accept_key`] and the
//! negotiation of compression: [`offer`], [`answer`], [`accepted`].
//!
//! ```text
//!                 the peer's octets                          octets for the peer
//!  from the peer ─▶ receive ─▶ Event          send, ping ─▶ poll_transmit ─▶ to the peer
//!                   end_of_input              close
//!                        poll_timeout ─▶ handle_timeout
//! ```
//!
//! # Contract
//!
//! - **Receiving is pull-based.** [`receive`](Connection::receive) takes octets from the front of its
//!   input until there is one [`Event`] or more input is needed, so events never queue up. No result
//!   depends on how the input is cut into pieces.
//! - **After any call**, call [`poll_transmit`](Connection::poll_transmit) until the queue is empty, and
//!   [`poll_timeout`](Connection::poll_timeout) for the time of the next call if nothing else happens.
//! - **Transmit everything**: all octets that it hands out must be written in order.
//! - **A mistake of the caller** is a [`SendError`] of that call alone.
//! - **A violation by the peer** is an [`Error`]. A Close frame reports it to the peer, and each later
//!   call returns the same error.
//!
//! # States
//!
//! ```text
//!            close            the peer's Close, then the end of the transport
//!   Open ───────────▶ Closing ─────────────────────────────────────────────▶ Closed
//!     │                  │ no answer within close_timeout                       ▲
//!     │                  └──────────────────────────────▶ Failed ◀── an error   │
//!     └─ the peer's Close, which is answered ───────────────────────────────────┘
//! ```
//!
//! Messages that arrive while this end is closing are events like others.
//!
//! # Copies
//!
//! A server sends payloads of more than 2 KiB without a copy; a client masks into the output. A
//! client receives a message of 512 octets or more that arrives in one piece as a slice of the
//! input. All other payloads are copied once.
//!
//! # Example
//!
//! A client and a server, joined by hand:
//!
//! ```
//! use std::time::Instant;
//!
//! use bytes::BytesMut;
//! use h2_sync::ws::{CloseCode, Config, Connection, Event, Message, Role};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = Instant::now();
//! let mut client = Connection::new(Role::Client, None, Config::default(), now);
//! let mut server = Connection::new(Role::Server, None, Config::default(), now);
//!
//! client.send(&Message::from("hello"))?;
//! client.close(Some(CloseCode::NORMAL), "", now)?;
//! let mut wire = BytesMut::new();
//! assert!(client.poll_transmit(&mut wire, 1 << 16).is_none());
//!
//! let mut octets = wire.freeze();
//! let hello = server.receive(&mut octets, now)?;
//! assert_eq!(hello, Some(Event::Message("hello".into())));
//! let Some(Event::Close(close)) = server.receive(&mut octets, now)? else { panic!() };
//! assert_eq!(close.code, Some(CloseCode::NORMAL));
//!
//! let mut answer = BytesMut::new();
//! server.poll_transmit(&mut answer, 1 << 16);
//! assert_eq!(&answer[..], [0x88, 2, 0x03, 0xe8]);
//! # Ok(())
//! # }
//! ```
//!
//! # Inside
//!
//! | file | content |
//! | --- | --- |
//! | `connection`, `timers` | the close handshake, deadlines, failures |
//! | `receiver`, `partial` | from octets to messages |
//! | `sender` | from messages to octets |
//! | `head`, `mask`, `close`, `code` | parts of a frame |
//! | `deflate` | compression, and its negotiation |
//! | `message`, `text`, `config`, `error` | what a caller sees |
//! | `key`, `random` | the keys of the opening handshake |

mod close;
mod code;
mod config;
mod connection;
mod deflate;
mod error;
mod head;
mod key;
mod mask;
mod message;
mod partial;
mod random;
mod receiver;
mod sender;
mod text;
mod timers;

pub use crate::budget::Budget;
pub use close::Close;
pub use code::CloseCode;
pub use config::{Config, Role};
pub use connection::Connection;
pub use deflate::{Compression, DeflateParams, accepted, answer, offer};
pub use error::{Error, ErrorKind, SendError};
pub use key::{accept_key, is_key, new_key};
pub use message::{Event, Message};
pub use text::Text;

#[cfg(test)]
mod tests;
