//! Shows HTTP/2 traffic live: a proxy between any client and server, with a page that shows connections,
//! streams, frames, field blocks and windows, and what each side waits for.
//!
//! ```text
//! cargo run --release --example inspect -- [ADDRESS] [UPSTREAM] [PAGE]
//!
//! cargo run --release --example kitchen_sink -- 127.0.0.1:8081
//! cargo run --release --example inspect -- 127.0.0.1:8080 http://127.0.0.1:8081
//! curl --http2-prior-knowledge http://127.0.0.1:8080/
//! ```
//!
//! Open <https://127.0.0.1:8090/> first, and accept its self-signed certificate. Then send requests to
//! `ADDRESS`, in cleartext or over TLS: the first octet of a connection distinguishes them.
//!
//! # How it works
//!
//! Octets are forwarded unchanged. A [`Tap`](tap::Tap) gets a copy, and decodes it with only the modules
//! [`frame`](h2_sync::frame) and [`hpack`](h2_sync::hpack) of this crate. Its events go to a
//! [`Hub`](hub::Hub), which sends them as server-sent events to the page. The server of this crate serves
//! both over HTTP/2.
//!
//! ```text
//!   client ◀───────── octets, unchanged ─────────▶ upstream
//!                │ copy                  │ copy
//!                └──▶ Tap: frames, ◀─────┘
//!                     fields, windows ──▶ Hub ──▶ /events ──▶ page
//! ```

mod hub;
mod page;
mod relay;
mod tap;
mod windows;

use std::error::Error;
use std::io::{self, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::{env, process};

use h2_sync::server::Server;
use h2_sync::tls::Acceptor;
use hub::Hub;
use relay::{Relay, Upstream};

const HELP: &str = "\
Shows what HTTP/2 does between a client and a server, in a page.

usage: inspect [ADDRESS] [UPSTREAM] [PAGE]

    ADDRESS    where clients connect, in cleartext or over TLS; default 127.0.0.1:8080
    UPSTREAM   the server, http:// (HTTP/2 in cleartext) or https://; default http://127.0.0.1:8081
    PAGE       where the page is, over TLS; default 127.0.0.1:8090
";

fn main() {
    env_logger::init();
    let words: Vec<String> = env::args().skip(1).collect();
    if words.len() > 3 || words.iter().any(|word| word.starts_with('-')) {
        eprint!("{HELP}");
        process::exit(2);
    }
    let word = |at: usize, default: &str| words.get(at).map_or(default, |word| word).to_owned();
    let address = word(0, "127.0.0.1:8080");
    let upstream = word(1, "http://127.0.0.1:8081");
    let page = word(2, "127.0.0.1:8090");
    if let Err(error) = run(&address, &upstream, &page) {
        eprintln!("inspect: {error}");
        process::exit(1);
    }
}

fn run(address: &str, upstream: &str, page: &str) -> Result<(), Box<dyn Error>> {
    let upstream: Upstream = upstream.parse()?;
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let made = rcgen::generate_simple_self_signed(names)?;
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes())?;

    let hub = Arc::new(Hub::new(&upstream.to_string()));
    let page = Server::bind(page)?.tls(acceptor.clone()).serve(page::handler(Arc::clone(&hub)))?;
    let listener = TcpListener::bind(address)?;
    println!("listening on http://{}", listener.local_addr()?);
    println!("page at https://{}/", page.local_addr().ok_or("no address")?);
    io::stdout().flush()?;
    Relay::new(acceptor, upstream, hub)?.run(&listener)
}
