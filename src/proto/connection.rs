//! The connection itself: what it holds, how it starts, and how it ends.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;

use super::config::{Config, ConfigError, Role};
use super::error::{CommandError, ConnectionError};
use super::event::{CloseReason, Event};
use super::flow::{RecvWindow, SendWindow};
use super::limits::Budgets;
use super::opening::{Held, Reservations};
use super::priority::Priority;
use super::queue::EventQueue;
use super::receive_block::Block;
use super::scheduler::Scheduler;
use super::settings::{self, LocalSettings, RemoteSettings};
use super::state::Cause;
use super::stats::Stats;
use super::stream::Stall;
use super::streams::Streams;
use super::timers::{OwnPing, Shutdown};
use super::trace::Tracer;
use crate::frame::{
    ErrorCode, Goaway, Settings, StreamId, WindowUpdate, DEFAULT_WINDOW, PREFACE,
};
use crate::hpack;

/// One end of an HTTP/2 connection: bytes and commands go in, events and bytes come out.
///
/// It has no threads, sockets, channels or clock. See the [module](super) for its six verbs and an
/// example.
#[derive(Debug)]
pub struct Connection {
    pub(super) role: Role,
    pub(super) config: Config,
    pub(super) tracer: Tracer,
    pub(super) stats: Stats,

    // Receiving.
    /// Octets of the client's preface that are still to come.
    pub(super) preface_left: usize,
    /// The peer's first SETTINGS have arrived.
    pub(super) greeted: bool,
    pub(super) decoder: hpack::Decoder,
    /// The field block that CONTINUATION has to go on with.
    pub(super) block: Option<Block>,
    /// Since when a field block has been arriving.
    pub(super) block_since: Option<Instant>,
    pub(super) recv_window: RecvWindow,
    pub(super) budgets: Budgets,
    pub(super) events: EventQueue,

    // Sending.
    /// Encoded frames, in the order in which they go out, before any DATA.
    pub(super) fifo: Vec<u8>,
    /// Acknowledgements in `fifo`.
    pub(super) pending_acks: u32,
    pub(super) encoder: hpack::Encoder,
    pub(super) scheduler: Scheduler,
    pub(super) send_window: SendWindow,
    /// Octets of DATA and trailers in the queues of all streams, and of HEADERS held back.
    pub(super) send_buffered: usize,
    /// A command was refused since the connection's buffer is full.
    pub(super) wants_room: bool,
    pub(super) stall: Option<Stall>,

    // Streams.
    pub(super) streams: Streams,
    pub(super) reservations: Reservations,
    /// HEADERS and promises of ours whose turn has not come.
    pub(super) held: BTreeMap<StreamId, Held>,
    /// Promised streams of ours whose response waits for a slot.
    pub(super) slot_waiters: VecDeque<StreamId>,
    /// The highest stream of the peer's that the application has been told of.
    pub(super) last_processed: StreamId,
    /// Promised streams that the peer has and has not closed.
    pub(super) promised: usize,
    /// What the client has said about streams that are not open yet.
    pub(super) early_priorities: VecDeque<(StreamId, Priority)>,

    // The connection as a whole.
    pub(super) local: LocalSettings,
    pub(super) remote: RemoteSettings,
    pub(super) pings: VecDeque<OwnPing>,
    pub(super) next_ping: u64,
    pub(super) goaway_sent: Option<StreamId>,
    pub(super) goaway_received: Option<(StreamId, ErrorCode, Bytes)>,
    pub(super) shutdown: Option<Shutdown>,
    pub(super) closed: Option<CloseReason>,
    pub(super) started: Instant,
    /// When the peer was last heard.
    pub(super) heard: Instant,
    /// Since when there has been no stream.
    pub(super) idle_since: Instant,
    /// When to look for streams that have stalled.
    pub(super) next_stall_check: Option<Instant>,
}

