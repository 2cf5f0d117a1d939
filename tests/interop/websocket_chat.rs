//! The example `chat` with our clients, one of which does not read.

use std::time::Duration;

use h2_sync::client::Versions;
use h2_sync::websocket::{self, WebSocket};

use crate::server_examples::start;
use crate::websocket::client;

const LINES: usize = 2_000;

/// The octets of a line. All lines together exceed the buffers of sockets and windows.
const LINE: usize = 8 << 10;

/// The longest wait for a line: a line that never comes fails the test that waits for it.
const LINE_TIMEOUT: Duration = Duration::from_secs(60);

/// Reads until a line has this prefix, and returns it.
pub(crate) fn line_of(member: &mut WebSocket, begin: &str) -> String {
    loop {
        let message = member.read_within(LINE_TIMEOUT).unwrap().expect("the room goes on");
        let line = message.as_text().expect("lines are text");
        if line.starts_with(begin) {
            return line.to_owned();
        }
    }
}

#[track_caller]
fn assert_slow_member_does_not_delay_others(versions: Versions) {
    let Some(server) = start("chat", &[]) else { return };
    let client = client(versions);
    let join = |name: &str| {
        let url = server.url(&format!("/rooms/lobby?name={name}")).replacen("http", "ws", 1);
        websocket::connect(&client, url).unwrap()
    };
    let carol = join("carol");
    let mut brian = join("brian");
    // The handshake ends before its handler has entered the room.
    line_of(&mut brian, "* brian joined");
    let mut ada = join("ada");
    let line = "x".repeat(LINE);
    for n in 0..LINES {
        ada.send(format!("{n} {line}")).unwrap();
        let heard = format!("ada: {n} {line}");
        // Both receive it before the next one is sent, so neither falls behind.
        assert!(
            line_of(&mut brian, "ada: ") == heard && line_of(&mut ada, "ada: ") == heard,
            "{n}"
        );
    }
    drop(carol);
}

#[test]
fn slow_member_does_not_delay_others_over_http_1() {
    assert_slow_member_does_not_delay_others(Versions::Http1);
}

#[test]
fn slow_member_does_not_delay_others_over_http_2() {
    assert_slow_member_does_not_delay_others(Versions::Http2);
}
