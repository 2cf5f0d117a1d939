//! The server that is restarted: pages, uploads, gRPC and WebSockets, and `/ready` for health checks.
//!
//! ```text
//! backend ADDRESS [--proxy] [--notice MILLISECONDS]
//! ```
//!
//! SIGTERM drains it. `--proxy` expects the PROXY protocol from loopback. `--notice` is how long it
//! serves after `/ready` has turned to 503.

use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use h2_sync::server::{Config, Request, Response, Server, TrustedProxies};
use h2_sync::websocket;
use h2_sync_deploy::echo::Echo;
use h2_sync_grpc::server::Services;

type BoxError = Box<dyn Error + Send + Sync>;

/// The time that open requests have to finish.
const GRACE: Duration = Duration::from_secs(30);

fn main() -> Result<ExitCode, BoxError> {
    env_logger::init();
    let mut args = std::env::args().skip(1);
    let mut address = String::new();
    let (mut is_proxied, mut notice) = (false, Duration::from_secs(1));
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--proxy" => is_proxied = true,
            "--notice" => {
                let value = args.next().ok_or("--notice needs a number")?;
                notice = Duration::from_millis(value.parse()?);
            }
            _ => address = arg,
        }
    }
    let (sender, signals) = mpsc::channel();
    ctrlc::set_handler(move || {
        // Sending fails only when the program is about to end.
        let _ = sender.send(());
    })?;

    let mut config = Config::default();
    config.websockets = true;
    let mut server = Server::bind(address)?.config(config);
    if is_proxied {
        let mut trusted = TrustedProxies::new();
        trusted.add("127.0.0.1")?;
        server = server.proxy_protocol(trusted);
    }
    let services = Services::new().service(Echo);
    let handle = server.serve(move |request, response| handler(&services, request, response))?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {:?}", handle.local_addr())?;
    stdout.flush()?;

    signals.recv()?;
    let cut = handle.drain(notice, GRACE);
    if (cut.connections, cut.requests) == (0, 0) {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("backend: {} requests and {} connections cut", cut.requests, cut.connections);
    Ok(ExitCode::FAILURE)
}

fn handler(
    services: &Services,
    request: &mut Request,
    response: &mut Response,
) -> Result<(), BoxError> {
    if services.takes(request) {
        return Ok(services.handle(request, response)?);
    }
    match request.path() {
        "/ready" => {
            let status = if request.is_server_ready() { 200 } else { 503 };
            response.set_status(status)?;
        }
        "/upload" => {
            let octets = io::copy(request, &mut io::sink())?;
            write!(response, "{octets}")?;
        }
        "/slow" => {
            thread::sleep(Duration::from_millis(20));
            response.write_all(b"slow")?;
        }
        "/ws" => {
            let mut socket = websocket::accept(request, response, &websocket::Config::default())?;
            while let Some(message) = socket.read()? {
                socket.send(message)?;
            }
        }
        _ => {
            let mut body = Vec::new();
            request.read_to_end(&mut body)?;
            response.send("hello")?;
        }
    }
    Ok(())
}
