//! A server over TLS: a page, a page of fifty parts, and uploads that are counted.
//! It shows a Session behind TLS, with a certificate from files or one generated at the start.
//!
//! ```text
//! cargo run --release --example tls_server -- [ADDRESS] [CERT.pem KEY.pem]
//!
//! curl --insecure https://127.0.0.1:8443/
//! curl --insecure --data-binary @Cargo.toml https://127.0.0.1:8443/upload
//! ```
//!
//! Without a certificate, it generates a self-signed one for `localhost`; hence the `--insecure`
//! for curl. Browsers show a warning. Then `/many` shows fifty parts over one connection.
//!
//! A client that only speaks HTTP/1.1 gets a response that says so: the handshake returns the
//! stream if another protocol was negotiated. With `SSLKEYLOGFILE=keys.txt`, Wireshark can decrypt
//! the traffic. `RUST_LOG=h2_sync::frames=trace` prints every frame.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use h2_sync::tls::{Acceptor, TlsStream};
use h2_sync::{
    Act, ErrorKind, Evt, Headers, HeadersKind, Reason, Session, StreamId, headers, new_connection,
};

const HELP: &str = "\
Answers HTTP/2 requests over TLS: /, /many (a page of 50 parts) and /upload.

usage: tls_server [ADDRESS] [CERT.pem KEY.pem]

    ADDRESS              the address to listen on; default 127.0.0.1:8443, port 0 for any free port
    CERT.pem KEY.pem     certificate chain and private key; default: a generated one for localhost

SSLKEYLOGFILE=keys.txt writes the secrets for Wireshark.
RUST_LOG=h2_sync::frames=trace shows every frame.
";

const DEFAULT_ADDRESS: &str = "127.0.0.1:8443";

/// The timeout for a handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most connections at a time, each with three threads. More are closed at once.
const MAX_CONNECTIONS: usize = 200;

const PARTS: usize = 50;

fn main() -> ExitCode {
    env_logger::init();
    let args: Vec<_> =
        env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    if args.iter().any(|arg| arg.starts_with('-')) || args.len() > 3 {
        print!("{HELP}");
        return ExitCode::from(if matches!(args[..], ["-h" | "--help"]) { 0 } else { 2 });
    }
    let (address, files) = match args[..] {
        [cert, key] => (DEFAULT_ADDRESS, Some((cert, key))),
        [address, cert, key] => (address, Some((cert, key))),
        [address, ..] => (address, None),
        [] => (DEFAULT_ADDRESS, None),
    };
    if let Err(error) = acceptor(files).and_then(|acceptor| listen(address, &acceptor)) {
        eprintln!("tls_server: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Uses the certificate and key of these files, or generates a self-signed certificate.
fn acceptor(files: Option<(&str, &str)>) -> Result<Acceptor, Box<dyn Error>> {
    let acceptor = match files {
        Some((cert, key)) => Acceptor::from_pem_files(cert, key)?,
        None => {
            let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
            let made = rcgen::generate_simple_self_signed(names)?;
            let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
            Acceptor::from_pem(certificate.as_bytes(), key.as_bytes())?
        }
    };
    // Also accepts HTTP/1.1, to answer such clients in their own protocol.
    Ok(acceptor.with_http1().with_key_log())
}

/// Accepts connections, forever.
fn listen(address: &str, acceptor: &Acceptor) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address)?;
    let url = format!("https://{}", listener.local_addr()?);
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {url}\ntry: curl --insecure {url}/")?;
    // A parent process at the other end of a pipe may wait for these lines.
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
        let (acceptor, is_open) = (acceptor.clone(), Arc::clone(&open));
        // The handshake waits for the client, so it also runs on the connection's thread.
        let serve = move || {
            let _is_open = is_open;
            match handshake(&acceptor, stream) {
                // Many clients disconnect without closing TLS.
                Err(error) if error.kind() == ErrorKind::Transport => log::info!("{peer}: {error}"),
                Err(error) => eprintln!("{peer}: {error}"),
                Ok(()) => log::info!("{peer} closed the connection"),
            }
        };
        // Unlike `thread::spawn`, this does not panic when the system has no threads left.
        if let Err(error) = thread::Builder::new().name(peer.to_string()).spawn(serve) {
            eprintln!("{peer}: cannot start a thread: {error}");
        }
    }
}

