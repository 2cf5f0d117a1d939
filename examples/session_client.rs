//! A client based on the Session: fetches an `http://` URL and prints status, fields and body.
//! It shows the loop over events, and the upgrade from HTTP/1.1.
//!
//! ```text
//! cargo run --example session_client -- URL [--upgrade] [--linger]
//!
//! cargo run --example session_client -- http://127.0.0.1:8080/
//! ```
//!
//! It uses HTTP/2 from the first octet (*prior knowledge*, RFC 9113, Section 3.3), so the server
//! must accept that on its cleartext port, as `session_server` and `nghttpd --no-tls` do. With
//! `--upgrade` it asks for HTTP/2 in an HTTP/1.1 request (RFC 7540, Section 3.2), which
//! `session_server` and h2o accept.
//!
//! The response is printed to stdout as received. With `--linger` the connection stays open until
//! the server closes it, and further events are printed one per line, after the response.
//!
//! `RUST_LOG=h2_sync::frames=trace` prints every frame.

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

use h2_sync::proto::ResetBy;
use h2_sync::upgrade::{Options, Outcome, Upgraded, request_upgrade};
use h2_sync::{
    Config, ErrorCode, Evt, Headers, HeadersKind, Reason, Role, Session, StreamId, headers,
};
use http::{Request, Uri};

const HELP: &str = "\
Fetches a URL over HTTP/2 (cleartext) and prints status, headers and body.

usage: session_client URL [--upgrade] [--linger]

    URL         http://HOST[:PORT][/PATH][?QUERY]
    --upgrade   upgrade from HTTP/1.1, instead of prior knowledge
    --linger    keep the connection open until the server closes it, and print its events

RUST_LOG=h2_sync::frames=trace shows every frame.
";

