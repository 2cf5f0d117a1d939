//! All queued output: one owner for frames, bodies, windows, limits and stalls.
//!
//! [`Outgoing`] has the fields that all streams share. Each stream has a [`SendQueue`], which only
//! methods of `Outgoing` change, so that the totals agree with the queues.
//!
//! | file | content |
//! | --- | --- |
//! | `state`, `send_queue` | the shared state; the queue of each stream |
//! | `frames`, `field_block` | frames and field blocks, encoded in wire order |
//! | `turns`, `scheduler` | DATA and trailers: which stream is next, and what the windows allow |
//! | `room`, `bounds`, `stalls`, `stall` | limits of queued output; limits of waiting for a window |
//! | `batch` | octets collected for one write |

mod batch;
mod bounds;
mod field_block;
mod frames;
mod room;
mod scheduler;
mod send_queue;
mod stall;
mod stalls;
mod state;
mod turns;

pub use batch::Transmit;
pub(super) use field_block::BlockStart;
pub(super) use frames::ConnectionFrame;
pub(super) use send_queue::{Item, SendQueue};
pub(super) use state::Outgoing;
pub(super) use turns::Sent;
