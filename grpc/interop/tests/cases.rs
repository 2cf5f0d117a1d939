//! The cases of the public interop tests of gRPC, by their names, between our client and our server.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use h2_sync_grpc::client::{CallOptions, CancelHandle, Channel, Stub};
use h2_sync_grpc::{Code, Compression, Metadata, Prost, Status};
use h2_sync_grpc_interop::pb::{
    EchoStatus, Empty, InputRequest, OutputRequest, OutputResponse, SimpleRequest,
    TestServiceClient, UnimplementedServiceClient,
};
use h2_sync_grpc_interop::{
    ECHO_INITIAL, ECHO_TRAILING, LONG, Running, bounded, eventually, payload, serve, serve_with,
};

fn simple(request_size: i32, response_size: i32) -> SimpleRequest {
    SimpleRequest { response_size, payload: payload(request_size), ..SimpleRequest::default() }
}

fn output(request_size: i32, sizes: &[i32]) -> OutputRequest {
    let sizes = sizes.to_vec();
    OutputRequest { sizes, payload: payload(request_size), ..OutputRequest::default() }
}

fn echo_status(code: Code, message: &str) -> Option<EchoStatus> {
    Some(EchoStatus::from(&Status::new(code, message.to_owned())))
}

fn sizes(replies: impl IntoIterator<Item = Result<OutputResponse, Status>>) -> Vec<usize> {
    replies.into_iter().map(|reply| reply.unwrap().payload.len()).collect()
}

#[test]
fn empty_unary() {
    bounded(|| {
        let server = serve();
        let response = server.client().empty_call(&Empty {}).unwrap();
        assert_eq!(response.into_message(), Empty {});
    });
}

#[test]
fn large_unary() {
    bounded(|| {
        let server = serve();
        let response = server.client().unary_call(&simple(271_828, 314_159)).unwrap();
        assert_eq!(response.message().payload, payload(314_159));
    });
}

#[test]
fn client_compressed_unary() {
    bounded(|| {
        let server = serve();
        let client = server.client().with(CallOptions::new().compression(Compression::Gzip));
        let response = client.unary_call(&simple(271_828, 314_159)).unwrap();
        assert_eq!(response.message().payload.len(), 314_159);
    });
}

#[test]
fn server_compressed_unary() {
    bounded(|| {
        let gzip =
            |services: h2_sync_grpc::server::Services| services.compression(Compression::Gzip);
        let server = serve_with(Default::default(), gzip);
        let response = server.client().unary_call(&simple(0, 314_159)).unwrap();
        assert_eq!(response.message().payload.len(), 314_159);
    });
}

#[test]
fn client_streaming() {
    bounded(|| {
        let server = serve();
        let (mut requests, reply) = server.client().streaming_input_call().unwrap();
        for size in [27_182, 8, 1_828, 45_904] {
            requests.send(&InputRequest { payload: payload(size) }).unwrap();
        }
        requests.finish().unwrap();
        assert_eq!(reply.wait().unwrap().message().size, 74_922);
    });
}

#[test]
fn client_compressed_streaming() {
    bounded(|| {
        let server = serve();
        let client = server.client().with(CallOptions::new().compression(Compression::Gzip));
        let (mut requests, reply) = client.streaming_input_call().unwrap();
        requests.feed(&InputRequest { payload: payload(27_182) }).unwrap();
        requests.feed(&InputRequest { payload: payload(45_904) }).unwrap();
        requests.finish().unwrap();
        assert_eq!(reply.wait().unwrap().message().size, 73_086);
    });
}

#[test]
fn server_streaming() {
    bounded(|| {
        let server = serve();
        let wanted = [31_415, 9, 2_653, 58_979];
        let replies = server.client().streaming_output_call(&output(0, &wanted)).unwrap();
        assert_eq!(sizes(replies), [31_415, 9, 2_653, 58_979]);
    });
}

#[test]
fn server_compressed_streaming() {
    bounded(|| {
        let gzip =
            |services: h2_sync_grpc::server::Services| services.compression(Compression::Gzip);
        let server = serve_with(Default::default(), gzip);
        let replies = server.client().streaming_output_call(&output(0, &[31_415, 92_653])).unwrap();
        assert_eq!(sizes(replies), [31_415, 92_653]);
    });
}

#[test]
fn ping_pong() {
    bounded(|| {
        let server = serve();
        let (mut requests, mut replies) = server.client().full_duplex_call().unwrap();
        for (request, response) in [(27_182, 31_415), (8, 9), (1_828, 2_653), (45_904, 58_979)] {
            requests.send(&output(request, &[response])).unwrap();
            let reply = replies.receive().unwrap().unwrap();
            assert_eq!(reply.payload.len(), response as usize);
        }
        requests.finish().unwrap();
        assert!(replies.receive().unwrap().is_none());
    });
}

