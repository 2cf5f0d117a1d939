//! Well-behaved requests. Each response is checked completely.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use h2_sync::client::{Body, Client, Connection};
use h2_sync::transport::Transport;
use http::{HeaderMap, HeaderValue, StatusCode, Version};

use crate::Result;
use crate::load::Load;
use crate::pattern::{Pattern, Random};

/// A kind of well-behaved load.
pub(crate) struct Honest {
    pub(crate) name: &'static str,
    /// The relative frequency.
    pub(crate) weight: usize,
    pub(crate) run: fn(&Load, &mut Random) -> Result<Outcome>,
}

pub(crate) enum Outcome {
    Right,
    /// The client has cancelled the request.
    GivenUp,
}

pub(crate) const HONEST: &[Honest] = &[
    Honest { name: "small", weight: 60, run: small },
    Honest { name: "many cookies", weight: 4, run: many_cookies },
    Honest { name: "download", weight: 6, run: download },
    Honest { name: "upload", weight: 6, run: upload },
    Honest { name: "both ways", weight: 5, run: both_ways },
    Honest { name: "conversation, with trailers", weight: 5, run: conversation },
    Honest { name: "a new connection", weight: 4, run: new_connection },
    Honest { name: "not found", weight: 2, run: not_found },
    Honest { name: "a handler that panics", weight: 1, run: panics },
    Honest { name: "a handler that fails late", weight: 1, run: fails_late },
    Honest { name: "slow", weight: 1, run: slow },
    Honest { name: "dropped midway", weight: 3, run: dropped },
    Honest { name: "not in time", weight: 2, run: not_in_time },
];

/// A timeout far beyond any expected duration: a request that reaches it hangs.
const LONG: Duration = Duration::from_secs(40);

fn same<T: PartialEq + std::fmt::Debug>(is: T, should_be: T) -> Result<Outcome> {
    if is == should_be {
        Ok(Outcome::Right)
    } else {
        Err(format!("expected {should_be:?}, got {is:?}").into())
    }
}

fn fetch(load: &Load, client: &Client, random: &mut Random) -> Result<Outcome> {
    let response = client.get(load.url(random, "/")).timeout(LONG).send()?;
    same(response.error_for_status()?.text()?, "hello world".to_owned())
}

fn small(load: &Load, random: &mut Random) -> Result<Outcome> {
    fetch(load, load.client(random), random)
}

fn new_connection(load: &Load, random: &mut Random) -> Result<Outcome> {
    fetch(load, &load.fresh_client(random)?, random)
}

fn many_cookies(load: &Load, random: &mut Random) -> Result<Outcome> {
    let count = random.below(100) + 1;
    let mut request = load.client(random).get(load.url(random, "/crumbs")).timeout(LONG);
    for n in 0..count {
        request = request.header("cookie", format!("crumb{n}={}", random.below(1 << 20)));
    }
    same(request.send()?.text()?, count.to_string())
}

fn download(load: &Load, random: &mut Random) -> Result<Outcome> {
    let size = random.size(8 << 20);
    let url = load.url(random, &format!("/bytes/{size}"));
    let response = load.client(random).get(url).timeout(LONG).send()?;
    same(Pattern::default().check_all(response, random.size(256 << 10) + 1_000)?, size)
}

fn upload(load: &Load, random: &mut Random) -> Result<Outcome> {
    let size = random.size(8 << 20) as u64;
    let pattern = Pattern::default().take(size);
    let body = match random.below(2) {
        0 => Body::from_reader_with_len(pattern, size),
        _ => Body::from_reader(pattern),
    };
    let response =
        load.client(random).post(load.url(random, "/sink")).body(body).timeout(LONG).send()?;
    same(response.text()?, size.to_string())
}

/// The response begins at once, and is read while the request is sent.
fn both_ways(load: &Load, random: &mut Random) -> Result<Outcome> {
    let size = random.size(4 << 20);
    let body = Body::from_reader(Pattern::default().take(size as u64));
    let response =
        load.client(random).post(load.url(random, "/echo")).body(body).timeout(LONG).send()?;
    same(Pattern::default().check_all(response, random.size(64 << 10) + 100)?, size)
}

