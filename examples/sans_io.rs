//! A client and a server without a network: two protocol cores on one thread.
//! It is a tour of HTTP/2, and shows how the core is driven by code of your own.
//!
//! ```text
//! cargo run --example sans_io
//! ```
//!
//! A [`Connection`] does no I/O. Octets go in with `receive` and come out with `poll_transmit`;
//! events come out with `poll_event`. So a loop can be the network, and a variable the clock. The
//! output is the same in each run, and shows every frame of
//!
//! 1. the handshake,
//! 2. a request and its response,
//! 3. an upload that is larger than the flow-control window,
//! 4. a PING,
//! 5. a graceful shutdown.
//!
//! Read the source along with the output: each part is a function.

use std::env;
use std::error::Error;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use h2_sync::frame::{DEFAULT_MAX_FRAME_SIZE, Frame, PREFACE};
use h2_sync::hpack::{Decoder, Limits};
use h2_sync::proto::{CloseReason, Connection, Event, Transmit};
use h2_sync::{Config, Headers, HeadersKind, Role, StreamId, headers};

const HELP: &str = "\
Connects two HTTP/2 protocol cores without a network, and prints every frame.
Takes no arguments.

    cargo run --example sans_io
";

/// The latency of the simulated network in each direction.
const LATENCY: Duration = Duration::from_millis(20);

/// The server's window for each stream in octets, small enough that an upload exhausts it.
const WINDOW: u32 = 20_000;

/// The octets to upload, more than two windows.
const UPLOAD: usize = 45_000;

fn main() -> Result<(), Box<dyn Error>> {
    env_logger::init();
    if env::args_os().len() > 1 {
        print!("{HELP}");
        return Ok(());
    }
    let mut network = Network::new()?;
    handshake(&mut network)?;
    request(&mut network)?;
    upload(&mut network)?;
    ping(&mut network)?;
    goodbye(&mut network)
}

/// RFC 9113, Section 3.4: neither side waits. Each sends its SETTINGS first (the client after the
/// 24-octet preface) and acknowledges those of the other.
///
/// The WINDOW_UPDATEs on stream 0 enlarge the window of the connection. It always starts with
/// 65,535 octets, since SETTINGS only change the windows of streams.
fn handshake(network: &mut Network) -> Result<(), Box<dyn Error>> {
    title("1. The handshake");
    network.run()?;
    network.events();
    Ok(())
}

/// RFC 9113, Section 8.1: a request is HEADERS, here with END_STREAM since there is no body. The
/// response comes on the same stream.
/// The fields are compressed (RFC 7541). Both sides remember the fields that were sent: compare the
/// length of this field block with the later ones, which repeat most of it.
fn request(network: &mut Network) -> Result<(), Box<dyn Error>> {
    title("2. A request and its response");
    let stream_id = network.client.core.open(&get("/hello"), true, network.now)?;
    network.run()?;
    network.events();

    let server = &mut network.server.core;
    let response = headers!(":status" => "200", "content-type" => "text/plain");
    server.send_headers(stream_id, &response, false, network.now)?;
    server.send_data(stream_id, "Hello, HTTP/2!".into(), true, network.now)?;
    network.run()?;
    network.events();
    Ok(())
}

/// RFC 9113, Section 5.2: each side sends only as much DATA as the other's window allows; no other
/// frames are limited. Sending shrinks the window, WINDOW_UPDATE enlarges it.
///
/// The core sends a WINDOW_UPDATE when the application has released half of the window with
/// `release`. (The connection's window is credited at once, since the windows of the streams bound
/// the memory.)
fn upload(network: &mut Network) -> Result<(), Box<dyn Error>> {
    title("3. An upload larger than the window");
    say(&format!("the client has {UPLOAD} octets to send, the window is {WINDOW}"));
    let post = headers!(
        ":method" => "POST",
        ":scheme" => "http",
        ":authority" => "example.com",
        ":path" => "/upload",
        "content-length" => UPLOAD.to_string(),
    );
    let client = &mut network.client.core;
    let stream_id = client.open(&post, false, network.now)?;
    client.send_data(stream_id, Bytes::from(vec![b'x'; UPLOAD]), true, network.now)?;

    let mut received = 0;
    while received < UPLOAD {
        network.run()?;
        match network.client.core.stats().send_buffered {
            0 => say("everything has been sent"),
            waiting => say(&format!(
                "the window is exhausted: {waiting} octets are buffered at the client"
            )),
        }
        // The server's application processes the data and releases the window.
        for event in network.events() {
            if let Event::Data { stream_id, data, .. } = event {
                received += data.len();
                network.server.core.release(stream_id, data.len(), network.now)?;
            }
        }
        say(&format!("the server's application has processed {received} octets"));
    }
    let server = &mut network.server.core;
    server.send_headers(stream_id, &headers!(":status" => "204"), true, network.now)?;
    network.run()?;
    network.events();
    Ok(())
}

