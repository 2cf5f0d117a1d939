//! The send state that the streams of a connection share.

use std::time::{Duration, Instant};

use super::bounds::Room;
use super::scheduler::Scheduler;
use super::send_queue::SendQueue;
use super::stall::Stalls;
use crate::frame::{DEFAULT_WINDOW, StreamId};
use crate::hpack::Encoder;
use crate::proto::config::{Config, Role};
use crate::proto::flow::SendWindow;
use crate::proto::stats::{Compression, Traffic};
use crate::proto::trace::Tracer;

/// The queued output of a connection, and the state needed to send it.
#[derive(Debug)]
pub(in crate::proto) struct Outgoing {
    /// Encoded frames in wire order, sent before any DATA.
    pub(super) fifo: Vec<u8>,
    /// The last request whose field block is in `fifo`, and the last one returned for writing.
    pub(super) requests: Requests,
    /// Number of acknowledgments in `fifo`.
    pub(super) pending_acks: u32,
    /// Total increment of the connection's WINDOW_UPDATE frames in `fifo`.
    pub(super) pending_credit: u32,
    /// Octets returned for writing since the start.
    pub(super) transmitted: u64,
    pub(super) encoder: Encoder,
    pub(super) scheduler: Scheduler,
    /// The connection's window.
    pub(super) window: SendWindow,
    /// Octets of DATA and trailers queued on all streams.
    pub(super) buffered: usize,
    pub(super) room: Room,
    pub(super) stalls: Stalls,
    pub(super) figures: Figures,
    pub(super) tracer: Tracer,
}

/// A client's progress through its requests, whose identifiers increase (RFC 9113, Section 5.1.1).
#[derive(Debug)]
pub(super) struct Requests {
    pub(super) queued: StreamId,
    pub(super) handed_out: StreamId,
}

/// Statistics of sent frames.
#[derive(Debug, Default)]
pub(in crate::proto) struct Figures {
    pub(in crate::proto) sent: Traffic,
    pub(in crate::proto) hpack: Compression,
    pub(in crate::proto) resets: u64,
}

impl Outgoing {
    pub(in crate::proto) fn new(role: Role, config: &Config) -> Self {
        Outgoing {
            fifo: Vec::with_capacity(128),
            requests: Requests { queued: StreamId::CONNECTION, handed_out: StreamId::CONNECTION },
            pending_acks: 0,
            pending_credit: 0,
            transmitted: 0,
            encoder: Encoder::with_table_cap(config.encoder_table_cap),
            scheduler: Scheduler::default(),
            window: SendWindow::new(DEFAULT_WINDOW),
            buffered: 0,
            room: Room::new(config),
            stalls: Stalls::new(config.stall_timeout),
            figures: Figures::default(),
            tracer: Tracer::new(role),
        }
    }

    /// Whether something can be sent that the windows allow.
    pub(in crate::proto) fn wants_transmit(&self) -> bool {
        !self.fifo.is_empty() || self.scheduler.has_turn(self.window.available() > 0)
    }

    /// Returns the queued octets, without deferred field sections.
    pub(in crate::proto) fn waiting(&self) -> usize {
        self.buffered + self.fifo.len()
    }

    /// Returns the connection's send window.
    pub(in crate::proto) fn window(&self) -> i64 {
        self.window.signed()
    }

    /// Returns the connection-level credit that is queued.
    pub(in crate::proto) fn pending_credit(&self) -> u32 {
        self.pending_credit
    }

    pub(in crate::proto) fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Returns the total time that DATA has waited for a window.
    pub(in crate::proto) fn waited(&self) -> Duration {
        self.stalls.waited
    }

    /// The peer's SETTINGS_HEADER_TABLE_SIZE.
    pub(in crate::proto) fn set_max_table_size(&mut self, size: usize) {
        self.encoder.set_max_table_size(size);
    }

    /// Clears the queues when the connection has ended: only encoded frames are still sent, and no
    /// request that was not returned for writing.
    pub(in crate::proto) fn clear(&mut self) {
        self.drop_requests();
        self.scheduler.clear();
        self.buffered = 0;
        self.stalls.connection = None;
        self.room.clear();
    }

    /// Drops the queued output of an ended stream.
    pub(in crate::proto) fn discard(&mut self, queue: &mut SendQueue, now: Instant) {
        if let Some(turn) = queue.turn.take() {
            self.scheduler.remove(turn);
        }
        self.room.leave(queue);
        self.end_stream_stall(queue, now);
        self.buffered -= queue.octets;
        queue.octets = 0;
        queue.items.clear();
    }
}

#[cfg(test)]
impl Outgoing {
    pub(in crate::proto) fn buffered(&self) -> usize {
        self.buffered
    }

    pub(in crate::proto) fn has_frames(&self) -> bool {
        !self.fifo.is_empty()
    }
}
