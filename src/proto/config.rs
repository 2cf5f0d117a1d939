//! The configuration of a connection, with its defaults.

use std::time::Duration;

use crate::budget::Budget;
use crate::frame::DEFAULT_MAX_FRAME_SIZE;

/// The role of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Opens streams with odd identifiers and sends the preface.
    Client,
    /// Responds to them, and may promise streams with even identifiers.
    Server,
}

impl Role {
    /// Returns the peer's role.
    pub(super) fn other(self) -> Role {
        match self {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        }
    }

    /// Returns `"client"` or `"server"`.
    pub fn name(self) -> &'static str {
        match self {
            Role::Client => "client",
            Role::Server => "server",
        }
    }
}

/// The configuration of one HTTP/2 connection, for [`Connection`](super::Connection) and
/// [`Session`](crate::Session). It is also the field `http2` in the configurations of
/// [servers](crate::server::Config) and [clients](crate::client::Config).
///
/// Start from [`Config::default`] and change fields, or use [`with`](Self::with) in an expression.
/// The default limits are safe against a hostile peer and generous for a legitimate one.
///
/// ```
/// use h2_sync::proto::Config;
///
/// let mut config = Config::default();
/// config.max_concurrent_streams = 32;
/// config.window_budget = 64 << 20;
/// assert!(config.validate().is_ok());
/// ```
///
/// # Memory
///
/// A peer can make one connection hold at most
///
/// - received and not yet taken: `streams × initial_window_size + window_budget`, where `streams`
///   are the open ones, on a server at most `max_concurrent_streams` (48 MiB with its defaults,
///   reached only if the application takes nothing). Shared read buffers can increase this at most
///   20 times, for a peer that sends as much as that,
/// - queued for sending: `max_send_buffer` (8 MiB) of DATA and as much of field sections, and
///   another 64 KiB of DATA per open stream,
/// - HPACK: `header_table_size` and `encoder_table_cap` (4 KiB + 4 KiB) and one field section of at
///   most `max_header_list_size`, with as much again of it encoded,
/// - events not yet taken: two field sections per stream, and a third for a promised one, each at
///   most one eighth larger than `max_header_list_size`; 256 KiB of interim responses, and 256 KiB
///   of connection events (or one frame, if that is larger),
/// - `max_pending_acks` acknowledgments of up to 17 octets, and eight octets for each of the
///   `remembered_streams` of each side,
/// - 2 KiB of state per open stream, and 128 KiB of tables that remain after many.
///
/// # Windows
///
/// A stream's receive window starts at `initial_window_size`, and doubles when it limits the peer:
/// three quarters of it were used in less than four round trips, while at most a quarter was
/// untaken. If they were used in less than two, it quadruples. It grows up to `max_window_size`, and
/// all windows of the connection together by up to `window_budget`. A window that is larger than
/// needed shrinks. So a fast reader on a slow network gets a large window, and a slow reader does not.
///
/// | | server | client |
/// | --- | ---: | ---: |
/// | `initial_window_size` | 256 KiB | 1 MiB |
/// | `max_window_size` | 16 MiB | 32 MiB |
/// | `window_budget` | 16 MiB | 64 MiB |
/// | `connection_window_size` | 32 MiB | 64 MiB |
///
/// [`Config::default`] has the values of a server, [`Config::for_role`] those of the given role.
/// The round-trip time is measured with the first SETTINGS and with PINGs sent for other reasons.
///
/// # Budgets
///
/// [Budgets](Budget) bound frames that are legal and cost us something but their sender nothing. A
/// peer that exceeds one is disconnected with ENHANCE_YOUR_CALM. A larger budget takes no memory;
/// it lets a hostile peer cause more useless work, up to `per_second` times the cost of one such
/// frame.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Omits the 24 octets of the connection preface on the side that sends them (a client) or
    /// expects them (a server). Default `false`. SETTINGS are still exchanged.
    ///
    /// Use it only if these octets have been sent or consumed elsewhere, for example by a server
    /// that read them to distinguish HTTP/2 from HTTP/1.1. After `101 Switching Protocols` the
    /// client still sends its preface (RFC 7540, Section 3.5), so leave it `false` there.
    pub skip_preface: bool,

    // Announced in SETTINGS (RFC 9113, Section 6.5.2).
    /// `SETTINGS_HEADER_TABLE_SIZE`: the size of the HPACK table that the peer may use, in octets.
    /// Default 4,096.
    pub header_table_size: u32,
    /// `SETTINGS_ENABLE_PUSH`: whether a client accepts pushed streams. Default `false`.
    pub enable_push: bool,
    /// `SETTINGS_MAX_CONCURRENT_STREAMS`: how many streams the peer may have open; more are refused
    /// with REFUSED_STREAM. Default 128. For the memory, see above.
    pub max_concurrent_streams: u32,
    /// `SETTINGS_INITIAL_WINDOW_SIZE`: octets that the peer may send on a stream ahead of the
    /// application, until the window [grows](Self#windows). Default 256 KiB; 1 to 2^31-1. Each
    /// stream may hold this much memory.
    pub initial_window_size: u32,
    /// The maximum receive window of a stream in octets. Default 16 MiB; at most 2^31-1. With
    /// `initial_window_size` or less, no window grows. It limits a stream's throughput to this size
    /// per round trip: 320 MB/s at 50 ms.
    pub max_window_size: u32,
    /// Octets by which all stream windows of the connection together may exceed
    /// `initial_window_size`. Default 16 MiB; at most 2^31-1; with 0 no window grows. Streams
    /// limited by their windows share it evenly. A connection holds this much memory if its readers
    /// keep up for a while and then stop.
    pub window_budget: u32,
    /// The connection's receive window in octets. Default 32 MiB; at least 65,535. Its credit is
    /// returned on receipt, so that an unread stream never blocks the others: the windows of the
    /// streams bound memory. It limits a connection's throughput to seven eighths of this size per
    /// round trip.
    pub connection_window_size: u32,
    /// `SETTINGS_MAX_FRAME_SIZE`: the largest payload accepted. Default 16,384, the RFC's minimum;
    /// up to 2^24-1. The read buffer grows to it.
    pub max_frame_size: u32,
    /// `SETTINGS_MAX_HEADER_LIST_SIZE`, which is also enforced: octets of one field section, each
    /// field counted as name + value + 32. Default 64 KiB. A larger request is answered with 431, a
    /// larger response resets its stream; above four times this, the connection ends with
    /// ENHANCE_YOUR_CALM.
    pub max_header_list_size: u32,
    /// `SETTINGS_ENABLE_CONNECT_PROTOCOL` (RFC 8441): whether a server supports extended CONNECT.
    /// Default `false`.
    pub enable_connect_protocol: bool,

    /// Whether a client accepts responses with leading or trailing whitespace in field values, and
    /// removes it. Default `false`: RFC 9113, Section 8.2.1, makes such a response malformed, and
    /// its stream is reset. Some servers send it.
    pub lenient_responses: bool,

    // Limits without a setting.
    /// Maximum fields in one section, counting every cookie crumb. Default 256; at least 8. A
    /// section with more is treated like one that is too large.
    pub max_fields: usize,
    /// Maximum CONTINUATION frames in one field block. Default 16; at least 1. Their octets are
    /// limited to twice [`max_header_list_size`](Self::max_header_list_size). Exceeding either ends
    /// the connection with ENHANCE_YOUR_CALM.
    pub max_continuations: u32,
    /// Size in octets of the HPACK table that our encoder uses, even if the peer allows more.
    /// Default 4,096; at most 1 MiB. With 0, every field is sent literally or as an entry of the
    /// static table.
    pub encoder_table_cap: usize,
    /// Maximum entries in one SETTINGS frame, in either direction. Default 32. More end the
    /// connection with ENHANCE_YOUR_CALM.
    pub max_settings_entries: usize,
    /// Maximum queued acknowledgments (PING, SETTINGS). Default 1,000. A peer that causes more
    /// without reading them is disconnected with ENHANCE_YOUR_CALM.
    pub max_pending_acks: u32,
    /// Work that the peer wasted with RST_STREAM: a reset before the response has begun costs one
    /// token, a reset during the response one eighth, and one that only stops the upload after the
    /// response none. Resets of streams that this side opened cost none. Four streams that end
    /// normally refund one, so that one request in five may be cancelled at any rate. Default 1,000
    /// + 100/s: a browser may leave a page of 100 images eight times a second.
    pub resets_received: Budget,
    /// Streams that the peer made us reset: requests that are malformed, too large or over
    /// `max_concurrent_streams`, and frames that violate a rule. A request refused because work on
    /// cancelled streams still holds their slots costs one eighth. Default 500 + 33/s.
    pub resets_provoked: Budget,
    /// Useless frames: PRIORITY, PRIORITY_UPDATE, GOAWAY, unknown types, stray acknowledgments, empty
    /// DATA; for ended streams, a second RST_STREAM and credit for more than was sent. Other frames for ended or forgotten streams cost a
    /// quarter. Each request, and each DATA frame with content, refunds one. Default 10,000 +
    /// 330/s.
    pub glitches: Budget,
    /// PING frames received. Each request, and each DATA frame with content in either direction,
    /// refunds one. Default 100 + 10/s.
    pub pings_received: Budget,
    /// SETTINGS frames received, including acknowledgments. Default 100 + 10/s; a burst of at least
    /// 2: the peer's SETTINGS, and its acknowledgment of ours.
    pub settings_received: Budget,
    /// Maximum interim (1xx) responses on one stream. Default 16; at least 1. A client resets the
    /// stream if there are more; on a server, sending more is an error. A client keeps at most 256
    /// KiB of them, over all streams, for an application that takes no events, and drops the rest.
    pub max_informational: u32,
    /// Maximum promised streams that a client holds. Default 100. More are refused; while
    /// `enable_push` is off, any is a connection error.
    pub max_promised_streams: usize,
    /// Number of ended streams remembered, with how they ended, on each side. Default 1,024; four
    /// octets each, and four more for streams that we reset. A frame for a forgotten stream is
    /// assumed to be late and ignored; for a remembered one, the rules are enforced.
    pub remembered_streams: u32,
    /// Maximum octets queued for sending over all streams, for DATA and for field sections each.
    /// Default 8 MiB; above it, sending fails with `Full`. A single larger action is accepted if
    /// nothing else is queued. Beyond this, each stream with an open window may queue 64 KiB (or a
    /// sixteenth of this limit, if that is less), so that streams with closed windows never block
    /// the others.
    pub max_send_buffer: usize,
    /// Maximum octets queued for one stream, so that a stream with a closed window cannot use up
    /// the limit of all. Default 2 MiB.
    pub max_stream_send_buffer: usize,
    /// Whether receive-window credit is returned automatically when the application takes an event.
    /// Default `true`; with `false` it is returned only on request.
    pub auto_release: bool,
    /// Whether a peer's stream that was *reset* counts against `max_concurrent_streams` until the
    /// application reports that its work is over. Sessions, servers and clients always enable it:
    /// it makes opening and resetting streams in a row (rapid reset) ineffective. On a client, every promised stream
    /// counts likewise against `max_promised_streams`. Default `false`.
    pub hold_slots: bool,

    // Timeouts. `None` disables one.
    /// From the start to the peer's preface and first SETTINGS. Default 10 s.
    pub handshake_timeout: Option<Duration>,
    /// From our SETTINGS to their acknowledgment. Every 64 KiB that the transport accepts meanwhile
    /// restart it, as for [`keepalive_timeout`](Self::keepalive_timeout). Default 10 s.
    pub settings_timeout: Option<Duration>,
    /// From the first octet of a field block to its last, and from the first octet of any frame
    /// except DATA to its last. Default 10 s. Meanwhile one read buffer and one field section are
    /// held.
    ///
    /// DATA may arrive as slowly as the network is; how long to wait for a body is up to its reader
    /// (the `read_timeout` of a server or client).
    pub header_timeout: Option<Duration>,
    /// How long a server keeps a connection without streams. Default 3 min; clients do not apply
    /// it.
    pub idle_timeout: Option<Duration>,
    /// How long the window of a stream with queued data may stay closed before the stream is reset,
    /// or that of the connection before it is closed; also how long one write may make no progress.
    /// Default 30 s.
    pub stall_timeout: Option<Duration>,
    /// How long the peer may be silent before a PING is sent, at most one per 10 s. Default off.
    pub keepalive_interval: Option<Duration>,
    /// How long a PING may stay unacknowledged, counted from when it was *queued*, so that a
    /// connection that cannot write times out as well. Everything that arrives from the peer, and
    /// every 64 KiB that the transport accepts, restart it: for a slow reader, the PING is queued
    /// behind other output. Default 20 s.
    pub keepalive_timeout: Duration,
    /// How long HEADERS with a higher stream identifier wait for lower reserved ones before those
    /// are given up, counted from when sending them was requested. Default 50 ms.
    pub reservation_timeout: Duration,
}

