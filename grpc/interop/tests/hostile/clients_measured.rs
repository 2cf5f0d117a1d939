//! What hostile requests cost our server, while an honest client is served.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use bytes::Bytes;
use h2_sync::client::{ResponseHalf, SendHalf, Versions};
use h2_sync_grpc::prost::Message;
use h2_sync_grpc_interop::pb::OutputRequest;
use h2_sync_grpc_interop::{Running, serve};

use crate::bombs::{gzip_bomb, message, prefix, section};
use crate::clients::{DEADLINE_EXCEEDED, INTERNAL, RESOURCE_EXHAUSTED, UNIMPLEMENTED};
use crate::clients::{STREAM, UNARY, client, grpc_status, open};
use crate::memory::{KIB, MIB, measured};
use crate::support::{Peer, eventually};

/// What tables and idle connections keep after an attack.
const SPARE: usize = 4 * MIB;

/// Runs an attack beside a client that calls all the time. Both together take `peak` octets at most.
fn attack(peak: usize, attack: impl FnOnce(&Running, &Neighbour) + Send + 'static) {
    measured(move |memory| {
        let server = serve();
        server.client().unary_call(&Default::default()).unwrap();
        let measured = memory.start();
        let neighbour = Neighbour::default();
        thread::scope(|scope| {
            scope.spawn(|| neighbour.calls(&server));
            // Dropped also if the attack panics, since the scope waits for the neighbour.
            let _ends = Ends(&neighbour);
            attack(&server, &neighbour);
        });
        measured.assert_peak(peak);
        measured.assert_kept(SPARE);
    });
}

/// An honest client of the same server.
#[derive(Default)]
struct Neighbour {
    served: AtomicUsize,
    is_over: AtomicBool,
}

impl Neighbour {
    fn calls(&self, server: &Running) {
        let client = server.client();
        while !self.is_over.load(Ordering::SeqCst) {
            client.unary_call(&Default::default()).expect("the neighbour is served");
            self.served.fetch_add(1, Ordering::SeqCst);
            thread::park_timeout(std::time::Duration::from_millis(1));
        }
    }

    /// Waits until this many more of its calls have been answered.
    fn is_served(&self, times: usize) {
        let wanted = self.served.load(Ordering::SeqCst) + times;
        eventually(|| self.served.load(Ordering::SeqCst) >= wanted);
    }
}

struct Ends<'a>(&'a Neighbour);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}

/// Opens calls, and sends the beginning of a body on each.
fn begun(server: &Running, calls: usize, path: &str, body: &[u8]) -> Vec<(SendHalf, ResponseHalf)> {
    let (client, body) = (client(Versions::Http2), Bytes::copy_from_slice(body));
    let open = |_| {
        let (mut sender, response) = open(&client, server, path, &[]);
        // The server may have answered by now.
        let _ = sender.send(body.clone());
        (sender, response)
    };
    (0..calls).map(open).collect()
}

/// Sends the same octets until the server has ended the call.
fn endless(mut sender: SendHalf, response: ResponseHalf, octets: &[u8]) -> String {
    let octets = Bytes::copy_from_slice(octets);
    thread::scope(|scope| {
        scope.spawn(move || while sender.send(octets.clone()).is_ok() {});
        grpc_status(response)
    })
}

#[test]
fn announced_lengths_take_no_memory() {
    attack(8 * MIB, |server, _| {
        // Within the limit of 4 MiB, so the methods wait for the rest.
        let waiting = begun(server, 100, STREAM, &prefix(4 << 20));
        for (_sender, response) in begun(server, 100, UNARY, &prefix(u32::MAX)) {
            assert_eq!(grpc_status(response), RESOURCE_EXHAUSTED);
        }
        for (mut sender, response) in waiting {
            sender.finish().unwrap();
            assert_eq!(grpc_status(response), INTERNAL);
        }
    });
}

