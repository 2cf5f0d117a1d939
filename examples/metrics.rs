//! A server with metrics for Prometheus and others, and an access log.
//! It shows which statistics matter in production, and how to export them.
//!
//! ```text
//! RUST_LOG=h2_sync::access=info cargo run --release --example metrics -- [ADDRESS] [UPSTREAM] [--tls [CERT KEY]]
//!
//! curl http://127.0.0.1:8080/                  the upstream's answer, or a greeting
//! curl http://127.0.0.1:8080/metrics           OpenMetrics text
//! ```
//!
//! With an UPSTREAM, such as `http://127.0.0.1:9000`, other requests are answered with its response
//! to GET with the same path, and the metrics include those of the client. In production, `/metrics`
//! should only be reachable from inside. `shared/openmetrics.rs` turns the statistics into text, and can be copied.

#[path = "shared/args.rs"]
mod args;
#[path = "shared/openmetrics.rs"]
mod openmetrics;

use std::error::Error;
use std::io;
use std::sync::OnceLock;

use args::Args;
use h2_sync::client::Client;
use h2_sync::server::{Config, Handle, Request, Response};

const HELP: &str = "\
Answers requests, and /metrics with statistics as OpenMetrics text.

usage: metrics [ADDRESS] [UPSTREAM] [--tls [CERT KEY]]

    ADDRESS          the address to listen on; default 127.0.0.1:8080, port 0 for any free port
    UPSTREAM         a URL without a path, where other requests are passed on to
    --tls            use TLS, with a generated certificate
    --tls CERT KEY   use TLS, with this certificate and key (PEM files)

RUST_LOG=h2_sync::access=info shows a line for each request.
";

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The running server, for the handler of /metrics.
static SERVER: OnceLock<Handle> = OnceLock::new();

fn main() -> std::result::Result<(), h2_sync::Error> {
    env_logger::init();
    let (args, [upstream]) = Args::parse(HELP, [""]);
    let client = if upstream.is_empty() { None } else { Some(Client::new()?) };
    let handle = args.serve(Config::default(), move |request, response| {
        handler(request, response, client.as_ref(), &upstream)
    });
    SERVER.get_or_init(|| handle).wait();
    Ok(())
}

fn handler(
    request: &mut Request,
    response: &mut Response,
    client: Option<&Client>,
    upstream: &str,
) -> Result {
    match (request.path(), client) {
        ("/metrics", _) => metrics(response, client),
        (_, None) => Ok(response.send("hello\n")?),
        (path, Some(client)) => {
            let mut found = client.get(format!("{upstream}{path}")).send()?;
            response.set_status(found.status())?;
            io::copy(&mut found, response)?;
            Ok(())
        }
    }
}

fn metrics(response: &mut Response, client: Option<&Client>) -> Result {
    let Some(server) = SERVER.get() else {
        // The request arrived before the handle was stored.
        return Ok(response.set_status(503)?);
    };
    let client = client.map(Client::stats);
    response.set_header("content-type", openmetrics::MEDIA_TYPE)?;
    Ok(response.send(openmetrics::text(&server.stats(), client.as_ref()))?)
}
