//! A server with a graceful shutdown: Ctrl-C or SIGTERM lets it finish open requests.
//!
//! ```text
//! cargo run --release --example graceful -- [ADDRESS] [--tls [CERT KEY]]
//!
//! curl --http2-prior-knowledge http://127.0.0.1:8080/slow     and press Ctrl-C meanwhile
//! ```
//!
//! The shutdown (RFC 9113, Section 6.8): no connection is accepted any more, and every client gets
//! a first GOAWAY that announces the end. A round trip later, when requests in flight have arrived,
//! a second GOAWAY names the last request that will be answered. Clients send further requests to
//! another server.

#[path = "shared/args.rs"]
mod args;

use std::io::{self, Write};
use std::process::{self, ExitCode};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use args::Args;
use h2_sync::server::{Config, Request, Response};

const HELP: &str = "\
Answers requests until Ctrl-C or SIGTERM, then finishes open ones. /slow takes 3 s.

usage: graceful [ADDRESS] [--tls [CERT KEY]]

    ADDRESS          the address to listen on; default 127.0.0.1:8080, port 0 for any free port
    --tls            use TLS, with a generated certificate
    --tls CERT KEY   use TLS, with this certificate and key (PEM files)

The exit status is 0 if no request was aborted.
";

/// The time that open requests have to finish.
const GRACE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    env_logger::init();
    let (args, []) = Args::parse(HELP, []);
    let (sender, signals) = mpsc::channel();
    // The callback runs on its own thread, so it may block.
    let result = ctrlc::set_handler(move || {
        // Sending fails only when the program is about to end.
        let _ = sender.send(());
    });
    if let Err(error) = result {
        eprintln!("cannot handle signals: {error}");
        return ExitCode::FAILURE;
    }

    let handle = args.serve(Config::default(), handler);
    if signals.recv().is_err() {
        return ExitCode::FAILURE;
    }
    let connections = handle.stats().connections;
    say(&format!("finishing requests on {connections} connections; press again to exit"));
    thread::spawn(move || {
        if signals.recv().is_ok() {
            process::exit(130);
        }
    });
    let cut = handle.shutdown(GRACE);
    say(&format!("{} requests, {} aborted", handle.stats().requests, cut.requests));
    if cut.requests == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Prints a line. `println` would panic if stdout is closed.
fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

fn handler(request: &mut Request, response: &mut Response) -> io::Result<()> {
    if request.path() == "/slow" {
        thread::sleep(Duration::from_secs(3));
    }
    response.write_all(b"hello world")
}
