//! A core under test, and the octets of a peer that sends it frames.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use h2_sync::frame::{Data, ErrorCode};
use h2_sync::frame::{
    Frame, Headers, PREFACE, RstStream, Setting, Settings, StreamId, WindowUpdate,
};
use h2_sync::hpack::Encoder;
use h2_sync::proto::{Budget, Config, Connection, Event, Role, Transmit};
use h2_sync::{Headers as Fields, headers};

/// Octets that a stream has to send: more than the connection's window at the start.
const BODY: &[u8] = &[b'x'; 100_000];

/// A stream's window that never shuts here.
const WIDE: u32 = 1 << 20;

/// A core that has got its streams, and the frames that it is to receive.
pub(crate) struct Prepared {
    core: Connection,
    input: BytesMut,
    pub(crate) frames: usize,
    now: Instant,
}

impl Prepared {
    /// The time that the core takes for its frames and for what follows from them.
    pub(crate) fn run(&mut self) -> Duration {
        let mut out = Transmit::new();
        let start = Instant::now();
        self.core.receive(&mut self.input, self.now).expect("no rule is broken");
        while let Some(event) = self.core.poll_event() {
            std::hint::black_box(event);
        }
        self.core.poll_transmit(self.now, &mut out, usize::MAX);
        start.elapsed()
    }
}

/// One core, and the peer that speaks to it.
pub(crate) struct Stage {
    core: Connection,
    encoder: Encoder,
    wire: Vec<u8>,
    frames: usize,
    now: Instant,
}

impl Stage {
    /// A core whose budgets are no part of what is measured. `settings` are the peer's.
    pub(crate) fn new(role: Role, remembered: u32, settings: Vec<Setting>) -> Self {
        let mut config = Config::default();
        config.max_concurrent_streams = WIDE;
        config.remembered_streams = remembered;
        config.max_send_buffer = 1 << 40;
        let unlimited = Budget::new(1_000_000, 1_000_000);
        config.resets_received = unlimited;
        config.resets_provoked = unlimited;
        config.glitches = unlimited;
        config.pings_received = unlimited;
        config.settings_received = unlimited;
        config.idle_timeout = None;
        let now = Instant::now();
        let core = Connection::new(role, config, now).expect("the config makes sense");
        let mut stage = Stage { core, encoder: Encoder::new(), wire: Vec::new(), frames: 0, now };
        if role == Role::Server {
            stage.wire.extend_from_slice(PREFACE);
        }
        stage.send(Settings { ack: false, entries: settings });
        stage.send(Settings { ack: true, entries: Vec::new() });
        stage.deliver();
        stage
    }

    /// A server whose `streams` responses wait: for the connection's window, or where that is open,
    /// for their own.
    pub(crate) fn responding(streams: usize, stream_window: u32) -> Self {
        let mut stage =
            Self::new(Role::Server, 1_024, vec![Setting::InitialWindowSize(stream_window)]);
        (0..streams).for_each(|n| stage.request(client_id(n), true));
        stage.deliver();
        for n in 0..streams {
            let (id, now) = (client_id(n), stage.now);
            let response = headers!(":status" => "200");
            stage.core.send_headers(id, &response, false, now).expect("the request has come");
            stage.core.send_data(id, Bytes::from_static(BODY), true, now).expect("there is room");
        }
        stage.deliver();
        stage
    }

    /// A client whose `streams` uploads wait for the connection's window.
    pub(crate) fn uploading(streams: usize) -> Self {
        let settings = vec![Setting::MaxConcurrentStreams(WIDE), Setting::InitialWindowSize(WIDE)];
        let mut stage = Self::new(Role::Client, 1_024, settings);
        for _ in 0..streams {
            let now = stage.now;
            let id = stage.core.open(&request(), false, now).expect("the limit is not reached");
            stage.core.send_data(id, Bytes::from_static(BODY), true, now).expect("there is room");
        }
        stage.deliver();
        stage
    }

    /// A server with `streams` requests whose bodies go on.
    pub(crate) fn receiving(streams: usize) -> Self {
        let mut stage = Self::new(Role::Server, 1_024, Vec::new());
        (0..streams).for_each(|n| stage.request(client_id(n), false));
        stage.deliver();
        stage
    }

    pub(crate) fn send(&mut self, frame: impl Into<Frame>) {
        frame.into().encode(&mut self.wire);
        self.frames += 1;
    }

    pub(crate) fn request(&mut self, stream_id: StreamId, end_stream: bool) {
        let mut block = Vec::new();
        self.encoder.encode(&request(), &mut block);
        self.send(Headers {
            stream_id,
            fragment: block.into(),
            end_stream,
            end_headers: true,
            priority: None,
            padding: None,
        });
    }

    pub(crate) fn data(&mut self, stream_id: StreamId, octets: &'static [u8]) {
        let data = Bytes::from_static(octets);
        self.send(Data { stream_id, data, end_stream: false, padding: None });
    }

    pub(crate) fn reset(&mut self, stream_id: StreamId) {
        self.send(RstStream { stream_id, error_code: ErrorCode::Cancel });
    }

    pub(crate) fn credit(&mut self, stream_id: StreamId, increment: u32) {
        self.send(WindowUpdate { stream_id, increment });
    }

    /// Hands over what has been sent so far, before the measured part.
    pub(crate) fn deliver(&mut self) {
        let mut input = BytesMut::from(&self.wire[..]);
        self.core.receive(&mut input, self.now).expect("no rule is broken");
        while let Some(event) = self.core.poll_event() {
            assert!(!matches!(event, Event::Reset { .. }), "nothing is wrong so far");
        }
        self.core.poll_transmit(self.now, &mut Transmit::new(), usize::MAX);
        self.wire.clear();
        self.frames = 0;
    }

    /// What has been sent since the last [`deliver`](Self::deliver) is what is measured.
    pub(crate) fn prepared(self) -> Prepared {
        let input = BytesMut::from(&self.wire[..]);
        Prepared { core: self.core, input, frames: self.frames, now: self.now }
    }
}

/// The client's stream number `n`.
pub(crate) fn client_id(n: usize) -> StreamId {
    StreamId::from_wire(2 * n as u32 + 1)
}

/// Up to 64 streams, spread over `streams`.
pub(crate) fn some_of(streams: usize) -> impl Iterator<Item = usize> {
    let count = streams.min(64);
    (0..count).map(move |n| n * streams / count)
}

fn request() -> Fields {
    headers!(
        ":method" => "POST",
        ":scheme" => "http",
        ":authority" => "127.0.0.1:8080",
        ":path" => "/",
        "user-agent" => "growth",
    )
}
