//! A server based on the Session: any request gets 200 and a short response.
//! It shows how one loop serves all streams of a connection.
//!
//! ```text
//! cargo run --release --example session_server -- [ADDRESS]
//!
//! curl --http2-prior-knowledge http://127.0.0.1:8080/
//! curl --http2-prior-knowledge --data-binary @Cargo.toml http://127.0.0.1:8080/upload
//! curl --http2 http://127.0.0.1:8080/
//! ```
//!
//! The last command asks for HTTP/2 in an HTTP/1.1 request (`Upgrade: h2c`). A client that only
//! speaks HTTP/1.1 is told in a response that this server does not support it.
//!
//! Each connection has one thread, which takes the events of all streams and puts the responses.
//! That is simple, and enough if responses need no waiting. A program with slow responses would
//! pass them to other threads, which can all use the same `Session`.
//!
//! `RUST_LOG=h2_sync::frames=trace` prints every frame.

use std::collections::HashMap;
use std::env;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use h2_sync::upgrade::Options;
use h2_sync::{
    Act, Config, ErrorCode, Evt, Headers, HeadersKind, Reason, Session, StreamId, headers,
};

const HELP: &str = "\
Answers any HTTP/2 request (cleartext, prior knowledge or upgrade) with 200 and a short body.

usage: session_server [ADDRESS]

    ADDRESS    the address to listen on; default 127.0.0.1:8080, port 0 for any free port

RUST_LOG=h2_sync::frames=trace shows every frame.
";

const DEFAULT_ADDRESS: &str = "127.0.0.1:8080";

/// The most connections at a time, each with three threads. More are closed at once.
const MAX_CONNECTIONS: usize = 200;

