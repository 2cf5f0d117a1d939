//! A server with one route for each feature.
//! It is a collection of code to copy from, and a target for `curl` and `h2load`.
//!
//! ```text
//! cargo run --release --example kitchen_sink -- [ADDRESS] [--tls [CERT KEY]]
//!
//! curl --http2-prior-knowledge http://127.0.0.1:8080/headers
//! nghttp -nv http://127.0.0.1:8080/trailers
//! h2load -c 8 -m 100 -n 100000 http://127.0.0.1:8080/
//! ```
//!
//! | route | result |
//! | --- | --- |
//! | GET, POST `/` | `hello world` |
//! | `/bytes/N` | N octets |
//! | POST `/echo` | the request body, while it arrives |
//! | POST `/sink`, `/sink/RATE` | returns the length of the body, read at RATE MiB/s, at least 0.01 |
//! | POST `/hold` | responds after 10 s, without reading the body |
//! | `/sleep/MS` | responds after MS milliseconds, at most 60,000 |
//! | `/panic` | panics |
//! | `/fail-late` | fails after half of the response body |
//! | `/trailers` | a body with trailers |
//! | `/early-hints` | 103 before the response |
//! | `/push`, `/pushed` | a page, with its style sheet pushed where accepted |
//! | `/headers` | the request: fields, peer, priority |
//! | `/stats` | the server's statistics, as JSON |

#[path = "shared/args.rs"]
mod args;

use std::error::Error;
use std::io::Write;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use args::Args;
use bytes::Bytes;
use h2_sync::server::{Config, Handle, Request, Response};
use http::{HeaderMap, HeaderValue, Method};

const HELP: &str = "\
A server with one route for each feature.

usage: kitchen_sink [ADDRESS] [--tls [CERT KEY]]

    ADDRESS          the address to listen on; default 127.0.0.1:8080, port 0 for any free port
    --tls            use TLS, with a generated certificate
    --tls CERT KEY   use TLS, with this certificate and key (PEM files)

RUST_LOG=h2_sync=debug logs failed requests, RUST_LOG=h2_sync::frames=trace every frame.
";

/// The longest `/sleep` in milliseconds, and the slowest `/sink` in MiB/s: a request must not occupy a
/// thread for good.
const MAX_SLEEP: u64 = 60_000;
const MIN_RATE: f64 = 0.01;

type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// The handle, for `/stats`.
static SERVER: OnceLock<Handle> = OnceLock::new();

fn main() {
    env_logger::init();
    let (args, []) = Args::parse(HELP, []);
    let handle = args.serve(Config::default(), handler);
    SERVER.get_or_init(|| handle).wait();
}

fn handler(request: &mut Request, response: &mut Response) -> Result {
    let path = request.path().to_owned();
    let (route, argument) = match path.match_indices('/').nth(1) {
        Some((at, _)) => (&path[..at], &path[at + 1..]),
        None => (&*path, ""),
    };
    let is_post = request.method() == Method::POST;
    match (route, argument) {
        ("/", "") => hello(request, response),
        ("/bytes", n) => match n.parse() {
            Ok(n) => send_bytes(response, n),
            Err(_) => not_found(response),
        },
        ("/echo", "") if is_post => echo(request, response),
        ("/sink", "") if is_post => sink(request, response, f64::INFINITY),
        ("/sink", rate) if is_post => match rate.parse() {
            Ok(rate) if rate >= MIN_RATE => sink(request, response, rate),
            _ => not_found(response),
        },
        ("/hold", "") if is_post => hold(response),
        ("/echo" | "/sink" | "/hold", _) => {
            response.set_header("allow", "POST")?;
            Ok(response.set_status(405)?)
        }
        ("/sleep", ms) => match ms.parse() {
            Ok(ms @ ..=MAX_SLEEP) => sleep(response, Duration::from_millis(ms)),
            _ => not_found(response),
        },
        ("/panic", "") => panic!("as requested"),
        ("/fail-late", "") => fail_late(response),
        ("/trailers", "") => trailers(response),
        ("/early-hints", "") => early_hints(response),
        ("/push", "") => push(request, response),
        ("/pushed", "") => style(response),
        ("/headers", "") => headers(request, response),
        ("/stats", "") => stats(response),
        _ => not_found(response),
    }
}

fn not_found(response: &mut Response) -> Result {
    response.set_status(404)?;
    response.write_all(b"not found\n")?;
    Ok(())
}

fn hello(request: &mut Request, response: &mut Response) -> Result {
    // Reads the body, should there be one.
    while request.next_chunk()?.is_some() {}
    response.set_header("content-type", "text/plain")?;
    response.send(&b"hello world"[..])?;
    Ok(())
}