impl Config {
    /// Changes the configuration within an expression.
    ///
    /// ```
    /// use h2_sync::proto::Config;
    ///
    /// let config = Config::default().with(|config| config.max_concurrent_streams = 32);
    /// assert_eq!(config.max_concurrent_streams, 32);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Returns the defaults of a server or of a client. A client has [larger](Self#windows)
    /// windows: it has fewer connections than a server, and receives only what it has requested.
    pub fn for_role(role: Role) -> Self {
        match role {
            Role::Server => Config::default(),
            Role::Client => Config {
                initial_window_size: 1 << 20,
                max_window_size: 32 << 20,
                window_budget: 64 << 20,
                connection_window_size: 64 << 20,
                ..Config::default()
            },
        }
    }
}

impl Default for Config {
    /// Those of a server.
    fn default() -> Self {
        Config {
            skip_preface: false,
            header_table_size: 4_096,
            enable_push: false,
            max_concurrent_streams: 128,
            initial_window_size: 256 << 10,
            max_window_size: 16 << 20,
            window_budget: 16 << 20,
            connection_window_size: 32 << 20,
            max_frame_size: DEFAULT_MAX_FRAME_SIZE,
            max_header_list_size: 64 << 10,
            enable_connect_protocol: false,
            lenient_responses: false,
            max_fields: 256,
            max_continuations: 16,
            encoder_table_cap: 4_096,
            max_settings_entries: 32,
            max_pending_acks: 1_000,
            resets_received: Budget::new(1_000, 100),
            resets_provoked: Budget::new(500, 33),
            glitches: Budget::new(10_000, 330),
            pings_received: Budget::new(100, 10),
            settings_received: Budget::new(100, 10),
            max_informational: 16,
            max_promised_streams: 100,
            remembered_streams: 1_024,
            max_send_buffer: 8 << 20,
            max_stream_send_buffer: 2 << 20,
            auto_release: true,
            hold_slots: false,
            handshake_timeout: Some(Duration::from_secs(10)),
            settings_timeout: Some(Duration::from_secs(10)),
            header_timeout: Some(Duration::from_secs(10)),
            idle_timeout: Some(Duration::from_secs(180)),
            stall_timeout: Some(Duration::from_secs(30)),
            keepalive_interval: None,
            keepalive_timeout: Duration::from_secs(20),
            reservation_timeout: Duration::from_millis(50),
        }
    }
}