impl Connection {
    /// A connection that has its preface and SETTINGS ready to be sent.
    ///
    /// # Errors
    ///
    /// If a value of `config` makes no sense.
    pub fn new(role: Role, config: Config, now: Instant) -> Result<Self, ConfigError> {
        config.validate()?;
        let limits = hpack::Limits {
            max_section_size: config.max_header_list_size as usize,
            max_fields: config.max_fields,
        };
        let preface_left = match role {
            Role::Server if !config.skip_preface => PREFACE.len(),
            _ => 0,
        };
        let mut connection = Connection {
            role,
            tracer: Tracer::new(role),
            stats: Stats::default(),
            preface_left,
            greeted: false,
            decoder: hpack::Decoder::new(limits),
            block: None,
            block_since: None,
            recv_window: RecvWindow::new(DEFAULT_WINDOW),
            budgets: Budgets::new(&config, now),
            events: EventQueue::default(),
            fifo: Vec::with_capacity(128),
            pending_acks: 0,
            encoder: hpack::Encoder::with_table_cap(config.encoder_table_cap),
            scheduler: Scheduler::default(),
            send_window: SendWindow::new(DEFAULT_WINDOW),
            send_buffered: 0,
            wants_room: false,
            stall: None,
            streams: Streams::new(role),
            reservations: Reservations::new(role),
            held: BTreeMap::new(),
            slot_waiters: VecDeque::new(),
            last_processed: StreamId::CONNECTION,
            promised: 0,
            early_priorities: VecDeque::new(),
            local: LocalSettings::new(&config),
            remote: RemoteSettings::default(),
            pings: VecDeque::new(),
            next_ping: 0,
            goaway_sent: None,
            goaway_received: None,
            shutdown: None,
            closed: None,
            started: now,
            heard: now,
            idle_since: now,
            next_stall_check: None,
            config,
        };
        connection.open_connection(now);
        Ok(connection)
    }

    /// RFC 9113, Section 3.4: both sides start with SETTINGS, the client's behind its preface.
    fn open_connection(&mut self, now: Instant) {
        if self.role == Role::Client && !self.config.skip_preface {
            self.fifo.extend_from_slice(PREFACE);
        }
        let entries = settings::opening(self.role, &self.config);
        self.local.announce(entries.clone(), now);
        self.queue(Settings { ack: false, entries });
        if let Some(increment) = self.recv_window.grow(self.config.connection_window_size) {
            self.queue(WindowUpdate { stream_id: StreamId::CONNECTION, increment });
        }
    }

    /// Which end this is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What it was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What the peer has announced.
    pub fn remote_settings(&self) -> &RemoteSettings {
        &self.remote
    }

    /// Figures from the start to now.
    pub fn stats(&self) -> Stats {
        Stats {
            streams_open: self.streams.len(),
            send_window: self.send_window.signed(),
            receive_window: self.recv_window.signed(),
            send_buffered: self.send_buffered + self.fifo.len(),
            ..self.stats.clone()
        }
    }

    /// What has happened, oldest first. `None` when there is nothing more to tell for now.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Whether [`poll_event`](Self::poll_event) has something.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something, as far as the windows allow.
    pub fn wants_transmit(&self) -> bool {
        !self.fifo.is_empty()
            || (!self.scheduler.is_empty() && self.send_window.available() > 0)
            // An empty DATA frame with END_STREAM, or trailers, need no window.
            || (!self.scheduler.is_empty() && self.stall.is_none())
    }

    /// How the connection ended; `None` while it is alive. After it has ended, what is left to
    /// transmit (GOAWAY) should still be written, and nothing more is taken.
    pub fn close_reason(&self) -> Option<&CloseReason> {
        self.closed.as_ref()
    }

    /// Ends the connection at once: GOAWAY with `code`, and nothing more of any stream.
    pub fn close(&mut self, code: ErrorCode, debug_data: Bytes) {
        if self.closed.is_none() {
            self.queue_goaway(self.last_processed, code, debug_data);
            self.end(CloseReason::Local);
        }
    }

    /// The transport has reached the end of what the peer sends.
    pub fn end_of_input(&mut self) {
        if self.closed.is_none() {
            let goaway = self.goaway_received.as_ref().map(|(_, code, data)| (*code, data.clone()));
            self.end(CloseReason::Peer(goaway));
        }
    }