/// The timeout for connecting, and for each event of the response.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    env_logger::init();
    let args: Vec<_> =
        env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let (flags, urls): (Vec<_>, Vec<_>) = args.iter().partition(|arg| arg.starts_with('-'));
    if matches!(flags[..], ["-h" | "--help"]) {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let is_known = |flag: &&str| ["--linger", "--upgrade"].contains(flag);
    let ([url], true) = (&urls[..], flags.iter().all(is_known)) else {
        eprint!("{HELP}");
        return ExitCode::from(2);
    };
    let (linger, upgrade) = (flags.contains(&"--linger"), flags.contains(&"--upgrade"));
    match Target::parse(url).map_err(Into::into).and_then(|target| fetch(&target, upgrade, linger))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("session_client: {url}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The parts of a URL: where to connect to, and what to request.
struct Target {
    host: String,
    port: u16,
    authority: String,
    path: String,
}

impl Target {
    fn parse(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|error| format!("not a URL: {error}"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return Err("https:// is not supported by this example; see tls_client".to_owned());
            }
            Some(other) => return Err(format!("{other}:// is not HTTP")),
            None => return Err("a URL starts with http://".to_owned()),
        }
        // Without userinfo, which must not be sent (RFC 9113, Section 8.3.1).
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let authority = authority.rsplit_once('@').map_or(authority, |(_, rest)| rest);
        let authority = authority.trim_end_matches(':');
        let host = uri.host().filter(|host| !host.is_empty()).ok_or("the URL has no host")?;
        let port = match authority.strip_prefix(host).and_then(|rest| rest.strip_prefix(':')) {
            Some(port) => port.parse().map_err(|_| format!("{port} is not a port"))?,
            None => 80,
        };
        let path = match uri.path_and_query().map_or("/", |path| path.as_str()) {
            query if query.starts_with('?') => format!("/{query}"),
            path => path.to_owned(),
        };
        // The brackets of `[::1]` are part of the URL syntax, not of the address.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Target { host, port, authority: authority.to_owned(), path })
    }

    /// Connects to the first of the host's addresses that accepts.
    fn connect(&self) -> io::Result<TcpStream> {
        let mut result = Err(io::Error::other("the host has no address"));
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            result = TcpStream::connect_timeout(&address, PATIENCE);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    fn request(&self) -> Headers {
        headers!(
            ":method" => "GET",
            ":scheme" => "http",
            ":authority" => &self.authority,
            ":path" => &self.path,
            "user-agent" => "h2-sync",
            "accept" => "*/*",
        )
    }
}

fn fetch(target: &Target, upgrade: bool, linger: bool) -> Result<(), Box<dyn Error>> {
    let stream = target.connect().map_err(|error| format!("cannot connect: {error}"))?;
    // `new_connection(stream, true, false)` would suffice; this configuration also detects a
    // vanished server, by PINGs.
    let mut config = Config::default();
    config.keepalive_interval = Some(PATIENCE);
    let (session, ours) = if upgrade {
        ask_for_http2(stream, target, config)?
    } else {
        let session = Session::with_config(stream, Role::Client, config)?;
        let ours = session.open(&target.request(), true)?;
        (session, ours)
    };
    let mut output = Output { is_line_open: false, notes: Vec::new() };
    let result = print_response(&session, ours, &mut output);
    if linger {
        output.print_notes()?;
        result?;
        print_events(&session, &mut output)?;
    } else {
        result?;
        session.close();
    }
    Ok(())
}

/// Sends the request over HTTP/1.1. If the server agrees, the response comes in HTTP/2, on stream
/// 1.
fn ask_for_http2(
    stream: TcpStream,
    target: &Target,
    config: Config,
) -> Result<(Session, StreamId), Box<dyn Error>> {
    let request = Request::get(format!("http://{}{}", target.authority, target.path))
        .header("user-agent", "h2-sync")
        .header("accept", "*/*")
        .body(())?;
    match request_upgrade(stream, &request, &config, &Options::default())? {
        Outcome::Upgraded(Upgraded { stream, opening }) => {
            Ok((Session::with_opening(stream, config, opening)?, StreamId::from_wire(1)))
        }
        Outcome::Declined(response) => {
            Err(format!("the server declined the upgrade with status {}", response.head.status())
                .into())
        }
    }
}

/// Prints the response on a stream, to its end.
fn print_response(
    session: &Session,
    ours: StreamId,
    output: &mut Output,
) -> Result<(), Box<dyn Error>> {
    loop {
        let evt = session
            .take_evt_timeout(PATIENCE)
            .map_err(|_| format!("no event within {} s", PATIENCE.as_secs()))?;
        match evt {
            Evt::RecvHeaders { stream_identifier, headers, kind, is_end_stream }
                if stream_identifier == ours =>
            {
                output.print_headers(&headers, kind)?;
                if is_end_stream {
                    return Ok(());
                }
            }
            Evt::RecvData { stream_identifier, data, is_end_stream }
                if stream_identifier == ours =>
            {
                output.print(&data)?;
                if is_end_stream {
                    return Ok(());
                }
            }
            Evt::Reset { stream_identifier, error_code, by, retry_safe, detail }
                if stream_identifier == ours =>
            {
                let reason = match by {
                    ResetBy::Peer => "the server reset the stream",
                    ResetBy::Goaway => "the server is shutting down",
                    ResetBy::Violation => "the response violates the protocol",
                    _ => "the stream was reset",
                };
                let hint = if retry_safe { "; a retry is safe" } else { "" };
                let detail = detail.as_deref().unwrap_or("no details");
                return Err(format!("{reason}: {error_code} ({detail}){hint}").into());
            }
            Evt::Closed { reason } => {
                return Err(format!("incomplete response: {}", tell(&reason)).into());
            }
            other => output.notes.push(note(&other)),
        }
    }
}

/// Prints events until the server closes the connection.
fn print_events(session: &Session, output: &mut Output) -> Result<(), Box<dyn Error>> {
    while let Ok(evt) = session.take_evt() {
        output.notes.push(note(&evt));
        output.print_notes()?;
        if let Evt::Closed { reason: Reason::Error(error) } = evt {
            return Err(error.into());
        }
    }
    Ok(())
}

/// Stdout, with the response followed by notes.
struct Output {
    /// Whether the last output did not end with a line feed.
    is_line_open: bool,
    /// Notes on events, held back until the end of the body.
    notes: Vec<String>,
}

impl Output {
    fn print(&mut self, octets: &[u8]) -> io::Result<()> {
        if let Some(&last) = octets.last() {
            self.is_line_open = last != b'\n';
        }
        let mut stdout = io::stdout().lock();
        stdout.write_all(octets)?;
        stdout.flush()
    }

    fn print_headers(&mut self, headers: &Headers, kind: HeadersKind) -> io::Result<()> {
        let mut text = Vec::new();
        if kind == HeadersKind::Trailers && self.is_line_open {
            text.push(b'\n');
        }
        if let Some(status) = headers.status() {
            writeln!(text, "HTTP/2 {status}")?;
        }
        // Values are printed as received; the Session rejects control characters.
        for field in headers.iter().filter(|field| !field.name.starts_with(b":")) {
            text.extend_from_slice(&[field.name, b": ", field.value, b"\n"].concat());
        }
        if kind != HeadersKind::Trailers {
            text.push(b'\n');
        }
        self.print(&text)
    }

    fn print_notes(&mut self) -> io::Result<()> {
        let mut text = String::new();
        if self.is_line_open && !self.notes.is_empty() {
            text.push('\n');
        }
        for note in self.notes.drain(..) {
            text.push_str(&format!("* {note}\n"));
        }
        self.print(text.as_bytes())
    }
}

/// Describes an event in one line.
fn note(evt: &Evt) -> String {
    match evt {
        Evt::SettingsChanged { settings } => {
            let settings: Vec<_> = settings.iter().map(ToString::to_string).collect();
            format!("settings of the server: [{}]", settings.join(", "))
        }
        Evt::SettingsAcknowledged => "the server has acknowledged our settings".to_owned(),
        Evt::Goaway { last_stream_identifier, error_code, debug_data } => format!(
            "the server is shutting down: {error_code}, last stream {last_stream_identifier}{}",
            quoted(debug_data),
        ),
        Evt::Closed { reason } => tell(reason),
        // `Debug` escapes the contents and keeps them on one line.
        other => format!("{other:?}"),
    }
}

fn tell(reason: &Reason) -> String {
    match reason {
        Reason::Local => "the connection was closed".to_owned(),
        Reason::Peer { goaway: Some(code), debug_data } if *code != ErrorCode::NoError => {
            format!("the server closed the connection with {code}{}", quoted(debug_data))
        }
        Reason::Peer { .. } => "the server closed the connection".to_owned(),
        Reason::Error(error) => format!("the connection failed: {error}"),
        other => format!("{other:?}"),
    }
}

/// Escapes the debug data of a GOAWAY for a terminal.
fn quoted(debug_data: &[u8]) -> String {
    match debug_data {
        [] => String::new(),
        text => format!(", \"{}\"", text.escape_ascii()),
    }
}
