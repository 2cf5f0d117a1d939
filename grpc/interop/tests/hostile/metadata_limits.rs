//! The limit of metadata at both ends, 8 KiB by default.

use h2_sync_grpc::client::{CallOptions, Channel};
use h2_sync_grpc::{Code, Status};
use h2_sync_grpc_interop::pb::{EchoStatus, Empty, SimpleRequest, TestServiceClient};
use h2_sync_grpc_interop::{ECHO_INITIAL, bounded, serve, serve_with};

/// Returns options with `octets` of metadata, which the server does not send back.
fn options(octets: usize) -> CallOptions {
    CallOptions::new().metadata("x-large", "m".repeat(octets)).unwrap()
}

#[test]
fn server_refuses_requests_with_too_much_metadata() {
    bounded(|| {
        let server = serve();
        let client = server.client();
        client.with(options(7 << 10)).empty_call(&Empty {}).unwrap();
        let refused = client.with(options(9 << 10)).empty_call(&Empty {}).unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
        assert!(refused.message().contains("exceeds 8192 octets (max_metadata)"), "{refused}");
        client.empty_call(&Empty {}).unwrap();
    });
}

#[test]
fn server_accepts_more_metadata_if_its_limit_is_raised() {
    bounded(|| {
        let server = serve_with(Default::default(), |services| services.max_metadata(32 << 10));
        let client = server.client();
        client.with(options(30 << 10)).empty_call(&Empty {}).unwrap();
        let refused = client.with(options(33 << 10)).empty_call(&Empty {}).unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    });
}

#[test]
fn client_refuses_headers_with_too_much_metadata() {
    bounded(|| {
        let server = serve_with(Default::default(), |services| services.max_metadata(32 << 10));
        let client = server.client();
        let echoed = CallOptions::new().metadata(ECHO_INITIAL, "m".repeat(9 << 10)).unwrap();
        let request = SimpleRequest::default();
        let refused = client.with(echoed.clone()).unary_call(&request).unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
        let response = client.with(echoed.max_metadata(10 << 10)).unary_call(&request).unwrap();
        assert_eq!(response.headers().get(ECHO_INITIAL).map(str::len), Some(9 << 10));
    });
}

#[test]
fn client_refuses_trailers_with_too_much_metadata() {
    bounded(|| {
        let server = serve();
        let failure = |octets| {
            let status = Some(EchoStatus::from(&Status::not_found("m".repeat(octets))));
            SimpleRequest { status, ..SimpleRequest::default() }
        };
        let code = |client: &TestServiceClient, octets| {
            client.unary_call(&failure(octets)).unwrap_err().code()
        };
        let client = server.client();
        assert_eq!(code(&client, 7 << 10), Code::NotFound);
        assert_eq!(code(&client, 9 << 10), Code::ResourceExhausted);
        let raised = Channel::builder(&server.url())
            .options(CallOptions::new().max_metadata(62 << 10))
            .build()
            .unwrap();
        assert_eq!(code(&TestServiceClient::new(&raised), 60 << 10), Code::NotFound);
    });
}
