//! The protocol without I/O: a server's core that is fed with requests, and two cores with each
//! other.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use h2_sync::proto::{Config, Connection, Event, Role, Transmit};
use h2_sync::{Headers, headers};

/// Small requests, answered with 11 octets: this number of them arrives in one piece, and their answers
/// leave in one piece. An item is a request.
#[divan::bench(args = [1, 10, 100])]
fn answer(bencher: Bencher<'_, '_>, batch: usize) {
    let now = Instant::now();
    let body = Bytes::from_static(b"hello world");
    let response = headers!(
        ":status" => "200",
        "content-type" => "text/plain",
        "content-length" => "11",
        "date" => "Sat, 21 Nov 2026 08:00:00 GMT",
        "server" => "h2-sync",
    );
    let bench = bencher.counter(ItemsCount::new(batch));
    bench.with_inputs(|| requests(batch, now)).bench_local_refs(|(server, input, out)| {
        server.receive(input, now).unwrap();
        while let Some(event) = server.poll_event() {
            if let Event::Headers { stream_id, .. } = event {
                server.send_headers(stream_id, &response, false, now).unwrap();
                server.send_data(stream_id, body.clone(), true, now).unwrap();
            }
        }
        server.poll_transmit(now, out, usize::MAX);
        black_box(out.len());
    });
}

/// A server that has answered a request before, and the next requests for it to receive.
fn requests(batch: usize, now: Instant) -> (Connection, BytesMut, Transmit) {
    let (mut client, mut server) = pair(now);
    let request = request();
    client.open(&request, true, now).unwrap();
    exchange(&mut client, &mut server, now);
    while let Some(event) = server.poll_event() {
        if let Event::Headers { stream_id, .. } = event {
            server.send_headers(stream_id, &headers!(":status" => "200"), true, now).unwrap();
        }
    }
    exchange(&mut client, &mut server, now);
    while server.poll_event().is_some() {}
    for _ in 0..batch {
        client.open(&request, true, now).unwrap();
    }
    (server, output(&mut client, now), Transmit::new())
}

fn request() -> Headers {
    headers!(
        ":method" => "GET",
        ":scheme" => "http",
        ":authority" => "127.0.0.1:8080",
        ":path" => "/",
        "user-agent" => "h2load nghttp2/1.52.0",
    )
}

/// An upload of 1 GiB, in pieces of 1 MiB, with all frames and window updates that it takes.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn gibibyte(bencher: Bencher<'_, '_>) {
    const PIECE: usize = 1 << 20;
    const PIECES: usize = 1 << 10;
    let now = Instant::now();
    let piece = Bytes::from(vec![0; PIECE]);
    let bench = bencher.counter(BytesCount::new(PIECE * PIECES));
    bench.with_inputs(|| pair(now)).bench_local_refs(|(client, server)| {
        let request = request();
        let id = client.open(&request, false, now).unwrap();
        let mut received = 0;
        for number in 1..=PIECES {
            client.send_data(id, piece.clone(), number == PIECES, now).unwrap();
            while received < number * PIECE {
                exchange(client, server, now);
                while let Some(event) = server.poll_event() {
                    if let Event::Data { stream_id, data, .. } = event {
                        received += data.len();
                        server.release(stream_id, data.len(), now).unwrap();
                    }
                }
            }
        }
    });
}

/// A client and a server that have greeted each other.
fn pair(now: Instant) -> (Connection, Connection) {
    let new = |role| Connection::new(role, Config::default(), now).unwrap();
    let (mut client, mut server) = (new(Role::Client), new(Role::Server));
    exchange(&mut client, &mut server, now);
    (client, server)
}

/// Hands over what both have to say, until that is nothing.
fn exchange(client: &mut Connection, server: &mut Connection, now: Instant) {
    loop {
        let (mut to_server, mut to_client) = (output(client, now), output(server, now));
        if to_server.is_empty() && to_client.is_empty() {
            return;
        }
        server.receive(&mut to_server, now).unwrap();
        client.receive(&mut to_client, now).unwrap();
    }
}

/// What a core has to say, as much as one write takes; copied once, as a transport would.
fn output(core: &mut Connection, now: Instant) -> BytesMut {
    let mut out = Transmit::new();
    core.poll_transmit(now, &mut out, 64 << 10);
    let mut octets = BytesMut::with_capacity(out.len());
    out.chunks().for_each(|chunk| octets.extend_from_slice(chunk));
    octets
}