#[test]
fn empty_stream() {
    bounded(|| {
        let server = serve();
        let (requests, mut replies) = server.client().full_duplex_call().unwrap();
        requests.finish().unwrap();
        assert!(replies.receive().unwrap().is_none());
        assert!(replies.next().is_none());
    });
}

fn echo_options() -> CallOptions {
    let options = CallOptions::new().metadata(ECHO_INITIAL, "test_initial_metadata_value");
    let mut options = options.unwrap();
    options.metadata_mut().insert_bin(ECHO_TRAILING, [0xab, 0xab, 0xab]).unwrap();
    options
}

fn assert_echoed(headers: &Metadata, trailers: &Metadata) {
    assert_eq!(headers.get(ECHO_INITIAL), Some("test_initial_metadata_value"));
    assert_eq!(trailers.get_bin(ECHO_TRAILING).unwrap()[..], [0xab, 0xab, 0xab]);
}

#[test]
fn custom_metadata() {
    bounded(|| {
        let server = serve();
        let client = server.client().with(echo_options());
        let response = client.unary_call(&simple(1, 1)).unwrap();
        assert_echoed(response.headers(), response.trailers());

        let (mut requests, mut replies) = client.full_duplex_call().unwrap();
        requests.send(&output(1, &[1])).unwrap();
        requests.finish().unwrap();
        let headers = replies.headers().unwrap().clone();
        assert_eq!(sizes(&mut replies), [1]);
        assert_echoed(&headers, replies.trailers());
    });
}

#[test]
fn status_code_and_message() {
    bounded(|| {
        let server = serve();
        let client = server.client();
        let status = echo_status(Code::Unknown, "test status message");
        let request = SimpleRequest { status: status.clone(), ..SimpleRequest::default() };
        let failed = client.unary_call(&request).unwrap_err();
        assert_eq!((failed.code(), failed.message()), (Code::Unknown, "test status message"));

        let (mut requests, mut replies) = client.full_duplex_call().unwrap();
        requests.send(&OutputRequest { status, ..OutputRequest::default() }).unwrap();
        let failed = replies.receive().unwrap_err();
        assert_eq!((failed.code(), failed.message()), (Code::Unknown, "test status message"));
        assert!(replies.next().is_none());
    });
}

#[test]
fn special_status_message() {
    bounded(|| {
        let server = serve();
        let message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
        let status = echo_status(Code::Unknown, message);
        let request = SimpleRequest { status, ..SimpleRequest::default() };
        let failed = server.client().unary_call(&request).unwrap_err();
        assert_eq!((failed.code(), failed.message()), (Code::Unknown, message));
    });
}

#[test]
fn every_code_arrives() {
    bounded(|| {
        let server = serve();
        let client = server.client();
        for number in 1..=16 {
            let code = Code::from_i32(number);
            let request =
                SimpleRequest { status: echo_status(code, "m"), ..SimpleRequest::default() };
            assert_eq!(client.unary_call(&request).unwrap_err().code(), code);
        }
    });
}

#[test]
fn unimplemented_method() {
    bounded(|| {
        let server = serve();
        let stub = Stub::new(&server.channel());
        let path = "/h2sync.testing.TestService/UnimplementedCall";
        let failed = stub.unary::<_, Empty, Empty>(Prost, path, &Empty {}).unwrap_err();
        assert_eq!(failed.code(), Code::Unimplemented);
    });
}

#[test]
fn unimplemented_service() {
    bounded(|| {
        let server = serve();
        let client = UnimplementedServiceClient::new(&server.channel());
        let failed = client.unimplemented_call(&Empty {}).unwrap_err();
        assert_eq!(failed.code(), Code::Unimplemented);
    });
}

#[test]
fn cancel_after_begin() {
    bounded(|| {
        let server = serve();
        let handle = CancelHandle::new();
        let client = server.client().with(CallOptions::new().cancel_with(&handle));
        let (_requests, reply) = client.streaming_input_call().unwrap();
        handle.cancel();
        assert_eq!(reply.wait().unwrap_err().code(), Code::Cancelled);
    });
}

#[test]
fn cancel_after_first_response() {
    bounded(|| {
        let server = serve();
        let handle = CancelHandle::new();
        let client = server.client().with(CallOptions::new().cancel_with(&handle));
        let (mut requests, mut replies) = client.full_duplex_call().unwrap();
        requests.send(&output(27_182, &[31_415])).unwrap();
        assert_eq!(replies.receive().unwrap().unwrap().payload.len(), 31_415);
        handle.cancel();
        assert_eq!(replies.receive().unwrap_err().code(), Code::Cancelled);
        assert_noticed(&server);
    });
}

