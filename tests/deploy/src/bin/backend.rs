//! The server that is restarted: pages, uploads, gRPC and WebSockets, and `/ready` for health checks.
//!
//! ```text
//! backend ADDRESS [--proxy] [--notice MILLISECONDS]
//! ```
//!
//! It serves the sockets that it inherits, from systemd or a predecessor, or else listens on ADDRESS.
//! SIGTERM drains it. `--proxy` expects the PROXY protocol from loopback. `--notice` is how long it
//! serves after `/ready` has turned to 503.
//!
//! A line on standard input has it hand its sockets over to a successor, which takes the next line.

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::process::{Command, ExitCode};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use h2_sync::server::{Config, Handle, Listener, Request, Response, Server, TrustedProxies};
use h2_sync::websocket;
use h2_sync_deploy::echo::Echo;
use h2_sync_grpc::server::Services;

type BoxError = Box<dyn Error + Send + Sync>;

/// Why the server ends.
enum End {
    Terminated,
    HandedOver,
}

/// The time that open requests have to finish.
const GRACE: Duration = Duration::from_secs(30);

fn main() -> Result<ExitCode, BoxError> {
    env_logger::init();
    let mut args = env::args().skip(1);
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
    let (sender, ends) = mpsc::channel();
    let theirs = sender.clone();
    // Sending fails only when the program is about to end.
    ctrlc::set_handler(move || {
        let _ = theirs.send(End::Terminated);
    })?;

    let mut config = Config::default();
    config.websockets = true;
    let mut listeners = Listener::inherited()?;
    if listeners.is_empty() {
        listeners.push(Listener::bind(address)?);
    }
    if is_proxied {
        let mut trusted = TrustedProxies::new();
        trusted.add("127.0.0.1")?;
        let proxied = |listener: Listener| listener.proxy_protocol(trusted.clone());
        listeners = listeners.into_iter().map(proxied).collect();
    }
    let services = Services::new().service(Echo);
    let server = Server::on(listeners).config(config);
    let handle = server.serve(move |request, response| handler(&services, request, response))?;
    say(&format!("listening on {:?}", handle.local_addr()));

    // Only one line: those that follow are for the successor.
    thread::spawn(move || {
        if io::stdin().read_line(&mut String::new()).is_ok_and(|octets| octets > 0) {
            let _ = sender.send(End::HandedOver);
        }
    });
    let cut = match ends.recv()? {
        End::Terminated => handle.drain(notice, GRACE),
        End::HandedOver => {
            hand_over(&handle)?;
            handle.shutdown(GRACE)
        }
    };
    say(&format!("cut {} requests, {} connections", cut.requests, cut.connections));
    let is_clean = (cut.requests, cut.connections) == (0, 0);
    Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts this program again, with the sockets of the server.
fn hand_over(handle: &Handle) -> io::Result<()> {
    let mut command = Command::new(env::current_exe()?);
    command.args(env::args_os().skip(1));
    let successor = handle.hand_over(command, GRACE)?;
    say(&format!("successor {}", successor.id()));
    Ok(())
}

/// Prints a line for the parent process, which may be gone.
fn say(text: &str) {
    let mut stdout = io::stdout();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
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
