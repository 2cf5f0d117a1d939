//! A server for production: readiness, a drain, and a successor that takes its sockets. `deploy/`
//! has the files that run it behind HAProxy, nginx, Envoy, systemd and Kubernetes.
//!
//! ```text
//! cargo run --release --features handover --example graceful -- [ADDRESS] [NOTICE] [--proxy] [--tls [CERT KEY]]
//!
//! curl --http2-prior-knowledge http://127.0.0.1:8080/slow     and press Ctrl-C meanwhile
//! kill -HUP PID                                               a new process takes over
//! ```
//!
//! Ctrl-C and SIGTERM drain: `/ready` answers 503 for the time of the notice, so that balancers
//! send requests elsewhere. Then no connection is accepted any more, and every client is told
//! (`Handle::shutdown` lists the steps) while open requests are finished. `shared/life.rs` has the
//! signals, and can be copied.
//!
//! SIGHUP starts a successor: this program again, with the same listening sockets. When the successor
//! serves, this process finishes its requests and ends. The sockets may also come from systemd.

#[path = "shared/args.rs"]
mod args;
#[path = "shared/life.rs"]
mod life;

use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use args::Args;
use h2_sync::server::{Config, Request, Response};
use life::Life;

const HELP: &str = "\
Answers requests until Ctrl-C or SIGTERM, then finishes open ones. /slow takes 3 s, /ready is for
health checks. SIGHUP hands the sockets over to a new process.

usage: graceful [ADDRESS] [NOTICE] [--proxy] [--tls [CERT KEY]]

    ADDRESS          the address to listen on; default 127.0.0.1:8080, port 0 for any free port
    NOTICE           seconds in which balancers notice that /ready answers 503; default 0
    --proxy          expect the PROXY protocol from this machine
    --tls            use TLS, with a generated certificate
    --tls CERT KEY   use TLS, with this certificate and key (PEM files), and read them again when
                     they have changed

The exit status is 0 if nothing was aborted. RUST_LOG=h2_sync::access=info logs each request.
";

fn main() -> io::Result<ExitCode> {
    env_logger::init();
    let (args, [notice]) = Args::parse(HELP, ["0"]);
    let seconds = notice.parse().ok().and_then(|notice| Duration::try_from_secs_f64(notice).ok());
    let Some(notice) = seconds else {
        eprint!("{HELP}");
        return Ok(ExitCode::from(2));
    };
    let life = Life::begin()?;
    let handle = args.serve(Config::default(), handler);
    Ok(life.run(&handle, notice))
}

fn handler(request: &mut Request, response: &mut Response) -> io::Result<()> {
    match request.path() {
        "/ready" if !request.is_server_ready() => response.set_status(503)?,
        "/slow" => thread::sleep(Duration::from_secs(3)),
        _ => {}
    }
    response.write_all(b"hello world\n")
}