fn send_bytes(response: &mut Response, n: u64) -> Result {
    static PIECE: [u8; 256 << 10] = [b'.'; 256 << 10];
    response.set_header("content-type", "application/octet-stream")?;
    response.set_header("content-length", n)?;
    let mut left = n;
    while left > 0 {
        // No truncation: at most the length of the array.
        let octets = left.min(PIECE.len() as u64) as usize;
        response.send(Bytes::from_static(&PIECE[..octets]))?;
        left -= octets as u64;
    }
    Ok(())
}

fn echo(request: &mut Request, response: &mut Response) -> Result {
    while let Some(piece) = request.next_chunk()? {
        response.send(piece)?;
        response.flush()?;
    }
    Ok(())
}

/// Reads the body at `rate` MiB per second.
fn sink(request: &mut Request, response: &mut Response, rate: f64) -> Result {
    let started = Instant::now();
    let mut octets = 0_u64;
    while let Some(piece) = request.next_chunk()? {
        octets += piece.len() as u64;
        let mib = octets as f64 / f64::from(1 << 20);
        let due = Duration::try_from_secs_f64(mib / rate).unwrap_or(Duration::MAX);
        thread::sleep(due.saturating_sub(started.elapsed()));
    }
    writeln!(response, "{octets} octets")?;
    Ok(())
}

fn hold(response: &mut Response) -> Result {
    thread::sleep(Duration::from_secs(10));
    response.write_all(b"the body was not read\n")?;
    Ok(())
}

fn sleep(response: &mut Response, time: Duration) -> Result {
    thread::sleep(time);
    writeln!(response, "slept for {time:?}")?;
    Ok(())
}

fn fail_late(response: &mut Response) -> Result {
    response.set_header("content-length", 20)?;
    response.write_all(b"ten octets")?;
    response.flush()?;
    // Half of the announced length was sent: only a reset can end the stream now.
    Err("as requested".into())
}

fn trailers(response: &mut Response) -> Result {
    response.set_header("trailer", "octets, outcome")?;
    response.write_all(b"trailers follow\n")?;
    let mut trailers = HeaderMap::new();
    trailers.insert("octets", HeaderValue::from_static("26"));
    trailers.insert("outcome", HeaderValue::from_static("fine"));
    response.set_trailers(trailers);
    Ok(())
}

fn early_hints(response: &mut Response) -> Result {
    let mut hints = HeaderMap::new();
    hints.insert("link", HeaderValue::from_static("</pushed>; rel=preload; as=style"));
    response.send_informational(103, &hints)?;
    // The client fetches the style sheet while the response is prepared.
    thread::sleep(Duration::from_millis(100));
    page(response)
}

fn push(request: &mut Request, response: &mut Response) -> Result {
    if response.can_push() {
        let scheme = request.scheme().unwrap_or("http");
        let authority = request.authority().ok_or("the request has no authority")?;
        let promised = http::Request::get(format!("{scheme}://{authority}/pushed")).body(())?;
        // Another thread calls this handler for the promised request.
        response.push(&promised)?;
    }
    page(response)
}

fn page(response: &mut Response) -> Result {
    response.set_header("content-type", "text/html; charset=utf-8")?;
    let page = "<!doctype html><title>h2-sync</title><link rel=stylesheet href=/pushed><p>hello\n";
    response.send(page)?;
    Ok(())
}

fn style(response: &mut Response) -> Result {
    response.set_header("content-type", "text/css")?;
    response.send("p { color: seagreen }\n")?;
    Ok(())
}

fn headers(request: &mut Request, response: &mut Response) -> Result {
    response.set_header("content-type", "text/plain; charset=utf-8")?;
    for field in request.fields() {
        writeln!(response, "{}: {}", field.name.escape_ascii(), field.value.escape_ascii())?;
    }
    writeln!(response)?;
    if let Some(address) = request.peer_addr() {
        writeln!(response, "from {address}")?;
    }
    #[cfg(feature = "tls")]
    if let Some(tls) = request.tls() {
        writeln!(response, "{:?}, {:?}", tls.protocol_version, tls.cipher_suite)?;
    }
    match request.stream_id() {
        Some(id) => writeln!(response, "stream {id}, {:?}", request.priority())?,
        None => writeln!(response, "{:?}", request.version())?,
    }
    Ok(())
}

fn stats(response: &mut Response) -> Result {
    let Some(server) = SERVER.get() else {
        // The request arrived before the handle was stored.
        return Ok(response.set_status(503)?);
    };
    let stats = server.stats();
    response.set_header("content-type", "application/json")?;
    let json = serde_json::json!({
        "connections": stats.connections,
        "connections_accepted": stats.connections_accepted,
        "connections_failed": stats.connections_failed,
        "requests": stats.requests,
        "requests_refused": stats.requests_refused,
        "handlers_running": stats.handlers_running,
        "handlers_failed": stats.handlers_failed,
        "handlers_panicked": stats.handlers_panicked,
        "leaders_replaced": stats.leaders_replaced,
        "threads": stats.threads,
        "accept_errors": stats.accept_errors,
    });
    writeln!(response, "{json:#}")?;
    Ok(())
}
