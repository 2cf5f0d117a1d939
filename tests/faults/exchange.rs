//! The exchange on each connection: sequential and parallel requests, bodies and trailers in both
//! directions, a PING, and a graceful end.

use std::io::{self, Read, Write};
use std::time::Duration;

use h2_sync::client::Connection;
use h2_sync::server::{self, Request, Response};
use h2_sync::{Config, Error};
use http::HeaderMap;

use crate::sweep::LONG;

/// The answers that [`ask`] returns without a fault.
pub(crate) const RIGHT: [&str; 5] =
    ["200 hello", "200 one two three end=yes", "pong", "200 hello", "200 at once"];

/// The outcome of an exchange: the answers up to an error, if there was one.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) answers: Vec<String>,
    pub(crate) error: Option<Error>,
    /// It stopped on request.
    pub(crate) is_stopped: bool,
}

impl Asked {
    /// Asserts that all answers are correct, and that only an error ends the exchange early.
    #[track_caller]
    pub(crate) fn is_right(&self) {
        let Asked { answers, error, is_stopped } = self;
        assert_eq!(*answers, RIGHT[..answers.len()], "{error:?}");
        assert!(error.is_some() || *is_stopped || self.is_complete(), "{answers:?}");
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.answers.len() == RIGHT.len()
    }
}

/// Sends all requests.
pub(crate) fn ask(connection: &Connection) -> Asked {
    ask_in_steps(connection, &mut || true)
}

/// The same; calls `goes_on` before each step. After `false` everything open is dropped.
pub(crate) fn ask_in_steps(connection: &Connection, goes_on: &mut dyn FnMut() -> bool) -> Asked {
    let mut answers = Vec::new();
    let mut step = || if goes_on() { Ok(()) } else { Err(Stop::Told) };
    let (error, is_stopped) = match try_ask(connection, &mut step, &mut answers) {
        Ok(()) => (None, false),
        Err(Stop::Told) => (None, true),
        Err(Stop::Failed(error)) => (Some(error), false),
    };
    Asked { answers, error, is_stopped }
}

/// The reason why an exchange ends early.
enum Stop {
    Told,
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Stop::Failed(error.into())
    }
}

fn try_ask(
    connection: &Connection,
    step: &mut dyn FnMut() -> Result<(), Stop>,
    answers: &mut Vec<String>,
) -> Result<(), Stop> {
    step()?;
    answers.push(get(connection)?);

    step()?;
    let (mut send, mut recv) = connection.open(&post())?;
    step()?;
    send.write_all(b"one ")?;
    send.flush()?;
    step()?;
    let mut start = [0; 4];
    recv.read_exact(&mut start)?;
    step()?;
    send.write_all(b"two ")?;
    send.flush()?;
    step()?;
    send.write_all(b"three")?;
    step()?;
    let mut trailers = HeaderMap::new();
    trailers.insert("end", "yes".parse().unwrap());
    send.send_trailers(&trailers)?;
    step()?;
    let status = recv.response()?.status().as_u16();
    step()?;
    let rest = io::read_to_string(&mut recv)?;
    step()?;
    let end = recv.trailers()?.and_then(|trailers| trailers.get("end").cloned());
    let end = end.as_ref().map_or("-", |end| end.to_str().unwrap());
    answers.push(format!("{status} {}{rest} end={end}", String::from_utf8_lossy(&start)));

    step()?;
    connection.ping(LONG)?;
    answers.push("pong".to_owned());

    step()?;
    let (mut send, mut recv) = connection.open(&post())?;
    send.write_all(b"at ")?;
    send.flush()?;
    step()?;
    answers.push(get(connection)?);
    step()?;
    send.write_all(b"once")?;
    send.finish()?;
    step()?;
    let status = recv.response()?.status().as_u16();
    answers.push(format!("{status} {}", io::read_to_string(&mut recv)?));
    step()?;
    Ok(())
}

pub(crate) fn get(connection: &Connection) -> Result<String, Error> {
    let request = http::Request::get("http://test/").body(()).unwrap();
    let mut response = connection.send(&request)?;
    let status = response.response()?.status().as_u16();
    Ok(format!("{status} {}", io::read_to_string(&mut response)?))
}

pub(crate) fn post() -> http::Request<()> {
    http::Request::post("http://test/echo").body(()).unwrap()
}

/// Answers the requests: a GET with a word, a POST with its own body.
pub(crate) fn answer(request: &mut Request, response: &mut Response) -> io::Result<()> {
    if request.path() != "/echo" {
        return response.write_all(b"hello");
    }
    while let Some(chunk) = request.next_chunk()? {
        response.write_all(&chunk)?;
        response.flush()?;
    }
    if let Some(trailers) = request.trailers()? {
        response.set_trailers(trailers);
    }
    Ok(())
}

/// Timeouts that only expire if something hangs.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.handshake_timeout = Some(10 * LONG);
    config.settings_timeout = Some(10 * LONG);
    config.header_timeout = Some(10 * LONG);
    config.idle_timeout = Some(10 * LONG);
    config.stall_timeout = Some(10 * LONG);
    // Small, so that bodies are sent in many pieces.
    config.reservation_timeout = Duration::from_millis(5);
    config
}

pub(crate) fn server_config() -> server::Config {
    let mut server = server::Config::default();
    server.http2 = config();
    server.handshake_timeout = 10 * LONG;
    server.read_timeout = None;
    server.date = false;
    server.server_name = None;
    server
}