fn main() -> ExitCode {
    env_logger::init();
    let args: Vec<_> =
        env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let address = match args[..] {
        [] => DEFAULT_ADDRESS,
        ["-h" | "--help"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        [address] if !address.starts_with('-') => address,
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match listen(address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("session_server: cannot listen on {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Accepts connections, forever.
fn listen(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {}", listener.local_addr()?)?;
    // A parent process at the other end of a pipe may wait for this line.
    stdout.flush()?;
    // Each connection holds a clone.
    let open = Arc::new(());
    loop {
        let (stream, peer) = match listener.accept() {
            Ok(connected) => connected,
            Err(error) => {
                // For example, no file descriptors are left. Open connections continue, and will
                // end.
                eprintln!("accepting: {error}");
                thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        if Arc::strong_count(&open) > MAX_CONNECTIONS {
            eprintln!("{peer} is refused: {MAX_CONNECTIONS} connections are open");
            continue;
        }
        let is_open = Arc::clone(&open);
        let serve = move || {
            let _is_open = is_open;
            let complaint = match serve(stream) {
                Ok(reason) => complaint(&reason),
                // The peer closed at once, as port checks do.
                Err(error) if error.is_closed() => None,
                Err(error) => Some(error.to_string()),
            };
            match complaint {
                Some(complaint) => eprintln!("{peer}: {complaint}"),
                None => log::info!("{peer} closed the connection"),
            }
        };
        // Unlike `thread::spawn`, this does not panic when the system has no threads left.
        if let Err(error) = thread::Builder::new().name(peer.to_string()).spawn(serve) {
            eprintln!("{peer}: cannot start a thread: {error}");
        }
    }
}

/// Describes the end of a connection, if it is worth a line in the log.
fn complaint(reason: &Reason) -> Option<String> {
    match reason {
        Reason::Error(error) => Some(error.to_string()),
        Reason::Peer { goaway: Some(code), debug_data } if *code != ErrorCode::NoError => {
            Some(format!("the client left with {code} ({})", debug_data.escape_ascii()))
        }
        _ => None,
    }
}

/// Answers every request on one connection, and returns how it ended.
fn serve(stream: TcpStream) -> Result<Reason, h2_sync::Error> {
    // For clients known to use HTTP/2, `new_connection(stream, false, false)` would suffice. This
    // call reads the first octets to find out, so it runs on the connection's thread.
    let session = Session::accept_h2c(stream, Config::default(), &Options::default())?;
    // Requests with an incomplete body. The limit on concurrent streams bounds their number.
    let mut unfinished = HashMap::new();
    loop {
        // `take_evt` only fails after `Evt::Closed`, on which this function returns.
        let Ok(evt) = session.take_evt() else { return Ok(Reason::Local) };
        match evt {
            Evt::RecvHeaders { stream_identifier, headers, kind, is_end_stream } => {
                if kind == HeadersKind::Request {
                    let request = Request::new(&headers);
                    if !is_end_stream && headers.get("expect") == Some("100-continue") {
                        send_continue(&session, stream_identifier);
                    }
                    unfinished.insert(stream_identifier, request);
                }
                if is_end_stream {
                    answer(&session, stream_identifier, unfinished.remove(&stream_identifier));
                }
            }
            Evt::RecvData { stream_identifier, data, is_end_stream } => {
                if let Some(request) = unfinished.get_mut(&stream_identifier) {
                    request.octets += data.len() as u64;
                }
                if is_end_stream {
                    answer(&session, stream_identifier, unfinished.remove(&stream_identifier));
                }
            }
            Evt::Reset { stream_identifier, .. } => {
                unfinished.remove(&stream_identifier);
            }
            Evt::Closed { reason } => return Ok(reason),
            _ => {}
        }
    }
}

/// What the response depends on.
struct Request {
    method: Method,
    /// The length of the body so far.
    octets: u64,
}

#[derive(PartialEq)]
enum Method {
    Connect,
    Head,
    Other,
}

impl Request {
    fn new(headers: &Headers) -> Self {
        let method = match headers.method() {
            Some("CONNECT") => Method::Connect,
            Some("HEAD") => Method::Head,
            _ => Method::Other,
        };
        Request { method, octets: 0 }
    }
}

/// Sends an interim response: the client may send its body.
fn send_continue(session: &Session, stream_identifier: StreamId) {
    let headers = headers!(":status" => "100");
    let act = Act::SendHeaders { stream_identifier, headers, is_end_stream: false };
    if let Err(error) = session.put_act(act) {
        log::debug!("stream {stream_identifier}: {error}");
    }
}

fn answer(session: &Session, stream_identifier: StreamId, request: Option<Request>) {
    let Some(request) = request else { return };
    if let Err(error) = put_answer(session, stream_identifier, &request) {
        // The client has reset the stream, or does not read its responses. In the first case the
        // stream is gone, and resetting it fails with an error that says so.
        log::debug!("stream {stream_identifier}: {error}");
        let error_code = ErrorCode::InternalError;
        let _ = session.put_act(Act::Reset { stream_identifier, error_code });
    }
}

/// Sends HEADERS, and DATA unless the request is HEAD.
fn put_answer(
    session: &Session,
    stream_identifier: StreamId,
    request: &Request,
) -> Result<(), h2_sync::Error> {
    let (status, body) = match (&request.method, request.octets) {
        // A 200 would turn the stream into a tunnel (RFC 9110, Section 9.3.6).
        (Method::Connect, _) => ("501", "This is not a proxy.\n".to_owned()),
        (_, 0) => ("200", "Hello, HTTP/2!\n".to_owned()),
        (_, octets) => ("200", format!("Hello, HTTP/2! Your request had {octets} octets.\n")),
    };
    let headers = headers!(
        ":status" => status,
        "server" => "h2-sync",
        "content-type" => "text/plain; charset=utf-8",
        "content-length" => body.len().to_string(),
    );
    let is_end_stream = request.method == Method::Head;
    let mut acts = vec![Act::SendHeaders { stream_identifier, headers, is_end_stream }];
    if !is_end_stream {
        acts.push(Act::SendData { stream_identifier, data: body.into(), is_end_stream: true });
    }
    // Together, so that they go out in one write.
    session.put_acts(&mut acts)
}
