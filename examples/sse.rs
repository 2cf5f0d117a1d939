//! Server-sent events: one per second until the client disconnects.
//! It shows a response without an end, and how a handler notices a cancelled request.
//!
//! ```text
//! cargo run --release --example sse -- [ADDRESS] [--tls [CERT KEY]]
//!
//! curl --no-buffer --http2-prior-knowledge http://127.0.0.1:8080/ticks
//! ```
//!
//! `/` is a page that shows the events; browsers need `--tls` for it, since they use HTTP/2 only
//! over TLS.
//!
//! A long-running handler is a plain loop. It occupies a thread while it runs, and other threads
//! serve the other requests of its connection.

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

    ADDRESS          the address to listen on; default 127.0.0.1:8080, port 0 for any free port
    --tls            use TLS, with a generated certificate
    --tls CERT KEY   use TLS, with this certificate and key (PEM files)
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
    // Each listening client occupies a handler, and so a thread.
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
    // A browser that reconnects sends the last event it has received.
    let last = request.field("last-event-id").and_then(|id| id.parse::<u32>().ok());
    let last = last.map_or(0, u64::from);
    let mut next = Instant::now();
    for tick in last + 1.. {
        write!(response, "id: {tick}\ndata: {tick}\n\n")?;
        // Sends the event. After the client has disconnected, a flush or write fails, which ends
        // the handler.
        response.flush()?;
        next += Duration::from_secs(1);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(())
}