/// RFC 9113, Section 6.7: PING is answered with ACK. It keeps connections alive, and measures the
/// round-trip time.
fn ping(network: &mut Network) -> Result<(), Box<dyn Error>> {
    title("4. A PING");
    network.client.core.ping(network.now)?;
    network.run()?;
    network.events();
    Ok(())
}

/// RFC 9113, Section 6.8: a server that shuts down announces it, and finishes open requests.
///
/// It cannot know which requests are in flight. So its first GOAWAY has the largest possible
/// identifier, and only tells the client to stop. A PING measures a round trip, after which all
/// requests have arrived; the second GOAWAY has the actual last identifier.
fn goodbye(network: &mut Network) -> Result<(), Box<dyn Error>> {
    title("5. A graceful shutdown");
    let stream_id = network.client.core.open(&get("/last"), true, network.now)?;
    network.server.core.shutdown(network.now);
    network.run()?;
    network.events();

    match network.client.core.open(&get("/more"), true, network.now) {
        Ok(_) => say("the client may open another stream?"),
        Err(error) => say(&format!("the client may not open another stream: {error}")),
    }
    say("but the open one is answered:");
    let response = headers!(":status" => "200");
    network.server.core.send_headers(stream_id, &response, true, network.now)?;
    network.run()?;
    network.events();

    // The server is done. Its driver would close the transport now, and the client's driver would
    // read the end of the stream.
    if network.server.core.close_reason().is_some() {
        say("the server closes the transport");
        network.client.core.end_of_input();
    }
    for side in [&network.client, &network.server] {
        let end = match side.core.close_reason() {
            Some(CloseReason::Local) => "ended: its shutdown is complete",
            Some(CloseReason::Peer(_)) => "ended: the peer has closed it",
            Some(CloseReason::Error(_)) => "failed",
            _ => "not ended",
        };
        say(&format!("the {}'s connection has {end}", side.core.role().name()));
    }
    Ok(())
}

fn get(path: &str) -> Headers {
    headers!(
        ":method" => "GET",
        ":scheme" => "http",
        ":authority" => "example.com",
        ":path" => path,
    )
}

/// Two cores with a simulated network and clock.
struct Network {
    client: Side,
    server: Side,
    start: Instant,
    now: Instant,
}

impl Network {
    fn new() -> Result<Self, Box<dyn Error>> {
        let now = Instant::now();
        let mut config = Config::default();
        let client = Connection::new(Role::Client, config.clone(), now)?;
        config.initial_window_size = WINDOW;
        let server = Connection::new(Role::Server, config, now)?;
        Ok(Network { client: Side::new(client), server: Side::new(server), start: now, now })
    }

    /// Transfers octets in both directions until neither side has anything left to send.
    fn run(&mut self) -> Result<(), Box<dyn Error>> {
        loop {
            let from_client = self.client.transmit(self.now);
            let from_server = self.server.transmit(self.now);
            if from_client.is_empty() && from_server.is_empty() {
                return Ok(());
            }
            self.client.print(&from_client, self.now - self.start)?;
            self.server.print(&from_server, self.now - self.start)?;
            self.now += LATENCY;
            self.server.receive(&from_client, self.now)?;
            self.client.receive(&from_server, self.now)?;
        }
    }

    /// Prints the events of both cores, and returns the server's.
    fn events(&mut self) -> Vec<Event> {
        self.client.events();
        self.server.events()
    }
}

