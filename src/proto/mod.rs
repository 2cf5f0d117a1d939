//! The protocol without I/O: a [`Connection`] is a state machine that takes bytes and commands, and
//! returns events and bytes.
//!
//! It has six operations, and no threads, sockets, channels or clock:
//!
//! ```text
//!              receive(bytes) ─┐                 ┌─ poll_event()     events
//!  open, send_headers, … ──────┼──▶ Connection ──┼─ poll_transmit()  bytes to write
//!      handle_timeout(now) ────┘                 └─ poll_timeout()   the next deadline
//! ```
//!
//! After each call on the left, call the three on the right until they return nothing more. Time is
//! passed in, so that tests and simulations can control it.
//!
//! # Example
//!
//! A client and a server in one thread:
//!
//! ```
//! use std::time::Instant;
//!
//! use bytes::BytesMut;
//! use h2_sync::proto::{Config, Connection, Event, Role, Transmit};
//! use h2_sync::{headers, proto};
//!
//! /// Moves all output of `from` to `to`.
//! fn pump(from: &mut Connection, to: &mut Connection) -> Result<(), proto::ConnectionError> {
//!     let mut out = Transmit::new();
//!     from.poll_transmit(Instant::now(), &mut out, usize::MAX);
//!     to.receive(&mut BytesMut::from(&out.to_vec()[..]), Instant::now())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = Instant::now();
//! let mut client = Connection::new(Role::Client, Config::default(), now)?;
//! let mut server = Connection::new(Role::Server, Config::default(), now)?;
//!
//! let request = headers!(
//!     ":method" => "GET", ":scheme" => "http", ":authority" => "example.com", ":path" => "/",
//! );
//! let id = client.open(&request, true, now)?;
//! pump(&mut client, &mut server)?;
//!
//! while let Some(event) = server.poll_event() {
//!     if let Event::Headers { stream_id, .. } = event {
//!         server.send_headers(stream_id, &headers!(":status" => "200"), false, now)?;
//!         server.send_data(stream_id, "hello".into(), true, now)?;
//!     }
//! }
//! pump(&mut server, &mut client)?;
//!
//! let bodies: Vec<_> = std::iter::from_fn(|| client.poll_event())
//!     .filter_map(|event| match event {
//!         Event::Data { stream_id, data, .. } if stream_id == id => Some(data),
//!         _ => None,
//!     })
//!     .collect();
//! assert_eq!(bodies, ["hello"]);
//! # Ok(())
//! # }
//! ```
//!
//! # Implementation
//!
//! | file | content |
//! | --- | --- |
//! | `connection`, `ending` | the struct; how it starts; how streams and the connection end |
//! | `receive` | the order of frames, DATA, frames for ended streams |
//! | `receive_control`, `receive_block`, `block`, `receive_message` | one function per other frame type |
//! | `opening`, `opener` | requests and promises; the order of identifiers, deferred streams |
//! | `upgrade` | connections that start as HTTP/1.1 |
//! | `sending`, `commands` | responses, bodies, trailers; all other commands |
//! | `transmit`, `outgoing`, `line` | what goes out, in which order; everything that waits to be sent; queues |
//! | `state`, `stream`, `streams`, `slots`, `id_hasher`, `flow`, `growth` | the states of RFC 9113, Section 5.1; windows, and how they grow |
//! | `headers`, `checked`, `octets`, `authority`, `content` | what makes a message valid, and what may follow its HEADERS |
//! | `priority`, `structured`, `settings` | RFC 9218 and the fields of RFC 8941; Section 6.5 |
//! | `budgets`, `deadlines`, `timers` | budgets against abuse; deadlines |
//! | `event`, `queue`, `config`, `validate`, `error`, `stats`, `trace` | the interface to the application |

mod authority;
mod block;
mod budgets;
mod checked;
mod commands;
mod config;
mod connection;
mod content;
mod deadlines;
mod ending;
mod error;
mod event;
mod flow;
mod growth;
mod headers;
mod id_hasher;
mod line;
mod octets;
mod opener;
mod opening;
mod outgoing;
mod priority;
mod queue;
mod receive;
mod receive_block;
mod receive_control;
mod receive_message;
mod sending;
mod settings;
mod slots;
mod state;
mod stats;
mod stream;
mod streams;
mod structured;
mod timers;
mod trace;
mod transmit;
mod upgrade;
mod validate;

#[cfg(test)]
mod tests;

pub use crate::budget::Budget;
pub use crate::logging::FRAMES as TRACE_TARGET;
pub use config::{Config, Role};
pub use connection::Connection;
pub(crate) use content::{forbids_content, is_tunnel};
pub(crate) use error::GoawayText;
pub(crate) use error::PEER_SPEAKS_HTTP1;
pub use error::{CommandError, ConnectionError, Fault, Malformed};
pub use event::{CloseReason, Event, Extension, HeadersKind, ResetBy};
pub(crate) use id_hasher::IdHashState;
pub use outgoing::Transmit;
pub use priority::Priority;
pub(crate) use sending::AT_ONCE;
pub use settings::SettingValues;
pub use stats::{BUDGETS, Compression, Stats, Traffic};
pub(crate) use timers::{GRACE, LATE};
pub use validate::ConfigError;
pub(crate) use validate::{ABOVE_ZERO, check, leaves_time};
