//! At which level a line is written, and what it tells.

use std::io::{self, Read, Write};
use std::time::Duration;

use h2_sync::ErrorCode;
use h2_sync::frame::WindowUpdate;
use h2_sync::server::{Config, Handle, Request, Response, Server};
use log::Level;

use crate::capture::{install, lines_with};
use crate::support::{LONG, Peer, bounded, eventually, post};

fn serve<H>(handler: H) -> Handle
where
    H: Fn(&mut Request, &mut Response) -> io::Result<()> + Send + Sync + 'static,
{
    serve_with(Config::default(), handler)
}

fn serve_with<H>(config: Config, handler: H) -> Handle
where
    H: Fn(&mut Request, &mut Response) -> io::Result<()> + Send + Sync + 'static,
{
    install();
    Server::bind("127.0.0.1:0").unwrap().config(config).serve(handler).unwrap()
}

/// The one line about this path, when it is there.
fn line_about(path: &str) -> (Level, String) {
    let about = || lines_with(&format!("POST {path} from"));
    eventually(|| !about().is_empty());
    let lines = about();
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].clone()
}

#[track_caller]
fn assert_tells(line: &str, peer: &Peer, path: &str, why: &str) {
    let address = peer.stream.local_addr().unwrap();
    let expected = format!("POST {path} from {address}, stream 1: ");
    assert!(line.starts_with(&expected) && line.ends_with(why), "{line}");
}

#[test]
fn handler_that_fails_is_an_error_with_the_request() {
    bounded(|| {
        let server = serve(|_, _| Err(io::Error::other("no such table")));
        let mut peer = Peer::connect(server.local_addr().unwrap());
        peer.open(&post("/fails?password=12345"), true);
        let (level, line) = line_about("/fails");
        assert_eq!(level, Level::Error);
        assert_tells(&line, &peer, "/fails", "the handler failed: no such table");
    });
}

#[test]
fn handler_that_panics_is_an_error_with_the_request() {
    bounded(|| {
        let server = serve(|_, _| panic!("out of range"));
        let mut peer = Peer::connect(server.local_addr().unwrap());
        peer.open(&post("/panics"), true);
        let (level, line) = line_about("/panics");
        assert_eq!(level, Level::Error);
        assert_tells(&line, &peer, "/panics", "the handler panicked: out of range");
    });
}

#[test]
fn handler_that_runs_for_too_long_is_an_error_with_the_request() {
    bounded(|| {
        let mut config = Config::default();
        config.handler_timeout = Some(Duration::from_millis(50));
        let server = serve_with(config, |request, _| {
            request.wait_cancelled(LONG);
            Ok(())
        });
        let mut peer = Peer::connect(server.local_addr().unwrap());
        peer.open(&post("/hangs"), true);
        let (level, line) = line_about("/hangs");
        assert_eq!(level, Level::Error);
        let why = "reset, since the handler ran for more than 50ms (handler_timeout)";
        assert_tells(&line, &peer, "/hangs", why);
    });
}

#[test]
fn handler_whose_client_has_gone_is_no_error() {
    bounded(|| {
        let server = serve(|request, _| request.read_to_end(&mut Vec::new()).map(drop));
        let mut peer = Peer::connect(server.local_addr().unwrap());
        let stream_id = peer.open(&post("/gone"), false);
        eventually(|| server.stats().handlers_running == 1);
        peer.reset(stream_id, ErrorCode::Cancel);
        assert_eq!(line_about("/gone").0, Level::Debug);
    });
}

#[test]
fn body_over_the_limit_is_no_error_of_the_handler() {
    bounded(|| {
        let server = serve(|request, response| {
            request.set_max_body(1);
            request.read_to_end(&mut Vec::new())?;
            response.write_all(b"not reached")
        });
        let mut peer = Peer::connect(server.local_addr().unwrap());
        let stream_id = peer.open(&post("/large"), false);
        peer.send_data(stream_id, "two", true);
        assert_eq!(line_about("/large").0, Level::Debug);
    });
}

/// An attack must not fill the log.
#[test]
fn what_a_peer_does_wrong_is_logged_at_debug() {
    bounded(|| {
        let server = serve(|_, _| Ok(()));
        let mut peer = Peer::connect(server.local_addr().unwrap());
        let address = peer.stream.local_addr().unwrap().to_string();
        for _ in 0..20 {
            let stream_id = peer.open(&post("/attack"), false);
            // RFC 9113, Section 6.9: that is a stream error.
            peer.send(WindowUpdate { stream_id, increment: 0 });
        }
        let is_reset = "is reset with PROTOCOL_ERROR";
        eventually(|| lines_with(is_reset).len() >= 20);
        peer.write(b"not a frame at all");
        peer.until_closed();
        // The access log is about every request.
        let is_access = |line: &str| line.starts_with("peer=");
        let loud = |(level, line): &(Level, String)| {
            *level < Level::Debug && line.contains(&address) && !is_access(line)
        };
        assert!(!lines_with("").iter().any(loud));
        assert!(lines_with(is_reset).iter().all(|(level, _)| *level == Level::Debug));
    });
}
