//! The access log.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use h2_sync::server::{Config, Handle, Request, Response, Server};
use h2_sync::{Error, ErrorCode, headers};
use log::Level;

use crate::capture::{install, lines_with};
use crate::support::http1::Raw;
use crate::support::{LONG, Peer, bounded, eventually, get, post};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

fn serve<H>(config: Config, handler: H) -> Handle
where
    H: Fn(&mut Request, &mut Response) -> Result<(), BoxError> + Send + Sync + 'static,
{
    install();
    Server::bind("127.0.0.1:0").unwrap().config(config).serve(handler).unwrap()
}

/// A line of the log: its fields, and the text.
struct Line {
    fields: Vec<(String, String)>,
    text: String,
}

impl Line {
    /// Parses a line as the documentation says.
    fn parse(text: &str) -> Self {
        let fields = text.split(' ').map(|field| {
            let (name, value) = field.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        });
        Line { fields: fields.collect(), text: text.to_owned() }
    }

    fn get(&self, name: &str) -> &str {
        &self.fields.iter().find(|field| field.0 == name).unwrap().1
    }

    #[track_caller]
    fn assert(&self, expected: &str) {
        let expected = Line::parse(expected);
        for (name, value) in &expected.fields {
            assert_eq!(self.get(name), value, "{name} in {}", self.text);
        }
    }
}

/// The one line of the access log with this in it, when it is there.
#[track_caller]
fn line_with(text: &str) -> Line {
    let about = || {
        let lines = lines_with(text);
        lines.into_iter().filter(|(_, line)| line.starts_with("peer=")).collect::<Vec<_>>()
    };
    eventually(|| !about().is_empty());
    let lines = about();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0].0, Level::Info);
    Line::parse(&lines[0].1)
}

fn echo(request: &mut Request, response: &mut Response) -> Result<(), BoxError> {
    let mut body = String::new();
    request.read_to_string(&mut body)?;
    response.set_status(201)?;
    Ok(write!(response, "<{body}>")?)
}

#[test]
fn request_of_http2_has_a_line_with_its_fields_in_order() {
    bounded(|| {
        let server = serve(Config::default(), echo);
        let mut peer = Peer::connect(server.local_addr().unwrap());
        let stream_id = peer.open(&post("/fields?password=12345"), false);
        peer.send_data(stream_id, "hello", true);
        let line = line_with(" path=/fields ");
        let address = peer.stream.local_addr().unwrap();
        line.assert(&format!(
            "peer={address} protocol=HTTP/2 method=POST authority=test path=/fields status=201 \
             received=5 sent=7 end=answered"
        ));
        let time: f64 = line.get("time").parse().unwrap();
        assert!((0.0..LONG.as_secs_f64()).contains(&time), "{}", line.text);
        let names: Vec<_> = line.fields.iter().map(|field| field.0.as_str()).collect();
        let order = "peer protocol method authority path status received sent time end";
        assert_eq!(names.join(" "), order);
    });
}

#[test]
fn request_of_http1_has_a_line() {
    bounded(|| {
        let server = serve(Config::default(), echo);
        let mut raw = Raw::connect(server.local_addr().unwrap());
        raw.send("PUT /http1?a HTTP/1.1\r\nhost: a.example\r\ncontent-length: 3\r\n\r\nabc");
        assert_eq!(raw.reply().status, 201);
        let address = raw.stream.local_addr().unwrap();
        line_with(" path=/http1 ").assert(&format!(
            "peer={address} protocol=HTTP/1.1 method=PUT authority=a.example status=201 \
             received=3 sent=5 end=answered"
        ));
    });
}

#[test]
fn hostile_target_cannot_forge_a_line() {
    bounded(|| {
        let server = serve(Config::default(), |_, _| Ok(()));
        let mut peer = Peer::connect(server.local_addr().unwrap());
        let fields = headers!(
            ":method" => "GET",
            ":scheme" => "http",
            ":authority" => "forged.example",
            ":path" => "/\"\\end=failed",
        );
        peer.open(&fields, true);
        line_with(" authority=forged.example ").assert("path=/\\x22\\x5cend=failed end=answered");
    });
}

#[test]
fn end_tells_what_the_handler_did() {
    bounded(|| {
        let server = serve(Config::default(), |request, response| match request.path() {
            "/access-fails" => Err("no such table".into()),
            "/access-panics" => panic!("out of range"),
            "/access-late" => {
                request.set_read_timeout(Some(Duration::from_millis(1)));
                echo(request, response)
            }
            "/access-large" => {
                request.set_max_body(1);
                echo(request, response)
            }
            "/access-form" => request.form().map(drop).map_err(Into::into),
            _ => {
                response.flush()?;
                Err("too late for a status".into())
            }
        });
        let mut peer = Peer::connect(server.local_addr().unwrap());
        for path in ["/access-fails", "/access-panics", "/access-late", "/access-flushed"] {
            peer.open(&post(path), false);
        }
        let stream_id = peer.open(&post("/access-large"), false);
        peer.send_data(stream_id, "two", true);
        peer.open(&post("/access-form"), true);
        line_with(" path=/access-fails ").assert("status=500 end=failed");
        line_with(" path=/access-panics ").assert("status=500 end=panicked");
        line_with(" path=/access-late ").assert("status=408 end=timed_out");
        line_with(" path=/access-large ").assert("status=413 end=refused");
        line_with(" path=/access-form ").assert("status=415 end=refused");
        line_with(" path=/access-flushed ").assert("status=200 end=failed");
    });
}

