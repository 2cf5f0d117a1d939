//! A client's core and a server's, joined without I/O, for counting instructions.
//!
//! `benches/instructions` runs it under callgrind, which counts the same on a busy machine as on an
//! idle one. `joined SHAPE REQUESTS` makes that number of requests and prints nothing. Without
//! arguments, as in `cargo bench`, it names its shapes.

mod http1;

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use h2_sync::proto::{Config, Connection, Event, Role, Transmit};
use h2_sync::{Headers, headers};

/// What one request is like.
struct Shape {
    name: &'static str,
    /// Requests that are under way at once.
    batch: usize,
    /// Octets of a request's body, and of a response's.
    upload: usize,
    download: usize,
}

const SHAPES: [Shape; 4] = [
    Shape { name: "one", batch: 1, upload: 0, download: 11 },
    Shape { name: "hundred", batch: 100, upload: 0, download: 11 },
    Shape { name: "upload", batch: 10, upload: 64 << 10, download: 11 },
    Shape { name: "download", batch: 10, upload: 0, download: 64 << 10 },
];

/// Octets that one write takes.
const WRITE_LEN: usize = 64 << 10;

fn main() {
    // Cargo adds options of its own.
    let arguments: Vec<_> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let [name, requests] = &arguments[..] else {
        let names = SHAPES.iter().map(|shape| shape.name).chain(http1::SHAPES);
        names.for_each(|name| println!("{name}"));
        return;
    };
    let requests: usize = requests.parse().expect("a number of requests");
    if http1::SHAPES.contains(&name.as_str()) {
        return http1::run(name, requests);
    }
    let shape = SHAPES.iter().find(|shape| shape.name == name).expect("the name of a shape");
    let mut joined = Joined::new();
    for _ in 0..requests.div_ceil(shape.batch) {
        joined.run(shape);
    }
}

struct Joined {
    client: Connection,
    server: Connection,
    now: Instant,
    /// What is on its way, in buffers that are used over and over.
    out: Transmit,
    to_client: BytesMut,
    to_server: BytesMut,
    request: Headers,
    response: Headers,
}

impl Joined {
    fn new() -> Self {
        let now = Instant::now();
        let new =
            |role| Connection::new(role, Config::default(), now).expect("the config is valid");
        Joined {
            client: new(Role::Client),
            server: new(Role::Server),
            now,
            out: Transmit::new(),
            to_client: BytesMut::new(),
            to_server: BytesMut::new(),
            request: headers!(
                ":method" => "POST",
                ":scheme" => "http",
                ":authority" => "127.0.0.1:8080",
                ":path" => "/some/where",
                "user-agent" => "joined",
                "accept" => "*/*",
            ),
            response: headers!(
                ":status" => "200",
                "content-type" => "text/plain",
                "date" => "Sat, 21 Nov 2026 08:00:00 GMT",
                "server" => "h2-sync",
            ),
        }
    }

    /// Makes the requests of one batch, and takes all of their responses.
    fn run(&mut self, shape: &Shape) {
        static OCTETS: [u8; 64 << 10] = [b'x'; 64 << 10];
        let now = self.now;
        for _ in 0..shape.batch {
            let has_body = shape.upload > 0;
            let id = self.client.open(&self.request, !has_body, now).expect("there is a slot");
            if has_body {
                let body = Bytes::from_static(&OCTETS[..shape.upload]);
                self.client.send_data(id, body, true, now).expect("there is room");
            }
        }
        let mut answered = 0;
        while answered < shape.batch {
            carry(&mut self.client, &mut self.server, &mut self.out, &mut self.to_server, now);
            while let Some(event) = self.server.poll_event() {
                let id = match event {
                    Event::Headers { stream_id, end_stream: true, .. } => stream_id,
                    Event::Data { stream_id, end_stream: true, .. } => stream_id,
                    _ => continue,
                };
                self.server.send_headers(id, &self.response, false, now).expect("a response");
                let body = Bytes::from_static(&OCTETS[..shape.download]);
                self.server.send_data(id, body, true, now).expect("there is room");
            }
            carry(&mut self.server, &mut self.client, &mut self.out, &mut self.to_client, now);
            while let Some(event) = self.client.poll_event() {
                answered += usize::from(matches!(event, Event::Data { end_stream: true, .. }));
            }
        }
    }
}

/// Hands over what one core has to say now.
fn carry(
    from: &mut Connection,
    to: &mut Connection,
    out: &mut Transmit,
    input: &mut BytesMut,
    now: Instant,
) {
    loop {
        from.poll_transmit(now, out, WRITE_LEN);
        if out.is_empty() {
            return;
        }
        // Always as much, or whether the buffer is made anew depends on what was allocated before.
        input.reserve(WRITE_LEN + (16 << 10));
        out.chunks().for_each(|chunk| input.extend_from_slice(chunk));
        out.clear();
        to.receive(input, now).expect("our own core breaks no rule");
    }
}
