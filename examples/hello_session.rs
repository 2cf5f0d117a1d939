//! The example `hello` one layer below: both ends of a connection as two channels.
//! It shows which actions and events one request consists of.
//!
//! ```text
//! cargo run --example hello_session
//! ```
//!
//! Both sides are a [`Session`]: they take events (`Evt`) and put actions (`Act`).
//! `RUST_LOG=h2_sync::frames=trace` also prints every frame.

use std::env;
use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::thread;

use h2_sync::{Act, Evt, Reason, Session, headers, new_connection};

const HELP: &str = "\
An HTTP/2 server and a client in one process, on loopback. Takes no arguments.

    cargo run --example hello_session
    RUST_LOG=h2_sync::frames=trace cargo run --example hello_session    shows every frame
";

/// An error that can be returned by a thread.
type AnyError = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), AnyError> {
    env_logger::init();
    if env::args_os().len() > 1 {
        print!("{HELP}");
        return Ok(());
    }

    // Port 0: the system chooses a free port.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    println!("server: listening on {address}");
    let server = thread::spawn(move || serve(&listener));

    let client = new_connection(TcpStream::connect(address)?, true, false)?;
    let request = headers!(
        ":method" => "GET",
        ":scheme" => "http",
        ":authority" => address.to_string(),
        ":path" => "/hello",
        "user-agent" => "h2-sync",
    );
    let stream_identifier = client.open(&request, true)?;
    println!("client: requested /hello on stream {stream_identifier}");
    let body = receive(&client)?;
    println!("client: the response is {body:?}");

    let stats = client.stats();
    println!(
        "client: {} frames ({} octets) out, {} frames ({} octets) in; goodbye",
        stats.sent.total_frames(),
        stats.sent.total_octets(),
        stats.received.total_frames(),
        stats.received.total_octets(),
    );
    client.close();
    server.join().map_err(|_| "the server panicked")?
}

/// Accepts one connection, and answers every request on it until the client closes it.
fn serve(listener: &TcpListener) -> Result<(), AnyError> {
    let (stream, peer) = listener.accept()?;
    println!("server: {peer} has connected");
    let session = new_connection(stream, false, false)?;
    while let Ok(evt) = session.take_evt() {
        match evt {
            Evt::RecvHeaders { stream_identifier, headers, .. } => {
                let (method, path) = (headers.method(), headers.path());
                println!(
                    "server: {} {} on stream {stream_identifier}",
                    method.unwrap_or("?"),
                    path.unwrap_or("?"),
                );
                let headers = headers!(":status" => "200", "content-type" => "text/plain");
                session.put_act(Act::SendHeaders {
                    stream_identifier,
                    headers,
                    is_end_stream: false,
                })?;
                let data = "Hello, HTTP/2!".into();
                session.put_act(Act::SendData { stream_identifier, data, is_end_stream: true })?;
            }
            // Always the last event.
            Evt::Closed { reason: Reason::Error(error) } => return Err(error.into()),
            Evt::Closed { .. } => println!("server: the client closed the connection"),
            _ => {} // settings and similar, already handled by the Session
        }
    }
    Ok(())
}

/// Takes events until the response is complete, and returns its body.
fn receive(session: &Session) -> Result<String, AnyError> {
    let mut body = Vec::new();
    loop {
        match session.take_evt()? {
            Evt::RecvHeaders { headers, .. } => {
                println!("client: status {}", headers.status().unwrap_or_default());
            }
            Evt::RecvData { data, is_end_stream, .. } => {
                body.extend_from_slice(&data);
                if is_end_stream {
                    return Ok(String::from_utf8(body)?);
                }
            }
            Evt::Reset { error_code, .. } => return Err(format!("reset: {error_code}").into()),
            Evt::Closed { reason } => return Err(format!("closed: {reason:?}").into()),
            _ => {}
        }
    }
}
