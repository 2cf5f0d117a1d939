//! The connection: its state, and how it starts.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::block::Block;
use super::budgets::Budgets;
use super::checked::{CheckedRequest, CheckedResponse};
use super::config::{Config, Role};
use super::content::Content;
use super::deadlines::Deadlines;
use super::event::{CloseReason, Event};
use super::flow::RecvWindow;
use super::growth::Growth;
use super::opener::Opener;
use super::outgoing::Outgoing;
use super::priority::Priority;
use super::queue::EventQueue;
use super::settings::{self, LocalSettings, SettingValues};
use super::slots::{SlotKind, Slots};
use super::stats::Stats;
use super::streams::Streams;
use super::trace::Tracer;
use super::validate::ConfigError;
use crate::frame::{DEFAULT_WINDOW, ErrorCode, PREFACE, Settings, StreamId};
use crate::hpack;

/// One endpoint of an HTTP/2 connection: bytes and commands go in, events and bytes come out.
///
/// It has no threads, sockets, channels or clock. See the [module](super) for its six operations
/// and an example.
#[derive(Debug)]
pub struct Connection {
    pub(super) role: Role,
    pub(super) config: Config,
    pub(super) tracer: Tracer,
    pub(super) stats: Stats,

    /// The receiving side.
    pub(super) input: Input,
    pub(super) events: EventQueue,
    /// The queued output.
    pub(super) outgoing: Outgoing,
    pub(super) checked_response: CheckedResponse,

    pub(super) streams: Streams,
    pub(super) slots: Slots,
    pub(super) opener: Opener,
    /// Priorities that the client announced for streams that are not open yet.
    pub(super) early_priorities: VecDeque<(StreamId, Priority)>,

    pub(super) budgets: Budgets,
    pub(super) deadlines: Deadlines,
    pub(super) local: LocalSettings,
    pub(super) remote: SettingValues,
    pub(super) ending: Ending,
}

/// The state of the input.
#[derive(Debug)]
pub(super) struct Input {
    /// Octets of the client's preface not yet received.
    pub(super) preface_left: usize,
    /// Octets received contiguously, at the last count.
    pub(super) len: usize,
    /// The peer's first SETTINGS have arrived.
    pub(super) greeted: bool,
    /// The connection began as HTTP/1.1: stream 1 is the upgrade request.
    pub(super) has_upgraded: bool,
    pub(super) decoder: hpack::Decoder,
    pub(super) checked: CheckedRequest,
    /// The field block that CONTINUATION must continue.
    pub(super) block: Option<Block>,
    /// The connection's receive window.
    pub(super) window: RecvWindow,
    /// The growth of the streams' windows.
    pub(super) growth: Growth,
}

impl Input {
    fn new(role: Role, config: &Config) -> Self {
        let limits = hpack::Limits {
            max_section_size: config.max_header_list_size as usize,
            max_fields: config.max_fields,
        };
        let preface_left = match role {
            Role::Server if !config.skip_preface => PREFACE.len(),
            _ => 0,
        };
        Input {
            preface_left,
            len: 0,
            greeted: false,
            has_upgraded: false,
            decoder: hpack::Decoder::new(limits),
            checked: CheckedRequest::default(),
            block: None,
            window: RecvWindow::new(DEFAULT_WINDOW),
            growth: Growth::new(config),
        }
    }
}

/// The progress of closing the connection.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// The highest stream of the peer that was reported to the application.
    pub(super) last_processed: StreamId,
    pub(super) goaway_sent: Option<StreamId>,
    pub(super) goaway_received: Option<PeerGoaway>,
    pub(super) shutdown: Option<Shutdown>,
    pub(super) closed: Option<CloseReason>,
    /// Whether it has ended because nothing was left to do.
    pub(super) is_orderly: bool,
}

/// The progress of a graceful shutdown.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shutdown {
    /// The peer has been warned; its streams are still accepted.
    Warned { since: Instant },
    /// The final last stream identifier has been sent; the connection ends when no stream is left.
    Draining,
}

/// The peer's last GOAWAY.
#[derive(Debug)]
pub(super) struct PeerGoaway {
    pub(super) last_stream_id: StreamId,
    /// When its first GOAWAY arrived.
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
    /// Returns a connection with its preface and SETTINGS queued.
    ///
    /// # Errors
    ///
    /// A value of `config` is out of its range.
    pub fn new(role: Role, config: Config, now: Instant) -> Result<Self, ConfigError> {
        Self::new_boxed(role, config, now).map(|connection| *connection)
    }

