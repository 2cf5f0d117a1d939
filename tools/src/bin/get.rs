//! A small curl: fetches a URL with HTTP/2 or HTTP/1.1.
//!
//! ```text
//! cargo run -p h2-sync-tools --bin get -- URL
//!
//! cargo run -p h2-sync-tools --bin get -- https://example.com/
//! cargo run -p h2-sync-tools --bin get -- -v --http2 http://127.0.0.1:8080/
//! cargo run -p h2-sync-tools --bin get -- -X PUT -H 'content-type: text/plain' -d @Cargo.toml -o answer URL
//! ```
//! `https://` uses HTTP/2 if the server chooses it, `http://` uses HTTP/1.1. The options
//! `--http1.1`, `--http2` and `--http2-prior-knowledge` are those of curl. The client follows
//! redirects, decompresses bodies, and uses the proxies of the environment.
//! client does by itself.

use std::env;
use std::error::Error;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use h2_sync::client::{Body, Client, Config, Response, Versions};
use http::header::HeaderName;
use http::{HeaderValue, Method};

const HELP: &str = "\
Fetches a URL over HTTP/2 or HTTP/1.1 and prints the body.

usage: get [OPTIONS] URL

    -X METHOD       the method; default GET, or POST with -d
    -H 'NAME: VALUE'  a header field; may be given more than once
    -d DATA         the body; @FILE for a file, @- for stdin
    -o FILE         write the body to a file, with a progress bar on a terminal
    -i              also print the status and header fields
    -v              print every frame and connection statistics
    --timeout SECS  the timeout for everything, in seconds
    --root FILE     also trust the certificates in this PEM file
    --linger        keep the connection open until the server closes it
    --http1.1       use only HTTP/1.1
    --http2         use only HTTP/2; for http:// URLs with prior knowledge
    --http2-prior-knowledge  use HTTP/2 with prior knowledge for http:// URLs
";

