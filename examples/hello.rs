//! Server and client in one process, on loopback: the shortest way to see it work.
//!
//! ```text
//! cargo run --example hello
//! ```
//!
//! With `RUST_LOG=h2_sync::frames=trace` it shows every frame that passes.

use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::thread;

use h2_sync::session::{new_connection, Act, Evt};
use h2_sync::{headers, Session};

fn main() -> Result<(), Box<dyn Error>> {
    env_logger::init();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    println!("server: listening on {address}");

    let server = thread::spawn(move || -> Result<(), Box<dyn Error + Send + Sync>> {
        let (stream, peer) = listener.accept()?;
        println!("server: {peer} has connected");
        serve(&new_connection(stream, false, false)?)
    });

    let client = new_connection(TcpStream::connect(address)?, true, false)?;
    let request = headers!(
        ":method" => "GET",
        ":scheme" => "http",
        ":authority" => address.to_string(),
        ":path" => "/hello",
        "user-agent" => "h2-sync",
    );
    let stream = client.open(&request, true)?;
    println!("client: asked for /hello on stream {stream}");
    let body = receive(&client)?;
    println!("client: the answer is {body:?}");
    let stats = client.stats();
    println!(
        "client: {} frames ({} octets) out, {} frames ({} octets) in; goodbye",
        stats.sent.total_frames(),
        stats.sent.total_octets(),
        stats.received.total_frames(),
        stats.received.total_octets(),
    );
    client.close();
    server.join().expect("the server does not panic").map_err(|error| error as Box<dyn Error>)
}

/// Answers every request until the client goes.
fn serve(session: &Session) -> Result<(), Box<dyn Error + Send + Sync>> {
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
            Evt::Closed { reason } => println!("server: closed ({reason:?})"),
            _ => {}
        }
    }
    Ok(())
}

/// Collects the body of the one response that is expected.
fn receive(session: &Session) -> Result<String, Box<dyn Error>> {
    let mut body = Vec::new();
    loop {
        match session.take_evt()? {
            Evt::RecvHeaders { headers, .. } => {
                println!("client: status {}", headers.status().unwrap_or(0));
            }
            Evt::RecvData { data, is_end_stream, .. } => {
                body.extend_from_slice(&data);
                if is_end_stream {
                    return Ok(String::from_utf8(body)?);
                }
            }
            Evt::Closed { reason } => return Err(format!("closed: {reason:?}").into()),
            _ => {}
        }
    }
}