    /// Returns the connection on the heap, without moving it through stack frames: it is large, and
    /// the memory that a thread's stack has once used stays allocated while the thread lives.
    pub(crate) fn new_boxed(
        role: Role,
        config: Config,
        now: Instant,
    ) -> Result<Box<Self>, ConfigError> {
        config.validate()?;
        let mut connection = Box::new(Connection {
            role,
            tracer: Tracer::new(role),
            stats: Stats::default(),
            input: Input::new(role, &config),
            events: EventQueue::default(),
            outgoing: Outgoing::new(role, &config),
            checked_response: CheckedResponse::default(),
            streams: Streams::new(role, config.remembered_streams),
            slots: Slots::default(),
            opener: Opener::new(role),
            early_priorities: VecDeque::new(),
            budgets: Budgets::new(&config, now),
            deadlines: Deadlines::new(now),
            local: LocalSettings::new(&config),
            remote: SettingValues::default(),
            ending: Ending::default(),
            config,
        });
        connection.open_connection(now);
        Ok(connection)
    }

    /// RFC 9113, Section 3.4: both sides start with SETTINGS, the client's after its preface.
    fn open_connection(&mut self, now: Instant) {
        if self.role == Role::Client && !self.config.skip_preface {
            self.outgoing.queue_preface();
        }
        let entries = settings::opening(self.role, &self.config);
        self.local.announce(entries.clone(), now);
        self.queue(Settings { ack: false, entries });
        // Not negative, by `Config::validate`.
        let more = self.config.connection_window_size.saturating_sub(DEFAULT_WINDOW);
        if more > 0 {
            self.input.window.shift(i64::from(more));
            self.outgoing.queue_credit(more);
        }
    }

    /// Returns the role of this endpoint.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Returns the configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the settings that the peer has announced.
    pub fn remote_settings(&self) -> &SettingValues {
        &self.remote
    }

    /// Whether a new stream can be opened: neither side is going away, and identifiers are left.
    pub fn can_open(&self) -> bool {
        self.ending.closed.is_none()
            && self.ending.goaway_received.is_none()
            && self.ending.shutdown.is_none()
            && self.opener.next_id().is_some()
    }

    /// Returns how many more streams the peer's limit of concurrent streams allows now. Further
    /// requests are deferred.
    pub fn free_streams(&self) -> usize {
        let taken = self.slots.taken(SlotKind::Own) + self.opener.deferred_len();
        (self.remote.max_concurrent_streams as usize).saturating_sub(taken)
    }

    /// Whether no octet of a stream opened by this client has been returned for writing, or will be
    /// after the connection has ended.
    pub(crate) fn is_unsent(&self, id: StreamId) -> bool {
        self.role == Role::Client && self.streams.is_own(id) && self.outgoing.is_unsent(id)
    }

    /// Returns statistics since the start.
    pub fn stats(&self) -> Stats {
        Stats {
            streams_open: self.streams.len(),
            send_window: self.outgoing.window(),
            receive_window: self.input.window.signed(),
            send_buffered: self.outgoing.waiting() + self.opener.octets(),
            sent: self.outgoing.figures().sent.clone(),
            hpack_sent: self.outgoing.figures().hpack.clone(),
            resets_sent: self.outgoing.figures().resets,
            blocked_on_windows: self.outgoing.waited(),
            budget_exhausted: self.budgets.exhausted(),
            ..self.stats.clone()
        }
    }

    /// Returns the current size of a stream's receive window; 0 if the stream has ended.
    pub fn receive_window(&self, id: StreamId) -> u32 {
        self.streams.get(id).map_or(0, |stream| stream.recv.window.size())
    }

    /// Whether the peer may send less than half of a stream's window before it needs more credit.
    pub(crate) fn is_window_low(&self, id: StreamId) -> bool {
        let window = self.streams.get(id).map(|stream| &stream.recv.window);
        window.is_some_and(|window| window.signed() < i64::from(window.size() / 2))
    }

    /// Whether the peer has announced more of a body, in `content-length`, than has arrived.
    pub(crate) fn expects_content(&self, id: StreamId) -> bool {
        let stream = self.streams.get(id);
        stream.is_some_and(|stream| matches!(stream.recv.content, Content::Left(1..)))
    }

    /// Whether a stream is open, or about to be.
    pub fn has_streams(&self) -> bool {
        !self.streams.is_empty()
    }

    /// Whether the peer's first SETTINGS have arrived; before that, its limits are assumed.
    pub(crate) fn has_settings(&self) -> bool {
        self.input.greeted
    }

    /// Returns the next event, oldest first, or `None` if there is none at present.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Whether [`poll_event`](Self::poll_event) would return an event.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) would return octets that the windows allow.
    pub fn wants_transmit(&self) -> bool {
        self.outgoing.wants_transmit()
    }

    /// Returns how the connection ended; `None` while it is open. After the end, the remaining
    /// output (GOAWAY) should still be written; no further input is processed.
    pub fn close_reason(&self) -> Option<&CloseReason> {
        self.ending.closed.as_ref()
    }
}