/// Small messages in both directions with trailers, over a separate connection.
fn conversation(load: &Load, random: &mut Random) -> Result<Outcome> {
    match random.below(2) {
        0 => talk(connect(load.about.plain)?, random),
        _ => {
            let stream = connect(load.about.secure)?;
            talk(load.connector.connect("127.0.0.1", stream, LONG)?, random)
        }
    }
}

fn connect(address: std::net::SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn talk(stream: impl Transport, random: &mut Random) -> Result<Outcome> {
    let connection = Connection::start(stream, h2_sync::Config::default())?;
    let request = http::Request::post("http://127.0.0.1/echo").body(())?;
    let (mut send, mut response) = connection.open(&request)?;
    response.set_read_timeout(Some(LONG));
    let (mut said, mut heard) = (Pattern::default(), Pattern::default());
    for _ in 0..random.below(50) {
        let mut message = vec![0; random.size(2_000) + 1];
        said.read_exact(&mut message)?;
        send.write_all(&message)?;
        send.flush()?;
        let mut left = message.len();
        while left > 0 {
            let piece = response.next_chunk()?.ok_or("the response ended early")?;
            heard.check(&piece)?;
            left = left.checked_sub(piece.len()).ok_or("more data than expected")?;
        }
        // Like gRPC, which measures the round-trip time.
        if random.below(20) == 0 {
            connection.ping(LONG)?;
        }
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("outcome", HeaderValue::from(random.below(1_000)));
    send.send_trailers(&trailers)?;
    let echoed = response.trailers()?;
    connection.shutdown();
    same(echoed, Some(trailers))
}

fn get(load: &Load, random: &mut Random, path: &str) -> Result<(StatusCode, String)> {
    let response = load.client(random).get(load.url(random, path)).timeout(LONG).send()?;
    Ok((response.status(), response.text()?))
}

fn not_found(load: &Load, random: &mut Random) -> Result<Outcome> {
    same(get(load, random, "/nothing")?, (StatusCode::NOT_FOUND, String::new()))
}

fn panics(load: &Load, random: &mut Random) -> Result<Outcome> {
    same(get(load, random, "/panic")?, (StatusCode::INTERNAL_SERVER_ERROR, String::new()))
}

fn fails_late(load: &Load, random: &mut Random) -> Result<Outcome> {
    let response = load.client(random).get(load.url(random, "/fail")).timeout(LONG).send()?;
    let is_http2 = response.version() == Version::HTTP_2;
    match response.bytes() {
        Err(error) if is_http2 && error.is_reset() => Ok(Outcome::Right),
        // HTTP/1.1 signals it by closing the connection.
        Err(error) if !is_http2 && error.is_closed() => Ok(Outcome::Right),
        other => Err(format!("expected a truncated body, got {other:?}").into()),
    }
}

fn slow(load: &Load, random: &mut Random) -> Result<Outcome> {
    same(get(load, random, "/sleep/300")?, (StatusCode::OK, "slept".to_owned()))
}

fn dropped(load: &Load, random: &mut Random) -> Result<Outcome> {
    let mut response =
        load.client(random).get(load.url(random, "/bytes/4000000")).timeout(LONG).send()?;
    let some = random.size(1 << 20) as u64;
    Pattern::default().check_all(response.by_ref().take(some), 16 << 10)?;
    Ok(Outcome::GivenUp)
}

fn not_in_time(load: &Load, random: &mut Random) -> Result<Outcome> {
    let time = Duration::from_millis(random.below(50) as u64);
    match load.client(random).get(load.url(random, "/sleep/100")).timeout(time).send() {
        Err(error) if error.is_timeout() => Ok(Outcome::GivenUp),
        Err(error) => Err(error.into()),
        // This machine may be slow, too.
        Ok(response) => same(response.status(), StatusCode::OK),
    }
}
