//! Streams that are long, slow, or beside many that are refused: no budget of a connection cuts them.
//!
//! `H2_SYNC_GRPC_LONG=1` runs them in full length, which takes minutes: best with `--release`.

use std::thread;

use h2_sync_grpc::client::CallOptions;
use h2_sync_grpc::{Code, Status};
use h2_sync_grpc_interop::pb::{EchoStatus, InputRequest, OutputRequest};
use h2_sync_grpc_interop::{bounded, payload, serve};

const MESSAGE: i32 = 8 << 10;

/// The length in the test suite, or the full one.
fn length(short: usize, full: usize) -> usize {
    if std::env::var_os("H2_SYNC_GRPC_LONG").is_some() { full } else { short }
}

#[test]
fn long_download_of_messages_of_8_kib_is_not_cut() {
    bounded(|| {
        let count = length(20_000, 300_000);
        let server = serve();
        let request = OutputRequest { sizes: vec![MESSAGE; count], ..OutputRequest::default() };
        let replies = server.client().streaming_output_call(&request).unwrap();
        let received = replies.inspect(|reply| {
            assert_eq!(reply.as_ref().unwrap().payload.len(), MESSAGE as usize);
        });
        assert_eq!(received.count(), count);
    });
}

#[test]
fn long_upload_of_messages_of_8_kib_is_not_cut() {
    bounded(|| {
        let count = length(20_000, 300_000);
        let server = serve();
        let (mut requests, reply) = server.client().streaming_input_call().unwrap();
        let request = InputRequest { payload: payload(MESSAGE) };
        for _ in 0..count {
            requests.send(&request).unwrap();
        }
        requests.finish().unwrap();
        assert_eq!(reply.wait().unwrap().message().size, count as i64 * i64::from(MESSAGE));
    });
}

#[test]
fn tiny_messages_every_5_ms_are_not_cut() {
    bounded(|| {
        let count = length(400, 12_000);
        let server = serve();
        let sizes = vec![1; count];
        let request = OutputRequest { sizes, sleep_ms: 5, ..OutputRequest::default() };
        let replies = server.client().streaming_output_call(&request).unwrap();
        assert_eq!(replies.map(Result::unwrap).count(), count);
    });
}

/// Each has the server end a call while the client is still sending.
#[test]
fn many_refused_calls_do_not_end_the_long_one_beside_them() {
    bounded(|| {
        let count = length(400, 6_000);
        let server = serve();
        let client = server.client();
        let (mut requests, mut replies) = client.full_duplex_call().unwrap();
        let refused = client.with(CallOptions::new());
        let thread = thread::spawn(move || {
            let code = Code::FailedPrecondition;
            let status = Some(EchoStatus::from(&Status::new(code, "refused")));
            for _ in 0..count {
                let (mut requests, mut replies) = refused.full_duplex_call().unwrap();
                let status = status.clone();
                requests.send(&OutputRequest { status, ..OutputRequest::default() }).unwrap();
                assert_eq!(replies.receive().unwrap_err().code(), code);
            }
        });
        for size in 0..100 {
            requests.send(&OutputRequest { sizes: vec![size], ..Default::default() }).unwrap();
            assert_eq!(replies.receive().unwrap().unwrap().payload.len(), size as usize);
        }
        thread.join().unwrap();
        requests.finish().unwrap();
        assert!(replies.receive().unwrap().is_none());
    });
}