/// One side of the connection.
struct Side {
    core: Connection,
    /// Octets that have arrived. The core consumes whole frames and leaves the rest.
    input: BytesMut,
    /// Decodes the field blocks that this side sends, for printing. It must see all of them, since
    /// each may refer to table entries of earlier ones.
    decoder: Decoder,
    /// Octets of the client's preface, which precede its first frame.
    preface_left: usize,
}

impl Side {
    fn new(core: Connection) -> Self {
        let preface_left = match core.role() {
            Role::Client => PREFACE.len(),
            Role::Server => 0,
        };
        let decoder = Decoder::new(Limits::default());
        Side { core, input: BytesMut::new(), decoder, preface_left }
    }

    /// Returns the octets that this side has to send.
    fn transmit(&mut self, now: Instant) -> Vec<u8> {
        let mut out = Transmit::new();
        self.core.poll_transmit(now, &mut out, usize::MAX);
        out.to_vec()
    }

    fn receive(&mut self, octets: &[u8], now: Instant) -> Result<(), Box<dyn Error>> {
        self.input.extend_from_slice(octets);
        Ok(self.core.receive(&mut self.input, now)?)
    }

    fn events(&mut self) -> Vec<Event> {
        let events: Vec<_> = std::iter::from_fn(|| self.core.poll_event()).collect();
        for event in &events {
            if let Some(text) = describe(event) {
                println!("         {}'s application: {text}", self.core.role().name());
            }
        }
        events
    }

    /// Decodes and prints what this side has sent, like a packet analyser.
    fn print(&mut self, octets: &[u8], time: Duration) -> Result<(), Box<dyn Error>> {
        let arrow = match self.core.role() {
            Role::Client => "client ──▶ server",
            Role::Server => "client ◀── server",
        };
        let time = time.as_millis();
        let mut input = BytesMut::from(octets);
        if self.preface_left > 0 && !input.is_empty() {
            println!("{time:>4} ms  {arrow}  {:?}", String::from_utf8_lossy(PREFACE));
            input.advance(self.preface_left);
            self.preface_left = 0;
        }
        while let Some(frame) = Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE)? {
            println!("{time:>4} ms  {arrow}  {frame}");
            let (fragment, is_end) = match &frame {
                Frame::Headers(headers) => (&headers.fragment, headers.end_headers),
                Frame::Continuation(next) => (&next.fragment, next.end_headers),
                _ => continue,
            };
            if let Some(section) = self.decoder.decode(fragment, is_end)? {
                for field in &section.headers {
                    println!("{:30}{field}", "");
                }
            }
        }
        Ok(())
    }
}

/// Describes an event, or returns `None` for events that are internal to the core.
fn describe(event: &Event) -> Option<String> {
    let end = |end_stream: &bool| if *end_stream { ", the end of the stream" } else { "" };
    Some(match event {
        Event::Headers { stream_id, headers, kind, end_stream } => {
            let what = match kind {
                HeadersKind::Request => "a request",
                HeadersKind::Informational => "an interim response",
                HeadersKind::Response => "a response",
                HeadersKind::Trailers => "trailers",
            };
            let fields = headers.len();
            format!("{what} with {fields} fields on stream {stream_id}{}", end(end_stream))
        }
        Event::Data { stream_id, data, end_stream } => {
            format!("{} octets on stream {stream_id}{}", data.len(), end(end_stream))
        }
        Event::Pong { round_trip_time, .. } => format!("the round trip took {round_trip_time:?}"),
        Event::Goaway { last_stream_id, .. } if *last_stream_id == StreamId::MAX => {
            "the server is shutting down".to_owned()
        }
        Event::Goaway { last_stream_id, .. } => {
            format!("the server is shutting down; the last stream is {last_stream_id}")
        }
        Event::SettingsChanged { .. } => "the peer's settings are in effect".to_owned(),
        Event::SettingsAcknowledged => "our settings are in effect".to_owned(),
        Event::StreamClosed { .. } => return None,
        other => format!("{other:?}"),
    })
}

fn title(text: &str) {
    println!("\n{text}\n");
}

fn say(text: &str) {
    println!("         ({text})");
}
