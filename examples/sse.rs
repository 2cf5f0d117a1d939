//! Server-sent events: a tick every second, for as long as the client stays.
//!
//! ```text
//! cargo run --release --example sse -- [ADDRESS] [--tls [CERT KEY]]
//!
//! curl --no-buffer --http2-prior-knowledge http://127.0.0.1:8080/ticks
//! ```
//!
//! `/` is a page that shows the ticks; a browser needs `--tls` for it, as browsers speak HTTP/2 over
//! TLS alone.
//!
//! A handler that takes its time is a plain loop here. It has a thread of its own while it runs, and
//! the other requests of its connection are served by others.

#[path = "shared/args.rs"]
mod args;

use std::error::Error;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use args::Args;
use h2_sync::server::{Config, Request, Response};

const HELP: &str = "\
Sends an event every second on /ticks. / is a page that shows them.

usage: sse [ADDRESS] [--tls [CERT KEY]]

    ADDRESS          where to listen; 127.0.0.1:8080 if left out, port 0 for any free one
    --tls            speak TLS, with a certificate made on the spot
    --tls CERT KEY   speak TLS, with these (PEM)
";

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Ticks</title>
<style>body { font: 1.5rem system-ui; margin: 3rem } output { font-size: 5rem }</style>
<p>Ticks: <output id="count">…</output>
<script>
  new EventSource("/ticks").onmessage = event => { count.textContent = event.data };
</script>
</html>
"#;

fn main() {
    env_logger::init();
    let (args, []) = Args::parse(HELP, []);
    let mut config = Config::default();
    // Each client that listens keeps a handler, and so a thread, for as long as it stays.
    config.max_handlers = 1_000;
    args.serve(config, handler).wait();
}

fn handler(
    request: &mut Request,
    response: &mut Response,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    match request.path() {
        "/" => {
            response.set_header("content-type", "text/html; charset=utf-8")?;
            response.write_all(PAGE.as_bytes())?;
            Ok(())
        }
        "/ticks" => ticks(request, response),
        _ => Ok(response.set_status(404)?),
    }
}

fn ticks(
    request: &mut Request,
    response: &mut Response,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    response.set_header("content-type", "text/event-stream")?;
    response.set_header("cache-control", "no-store")?;
    // A browser that has lost its connection comes back and says how far it got.
    let last = request.field("last-event-id").and_then(|id| id.parse().ok()).unwrap_or(0_u64);
    let mut next = Instant::now();
    for tick in last + 1.. {
        write!(response, "id: {tick}\ndata: {tick}\n\n")?;
        // Sends it now. When the client has gone, this or the write fails, which is how it ends.
        response.flush()?;
        next += Duration::from_secs(1);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(())
}
