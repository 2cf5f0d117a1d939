//! A server that sends every body back as it comes.
//!
//! ```text
//! cargo run --release --example echo -- [ADDRESS] [--tls [CERT KEY]]
//!
//! curl --http2-prior-knowledge --data-binary @Cargo.toml http://127.0.0.1:8080/
//! ```
//!
//! The response begins when the first piece of the request is there, not when all of it is: a client
//! can write a line, read it back, and go on, on one stream for as long as it likes. A client that
//! does not read what it gets back is not read from either, and only its own stream waits.

#[path = "shared/args.rs"]
mod args;

use std::io::Write;

use args::Args;
use h2_sync::server::{Config, Request, Response};

const HELP: &str = "\
Sends the body of every request back.

usage: echo [ADDRESS] [--tls [CERT KEY]]

    ADDRESS          where to listen; 127.0.0.1:8080 if left out, port 0 for any free one
    --tls            speak TLS, with a certificate made on the spot
    --tls CERT KEY   speak TLS, with these (PEM)
";

fn main() {
    env_logger::init();
    let (args, []) = Args::parse(HELP, []);
    args.serve(Config::default(), echo).wait();
}

fn echo(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    if let Some(kind) = request.field("content-type") {
        response.set_header("content-type", kind)?;
    }
    while let Some(piece) = request.next_chunk()? {
        // Without a copy: what is sent is the memory that it was received in.
        response.send(piece)?;
        // The client may be waiting for it before it goes on.
        response.flush()?;
    }
    Ok(())
}