fn handshake(acceptor: &Acceptor, stream: TcpStream) -> Result<(), h2_sync::Error> {
    match acceptor.accept(stream, PATIENCE) {
        Ok(stream) => {
            log::info!("{:?}", stream.facts());
            serve(&new_connection(stream, false, false)?)
        }
        Err(error) => {
            let failed = error.error().clone();
            // TLS was established, but HTTP/2 was not negotiated.
            error.into_stream().map_or(Err(failed), |stream| Ok(refuse(stream)?))
        }
    }
}

/// Answers in HTTP/1.1 that the client should have offered `h2`.
fn refuse(mut stream: TlsStream<TcpStream>) -> io::Result<()> {
    stream.closer().set_read_timeout(Some(PATIENCE))?;
    let _ = stream.read(&mut [0; 4096])?;
    let body = "This server only speaks HTTP/2.\n";
    write!(
        stream,
        "HTTP/1.1 505 HTTP Version Not Supported\r\ncontent-type: text/plain\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    stream.flush()
}

/// Answers every request on one connection, until it ends.
fn serve(session: &Session) -> Result<(), h2_sync::Error> {
    // Requests with an incomplete body, with its length so far.
    let mut unfinished: HashMap<StreamId, (Headers, usize)> = HashMap::new();
    // `take_evt` only fails after `Evt::Closed`.
    while let Ok(evt) = session.take_evt() {
        let (stream_identifier, is_end_stream) = match evt {
            Evt::RecvHeaders { stream_identifier, headers, kind, is_end_stream } => {
                if kind == HeadersKind::Request {
                    unfinished.insert(stream_identifier, (headers, 0));
                }
                (stream_identifier, is_end_stream)
            }
            Evt::RecvData { stream_identifier, data, is_end_stream } => {
                if let Some((_, octets)) = unfinished.get_mut(&stream_identifier) {
                    *octets += data.len();
                }
                (stream_identifier, is_end_stream)
            }
            Evt::Reset { stream_identifier, .. } => {
                unfinished.remove(&stream_identifier);
                continue;
            }
            Evt::Closed { reason: Reason::Error(error) } => return Err(error),
            _ => continue,
        };
        if !is_end_stream {
            continue;
        }
        if let Some((request, octets)) = unfinished.remove(&stream_identifier) {
            if let Err(error) = answer(session, stream_identifier, &request, octets) {
                // The client has reset the stream.
                log::debug!("stream {stream_identifier}: {error}");
            }
        }
    }
    Ok(())
}

/// Sends HEADERS, and DATA unless the request is HEAD.
fn answer(
    session: &Session,
    stream_identifier: StreamId,
    request: &Headers,
    octets: usize,
) -> Result<(), h2_sync::Error> {
    let path = request.path().unwrap_or("/");
    let (status, kind, body) = match path.split('?').next().unwrap_or(path) {
        "/" => ("200", "text/plain", "Hello, HTTP/2 over TLS!\n".to_owned()),
        "/upload" => ("200", "text/plain", format!("Your request had {octets} octets.\n")),
        "/many" => ("200", "text/html", many()),
        path if path.starts_with("/part/") => {
            ("200", "text/javascript", "parts += 1;\n".to_owned())
        }
        _ => ("404", "text/plain", "Not found.\n".to_owned()),
    };
    let headers = headers!(
        ":status" => status,
        "content-type" => format!("{kind}; charset=utf-8"),
        "content-length" => body.len().to_string(),
    );
    let is_end_stream = request.method() == Some("HEAD");
    let mut acts = vec![Act::SendHeaders { stream_identifier, headers, is_end_stream }];
    if !is_end_stream {
        acts.push(Act::SendData { stream_identifier, data: body.into(), is_end_stream: true });
    }
    // Together, so that they go out in one write.
    session.put_acts(&mut acts)
}

/// A page that loads fifty scripts, and tells how many came, and by which protocol.
fn many() -> String {
    let mut page =
        "<!doctype html><title>loading</title><script>var parts = 0;</script>\n".to_owned();
    for part in 0..PARTS {
        page += &format!("<script src=\"/part/{part}.js\"></script>\n");
    }
    page + "<p id=\"told\"></p>
<script>
onload = () => {
    const entries = performance.getEntriesByType('resource');
    const h2 = entries.filter(entry => entry.nextHopProtocol === 'h2').length;
    const told = parts + ' parts, ' + h2 + ' of ' + entries.length + ' by h2';
    document.title = told;
    document.getElementById('told').textContent = told;
};
</script>
"
}
