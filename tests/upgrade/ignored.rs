//! Requests that mention h2c and do not ask for it as RFC 7540, Section 3.2.1 says.

use h2_sync::upgrade::Detected;

use crate::support::{detect_in_steps, STEPS, WISH};

#[track_caller]
fn assert_ordinary(request: &str) {
    for step in STEPS {
        let (detected, written) = detect_in_steps(request, step);
        assert!(matches!(detected, Ok(Detected::Http1(_))), "{request}: {detected:?}");
        assert_eq!(written.text(), "");
    }
}

/// A valid request, but for one thing.
fn but(from: &str, to: &str) -> String {
    let request = format!("GET / HTTP/1.1\r\n{WISH}\r\n");
    assert!(request.contains(from));
    request.replacen(from, to, 1)
}

#[test]
fn another_protocol_is_asked_for() {
    assert_ordinary(&but("Upgrade: h2c", "Upgrade: websocket"));
    // RFC 7540, Section 3.2: this one means HTTP/2 over TLS, and is ignored.
    assert_ordinary(&but("Upgrade: h2c", "Upgrade: h2"));
    assert_ordinary(&but("Upgrade: h2c", "Upgrade: h2c/1"));
}

#[test]
fn there_are_no_settings() {
    assert_ordinary(&but("HTTP2-Settings: AAMAAABkAAQAAP__\r\n", ""));
}

#[test]
fn connection_does_not_list_what_it_has_to() {
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
fn lists_have_no_case_and_may_be_in_pieces() {
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
