//! A server that leaves without losing anything: Ctrl-C or SIGTERM lets it finish what is open.
//!
//! ```text
//! cargo run --release --example graceful -- [ADDRESS] [--tls [CERT KEY]]
//!
//! curl --http2-prior-knowledge http://127.0.0.1:8080/slow     and press Ctrl-C meanwhile
//! ```
//!
//! What happens then (RFC 9113, Section 6.8): nothing more is accepted, and every client gets a
//! GOAWAY that only says that the end is near. A round trip later, when requests that were on their
//! way have come in, a second one names the last request that is answered. Clients send what they
//! still have to send to the next server.

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
Answers requests until Ctrl-C or SIGTERM, and then those that are open. /slow takes 3 s.

usage: graceful [ADDRESS] [--tls [CERT KEY]]

    ADDRESS          where to listen; 127.0.0.1:8080 if left out, port 0 for any free one
    --tls            speak TLS, with a certificate made on the spot
    --tls CERT KEY   speak TLS, with these (PEM)

Ends with 0 if nothing had to be cut.
";

/// How long open requests may take to finish.
const GRACE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    env_logger::init();
    let (args, []) = Args::parse(HELP, []);
    let (sender, signals) = mpsc::channel();
    // The function runs in a thread of its own, so it may do what it likes.
    let result = ctrlc::set_handler(move || {
        // Nobody listens any more when the program is about to end.
        let _ = sender.send(());
    });
    if let Err(error) = result {
        eprintln!("no signals: {error}");
        return ExitCode::FAILURE;
    }

    let handle = args.serve(Config::default(), handler);
    if signals.recv().is_err() {
        return ExitCode::FAILURE;
    }
    let connections = handle.stats().connections;
    say(&format!("finishing what is open on {connections} connections; once more ends it"));
    thread::spawn(move || {
        if signals.recv().is_ok() {
            process::exit(130);
        }
    });
    let cut = handle.shutdown(GRACE);
    say(&format!("{} requests, {} cut", handle.stats().requests, cut.requests));
    if cut.requests == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Prints a line, if anybody still reads: `println` panics where nobody does.
fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

fn handler(request: &mut Request, response: &mut Response) -> io::Result<()> {
    if request.path() == "/slow" {
        thread::sleep(Duration::from_secs(3));
    }
    response.write_all(b"hello world")
}