/// Waits until the method of a call has begun.
fn assert_begun(server: &Running) {
    let begun = &server.service.begun;
    eventually(|| begun.load(Ordering::SeqCst) == 1);
}

/// The method notices that its client no longer waits.
fn assert_noticed(server: &Running) {
    let cancelled = &server.service.cancelled;
    eventually(|| cancelled.load(Ordering::SeqCst) == 1);
}

#[test]
fn method_that_receives_notices_the_cancellation() {
    bounded(|| {
        let server = serve();
        let handle = CancelHandle::new();
        let client = server.client().with(CallOptions::new().cancel_with(&handle));
        let (_requests, _reply) = client.streaming_input_call().unwrap();
        assert_begun(&server);
        handle.cancel();
        assert_noticed(&server);
    });
}

#[test]
fn method_that_sends_notices_the_cancellation() {
    bounded(|| {
        let server = serve();
        let handle = CancelHandle::new();
        let client = server.client().with(CallOptions::new().cancel_with(&handle));
        let (mut requests, mut replies) = client.full_duplex_call().unwrap();
        // More than the windows have room for: the method still sends when the first has arrived.
        requests.send(&output(0, &[1_000_000; 1_000])).unwrap();
        replies.receive().unwrap();
        handle.cancel();
        assert_noticed(&server);
    });
}

#[test]
fn dropped_receiver_cancels_the_call() {
    bounded(|| {
        let server = serve();
        let client = server.client();
        let mut request = output(0, &[1, 1]);
        request.sleep_ms = 90_000;
        let (mut requests, replies) = client.full_duplex_call().unwrap();
        requests.send(&request).unwrap();
        assert_begun(&server);
        drop(replies);
        assert_noticed(&server);
    });
}

#[test]
fn dropped_sender_cancels_the_call() {
    bounded(|| {
        let server = serve();
        let client = server.client();
        let (mut requests, mut replies) = client.full_duplex_call().unwrap();
        requests.send(&output(0, &[1])).unwrap();
        replies.receive().unwrap();
        drop(requests);
        let failed = replies.receive().unwrap_err();
        assert_eq!(failed.code(), Code::Cancelled, "{failed:?}");
        assert_noticed(&server);
    });
}

/// Sends to a call that its server ends early: the sender fails with the status of the call.
fn sent_to_a_call_that_has_ended(reads_first: bool) {
    let server = serve();
    let (mut requests, mut replies) = server.client().full_duplex_call().unwrap();
    let status = echo_status(Code::ResourceExhausted, "enough");
    requests.send(&OutputRequest { status, ..OutputRequest::default() }).unwrap();
    let read = reads_first.then(|| replies.receive());
    // When the windows are exhausted at the latest, the sender reads.
    let mut sent = std::iter::repeat_with(|| requests.send(&output(10 << 10, &[])));
    let failed = sent.find_map(Result::err).expect("the iterator has no end");
    for failed in [failed, read.unwrap_or_else(|| replies.receive()).unwrap_err()] {
        assert_eq!((failed.code(), failed.message()), (Code::ResourceExhausted, "enough"));
    }
}

#[test]
fn sender_reports_the_status_of_a_call_that_has_ended() {
    bounded(|| sent_to_a_call_that_has_ended(true));
}

#[test]
fn sender_reports_the_status_before_the_receiver_has_read_it() {
    bounded(|| sent_to_a_call_that_has_ended(false));
}

#[test]
fn sender_reports_that_a_response_message_is_too_large() {
    bounded(|| {
        let server = serve();
        let client = server.client().with(CallOptions::new().max_message(1_000));
        let (mut requests, mut replies) = client.full_duplex_call().unwrap();
        requests.send(&output(0, &[900])).unwrap();
        assert_eq!(replies.receive().unwrap().unwrap().payload.len(), 900);
        requests.send(&output(0, &[1_100])).unwrap();
        let received = replies.receive().unwrap_err();
        let sent = requests.send(&output(0, &[1])).unwrap_err();
        assert_eq!(
            (received.code(), sent.code()),
            (Code::ResourceExhausted, Code::ResourceExhausted)
        );
        assert_eq!(received.message(), sent.message());
    });
}

#[test]
fn sender_reports_that_its_message_is_too_large_for_the_server() {
    bounded(|| {
        let server = serve_with(Default::default(), |services| services.max_message(1_000));
        let (mut requests, reply) = server.client().streaming_input_call().unwrap();
        requests.send(&InputRequest { payload: payload(900) }).unwrap();
        let large = InputRequest { payload: payload(1_100) };
        let failed = std::iter::repeat_with(|| requests.send(&large)).find_map(Result::err);
        for status in [failed.unwrap(), reply.wait().unwrap_err()] {
            assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
        }
    });
}

