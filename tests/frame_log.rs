//! The log of frames has those that are not valid, which is where one looks for them.

use std::sync::Mutex;
use std::time::Instant;

use bytes::BytesMut;
use h2_sync::frame::PREFACE;
use h2_sync::proto::{Config, Connection, Role, TRACE_TARGET};

/// Gathers the lines about frames.
struct Lines(Mutex<Vec<String>>);

static LINES: Lines = Lines(Mutex::new(Vec::new()));

impl log::Log for Lines {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target() == TRACE_TARGET
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            self.0.lock().unwrap().push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// What a server logs of these octets, behind the preface and SETTINGS.
fn logged(octets: &[u8]) -> Vec<String> {
    let now = Instant::now();
    let mut server = Connection::new(Role::Server, Config::default(), now).unwrap();
    let mut input = BytesMut::from(&PREFACE[..]);
    input.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
    server.receive(&mut input, now).unwrap();
    LINES.0.lock().unwrap().clear();
    input.extend_from_slice(octets);
    let _ = server.receive(&mut input, now);
    let lines = std::mem::take(&mut *LINES.0.lock().unwrap());
    lines.into_iter().filter(|line| line.starts_with("server recv")).collect()
}

// One test, as there is one logger.
#[test]
fn frames_that_are_not_valid_are_in_the_frame_log() {
    log::set_logger(&LINES).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    for (octets, line) in [
        // A PING of one octet.
        (&[0, 0, 1, 6, 0, 0, 0, 0, 0, 0xff][..], "server recv PING length=1 invalid: "),
        // DATA of 2^24-1 octets, of which only the head has come.
        (
            &[0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1],
            "server recv DATA stream=1 length=16777215 invalid: ",
        ),
        // WINDOW_UPDATE of nothing, which is an error of its stream.
        (
            &[0, 0, 4, 8, 0, 0, 0, 0, 1, 0, 0, 0, 0],
            "server recv WINDOW_UPDATE stream=1 length=4 invalid: ",
        ),
        // CONTINUATION without HEADERS.
        (
            &[0, 0, 0, 9, 4, 0, 0, 0, 1],
            "server recv CONTINUATION stream=1 length=0 flags=END_HEADERS invalid: ",
        ),
        // A request to promise from a client.
        (&[0, 0, 4, 5, 4, 0, 0, 0, 1, 0, 0, 0, 2], "server recv PUSH_PROMISE stream=1"),
        // A field block that does not decode.
        (&[0, 0, 1, 1, 5, 0, 0, 0, 1, 0x80], "server recv HEADERS stream=1"),
    ] {
        let lines = logged(octets);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with(line), "{lines:?}");
    }
}