    /// Ends the connection for an error that was found outside of the core: a thread that
    /// panicked, a write that made no progress in time.
    pub fn abort(&mut self, error: ConnectionError) {
        if self.closed.is_none() {
            self.fail(error);
        }
    }

    /// RFC 9113, Section 5.4.1: GOAWAY with the code, then the connection is closed.
    pub(super) fn fail(&mut self, error: ConnectionError) -> ConnectionError {
        if let Some(CloseReason::Error(first)) = &self.closed {
            return first.clone();
        }
        log::debug!("{}: {error}", self.role.name());
        let debug_data = Bytes::copy_from_slice(error.detail().as_bytes());
        self.queue_goaway(self.last_processed, error.code(), debug_data);
        self.end(CloseReason::Error(error.clone()));
        error
    }

    fn end(&mut self, reason: CloseReason) {
        self.closed = Some(reason);
        self.streams.clear();
        self.held.clear();
        self.scheduler.clear();
        self.block = None;
        self.send_buffered = 0;
        self.stall = None;
    }

    pub(super) fn queue_goaway(
        &mut self,
        last_stream_id: StreamId,
        error_code: ErrorCode,
        debug_data: Bytes,
    ) {
        // RFC 9113, Section 6.8: the identifier must not go up from one GOAWAY to the next.
        let last_stream_id = self.goaway_sent.map_or(last_stream_id, |id| id.min(last_stream_id));
        self.goaway_sent = Some(last_stream_id);
        self.queue(Goaway { last_stream_id, error_code, debug_data });
    }

    /// A stream is over: out of the table, its slot and its buffers given back.
    pub(super) fn finish(&mut self, id: StreamId, cause: Cause, now: Instant) {
        let Some(stream) = self.streams.remove(id, cause) else { return };
        if stream.send.scheduled {
            self.scheduler.remove(id, stream.urgency());
        }
        if let Some(stall) = stream.send.stall {
            self.stats.blocked_on_windows += now.saturating_duration_since(stall.since);
        }
        self.send_buffered = self.send_buffered.saturating_sub(stream.send.queued);
        let own = self.streams.is_own(id);
        let held_slot = stream.counted && !own;
        if stream.counted && own {
            self.streams.own_active -= 1;
            if let Some(waiting) = self.slot_waiters.pop_front() {
                self.events.push(Event::SendRoom { stream_id: waiting });
            }
        } else if held_slot && !self.config.hold_slots {
            self.streams.peer_active -= 1;
        }
        if !own && id.is_server_initiated() {
            self.promised -= 1;
        }
        self.events.push(Event::StreamClosed { stream_id: id, held_slot });
        if self.streams.is_empty() {
            self.idle_since = now;
        }
        self.release_held(now);
        self.end_when_drained();
    }

    /// After `StreamClosed { held_slot: true, .. }` of a connection with
    /// [`hold_slots`](Config::hold_slots): the application is done with the stream, and the peer
    /// may open another.
    pub fn release_slot(&mut self) {
        debug_assert!(self.config.hold_slots && self.streams.peer_active > 0);
        self.streams.peer_active = self.streams.peer_active.saturating_sub(1);
    }

    /// Once one side has said that it goes away and no stream is left, nothing can come any more.
    pub(super) fn end_when_drained(&mut self) {
        if self.closed.is_some() || !self.streams.is_empty() || self.block.is_some() {
            return;
        }
        if matches!(self.shutdown, Some(Shutdown::Draining)) {
            self.end(CloseReason::Local);
        } else if let Some((_, code, data)) = self.goaway_received.clone() {
            self.queue_goaway(self.last_processed, ErrorCode::NoError, Bytes::new());
            self.end(CloseReason::Peer(Some((code, data))));
        }
    }

    pub(super) fn check_open(&self) -> Result<(), CommandError> {
        match self.closed {
            Some(_) => Err(CommandError::Closed),
            None => Ok(()),
        }
    }
}
