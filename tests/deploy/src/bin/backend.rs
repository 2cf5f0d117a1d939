//! The server that is restarted: pages, uploads, gRPC and WebSockets, and `/ready` for health checks.
//!
//! ```text
//! backend ADDRESS [NOTICE] [--proxy]
//! ```
//!
//! It lives as `examples/graceful.rs` does: SIGTERM drains it, with NOTICE in seconds, and SIGHUP has
//! it hand its sockets over to a successor. It serves the sockets that it inherits, from systemd or a
//! predecessor, or else listens on ADDRESS. `--proxy` expects the PROXY protocol from loopback.

#[path = "../../../../examples/shared/life.rs"]
mod life;

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use h2_sync::server::{Config, Listener, Request, Response, Server, TrustedProxies};
use h2_sync::websocket;
use h2_sync_deploy::echo::Echo;
use h2_sync_grpc::server::Services;
use life::Life;

type BoxError = Box<dyn Error + Send + Sync>;

fn main() -> Result<ExitCode, BoxError> {
    env_logger::init();
    let (options, words): (Vec<_>, Vec<_>) = env::args().skip(1).partition(|it| it == "--proxy");
    let address = words.first().ok_or("usage: backend ADDRESS [NOTICE] [--proxy]")?;
    let notice = words.get(1).map_or(Ok(0.0), |notice| notice.parse())?;
    let notice = Duration::try_from_secs_f64(notice)?;

    let mut config = Config::default();
    config.websockets = true;
    let mut listeners = Listener::inherited()?;
    if listeners.is_empty() {
        listeners.push(Listener::bind(address)?);
    }
    let mut server = Server::on(listeners).config(config);
    if !options.is_empty() {
        let mut trusted = TrustedProxies::new();
        trusted.add("127.0.0.1")?;
        server = server.proxy_protocol(trusted);
    }
    let life = Life::begin()?;
    let services = Services::new().service(Echo);
    let handle = server.serve(move |request, response| handler(&services, request, response))?;
    writeln!(io::stdout(), "listening on {:?}", handle.local_addrs())?;
    Ok(life.run(&handle, notice))
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
        // Which process it is, and what the client sends until its end.
        "/hold" => {
            writeln!(response, "{}", std::process::id())?;
            response.flush()?;
            io::copy(request, response)?;
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
