//! The calls that our client makes to any server of the test service, and what our server adds for
//! other clients.

use std::thread;
use std::time::Duration;

use h2_sync_grpc::client::{CallOptions, CancelHandle, Channel, Stub};
use h2_sync_grpc::health::Health;
use h2_sync_grpc::prost_types::Any;
use h2_sync_grpc::server::Services;
use h2_sync_grpc::{Code, Compression, Prost, Status};
use h2_sync_grpc_interop::pb::{
    EchoStatus, Empty, InputRequest, OutputRequest, SimpleRequest, TestServiceClient,
};
use h2_sync_grpc_interop::{ECHO_INITIAL, ECHO_TRAILING, LONG, payload};

/// What lies between the client and the service.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Way {
    /// A proxy that cuts bodies by its own rules, or ends calls by itself.
    pub(crate) is_proxied: bool,
}

/// The services of our server beside the test service, which clients of others call as well.
pub(crate) fn with_all(services: Services) -> Services {
    services.service(Health::new().service()).with_reflection().compression(Compression::Gzip)
}

/// Makes calls of all kinds.
pub(crate) fn run(channel: &Channel, way: Way) {
    let client = TestServiceClient::new(channel);
    let client = client.with(CallOptions::new().timeout(LONG).max_message(64 << 20));
    unary(&client);
    streams(&client);
    metadata(&client);
    statuses(&client);
    calls_of_threads(&client, 20, 100);
    let stub = Stub::new(channel);
    let path = "/h2sync.testing.TestService/Nothing";
    let failed = stub.unary::<_, Empty, Empty>(Prost, path, &Empty {}).unwrap_err();
    assert_eq!(failed.code(), Code::Unimplemented, "{failed:?}");
    compression(&client);
    if !way.is_proxied {
        endings(&client);
    }
}

fn unary(client: &TestServiceClient) {
    client.empty_call(&Empty {}).unwrap();
    for size in [0, 1, 16_378, 16_379, 65_535, 65_536, 314_159, 3 << 20] {
        let request = SimpleRequest {
            response_size: size,
            payload: payload(size),
            ..SimpleRequest::default()
        };
        let response = client.unary_call(&request).unwrap();
        assert_eq!(response.message().payload.len(), size as usize);
    }
    let response = client.unary_call(&SimpleRequest::default()).unwrap();
    let left = response.message().time_left_ms;
    assert!((1..=100_000).contains(&left), "{left}");
}

fn streams(client: &TestServiceClient) {
    let sizes = vec![31_415, 9, 2_653, 58_979];
    let request = OutputRequest { sizes: sizes.clone(), ..OutputRequest::default() };
    let replies = client.streaming_output_call(&request).unwrap();
    let received: Vec<_> = replies.map(|reply| reply.unwrap().payload.len() as i32).collect();
    assert_eq!(received, sizes);

    let many = OutputRequest { sizes: vec![100; 10_000], ..OutputRequest::default() };
    assert_eq!(client.streaming_output_call(&many).unwrap().flatten().count(), 10_000);

    let (mut requests, reply) = client.streaming_input_call().unwrap();
    for size in [27_182, 8, 1_828, 45_904] {
        requests.send(&InputRequest { payload: payload(size) }).unwrap();
    }
    requests.finish().unwrap();
    assert_eq!(reply.wait().unwrap().message().size, 74_922);

    // grpc-go answers a DATA frame with a PING.
    let (mut requests, reply) = client.streaming_input_call().unwrap();
    for _ in 0..10_000 {
        requests.send(&InputRequest { payload: payload(100) }).unwrap();
    }
    requests.finish().unwrap();
    assert_eq!(reply.wait().unwrap().message().size, 1_000_000);

    let (mut requests, mut replies) = client.full_duplex_call().unwrap();
    for size in sizes {
        let request = OutputRequest { sizes: vec![size], ..OutputRequest::default() };
        requests.send(&request).unwrap();
        assert_eq!(replies.receive().unwrap().unwrap().payload.len(), size as usize);
    }
    requests.finish().unwrap();
    assert!(replies.receive().unwrap().is_none());

    let (requests, mut replies) = client.full_duplex_call().unwrap();
    requests.finish().unwrap();
    assert!(replies.receive().unwrap().is_none());
}

