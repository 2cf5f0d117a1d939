//! Everything that waits to be sent: one owner for frames, bodies, windows, room and stalls.
//!
//! [`Outgoing`] has the fields that all streams share; each stream has a [`SendQueue`], which is
//! changed by methods of `Outgoing` alone, so that the sums agree with the queues.
//!
//! | file | what it has |
//! | --- | --- |
//! | `state`, `send_queue` | what all streams share; what each stream has waiting |
//! | `frames`, `field_block` | frames and field blocks, encoded in the order of the wire |
//! | `turns`, `scheduler` | DATA and trailers: whose turn it is, and what the windows allow |
//! | `room`, `bounds`, `stalls`, `stall` | how much may wait; how long it may wait for a window |
//! | `batch` | octets gathered for one write |

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
