//! The server, in its own process.
//!
//! It reads a certificate and its key from stdin, and prints its addresses. Each further line on
//! stdin asks for statistics. It stops at the end of the input.

use std::io::{self, BufRead, Write};
use std::panic;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use h2_sync::server::{Config, Handle, Request, Response, Server};
use h2_sync::tls::Acceptor;
use http::StatusCode;

use crate::Result;
use crate::child::Reply;
use crate::figures::allocated;
use crate::pattern::PATTERN;

/// The server's timeouts, shorter than advisable in production so that slow attacks finish.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The error of requests that ask for one.
pub(crate) const ASKED_FOR: &str = "as requested";

pub(crate) fn run() -> Result {
    panic::set_hook(Box::new(|info| {
        if info.payload().downcast_ref() != Some(&ASKED_FOR) {
            eprintln!("server: {info}");
        }
    }));
    let mut input = io::stdin().lock();
    let certificate = pem(&mut input)?;
    let key = pem(&mut input)?;
    let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes())?;
    let plain = Server::bind("127.0.0.1:0")?.config(config()).serve(handler)?;
    let secure = Server::bind("127.0.0.1:0")?.config(config()).tls(acceptor).serve(handler)?;
    for server in [&plain, &secure] {
        say(&server.local_addr().ok_or("no address")?.to_string())?;
    }
    for line in input.lines() {
        line?;
        say(&reply(&plain, &secure).to_line())?;
    }
    for server in [plain, secure] {
        let cut = server.shutdown(2 * PATIENCE);
        if (cut.connections, cut.requests) != (0, 0) {
            return Err(format!("the shutdown aborted requests: {cut:?}").into());
        }
    }
    Ok(())
}

fn say(line: &str) -> io::Result<()> {
    println!("{line}");
    io::stdout().flush()
}

/// Reads one PEM block.
fn pem(input: &mut impl BufRead) -> io::Result<String> {
    let mut text = String::new();
    while !text.contains("-----END") || !text.ends_with('\n') {
        if input.read_line(&mut text)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(text)
}

fn reply(plain: &Handle, secure: &Handle) -> Reply {
    let (one, other) = (plain.stats(), secure.stats());
    Reply {
        connections: one.connections + other.connections,
        handlers: one.handlers_running + other.handlers_running,
        threads: one.threads + other.threads,
        accepted: one.connections_accepted + other.connections_accepted,
        requests: one.requests + other.requests,
        refused: one.requests_refused + other.requests_refused,
        allocated: allocated() as u64,
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config.handshake_timeout = PATIENCE;
    config.read_timeout = Some(PATIENCE);
    config.http2.handshake_timeout = Some(PATIENCE);
    config.http2.settings_timeout = Some(PATIENCE);
    config.http2.header_timeout = Some(PATIENCE);
    config.http2.stall_timeout = Some(PATIENCE);
    // Unneeded threads end soon after the load has stopped.
    config.idle_thread_timeout = Duration::from_secs(1);
    config
}

fn handler(request: &mut Request, response: &mut Response) -> Result {
    let path = request.path().to_owned();
    let (route, argument) = match path.rsplit_once('/') {
        Some((route, argument)) if !route.is_empty() => (route, argument.parse().unwrap_or(0)),
        _ => (&*path, 0),
    };
    match route {
        "/" => response.write_all(b"hello world")?,
        "/bytes" => send_bytes(response, argument)?,
        "/sink" => write!(response, "{}", io::copy(request, &mut io::sink())?)?,
        "/echo" => echo(request, response)?,
        "/crumbs" => write!(response, "{}", crumbs(request))?,
        "/sleep" => {
            thread::sleep(Duration::from_millis(argument));
            response.write_all(b"slept")?;
        }
        "/panic" => panic::panic_any(ASKED_FOR),
        "/fail" => {
            response.write_all(&[b'.'; 100])?;
            response.flush()?;
            // The header section is sent, so the stream is reset and this is discarded.
            response.write_all(b"discarded")?;
            return Err(ASKED_FOR.into());
        }
        _ => response.set_status(StatusCode::NOT_FOUND)?,
    }
    Ok(())
}

fn send_bytes(response: &mut Response, count: u64) -> Result {
    response.set_header("content-length", count)?;
    let mut left = count;
    while left > 0 {
        // No truncation: at most the length of the array.
        let piece = left.min(PATTERN.len() as u64) as usize;
        response.send(Bytes::from_static(&PATTERN[..piece]))?;
        left -= piece as u64;
    }
    Ok(())
}

/// Sends the body back, and its trailers.
fn echo(request: &mut Request, response: &mut Response) -> Result {
    response.flush()?;
    while let Some(piece) = request.next_chunk()? {
        response.send(piece)?;
        response.flush()?;
    }
    if let Some(trailers) = request.trailers()? {
        response.set_trailers(trailers);
    }
    Ok(())
}

/// Returns the number of cookies.
fn crumbs(request: &Request) -> usize {
    request.fields().get_all("cookie").map(|line| line.split(|&octet| octet == b';').count()).sum()
}
