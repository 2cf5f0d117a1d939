//! What all peers share: their arguments, the answers that they give, and the configuration of TLS.

use std::cell::RefCell;
use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use std::{env, process};

use bytes::Bytes;
use http::HeaderValue;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub type AnyError = Box<dyn Error + Send + Sync>;

/// The body of `GET /`.
pub const HELLO: &[u8] = b"hello world";

/// What bodies of `GET /bytes/N` are made of, a piece after the other.
static OCTETS: [u8; 1 << 20] = [b'.'; 1 << 20];

/// Receive windows of hyper, h2 and reqwest on the loopback interface, where their defaults would
/// limit them.
pub const STREAM_WINDOW: u32 = 1 << 20;
pub const CONNECTION_WINDOW: u32 = 16 << 20;

/// The receive windows of hyper and reqwest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Windows {
    /// [`STREAM_WINDOW`] and [`CONNECTION_WINDOW`].
    Fixed,
    /// The library's own defaults.
    Default,
    /// Adapted to the network by the library.
    Adaptive,
}

impl Windows {
    /// Reads the environment variable `WINDOWS`: `default`, `adaptive`, or nothing for fixed ones.
    pub fn from_env() -> Self {
        match env::var("WINDOWS").as_deref() {
            Ok("default") => Windows::Default,
            Ok("adaptive") => Windows::Adaptive,
            _ => Windows::Fixed,
        }
    }
}

/// The most connections, and streams of a connection, with the environment variable `LIMITS=high`. The
/// libraries' own limits hold otherwise.
pub const CONNECTIONS_MAX: usize = 100_000;
pub const STREAMS_MAX: u32 = 10_000;

/// Returns whether `LIMITS=high`.
pub fn has_high_limits() -> bool {
    env::var("LIMITS").as_deref() == Ok("high")
}

/// The value of the `server` field.
pub const SERVER: &str = "bench";
pub const TEXT: &str = "text/plain";
pub const BINARY: &str = "application/octet-stream";

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
pub enum Route {
    /// `GET /`
    Hello,
    /// `GET /bytes/N`
    Bytes(u64),
    /// `POST /echo`
    Echo,
    /// `POST /sink`
    Sink,
    Unknown,
}

impl Route {
    pub fn of(path: &str) -> Self {
        match path {
            "/" => Route::Hello,
            "/echo" => Route::Echo,
            "/sink" => Route::Sink,
            _ => path
                .strip_prefix("/bytes/")
                .and_then(|n| n.parse().ok())
                .map_or(Route::Unknown, Route::Bytes),
        }
    }
}

/// Returns the next piece of a body with `left` octets left, without copying.
pub fn piece(left: u64) -> Bytes {
    // Not more than the length of the array.
    Bytes::from_static(&OCTETS[..left.min(OCTETS.len() as u64) as usize])
}

/// The value of the `date` field, made anew once a second, as hyper and our server do.
pub fn date() -> HeaderValue {
    thread_local! {
        static LAST: RefCell<(u64, HeaderValue)> =
            const { RefCell::new((0, HeaderValue::from_static(""))) };
    }
    let now = SystemTime::now();
    let second = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    LAST.with_borrow_mut(|(last, value)| {
        if *last != second {
            *last = second;
            *value = HeaderValue::from_str(&httpdate::fmt_http_date(now)).expect("a date is ASCII");
        }
        value.clone()
    })
}

/// Where a server listens, and the files of its certificate and key if it speaks TLS.
pub struct Args {
    pub address: SocketAddr,
    pub tls: Option<(String, String)>,
}

impl Args {
    /// Reads `ADDRESS [CERT KEY]`.
    pub fn parse() -> Self {
        let words: Vec<_> = env::args().skip(1).collect();
        let (address, tls) = match &words[..] {
            [address] => (address, None),
            [address, cert, key] => (address, Some((cert.clone(), key.clone()))),
            _ => usage("ADDRESS [CERT KEY]"),
        };
        let Ok(address) = address.parse() else { usage("ADDRESS [CERT KEY]") };
        Args { address, tls }
    }

    /// The configuration of TLS, if that is to be spoken. The same for all servers.
    pub fn tls_config(&self) -> Result<Option<Arc<ServerConfig>>, AnyError> {
        let Some((cert, key)) = &self.tls else { return Ok(None) };
        let chain = CertificateDer::pem_file_iter(cert)?.collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_file(key)?;
        let mut config =
            ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Some(Arc::new(config)))
    }

    /// Prints the URL, with the port that the system has chosen, for the process that started the server.
    pub fn announce(&self, address: SocketAddr) -> io::Result<()> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let mut stdout = io::stdout();
        writeln!(stdout, "listening on {scheme}://{address}")?;
        stdout.flush()
    }
}

pub fn usage(arguments: &str) -> ! {
    eprintln!("usage: {} {arguments}", env::args().next().unwrap_or_default());
    process::exit(2)
}

/// What a client does while it is timed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Task {
    /// This many `GET /`, one after the other.
    Sequential(usize),
    /// This many `GET /`, by `CALLERS` at once, over one connection in HTTP/2.
    Parallel(usize),
    /// This many `GET /` at once, each by a caller of its own.
    AtOnce(usize),
    /// One `GET /bytes/N`.
    Down(u64),
    /// One `POST /sink` of N octets.
    Up(u64),
}

pub const CALLERS: usize = 64;

/// The version of HTTP that a client speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Version {
    Http1,
    Http2,
}

impl Task {
    /// Reads `URL VERSION TASK N` from the command line.
    pub fn parse() -> (String, Version, Self) {
        let words: Vec<_> = env::args().skip(1).collect();
        let usage = || usage("URL http1|http2 sequential|parallel|at-once|down|up N");
        let [url, version, task, n] = &words[..] else { usage() };
        let version = match &**version {
            "http1" => Version::Http1,
            "http2" => Version::Http2,
            _ => usage(),
        };
        let Ok(n) = n.parse::<u64>() else { usage() };
        let task = match &**task {
            "sequential" => Task::Sequential(n as usize),
            "parallel" => Task::Parallel(n as usize),
            "at-once" => Task::AtOnce(n as usize),
            "down" => Task::Down(n),
            "up" => Task::Up(n),
            _ => usage(),
        };
        (url.clone(), version, task)
    }

    /// Prints how long it took.
    pub fn done(started: Instant) {
        println!("{}", started.elapsed().as_secs_f64());
    }
}
