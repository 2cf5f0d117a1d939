use std::error::Error as _;

use http::Uri;

use super::*;
use crate::frame::StreamId;

#[test]
fn a_full_buffer_is_distinct_from_an_invalid_call() {
    let mistake = Error::from(CommandError::SendClosed(StreamId::from_wire(3)));
    let full = Error::from(CommandError::Full { stream_id: StreamId::CONNECTION });
    assert_eq!((mistake.kind(), full.kind()), (ErrorKind::Caller, ErrorKind::Full));
    assert!(full.is_full() && !mistake.is_full());
}

#[test]
fn an_error_round_trips_through_an_io_error() {
    let error = Error::from(ConnectionError::timeout(ErrorCode::SettingsTimeout, "late"));
    let io = io::Error::from(error.clone());
    assert_eq!(io.kind(), io::ErrorKind::TimedOut);
    let back = Error::from(io);
    assert_eq!((back.kind(), back.code()), (error.kind(), error.code()));
}

#[test]
fn an_error_of_a_request_has_the_url_without_the_password() {
    let url: Uri = "http://user:secret@a:1/b?c".parse().unwrap();
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    let error = Error::io("connecting to a:1", refused).in_phase(Phase::Connect).with_url(&url);
    assert_eq!(error.url(), Some("http://a:1/b?c"));
    assert_eq!(error.to_string(), "http://a:1/b?c: connecting to a:1 failed: connection refused");
    assert_eq!(format!("{error:?}"), error.to_string());
    assert!(!format!("{error:#?}").contains("secret"));
    assert!(error.is_connect() && !error.is_timeout());
    assert_eq!(
        error.clone().without_url().to_string(),
        "connecting to a:1 failed: connection refused"
    );
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn the_first_phase_and_url_stay() {
    let error = Error::timeout("too late").in_phase(Phase::Slot).in_phase(Phase::Response);
    assert_eq!(error.phase(), Some(Phase::Slot));
    let [a, b]: [Uri; 2] = ["http://a/", "http://b/"].map(|url| url.parse().unwrap());
    assert_eq!(error.with_url(&a).with_url(&b).url(), Some("http://a/"));
}

#[test]
fn a_socket_timeout_is_reported_as_a_timeout() {
    let late = io::Error::from(io::ErrorKind::WouldBlock);
    let error = Error::io("asking the proxy", late).in_phase(Phase::Connect);
    assert!(error.is_timeout());
    assert_eq!(error.to_string(), "asking the proxy timed out (connecting)");
}

#[test]
fn a_source_does_not_repeat_the_text() {
    let inner = io::Error::other("the cable is cut");
    let error = Error::from(io::Error::other(inner));
    let mut chain = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        chain.push(cause.to_string());
        source = cause.source();
    }
    let text = chain.join("; ");
    assert_eq!(text.matches("the cable is cut").count(), 1, "{text}");
    assert!(error.as_io_error().is_some());
}

#[test]
fn the_error_of_a_reset_has_the_reason() {
    let reset = |detail: Option<&str>| StreamReset {
        stream_id: StreamId::from_wire(3),
        code: ErrorCode::ProtocolError,
        by: ResetBy::Violation,
        retry_safe: false,
        detail: detail.map(Arc::from),
    };
    let told = |detail| Error::from(reset(detail)).to_string();
    let start = "stream 3 was reset: the peer violated the protocol";
    assert_eq!(told(None), format!("{start} (PROTOCOL_ERROR)"));
    assert_eq!(told(Some("no :status")), format!("{start}: no :status (PROTOCOL_ERROR)"));
}