fn main() -> ExitCode {
    let options = match Options::parse(env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(what) => {
            eprint!("get: {what}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let mut logger = env_logger::Builder::from_default_env();
    if options.is_verbose {
        logger.filter_module("h2_sync::frames", log::LevelFilter::Trace);
    }
    logger.init();
    match fetch(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("get: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Default)]
struct Options {
    url: String,
    method: Option<Method>,
    headers: Vec<(HeaderName, HeaderValue)>,
    data: Option<String>,
    output: Option<String>,
    shows_head: bool,
    is_verbose: bool,
    timeout: Option<Duration>,
    root: Option<String>,
    lingers: bool,
    versions: Versions,
    prior_knowledge: bool,
}

impl Options {
    /// Returns `None` if help is requested.
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Options::default();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            match arg.as_str() {
                "-h" | "--help" => return Ok(None),
                "-X" => {
                    let method = value()?.parse().map_err(|_| "not a method")?;
                    options.method = Some(method);
                }
                "-H" => options.headers.push(header(&value()?)?),
                "-d" => options.data = Some(value()?),
                "-o" => options.output = Some(value()?),
                "-i" => options.shows_head = true,
                "-v" => options.is_verbose = true,
                "--timeout" => {
                    let seconds = value()?.parse().ok().filter(|&seconds: &f64| seconds > 0.0);
                    let seconds = seconds.ok_or("--timeout needs a number of seconds")?;
                    let timeout = Duration::try_from_secs_f64(seconds);
                    options.timeout = Some(timeout.map_err(|error| error.to_string())?);
                }
                "--root" => options.root = Some(value()?),
                "--linger" => options.lingers = true,
                "--http1.1" => options.versions = Versions::Http1,
                "--http2" => options.versions = Versions::Http2,
                "--http2-prior-knowledge" => options.prior_knowledge = true,
                arg if arg.starts_with('-') => return Err(format!("unknown option {arg}")),
                _ if options.url.is_empty() => options.url = arg,
                _ => return Err("more than one URL".to_owned()),
            }
        }
        if options.url.is_empty() {
            return Err("missing URL".to_owned());
        }
        Ok(Some(options))
    }

    fn body(&self) -> io::Result<Body> {
        Ok(match self.data.as_deref() {
            None => Body::empty(),
            Some("@-") => Body::from_reader(io::stdin()),
            Some(data) => match data.strip_prefix('@') {
                Some(path) => Body::from(File::open(path)?),
                None => Body::from(data.to_owned()),
            },
        })
    }
}

fn header(line: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = line.split_once(':').ok_or("expected a header field `name: value`")?;
    let name = name.trim().parse().map_err(|_| format!("invalid field name {name:?}"))?;
    let value = value.trim().parse().map_err(|_| format!("invalid field value {value:?}"))?;
    Ok((name, value))
}

fn fetch(options: Options) -> Result<(), Box<dyn Error>> {
    let mut config = Config::default();
    (config.versions, config.prior_knowledge) = (options.versions, options.prior_knowledge);
    if let Some(path) = &options.root {
        trust(&mut config, &std::fs::read(path)?)?;
    }
    if options.lingers {
        config.idle_timeout = Duration::MAX;
    }
    let client = Client::with_config(config)?;
    let by_itself = if options.data.is_some() { Method::POST } else { Method::GET };
    let method = options.method.clone().unwrap_or(by_itself);
    let mut request = client.request(method, &*options.url).body(options.body()?);
    for (name, value) in &options.headers {
        request = request.header(name, value);
    }
    if let Some(timeout) = options.timeout {
        request = request.timeout(timeout);
    }
    let mut response = request.send()?;
    if options.is_verbose {
        tell_facts(&response);
    }
    if options.shows_head {
        print_head(&response)?;
    }
    match &options.output {
        Some(path) => save(&mut response, File::create(path)?)?,
        None => {
            let mut stdout = io::stdout().lock();
            io::copy(&mut response, &mut stdout)?;
            stdout.flush()?;
        }
    }
    drop(response);
    if options.lingers {
        // The client maintains idle connections in the background.
        while !client.connections().is_empty() {
            thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

fn trust(config: &mut Config, pem: &[u8]) -> Result<(), Box<dyn Error>> {
    config.tls = Some(h2_sync::tls::Connector::with_extra_roots(pem)?);
    Ok(())
}

fn tell_facts(response: &Response) {
    let facts = response.facts();
    let shown =
        |time: Option<Duration>| time.map_or("none".to_owned(), |time| format!("{time:.2?}"));
    eprintln!(
        "* {}, connecting {}, TLS {}, first byte {:.2?}, {} redirects, {} retries",
        facts.stream_id.map_or("HTTP/1.1".to_owned(), |id| format!("stream {id}")),
        shown(facts.connect),
        shown(facts.tls),
        facts.first_byte,
        facts.redirects,
        facts.retries,
    );
}

fn print_head(response: &Response) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let version = format!("{:?}", response.version()).replace("2.0", "2");
    writeln!(stdout, "{version} {}", response.status())?;
    for (name, value) in response.headers() {
        writeln!(stdout, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
    }
    writeln!(stdout)
}

fn save(response: &mut Response, mut file: File) -> io::Result<()> {
    let total = response.header("content-length").and_then(|length| length.parse().ok());
    let mut progress = io::stderr().is_terminal().then(|| Progress::new(total));
    let mut buffer = vec![0; 256 << 10];
    loop {
        let n = response.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        file.write_all(&buffer[..n])?;
        if let Some(progress) = &mut progress {
            progress.add(n as u64);
        }
    }
    if let Some(progress) = progress {
        progress.show();
        eprintln!();
    }
    Ok(())
}

/// A progress line that is updated in place: octets, speed, and remaining time.
struct Progress {
    done: u64,
    total: Option<u64>,
    began: Instant,
    shown: Instant,
}

impl Progress {
    fn new(total: Option<u64>) -> Self {
        let now = Instant::now();
        Progress { done: 0, total, began: now, shown: now }
    }

    fn add(&mut self, octets: u64) {
        self.done += octets;
        if self.shown.elapsed() >= Duration::from_millis(200) {
            self.show();
            self.shown = Instant::now();
        }
    }

    fn show(&self) {
        const MB: f64 = 1e6;
        let speed = self.done as f64 / self.began.elapsed().as_secs_f64().max(1e-3);
        let done = self.done as f64;
        match self.total.filter(|&total| total > 0) {
            Some(total) => {
                let part = (done / total as f64).min(1.0);
                let bar = "#".repeat((part * 30.0) as usize);
                let left = (total as f64 - done).max(0.0) / speed.max(1.0);
                eprint!(
                    "\r[{bar:<30}] {:3.0} %  {:.1} MB  {:.1} MB/s  {left:.0} s left \x1b[K",
                    part * 100.0,
                    done / MB,
                    speed / MB,
                );
            }
            None => eprint!("\r{:.1} MB  {:.1} MB/s \x1b[K", done / MB, speed / MB),
        }
    }
}
