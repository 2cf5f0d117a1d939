//! The connection itself: what it holds, and how it starts.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::block::Block;
use super::budgets::Budgets;
use super::config::{Config, Role};
use super::deadlines::Deadlines;
use super::event::{CloseReason, Event};
use super::flow::{RecvWindow, SendWindow};
use super::opener::Opener;
use super::priority::Priority;
use super::queue::EventQueue;
use super::scheduler::Scheduler;
use super::settings::{self, LocalSettings, SettingValues};
use super::slots::{SlotKind, Slots};
use super::stats::Stats;
use super::stream::Stall;
use super::streams::Streams;
use super::trace::Tracer;
use super::validate::ConfigError;
use crate::frame::{ErrorCode, Settings, StreamId, DEFAULT_WINDOW, PREFACE};
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
    /// Octets that have come in one piece, at the last count.
    pub(super) input_len: usize,
    /// The peer's first SETTINGS have arrived.
    pub(super) greeted: bool,
    /// It began as HTTP/1.1: stream 1 is the request that upgraded.
    pub(super) has_upgraded: bool,
    pub(super) decoder: hpack::Decoder,
    /// The field block that CONTINUATION has to go on with.
    pub(super) block: Option<Block>,
    pub(super) recv_window: RecvWindow,
    pub(super) budgets: Budgets,
    pub(super) events: EventQueue,

    // Sending.
    /// Encoded frames, in the order in which they go out, before any DATA.
    pub(super) fifo: Vec<u8>,
    /// Acknowledgements in `fifo`.
    pub(super) pending_acks: u32,
    /// Octets that have been handed out for writing, since the start.
    pub(super) transmitted: u64,
    /// Octets by which WINDOW_UPDATE frames in `fifo` open the connection's window.
    pub(super) pending_credit: u32,
    pub(super) encoder: hpack::Encoder,
    pub(super) scheduler: Scheduler,
    pub(super) send_window: SendWindow,
    /// Octets of DATA and trailers in the queues of all streams.
    pub(super) send_buffered: usize,
    /// A field section of so many octets was refused for lack of room.
    pub(super) wants_section_room: Option<usize>,
    /// DATA was refused since the connection's buffer is full; its stream knows how much.
    pub(super) wants_data_room: bool,
    /// Since when DATA has been waiting for the connection's window.
    pub(super) stall: Option<Stall>,

    // Streams.
    pub(super) streams: Streams,
    pub(super) opener: Opener,
    /// The highest stream of the peer's that the application has been told of.
    pub(super) last_processed: StreamId,
    pub(super) slots: Slots,
    /// What the client has said about streams that are not open yet.
    pub(super) early_priorities: VecDeque<(StreamId, Priority)>,

    // The connection as a whole.
    pub(super) local: LocalSettings,
    pub(super) remote: SettingValues,
    pub(super) deadlines: Deadlines,
    pub(super) goaway_sent: Option<StreamId>,
    pub(super) goaway_received: Option<PeerGoaway>,
    pub(super) shutdown: Option<Shutdown>,
    pub(super) closed: Option<CloseReason>,
}

/// How far a graceful shutdown has come.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shutdown {
    /// The peer has been warned; its streams are still accepted.
    Warned { since: Instant },
    /// The last identifier is announced; when no stream is left, the connection ends.
    Draining,
}

/// The last GOAWAY of the peer's.
#[derive(Debug)]
pub(super) struct PeerGoaway {
    pub(super) last_stream_id: StreamId,
    /// When the first one came.
    pub(super) at: Instant,
    pub(super) code: ErrorCode,
    pub(super) debug_data: Bytes,
}

impl PeerGoaway {
    pub(super) fn reason(&self) -> (ErrorCode, Bytes) {
        (self.code, self.debug_data.clone())
    }
}

impl Connection {
    /// A connection that has its preface and SETTINGS ready to be sent.
    ///
    /// # Errors
    ///
    /// If a value of `config` makes no sense.
    pub fn new(role: Role, config: Config, now: Instant) -> Result<Self, ConfigError> {
        Self::new_boxed(role, config, now).map(|connection| *connection)
    }

    /// The same on the heap. It is large, and here it is not moved from one stack frame to the next:
    /// what a thread's stack has held once stays in memory for as long as the thread lives.
    pub(crate) fn new_boxed(
        role: Role,
        config: Config,
        now: Instant,
    ) -> Result<Box<Self>, ConfigError> {
        config.validate()?;
        let limits = hpack::Limits {
            max_section_size: config.max_header_list_size as usize,
            max_fields: config.max_fields,
        };
        let preface_left = match role {
            Role::Server if !config.skip_preface => PREFACE.len(),
            _ => 0,
        };
        let mut connection = Box::new(Connection {
            role,
            tracer: Tracer::new(role),
            stats: Stats::default(),
            preface_left,
            input_len: 0,
            greeted: false,
            has_upgraded: false,
            decoder: hpack::Decoder::new(limits),
            block: None,
            recv_window: RecvWindow::new(DEFAULT_WINDOW),
            budgets: Budgets::new(&config, now),
            events: EventQueue::default(),
            fifo: Vec::with_capacity(128),
            pending_acks: 0,
            pending_credit: 0,
            transmitted: 0,
            encoder: hpack::Encoder::with_table_cap(config.encoder_table_cap),
            scheduler: Scheduler::default(),
            send_window: SendWindow::new(DEFAULT_WINDOW),
            send_buffered: 0,
            wants_section_room: None,
            wants_data_room: false,
            stall: None,
            streams: Streams::new(role, config.remembered_streams),
            opener: Opener::new(role),
            last_processed: StreamId::CONNECTION,
            slots: Slots::default(),
            early_priorities: VecDeque::new(),
            local: LocalSettings::new(&config),
            remote: SettingValues::default(),
            deadlines: Deadlines::new(now),
            goaway_sent: None,
            goaway_received: None,
            shutdown: None,
            closed: None,
            config,
        });
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
            self.queue_credit(increment);
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
    pub fn remote_settings(&self) -> &SettingValues {
        &self.remote
    }

    /// Whether a stream of ours can be opened still: nobody goes away, and there are identifiers.
    pub fn can_open(&self) -> bool {
        self.closed.is_none()
            && self.goaway_received.is_none()
            && self.shutdown.is_none()
            && self.opener.next_id().is_some()
    }

    /// For how many more streams of ours the peer's limit of concurrent streams leaves room now.
    /// Beyond that, requests are deferred.
    pub fn free_streams(&self) -> usize {
        let taken = self.slots.taken(SlotKind::Own) + self.opener.deferred_len();
        (self.remote.max_concurrent_streams as usize).saturating_sub(taken)
    }

    /// Figures from the start to now.
    pub fn stats(&self) -> Stats {
        Stats {
            streams_open: self.streams.len(),
            send_window: self.send_window.signed(),
            receive_window: self.recv_window.signed(),
            send_buffered: self.send_buffered + self.opener.octets() + self.fifo.len(),
            ..self.stats.clone()
        }
    }

    /// Whether a stream is open, or about to be.
    pub fn has_streams(&self) -> bool {
        !self.streams.is_empty()
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
        !self.fifo.is_empty() || self.scheduler.has_turn(self.send_window.available() > 0)
    }

    /// How the connection ended; `None` while it is alive. After it has ended, what is left to
    /// transmit (GOAWAY) should still be written, and nothing more is taken.
    pub fn close_reason(&self) -> Option<&CloseReason> {
        self.closed.as_ref()
    }
}