#[test]
fn wrong_lengths_end_their_call() {
    attack(8 * MIB, |server, _| {
        // Too short: what follows is no prefix. Too long: the end comes first.
        for body in [&b"\0\0\0\0\x02\x12\0\xff\xff"[..], b"\0\0\0\0\x09\x12\0"] {
            for path in [UNARY, STREAM] {
                for (mut sender, response) in begun(server, 50, path, body) {
                    let _ = sender.finish();
                    assert_eq!(grpc_status(response), INTERNAL);
                }
            }
        }
    });
}

#[test]
fn gzip_bombs_are_inflated_to_the_limit_at_most() {
    let bomb = gzip_bomb();
    // A message of 4 MiB and the room that its vector grows into, one call after the other.
    attack(24 * MIB, move |server, _| {
        let client = client(Versions::Http2);
        for path in [UNARY, STREAM, UNARY, STREAM] {
            let (mut sender, response) = open(&client, server, path, &[("grpc-encoding", "gzip")]);
            let _ = sender.send(bomb.clone());
            let _ = sender.finish();
            assert_eq!(grpc_status(response), RESOURCE_EXHAUSTED);
        }
    });
}

#[test]
fn body_without_end_is_refused_at_its_second_message_or_its_limit() {
    attack(16 * MIB, |server, _| {
        let client = client(Versions::Http2);
        let (sender, response) = open(&client, server, UNARY, &[]);
        assert_eq!(endless(sender, response, &message(0, &[])), UNIMPLEMENTED);
        let (mut sender, response) = open(&client, server, STREAM, &[]);
        let _ = sender.send(prefix(5 << 20));
        assert_eq!(endless(sender, response, &[0; 16 * KIB]), RESOURCE_EXHAUSTED);
    });
}

#[test]
fn messages_without_end_take_the_memory_of_one_and_end_with_the_deadline() {
    // What lies in the windows of the streams is most of it.
    attack(48 * MIB, |server, _| {
        let client = client(Versions::Http2);
        for octets in [&message(0, &[])[..], &message(0, &[0x0a, 0]).repeat(1_000)] {
            let (sender, response) = open(&client, server, STREAM, &[("grpc-timeout", "300m")]);
            assert_eq!(endless(sender, response, octets), DEADLINE_EXCEEDED);
        }
    });
}

#[test]
fn responses_that_are_not_read_wait_in_their_method() {
    attack(24 * MIB, |server, neighbour| {
        // 256 MiB in all.
        let request = OutputRequest { sizes: vec![1 << 20; 256], ..OutputRequest::default() };
        let path = "/h2sync.testing.TestService/StreamingOutputCall";
        let (mut sender, mut response) = open(&client(Versions::Http2), server, path, &[]);
        sender.send(message(0, &request.encode_to_vec())).unwrap();
        sender.finish().unwrap();
        assert_eq!(response.response().unwrap().status(), 200);
        neighbour.is_served(100);
    });
}

#[test]
fn metadata_bombs_end_their_call_alone() {
    attack(12 * MIB, |server, neighbour| {
        let mut peer = Peer::connect(server.address().parse().unwrap());
        let (mut fields, large) = (request(), "x".repeat(100 << 10));
        fields.push(("key", &large));
        for _ in 0..20 {
            let id = peer.take_id();
            peer.write(section(id.get(), &fields));
            assert_eq!(peer.response(id).0, 431);
        }
        neighbour.is_served(2);
        // Values joined by commas are decoded where they are asked for.
        let (mut fields, commas) = (request(), ",".repeat(15_000));
        fields.extend(["a-bin", "b-bin", "c-bin", "d-bin"].map(|key| (key, &*commas)));
        let id = peer.take_id();
        peer.write(section(id.get(), &fields));
        assert_eq!(peer.response(id).0, 200);
    });
}

/// The fields of a call without a message.
fn request() -> Vec<(&'static str, &'static str)> {
    vec![
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "test"),
        (":path", UNARY),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ]
}
