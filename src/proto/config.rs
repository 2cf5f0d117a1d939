//! What can be set on a connection, with its defaults.

use std::time::Duration;

use crate::budget::Budget;
use crate::frame::DEFAULT_MAX_FRAME_SIZE;

/// Which end of the connection this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Opens streams with odd identifiers and sends the preface.
    Client,
    /// Answers them, and may promise streams with even identifiers.
    Server,
}

impl Role {
    /// The other end.
    pub(super) fn other(self) -> Role {
        match self {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        }
    }

    /// `"client"` or `"server"`.
    pub fn name(self) -> &'static str {
        match self {
            Role::Client => "client",
            Role::Server => "server",
        }
    }
}

/// The settings, limits and deadlines of one connection.
///
/// Plain data: take [`Config::default`] and change what you need. Every limit has a default that
/// is safe towards a hostile peer and roomy for an honest one.
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
/// What a peer can make one connection hold is bounded by
///
/// - received and not yet taken: `streams × initial_window_size + window_budget`, where `streams` are
///   those that are open, at a server at most `max_concurrent_streams` (48 MiB with its defaults,
///   reached only by an application that takes nothing). Read buffers that are shared can make it
///   more, at most 20 times, for a peer that sends as much as that,
/// - waiting to be sent: `max_send_buffer` (8 MiB) of DATA and as much of field sections, and
///   another 64 KiB of DATA for each open stream,
/// - HPACK: `header_table_size` and `encoder_table_cap` (4 KiB + 4 KiB) and one field section, of
///   `max_header_list_size` at most, with as much again of it encoded,
/// - events that are not taken: two field sections for each stream, and a third for one that was
///   promised, each of up to an eighth more than `max_header_list_size`; 256 KiB of interim responses,
///   and 256 KiB of what concerns no stream (or one frame, if that is more),
/// - `max_pending_acks` acknowledgements of up to 17 octets, and eight octets for each of the
///   `remembered_streams` of each side,
/// - 2 KiB for the state of each stream that is open, and 128 KiB of tables that stay after many.
///
/// # Windows
///
/// A stream's receive window starts at `initial_window_size`, and doubles when it is what limits its
/// peer: three quarters of it were used in less than four round trips, and no more than a quarter lies
/// untaken. It grows to `max_window_size` at most, and all windows of the connection together by
/// `window_budget`. A window that turns out to be larger than needed shrinks. So a slow network with a
/// fast reader gets a large window, and a slow reader never does.
///
/// | | server | client |
/// | --- | ---: | ---: |
/// | `initial_window_size` | 256 KiB | 1 MiB |
/// | `max_window_size` | 16 MiB | 32 MiB |
/// | `window_budget` | 16 MiB | 64 MiB |
/// | `connection_window_size` | 32 MiB | 64 MiB |
///
/// [`Config::default`] has the values of a server, and [`Config::for_role`] those of either. The
/// round-trip time is measured with the first SETTINGS and with PINGs that are sent for other reasons.
///
/// # Budgets
///
/// Frames that are legal, cost us something and their sender nothing are bounded by [budgets](Budget).
/// A peer over one of them is cut off with ENHANCE_YOUR_CALM. A larger budget costs no memory; it lets
/// a hostile peer make us do more for nothing, up to `per_second` times what one such frame costs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Leave out the 24 octets of the connection preface on the side that would send them (a
    /// client) or expect them (a server). Default `false`. SETTINGS are exchanged all the same.
    ///
    /// Right only when something else has sent or consumed these octets already: a server that
    /// read them to tell HTTP/2 from HTTP/1.1. After `101 Switching Protocols` the client still
    /// sends its preface (RFC 7540, Section 3.5), so it stays `false` there.
    pub skip_preface: bool,

    // What we announce in SETTINGS (RFC 9113, Section 6.5.2).
    /// `SETTINGS_HEADER_TABLE_SIZE`: octets of HPACK table that the peer may have us keep.
    /// Default 4,096.
    pub header_table_size: u32,
    /// `SETTINGS_ENABLE_PUSH`: whether a client takes pushed streams. Default `false`.
    pub enable_push: bool,
    /// `SETTINGS_MAX_CONCURRENT_STREAMS`: how many streams the peer may have open at once; more
    /// are refused with REFUSED_STREAM. Default 128. Memory: see above.
    pub max_concurrent_streams: u32,
    /// `SETTINGS_INITIAL_WINDOW_SIZE`: octets that the peer may send on each stream before the
    /// application has taken them, until the window [grows](Self#windows). Default 256 KiB; 1 to
    /// 2^31-1. Memory: this for each stream.
    pub initial_window_size: u32,
    /// Octets to which the receive window of a stream may grow. Default 16 MiB; at most 2^31-1. At
    /// `initial_window_size` or less, no window grows. A stream's throughput is at most this over the
    /// round-trip time: 320 MB/s at 50 ms.
    pub max_window_size: u32,
    /// Octets by which all stream windows of the connection together may be larger than
    /// `initial_window_size`. Default 16 MiB; at most 2^31-1; with 0 no window grows. Streams that are
    /// limited by their windows share it evenly. Memory: this much for each connection whose readers
    /// keep up for a while and then stop.
    pub window_budget: u32,
    /// The connection's receive window, octets. Default 32 MiB; 65,535 at least. Credit for it
    /// goes back on receipt, so that a stream that is not read never holds up the others:
    /// memory is bounded by the windows of the streams. A connection's throughput is at most seven
    /// eighths of this over the round-trip time.
    pub connection_window_size: u32,
    /// `SETTINGS_MAX_FRAME_SIZE`: the largest payload that we take. Default 16,384, the RFC's
    /// minimum; up to 2^24-1. The read buffer grows to it.
    pub max_frame_size: u32,
    /// `SETTINGS_MAX_HEADER_LIST_SIZE` and what is enforced: octets of one field section, each
    /// field counted as name + value + 32. Default 64 KiB. A larger request is answered with
    /// 431, a larger response resets its stream; over four times this, the connection ends with
    /// ENHANCE_YOUR_CALM.
    pub max_header_list_size: u32,
    /// `SETTINGS_ENABLE_CONNECT_PROTOCOL` (RFC 8441): whether a server takes extended CONNECT.
    /// Default `false`.
    pub enable_connect_protocol: bool,

    /// Whether a client takes responses whose field values have white space at an end, and takes it
    /// off. Default `false`: RFC 9113, Section 8.2.1 makes such a response malformed, and its stream is
    /// reset. Some servers send it.
    pub lenient_responses: bool,

    // Limits that have no setting of their own.
    /// Fields in one section, every cookie crumb counted. Default 256; 8 at least. A section with
    /// more is treated as one that is too large.
    pub max_fields: usize,
    /// CONTINUATION frames in one field block. Default 16; 1 at least. Their octets are bounded by
    /// twice [`max_header_list_size`](Self::max_header_list_size). More of either end the connection
    /// with ENHANCE_YOUR_CALM.
    pub max_continuations: u32,
    /// Octets of HPACK table that our encoder uses, whatever the peer allows. Default 4,096; at most
    /// 1 MiB. 0 sends each field in full, or as an entry of the static table.
    pub encoder_table_cap: usize,
    /// Entries in one SETTINGS frame, of either side's. Default 32. More end the connection with
    /// ENHANCE_YOUR_CALM.
    pub max_settings_entries: usize,
    /// Acknowledgements (PING, SETTINGS) waiting to be written. Default 1,000. A peer that has us owe
    /// it more, and does not read, is cut off with ENHANCE_YOUR_CALM.
    pub max_pending_acks: u32,
    /// Work that the peer wasted by RST_STREAM: a reset before the response has begun costs one, a
    /// reset of a response that has begun an eighth, and one that only stops the upload after the
    /// response nothing. Resets of streams that this side opened cost nothing. Four streams that end
    /// as they should earn one back, so that one request in five may be cancelled at any rate. Default
    /// 1,000 + 100/s: a browser may leave a page of 100 images eight times a second.
    pub resets_received: Budget,
    /// Streams that the peer made us reset: requests that are malformed, too large or over
    /// `max_concurrent_streams`, and frames that break a rule. A request that is refused because work
    /// on cancelled streams still holds their slots costs an eighth. Default 500 + 33/s.
    pub resets_provoked: Budget,
    /// Frames of no use: PRIORITY, unknown types, empty DATA; for streams that have ended, a second
    /// RST_STREAM and credit for more than we have sent. Other frames for streams that have ended or are
    /// forgotten cost a quarter. Each request, and each DATA frame that carries something, earns one
    /// back. Default 10,000 + 330/s.
    pub glitches: Budget,
    /// PING frames received. Each DATA frame that carries something, in either direction, earns one
    /// back. Default 100 + 10/s.
    pub pings_received: Budget,
    /// SETTINGS frames received, acknowledgements included. Default 100 + 10/s; a burst of 2 at least:
    /// the peer's SETTINGS, and its acknowledgement of ours.
    pub settings_received: Budget,
    /// Interim (1xx) responses before the final one, on one stream. Default 16; 1 at least. A client
    /// resets the stream for one more; at a server, sending one more is an error. A client keeps at most
    /// 256 KiB of them, over all streams, for an application that takes no events; more are dropped.
    pub max_informational: u32,
    /// Promised streams that a client holds at once. Default 100. More are refused; while `enable_push`
    /// is off, any is a connection error.
    pub max_promised_streams: usize,
    /// Streams that have ended and are remembered with how, of each side. Default 1,024; four
    /// octets each, and four more where streams have been reset by us. A frame for a stream that is
    /// forgotten may only be late, and is ignored; for one that is remembered, the rules are enforced.
    pub remembered_streams: u32,
    /// Octets of DATA waiting to be sent over all streams, and of field sections as well. Default
    /// 8 MiB; over it, sending says "full". One action larger than this is taken when nothing
    /// else waits. Beyond it, each stream that is open for the peer may have 64 KiB waiting (or a
    /// sixteenth of this, if that is less), so that streams whose windows are shut never keep the
    /// others from going on.
    pub max_send_buffer: usize,
    /// The same for one stream, so that a stream with a shut window cannot take the room of the
    /// others. Default 2 MiB.
    pub max_stream_send_buffer: usize,
    /// Whether receive-window credit goes back by itself when the application takes an event.
    /// Default `true`; with `false` it goes back only when asked for.
    pub auto_release: bool,
    /// Whether a stream of the peer's that is *reset* goes on counting against
    /// `max_concurrent_streams` until the application says that its work is over. Drivers set it:
    /// it is what makes opening and resetting streams in a row (rapid reset) useless. At a client,
    /// so does every promised stream against `max_promised_streams`. Default `false`.
    pub hold_slots: bool,

    // Deadlines. `None` means never.
    /// From the start to the peer's preface and first SETTINGS. Default 10 s.
    pub handshake_timeout: Option<Duration>,
    /// From our SETTINGS to their acknowledgement. Each 64 KiB that the transport takes meanwhile begin
    /// the time anew, as with [`keepalive_timeout`](Self::keepalive_timeout). Default 10 s.
    pub settings_timeout: Option<Duration>,
    /// From the first octet of a field block to its last, and from the first octet of any frame but
    /// DATA to its last. Default 10 s. What waits for it: one read buffer and one field section.
    ///
    /// DATA may come as slowly as the network is; how long to wait for a body is up to who reads it
    /// (the `read_timeout` of a server or client).
    pub header_timeout: Option<Duration>,
    /// A server closes a connection that has had no stream for so long. Default 3 min; a client
    /// never does it by itself.
    pub idle_timeout: Option<Duration>,
    /// A stream that has data to send and whose window stays shut is reset; so is the connection
    /// when its window stays shut. Also how long one write may make no progress. Default 30 s.
    pub stall_timeout: Option<Duration>,
    /// Send a PING after so long without hearing from the peer; at most one per 10 s. Default
    /// off.
    pub keepalive_interval: Option<Duration>,
    /// How long the answer to a PING may take, counted from when it was *queued*, so that a
    /// connection that cannot write times out as well. Whatever arrives from the peer meanwhile, and
    /// each 64 KiB that the transport takes, begin the time anew: the answer of a slow reader waits
    /// behind what it has yet to read. Default 20 s.
    pub keepalive_timeout: Duration,
    /// How long HEADERS of a higher stream identifier wait for lower reserved ones before those
    /// are given up, counted from when the HEADERS were asked for. Default 50 ms.
    pub reservation_timeout: Duration,
}

impl Config {
    /// The defaults of a server, or those of a client, whose windows are [larger](Self#windows): there
    /// are fewer clients than connections of a server, and what they download is what they asked for.
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