#[test]
fn unary_call_is_cancelled_by_another_thread() {
    bounded(|| {
        let server = serve();
        let handle = CancelHandle::new();
        let client = server.client().with(CallOptions::new().cancel_with(&handle));
        let request = SimpleRequest { sleep_ms: 90_000, ..SimpleRequest::default() };
        let call = thread::spawn(move || client.unary_call(&request).unwrap_err());
        assert_begun(&server);
        handle.cancel();
        assert_eq!(call.join().unwrap().code(), Code::Cancelled);
        assert_noticed(&server);
    });
}

#[test]
fn timeout_on_sleeping_server() {
    bounded(|| {
        let server = serve();
        let options = CallOptions::new().timeout(Duration::from_millis(20));
        let client = server.client().with(options);
        let mut request = output(0, &[1]);
        request.sleep_ms = 90_000;
        let (mut requests, mut replies) = client.full_duplex_call().unwrap();
        // The deadline may have passed by now.
        let _ = requests.send(&request);
        assert_eq!(replies.receive().unwrap_err().code(), Code::DeadlineExceeded);

        let request = SimpleRequest { sleep_ms: 90_000, ..SimpleRequest::default() };
        let failed = client.unary_call(&request).unwrap_err();
        assert_eq!(failed.code(), Code::DeadlineExceeded);
    });
}

#[test]
fn deadline_that_has_passed_sends_nothing() {
    bounded(|| {
        let server = serve();
        let client = server.client().with(CallOptions::new().deadline(Instant::now()));
        assert_eq!(client.empty_call(&Empty {}).unwrap_err().code(), Code::DeadlineExceeded);
        assert_eq!(server.service.begun.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn server_knows_the_deadline() {
    bounded(|| {
        let server = serve();
        let client = server.client().with(CallOptions::new().timeout(LONG));
        let left = client.unary_call(&simple(0, 0)).unwrap().message().time_left_ms;
        assert!((1..=100_000).contains(&left), "{left}");
        let left = server.client().unary_call(&simple(0, 0)).unwrap().message().time_left_ms;
        assert_eq!(left, 0);
    });
}

#[test]
fn panic_is_internal_and_concerns_no_other_call() {
    bounded(|| {
        let server = serve();
        let client = server.client();
        let (mut requests, mut replies) = client.full_duplex_call().unwrap();
        requests.send(&output(0, &[1])).unwrap();
        replies.receive().unwrap();

        let request = SimpleRequest { panic: true, ..SimpleRequest::default() };
        assert_eq!(client.unary_call(&request).unwrap_err().code(), Code::Internal);
        let request = OutputRequest { panic: true, ..output(0, &[5, 5]) };
        let mut failing = client.streaming_output_call(&request).unwrap();
        assert_eq!(failing.receive().unwrap().unwrap().payload.len(), 5);
        assert_eq!(failing.receive().unwrap().unwrap().payload.len(), 5);
        assert_eq!(failing.receive().unwrap_err().code(), Code::Internal);

        requests.send(&output(0, &[2])).unwrap();
        assert_eq!(replies.receive().unwrap().unwrap().payload.len(), 2);
    });
}

#[test]
fn unreachable_server_is_unavailable() {
    bounded(|| {
        let address = serve().address();
        let client = TestServiceClient::new(&Channel::new(&format!("http://{address}")).unwrap());
        let failed = client.empty_call(&Empty {}).unwrap_err();
        assert_eq!(failed.code(), Code::Unavailable);
        assert!(failed.is_unprocessed());
    });
}

#[test]
fn two_threads_use_the_halves_of_a_call() {
    bounded(|| {
        let server = serve();
        let (mut requests, replies) = server.client().full_duplex_call().unwrap();
        let sender = thread::spawn(move || {
            for size in 0..2_000 {
                requests.send(&output(100, &[size])).unwrap();
            }
            requests.finish().unwrap();
        });
        let all: Vec<_> = (0..2_000).collect();
        assert_eq!(sizes(replies), all);
        sender.join().unwrap();
    });
}

#[test]
fn calls_of_many_threads() {
    bounded(|| {
        let server = serve();
        let client = server.client();
        let threads: Vec<_> = (0..20)
            .map(|_| {
                let client = client.clone();
                thread::spawn(move || {
                    for size in 0..100 {
                        let response = client.unary_call(&simple(10, size)).unwrap();
                        assert_eq!(response.message().payload.len(), size as usize);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}
