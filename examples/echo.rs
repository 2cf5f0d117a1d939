//! A server that sends every body back while it arrives.
//! It shows how a handler reads and writes at once, without holding a body in memory.
//!
//! ```text
//! cargo run --release --example echo -- [ADDRESS] [--tls [CERT KEY]]
//!
//! curl --http2-prior-knowledge --data-binary @Cargo.toml http://127.0.0.1:8080/
//! ```
//!
//! The response begins with the first piece of the request, so a client can write a line, read it
//! back and continue, on one stream without limit. If a client does not read the response, its
//! request is not read either; other streams are not affected.

#[path = "shared/args.rs"]
mod args;

use std::io::Write;

use args::Args;
use h2_sync::server::{Config, Request, Response};

const HELP: &str = "\
Sends the body of every request back.

usage: echo [ADDRESS] [--tls [CERT KEY]]

    ADDRESS          the address to listen on; default 127.0.0.1:8080, port 0 for any free port
    --tls            use TLS, with a generated certificate
    --tls CERT KEY   use TLS, with this certificate and key (PEM files)
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
        // Without a copy: the response shares the memory of the request.
        response.send(piece)?;
        // The client may wait for this piece before it sends more.
        response.flush()?;
    }
    Ok(())
}
