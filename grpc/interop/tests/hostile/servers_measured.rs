//! What hostile responses cost our client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use h2_sync::server::Response;
use h2_sync_grpc::client::{CallOptions, Channel};
use h2_sync_grpc::{Code, Status};
use h2_sync_grpc_interop::pb::{
    EchoStatus, Empty, OutputRequest, SimpleRequest, TestServiceClient,
};
use h2_sync_grpc_interop::serve;

use crate::bombs::{gzip_bomb, message, prefix, section};
use crate::memory::{KIB, MIB, bounded, measured};
use crate::servers::{GRPC, Liar, OK, fields};
use crate::support::{Peer, eventually, listener, wire};

/// What tables and idle connections keep after an attack.
const SPARE: usize = 4 * MIB;

/// Runs calls to a server that answers like this. Both together take `peak` octets at most.
fn attack(
    peak: usize,
    answer: impl Fn(&mut Response) -> Result<(), h2_sync::Error> + Send + Sync + 'static,
    calls: impl FnOnce(&Liar) + Send + 'static,
) {
    measured(move |memory| {
        let measured = memory.start();
        let liar = Liar::new(move |_, response| answer(response));
        calls(&liar);
        measured.assert_peak(peak);
        measured.assert_kept(SPARE);
    });
}

/// Counts the handlers that have begun and not returned.
#[derive(Clone, Default)]
struct Running(Arc<AtomicUsize>);

impl Running {
    /// Sends the same octets until the client has ended the call.
    fn endless(&self, response: &mut Response, octets: &Bytes) -> Result<(), h2_sync::Error> {
        self.0.fetch_add(1, Ordering::SeqCst);
        while response.send(octets.clone()).is_ok() {}
        self.0.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }

    /// Waits until all have returned: their streams have been reset.
    fn ends(&self) {
        eventually(|| self.0.load(Ordering::SeqCst) == 0);
    }
}

#[test]
fn announced_length_takes_no_memory() {
    let answer = |response: &mut Response| {
        response.headers_mut()?.extend(fields(&[GRPC]));
        response.send(prefix(u32::MAX))
    };
    attack(8 * MIB, answer, |liar| {
        for _ in 0..50 {
            assert_eq!(liar.status().code(), Code::ResourceExhausted);
        }
    });
    let answer = |response: &mut Response| {
        response.headers_mut()?.extend(fields(&[GRPC]));
        response.send(prefix(4 << 20))?;
        response.set_trailers(fields(&[OK]));
        Ok(())
    };
    attack(8 * MIB, answer, |liar| {
        for _ in 0..50 {
            assert_eq!(liar.status().code(), Code::Internal);
        }
    });
}

#[test]
fn gzip_bombs_are_inflated_to_the_limit_at_most() {
    let bomb = gzip_bomb();
    let answer = move |response: &mut Response| {
        response.headers_mut()?.extend(fields(&[GRPC, ("grpc-encoding", "gzip")]));
        response.send(bomb.clone())?;
        response.set_trailers(fields(&[OK]));
        Ok(())
    };
    attack(24 * MIB, answer, |liar| {
        for _ in 0..3 {
            assert_eq!(liar.status().code(), Code::ResourceExhausted);
        }
        let small = liar.client().with(CallOptions::new().max_message(64 << 10));
        let mut replies = small.streaming_output_call(&OutputRequest::default()).unwrap();
        assert_eq!(replies.receive().unwrap_err().code(), Code::ResourceExhausted);
    });
}

#[test]
fn response_without_end_is_ended_at_its_second_message_or_its_limit() {
    let running = Running::default();
    for (first, octets, code) in [
        (Vec::new(), message(0, &[]).repeat(1_000), Code::Unimplemented),
        (prefix(5 << 20), vec![0; 16 * KIB], Code::ResourceExhausted),
    ] {
        let (octets, handlers) = (Bytes::from(octets), running.clone());
        let answer = move |response: &mut Response| {
            response.headers_mut()?.extend(fields(&[GRPC]));
            response.send(first.clone())?;
            handlers.endless(response, &octets)
        };
        let running = running.clone();
        attack(24 * MIB, answer, move |liar| {
            for _ in 0..5 {
                assert_eq!(liar.status().code(), code);
            }
            running.ends();
        });
    }
}

#[test]
fn messages_without_end_take_the_memory_of_a_window() {
    let running = Running::default();
    let (octets, handlers) = (Bytes::from(message(0, &[0x0a, 0]).repeat(1_000)), running.clone());
    let answer = move |response: &mut Response| {
        response.headers_mut()?.extend(fields(&[GRPC]));
        handlers.endless(response, &octets)
    };
    attack(80 * MIB, answer, move |liar| {
        // Read until the deadline.
        let client = liar.client().with(CallOptions::new().timeout(Duration::from_millis(300)));
        let mut replies = client.streaming_output_call(&OutputRequest::default()).unwrap();
        let last = replies.by_ref().find_map(Result::err);
        assert_eq!(last.unwrap().code(), Code::DeadlineExceeded);
        running.ends();
        // Not read.
        let replies = client.streaming_output_call(&OutputRequest::default()).unwrap();
        thread::park_timeout(Duration::from_millis(300));
        drop(replies);
        running.ends();
    });
}

/// Field sections that no server sends to a client whose limit it knows.
#[test]
fn metadata_bombs_end_their_call_alone() {
    const CALLS: usize = 20;
    measured(|memory| {
        let measured = memory.start();
        let (listener, url) = listener();
        let server = thread::spawn(move || {
            let mut peer = Peer::accept(&listener);
            for call in 0..=CALLS {
                let id = peer.receive_headers().0.get();
                let fields = [(":status", "200"), GRPC];
                let mut answer = wire::headers(id, wire::END_HEADERS, wire::block(&fields));
                answer.extend(wire::data(id, 0, message(0, &[])));
                let bomb = "x".repeat(if call < CALLS { 100 << 10 } else { 10 });
                answer.extend(section(id, &[OK, ("key", &*bomb)]));
                peer.write(answer);
            }
        });
        let client = TestServiceClient::new(&Channel::new(&url).unwrap());
        for _ in 0..CALLS {
            let failed = client.empty_call(&Empty {}).unwrap_err();
            assert_eq!(failed.code(), Code::ResourceExhausted, "{failed:?}");
        }
        client.empty_call(&Empty {}).unwrap();
        server.join().unwrap();
        measured.assert_peak(12 * MIB);
    });
}

/// What is too large for the client is not sent, and the client learns why.
#[test]
fn status_that_the_client_does_not_take_is_resource_exhausted() {
    bounded(|| {
        let server = serve();
        let status = Some(EchoStatus::from(&Status::not_found("x".repeat(100 << 10))));
        let request = SimpleRequest { status: status.clone(), ..SimpleRequest::default() };
        let failed = server.client().unary_call(&request).unwrap_err();
        assert_eq!(failed.code(), Code::ResourceExhausted, "{failed:?}");
        let request = OutputRequest { sizes: vec![1], status, ..OutputRequest::default() };
        let mut replies = server.client().streaming_output_call(&request).unwrap();
        replies.receive().unwrap();
        assert_eq!(replies.receive().unwrap_err().code(), Code::ResourceExhausted);
        let status = Some(EchoStatus::from(&Status::not_found("x".repeat(7 << 10))));
        let request = SimpleRequest { status, ..SimpleRequest::default() };
        assert_eq!(server.client().unary_call(&request).unwrap_err().code(), Code::NotFound);
    });
}