#[test]
fn request_that_its_client_resets_is_cancelled() {
    bounded(|| {
        let server = serve(Config::default(), |request, response| {
            if request.path() == "/access-reset" {
                return echo(request, response);
            }
            loop {
                response.write_all(&[b'x'; 10_000])?;
            }
        });
        let mut peer = Peer::connect(server.local_addr().unwrap());
        let stream_id = peer.open(&post("/access-reset"), false);
        eventually(|| server.stats().handlers_running == 1);
        peer.reset(stream_id, ErrorCode::Cancel);
        line_with(" path=/access-reset ").assert("end=cancelled");

        let mut raw = Raw::connect(server.local_addr().unwrap());
        raw.send("GET /access-cut HTTP/1.1\r\nhost: a\r\n\r\n");
        eventually(|| server.stats().handlers_running == 1);
        drop(raw);
        line_with(" path=/access-cut ").assert("protocol=HTTP/1.1 status=200 end=cancelled");
    });
}

#[test]
fn handler_over_its_timeout_has_timed_out() {
    bounded(|| {
        let mut config = Config::default();
        config.handler_timeout = Some(Duration::from_millis(20));
        let server = serve(config, |request, _| {
            request.wait_cancelled(LONG);
            Ok(())
        });
        let mut peer = Peer::connect(server.local_addr().unwrap());
        peer.open(&get("/access-hangs"), true);
        line_with(" path=/access-hangs ").assert("status=- end=timed_out");
    });
}

#[test]
fn request_without_a_permit_is_refused() {
    bounded(|| {
        let mut config = Config::default();
        config.max_handlers = 1;
        config.max_handlers_per_connection = 1;
        config.max_waiting_handlers = 0;
        config.queue_timeout = Duration::from_millis(20);
        let server = serve(config, |request, _| {
            request.wait_cancelled(LONG);
            Ok(())
        });
        let mut peer = Peer::connect(server.local_addr().unwrap());
        peer.open(&get("/access-first"), true);
        eventually(|| server.stats().handlers_running == 1);
        peer.open(&get("/access-second"), true);
        line_with(" path=/access-second ").assert("protocol=HTTP/2 status=- end=refused");
        let mut raw = Raw::connect(server.local_addr().unwrap());
        raw.send("GET /access-third HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_eq!(raw.reply().status, 503);
        line_with(" path=/access-third ").assert("protocol=HTTP/1.1 status=503 end=refused");
    });
}

#[test]
fn malformed_request_of_http1_is_refused() {
    bounded(|| {
        let server = serve(Config::default(), echo);
        let mut raw = Raw::connect(server.local_addr().unwrap());
        let address = raw.stream.local_addr().unwrap();
        raw.send("GET / HTTP/1.1\r\nno host\r\n\r\n");
        assert_eq!(raw.reply().status, 400);
        line_with(&format!("peer={address} ")).assert(
            "protocol=HTTP/1.x method=- authority=- path=- status=400 received=0 sent=0 time=- \
             end=refused",
        );
    });
}

#[test]
fn line_of_a_split_response_is_written_when_its_halves_are_gone() {
    bounded(|| {
        let server = serve(Config::default(), |request, response| {
            let is_finished = request.path() == "/access-split";
            let (_, mut send) = response.split(request)?;
            thread::spawn(move || -> Result<(), Error> {
                send.write_all(b"later")?;
                if is_finished {
                    send.finish()?;
                }
                Ok(())
            });
            Ok(())
        });
        let mut peer = Peer::connect(server.local_addr().unwrap());
        peer.open(&get("/access-split"), true);
        line_with(" path=/access-split ").assert("status=200 sent=5 end=answered");
        peer.open(&get("/access-dropped"), true);
        line_with(" path=/access-dropped ").assert("status=200 sent=0 end=unfinished");
    });
}

#[test]
fn line_of_a_tunnel_counts_its_octets() {
    bounded(|| {
        let server = serve(Config::default(), |request, response| {
            let (mut recv, mut send) = response.upgrade(request, "echo")?;
            while let Some(octets) = recv.next_chunk()? {
                send.send(octets)?;
            }
            Ok(send.finish()?)
        });
        let mut raw = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let asks = "GET /access-tunnel HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\n\
                    upgrade: echo\r\n\r\n";
        raw.write_all(asks.as_bytes()).unwrap();
        raw.write_all(b"four").unwrap();
        raw.shutdown(std::net::Shutdown::Write).unwrap();
        raw.read_to_end(&mut Vec::new()).unwrap();
        let line = line_with(" path=/access-tunnel ");
        line.assert("status=101 received=4 sent=4 end=answered");
    });
}
