//! Requests that mention h2c but do not meet RFC 7540, Section 3.2.1.

use h2_sync::upgrade::Detected;

use crate::support::{STEPS, WISH, detect_in_steps};

#[track_caller]
fn assert_ordinary(request: &str) {
    for step in STEPS {
        let (detected, written) = detect_in_steps(request, step);
        assert!(matches!(detected, Ok(Detected::Http1(_))), "{request}: {detected:?}");
        assert_eq!(written.text(), "");
    }
}

/// A valid request with one change.
fn but(from: &str, to: &str) -> String {
    let request = format!("GET / HTTP/1.1\r\n{WISH}\r\n");
    assert!(request.contains(from));
    request.replacen(from, to, 1)
}

#[test]
fn an_upgrade_to_another_protocol() {
    assert_ordinary(&but("Upgrade: h2c", "Upgrade: websocket"));
    // RFC 7540, Section 3.2: "h2" stands for HTTP/2 over TLS, and is ignored.
    assert_ordinary(&but("Upgrade: h2c", "Upgrade: h2"));
    assert_ordinary(&but("Upgrade: h2c", "Upgrade: h2c/1"));
}

#[test]
fn a_request_without_settings() {
    assert_ordinary(&but("HTTP2-Settings: AAMAAABkAAQAAP__\r\n", ""));
}

#[test]
fn an_incomplete_connection_field() {
    assert_ordinary(&but("Connection: Upgrade, HTTP2-Settings", "Connection: Upgrade"));
    assert_ordinary(&but("Connection: Upgrade, HTTP2-Settings", "Connection: HTTP2-Settings"));
    assert_ordinary(&but("Connection: Upgrade, HTTP2-Settings\r\n", ""));
}

#[test]
fn http_1_0_has_no_upgrade() {
    assert_ordinary(&but("HTTP/1.1", "HTTP/1.0"));
}

#[test]
fn connect_makes_another_kind_of_connection() {
    let request = but("GET /", "CONNECT test:80");
    assert_ordinary(&request.replace("Host: test", "Host: test:80"));
}

#[test]
fn lists_ignore_case_and_may_be_split() {
    for request in [
        but("Upgrade: h2c", "Upgrade: websocket, H2C"),
        but(
            "Connection: Upgrade, HTTP2-Settings",
            "connection: upgrade\r\nconnection:http2-settings",
        ),
        but("Connection: Upgrade, HTTP2-Settings", "Connection: close,,http2-SETTINGS ,UPGRADE"),
        but("Upgrade: h2c", "Upgrade: a/1\r\nUpgrade: h2c"),
        // SETTINGS without an entry.
        but("HTTP2-Settings: AAMAAABkAAQAAP__", "HTTP2-Settings:"),
    ] {
        let (detected, _) = detect_in_steps(&request, 5);
        assert!(matches!(detected, Ok(Detected::Upgrade(_))), "{request}: {detected:?}");
    }
}
