//! A dialogue over one stream: both sides send and receive at the same time.
//! It shows how a client writes a request body while it reads the response.
//!
//! ```text
//! cargo run --example bidi
//! cargo run --example bidi -- 127.0.0.1:8080 < some.txt
//! ```
//!
//! Each line typed is sent at once, and another thread prints what the server answers. The end of
//! the input ends our direction, and the server ends its answer. Without an address, the example
//! starts its own server, which sends each line back reversed.

use std::env;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::net::TcpStream;
use std::thread;

use h2_sync::Config;
use h2_sync::client::{Connection, ResponseHalf, SendHalf};
use h2_sync::server::{Request, Response, Server};

fn main() -> Result<(), Box<dyn Error>> {
    env_logger::init();
    match env::args().nth(1) {
        Some(address) => talk(&address),
        None => {
            let server = Server::bind("127.0.0.1:0")?.serve(backwards)?;
            let address = server.local_addr().ok_or("no address")?;
            talk(&address.to_string())
        }
    }
}

fn talk(address: &str) -> Result<(), Box<dyn Error>> {
    let connection = Connection::start(TcpStream::connect(address)?, Config::default())?;
    let request = http::Request::post(format!("http://{address}/talk")).body(())?;
    let (send, response) = connection.open(&request)?;
    let listening = thread::spawn(move || listen(response));
    say(send)?;
    listening.join().map_err(|_| "the listening thread panicked")??;
    Ok(())
}

/// This thread owns the sending half …
fn say(mut send: SendHalf) -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        writeln!(send, "{}", line?)?;
        send.flush()?;
    }
    send.finish()?;
    Ok(())
}

/// … and another thread the receiving half.
fn listen(mut response: ResponseHalf) -> io::Result<()> {
    println!("* {}", response.response()?.status());
    let mut stdout = io::stdout();
    for line in response.lines() {
        writeln!(stdout, "{}", line?)?;
    }
    Ok(())
}

/// The server: it responds before the request is complete, and answers each line as it arrives.
fn backwards(request: &mut Request, response: &mut Response) -> io::Result<()> {
    response.set_header("content-type", "text/plain; charset=utf-8")?;
    response.flush()?;
    for line in request.lines() {
        let line: String = line?.chars().rev().collect();
        writeln!(response, "{line}")?;
        response.flush()?;
    }
    Ok(())
}