fn metadata(client: &TestServiceClient) {
    let mut options = CallOptions::new().timeout(LONG).metadata(ECHO_INITIAL, "value").unwrap();
    options.metadata_mut().insert_bin(ECHO_TRAILING, [0xab, 0, 0xff]).unwrap();
    let client = client.with(options);
    let response = client.unary_call(&SimpleRequest::default()).unwrap();
    assert_eq!(response.headers().get(ECHO_INITIAL), Some("value"));
    assert_eq!(response.trailers().get_bin(ECHO_TRAILING).unwrap()[..], [0xab, 0, 0xff]);
}

fn statuses(client: &TestServiceClient) {
    let special = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
    for (code, message) in [(Code::Unknown, "m"), (Code::NotFound, special)] {
        let status = Some(EchoStatus::from(&Status::new(code, message)));
        let request = SimpleRequest { status: status.clone(), ..SimpleRequest::default() };
        let failed = client.unary_call(&request).unwrap_err();
        assert_eq!((failed.code(), failed.message()), (code, message));
        let request = OutputRequest { sizes: vec![5], status, ..OutputRequest::default() };
        let mut replies = client.streaming_output_call(&request).unwrap();
        assert_eq!(replies.receive().unwrap().unwrap().payload.len(), 5);
        let failed = replies.receive().unwrap_err();
        assert_eq!((failed.code(), failed.message()), (code, message));
    }
    let details = vec![Any { type_url: "type.googleapis.com/a.B".into(), value: vec![8, 0xff] }];
    let status = Status::not_found("m").with_messages(details.clone());
    let status = Some(EchoStatus::from(&status));
    let failed = client.unary_call(&SimpleRequest { status, ..SimpleRequest::default() });
    assert_eq!(failed.unwrap_err().messages().unwrap(), details);
}

/// Makes 10,000 calls from 40 threads.
pub(crate) fn ten_thousand_calls(channel: &Channel) {
    let client = TestServiceClient::new(channel).with(CallOptions::new().timeout(LONG));
    calls_of_threads(&client, 40, 250);
}

fn calls_of_threads(client: &TestServiceClient, threads: usize, calls: i32) {
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for size in 0..calls {
                    let request = SimpleRequest { response_size: size, ..SimpleRequest::default() };
                    let response = client.unary_call(&request).unwrap();
                    assert_eq!(response.message().payload.len(), size as usize);
                }
            });
        }
    });
}

fn compression(client: &TestServiceClient) {
    let client = client.with(CallOptions::new().timeout(LONG).compression(Compression::Gzip));
    let request = SimpleRequest {
        response_size: 1_000,
        payload: payload(271_828),
        ..SimpleRequest::default()
    };
    assert_eq!(client.unary_call(&request).unwrap().message().payload.len(), 1_000);
}

fn endings(client: &TestServiceClient) {
    let request = SimpleRequest { sleep_ms: 3_000, ..SimpleRequest::default() };
    let hasty = client.with(CallOptions::new().timeout(Duration::from_millis(30)));
    assert_eq!(hasty.unary_call(&request).unwrap_err().code(), Code::DeadlineExceeded);

    let handle = CancelHandle::new();
    let client = client.with(CallOptions::new().timeout(LONG).cancel_with(&handle));
    let (mut requests, mut replies) = client.full_duplex_call().unwrap();
    requests.send(&OutputRequest { sizes: vec![10], ..OutputRequest::default() }).unwrap();
    assert_eq!(replies.receive().unwrap().unwrap().payload.len(), 10);
    handle.cancel();
    assert_eq!(replies.receive().unwrap_err().code(), Code::Cancelled);
}
