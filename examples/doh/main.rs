//! DNS over HTTPS (RFC 8484): looks up a name, or forwards the DNS queries of this machine to a resolver.
//! It shows a binary protocol on top of HTTP, and many requests over one connection.
//!
//! ```text
//! cargo run --release --example doh -- lookup https://dns.example/dns-query example.com
//! cargo run --release --example doh -- forward https://dns.example/dns-query 127.0.0.1:5353
//! ```
//!
//! Query and answer are ordinary DNS messages, in the bodies of a POST and its response. All queries share
//! one HTTP/2 connection of the client's pool, each on a stream of its own, so a slow answer does not delay
//! the others.
//!
//! The system resolves the host of the URL. If the system itself is to use this forwarder, put the
//! resolver's address into the URL, or into `client::Config::resolver`.

mod crowd;
mod forward;
mod message;

use std::io::Write;
use std::net::SocketAddr;
use std::process;
use std::time::Duration;

use h2_sync::BoxError;
use h2_sync::client::{Client, Config};
use message::{Data, Kind};

const HELP: &str = "\
Asks a resolver of DNS over HTTPS.

usage: doh lookup URL NAME...       print the addresses of these names
       doh forward URL [ADDRESS]    answer DNS by UDP and TCP; default address 127.0.0.1:5353

    URL    https://, or http:// for a resolver on this machine (HTTP/2 in cleartext)
";

/// How long an answer may take altogether. Resolvers of operating systems ask again after 5 s.
const TIMEOUT: Duration = Duration::from_secs(4);

const MEDIA_TYPE: &str = "application/dns-message";

/// A resolver behind a URL.
pub(crate) struct Resolver {
    client: Client,
    url: String,
}

/// An answer, and for how long caches on the way have kept it, in seconds.
pub(crate) struct Answer {
    pub(crate) message: Vec<u8>,
    pub(crate) age: u32,
}

impl Resolver {
    fn new(url: &str) -> Result<Self, BoxError> {
        let mut config = Config::default();
        config.timeout = Some(TIMEOUT);
        // The longest message of DNS.
        config.max_body = 65_535;
        config.prior_knowledge = url.starts_with("http://");
        let client = Client::with_config(config)?;
        client.post(url).url()?;
        Ok(Resolver { client, url: url.to_owned() })
    }

    /// Sends a question, and waits for the answer.
    pub(crate) fn ask(&self, mut question: Vec<u8>) -> Result<Answer, BoxError> {
        // RFC 8484, Section 4.1: the same question is the same request for caches.
        message::set_id(&mut question, 0);
        let request = self.client.post(&self.url).header("content-type", MEDIA_TYPE);
        let response = request.header("accept", MEDIA_TYPE).body(question).send()?;
        let response = response.error_for_status()?;
        match response.header("content-type") {
            Some(kind) if kind.starts_with(MEDIA_TYPE) => {}
            kind => return Err(format!("the answer has content-type {kind:?}").into()),
        }
        let age = response.header("age").and_then(|age| age.parse().ok()).unwrap_or(0);
        Ok(Answer { message: response.bytes()?, age })
    }
}

fn main() {
    env_logger::init();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match *words {
        ["lookup", url, ref names @ ..] if !names.is_empty() => lookup(url, names),
        ["forward", url] => forward(url, "127.0.0.1:5353"),
        ["forward", url, address] => forward(url, address),
        _ => {
            eprint!("{HELP}");
            process::exit(2);
        }
    };
    if let Err(error) = done {
        eprintln!("doh: {error}");
        process::exit(1);
    }
}

fn lookup(url: &str, names: &[&str]) -> Result<(), BoxError> {
    let resolver = Resolver::new(url)?;
    for name in names {
        for kind in [Kind::A, Kind::Aaaa] {
            let answer = resolver.ask(message::question(name, kind)?)?;
            for record in message::answers(&answer.message)? {
                // RFC 8484, Section 5.1: time in an HTTP cache counts.
                let ttl = record.ttl.saturating_sub(answer.age);
                match record.data {
                    Data::Address(address) => println!("{} {ttl} {address}", record.name),
                    Data::Alias(to) => println!("{} {ttl} is {to}", record.name),
                    Data::Other => {}
                }
            }
        }
    }
    Ok(())
}

fn forward(url: &str, address: &str) -> Result<(), BoxError> {
    let resolver = Resolver::new(url)?;
    let address: SocketAddr =
        address.parse().map_err(|_| format!("invalid address {address:?}"))?;
    let forwarder = forward::Forwarder::bind(address, resolver)?;
    println!("listening on {}", forwarder.address());
    std::io::stdout().flush()?;
    forwarder.run()
}
