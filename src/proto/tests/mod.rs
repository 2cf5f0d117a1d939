//! Tests of the core without sockets, threads or sleeps.
//!
//! [`Peer`] exchanges raw frames with one connection. It feeds all input to two connections, whole
//! to one and in pieces to the other, and both must behave the same. [`Pair`] is two connections
//! that talk to each other. Both have a virtual clock.

mod audit;
mod pair;
mod peer;
mod wire_order;

mod abuse;
mod blocks;
mod clock;
mod config;
mod connect;
mod content;
mod damage;
mod declined;
mod flow_receive;
mod flow_send;
mod goaway;
mod growth;
mod handshake;
mod honest;
mod idle;
mod late;
mod memory;
mod messages;
mod messages_bad;
mod mistakes;
mod opening;
mod ping;
mod priorities;
mod promises;
mod proportion;
mod pushed;
mod random;
mod repeated;
mod resets;
mod room;
mod settings;
mod slots;
mod stalls;
mod streams;
mod transmit;
mod unsent;
mod upgrade;
mod upgraded;

use audit::audit;
use pair::{Pair, Side};
use peer::{Peer, Sent};

use wire_order::WireOrder;

use super::Role;
use crate::frame::{self, StreamId};
use crate::hpack::Headers;

/// Returns a stream identifier.
fn id(n: u32) -> StreamId {
    StreamId::from_wire(n)
}

fn get() -> Headers {
    crate::headers!(
        ":method" => "GET", ":scheme" => "https", ":authority" => "a.example", ":path" => "/",
    )
}

fn post() -> Headers {
    crate::headers!(
        ":method" => "POST", ":scheme" => "https", ":authority" => "a.example", ":path" => "/in",
    )
}

fn status(code: u16) -> Headers {
    crate::headers!(":status" => code.to_string())
}

fn trailers() -> Headers {
    crate::headers!("grpc-status" => "0")
}
