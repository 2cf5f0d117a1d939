//! A client over TLS: fetches an `https://` URL, prints the body to stdout and details to stderr.
//! It shows a Session behind TLS, and trust in a certificate of your own.
//!
//! ```text
//! cargo run --example tls_client -- https://www.rust-lang.org/
//! cargo run --example tls_client -- https://127.0.0.1:8443/ --root cert.pem
//! ```
//!
//! The server's certificate must be signed by an authority that Mozilla trusts or, with `--root`,
//! by the certificate in that file.
//!
//! With `SSLKEYLOGFILE=keys.txt`, Wireshark can decrypt the traffic.
//! `RUST_LOG=h2_sync::frames=trace` prints every frame.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

use h2_sync::tls::Connector;
use h2_sync::{Evt, HeadersKind, Session, headers, new_connection};
use http::Uri;

const HELP: &str = "\
Fetches a URL over HTTP/2 and TLS: body to stdout, fields and connection details to stderr.

usage: tls_client URL [--root CERT.pem]

    URL                 https://HOST[:PORT][/PATH][?QUERY]
    --root CERT.pem     trust only this certificate

SSLKEYLOGFILE=keys.txt writes the secrets for Wireshark.
RUST_LOG=h2_sync::frames=trace shows every frame.
";

/// The timeout for connecting, for the handshake, and for each event of the response.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    env_logger::init();
    let args: Vec<_> =
        env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let (url, root) = match args[..] {
        ["-h" | "--help"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        [url] if !url.starts_with('-') => (url, None),
        [url, "--root", root] | ["--root", root, url] => (url, Some(root)),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match fetch(url, root) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tls_client: {url}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn fetch(url: &str, root: Option<&str>) -> Result<(), Box<dyn Error>> {
    let uri: Uri = url.parse()?;
    if uri.scheme_str() != Some("https") {
        return Err("the URL must start with https://".into());
    }
    let host = uri.host().ok_or("the URL has no host")?;
    // Without userinfo, which must not be sent (RFC 9113, Section 8.3.1).
    let authority = uri.authority().map_or(host, |authority| authority.as_str());
    let authority = authority.rsplit_once('@').map_or(authority, |(_, rest)| rest);
    let path = match uri.path_and_query().map_or("/", |path| path.as_str()) {
        query if query.starts_with('?') => format!("/{query}"),
        path => path.to_owned(),
    };

    let connector = match root {
        Some(file) => Connector::with_only_roots(&fs::read(file)?)?,
        None => Connector::new()?,
    };
    let socket = connect(host, uri.port_u16().unwrap_or(443))?;
    let stream = connector.with_key_log().connect(host, socket, PATIENCE)?;
    let facts = stream.facts();
    eprintln!("{:?}, {:?}", facts.protocol_version, facts.cipher_suite);

    let session = new_connection(stream, true, false)?;
    let request = headers!(
        ":method" => "GET",
        ":scheme" => "https",
        ":authority" => authority,
        ":path" => path,
        "accept" => "*/*",
        "user-agent" => "h2-sync-example",
    );
    session.open(&request, true)?;
    let result = print_response(&session);
    session.close();
    result
}

/// Connects to the first of the host's addresses that accepts.
fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    // The brackets of `[::1]` are part of the URL syntax, not of the address.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut result = Err(io::Error::other("the host has no address"));
    for address in (host, port).to_socket_addrs()? {
        result = TcpStream::connect_timeout(&address, PATIENCE);
        if result.is_ok() {
            break;
        }
    }
    result
}

fn print_response(session: &Session) -> Result<(), Box<dyn Error>> {
    let mut stdout = io::stdout().lock();
    loop {
        let is_end_stream = match session.take_evt_timeout(PATIENCE)? {
            Evt::RecvHeaders { headers, kind, is_end_stream, .. } => {
                if kind != HeadersKind::Trailers {
                    eprintln!("HTTP/2 {}", headers.status().unwrap_or_default());
                }
                for field in headers.iter().filter(|field| !field.name.starts_with(b":")) {
                    eprintln!("{}: {}", field.name.escape_ascii(), field.value.escape_ascii());
                }
                is_end_stream
            }
            Evt::RecvData { data, is_end_stream, .. } => {
                stdout.write_all(&data)?;
                is_end_stream
            }
            Evt::Reset { error_code, .. } => {
                return Err(format!("the response ended with {error_code}").into());
            }
            Evt::Closed { reason } => return Err(format!("incomplete response: {reason:?}").into()),
            _ => false,
        };
        if is_end_stream {
            return Ok(stdout.flush()?);
        }
    }
}
