//! A WebSocket in the terminal: lines from standard input go out, messages are printed.
//! It shows a client that reads and sends in two threads.
//!
//! ```text
//! cargo run --example websocket -- [OPTIONS] URL
//!
//! cargo run --example chat &
//! cargo run --example websocket -- --compress 'ws://127.0.0.1:8080/rooms/lobby?name=ada'
//! ```
//!
//! The end of the input (Ctrl-D) closes the WebSocket. Messages that arrive before the server answers the
//! Close frame are still printed, so `echo hello | websocket URL` shows the server's reply.
//!
//! Two threads share the WebSocket: one has the [`Reader`](websocket::Reader), the other one the
//! [`Sender`].

use std::env;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use h2_sync::client::{Client, Config, Versions};
use h2_sync::websocket::{self, Builder, CloseCode, Compression, Message, Sender, WebSocket};

const HELP: &str = "\
Sends each line of standard input as a message, and prints the messages that come.

usage: websocket [OPTIONS] URL

    -H 'NAME: VALUE'  a header field of the handshake; may be given more than once
    --protocol NAME   offer a sub-protocol; may be given more than once
    --compress        offer compression
    --ping SECS       send a PING after this many seconds without a frame
    --root FILE       trust the certificates in this PEM file as well
    --http1.1         speak HTTP/1.1 alone
    --http2           speak HTTP/2 alone, to ws:// URLs without asking first
";

fn main() -> ExitCode {
    env_logger::init();
    let options = match Options::parse(env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(what) => {
            eprint!("websocket: {what}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match connect(&options).and_then(talk) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("websocket: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Default)]
struct Options {
    url: String,
    headers: Vec<(String, String)>,
    versions: Versions,
    root: Option<String>,
    websocket: websocket::Config,
}

impl Options {
    /// `None` if help is asked for.
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Options::default();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            match arg.as_str() {
                "-h" | "--help" => return Ok(None),
                "-H" => {
                    let field = value()?;
                    let (name, value) = field.split_once(':').ok_or("-H needs `NAME: VALUE`")?;
                    options.headers.push((name.trim().to_owned(), value.trim().to_owned()));
                }
                "--protocol" => options.websocket.protocols.push(value()?),
                "--compress" => options.websocket.compression = Some(Compression::default()),
                "--ping" => {
                    let seconds = value()?.parse().map_err(|_| "--ping needs whole seconds")?;
                    options.websocket.ping_interval = Some(Duration::from_secs(seconds));
                }
                "--root" => options.root = Some(value()?),
                "--http1.1" => options.versions = Versions::Http1,
                "--http2" => options.versions = Versions::Http2,
                arg if arg.starts_with('-') => return Err(format!("there is no option {arg}")),
                _ if options.url.is_empty() => options.url = arg,
                _ => return Err("one URL at a time".to_owned()),
            }
        }
        if options.url.is_empty() {
            return Err("there is no URL".to_owned());
        }
        Ok(Some(options))
    }
}

fn connect(options: &Options) -> Result<WebSocket, Box<dyn Error>> {
    let mut config = Config::default();
    config.versions = options.versions;
    config.prior_knowledge = options.versions == Versions::Http2;
    if let Some(path) = &options.root {
        trust(&mut config, &std::fs::read(path)?)?;
    }
    let client = Client::with_config(config)?;
    // Proxies, TLS and credentials are those of the client. The WebSocket outlives it.
    let mut builder = Builder::new(&client, &options.url).config(options.websocket.clone());
    for (name, value) in &options.headers {
        builder = builder.header(name, value);
    }
    let socket = builder.connect()?;
    let handshake = socket.handshake();
    let compression = if handshake.deflate().is_some() { "compressed" } else { "not compressed" };
    eprintln!("* connected by {:?}, {compression}", handshake.version());
    if let Some(protocol) = handshake.protocol() {
        eprintln!("* sub-protocol {protocol}");
    }
    Ok(socket)
}

fn talk(socket: WebSocket) -> Result<(), Box<dyn Error>> {
    let (mut reader, sender) = socket.split();
    // A read of standard input cannot be woken: this thread ends with the program at the latest.
    thread::spawn(move || match send_lines(&sender) {
        Ok(()) => {}
        // The reader tells why.
        Err(error) => log::debug!("no more lines are sent: {error}"),
    });
    let mut stdout = io::stdout().lock();
    while let Some(message) = reader.read()? {
        match message {
            Message::Text(text) => writeln!(stdout, "{text}")?,
            Message::Binary(octets) => writeln!(stdout, "({} octets)", octets.len())?,
        }
        stdout.flush()?;
    }
    if let Some(close) = reader.closed() {
        eprintln!("* the server closed it: {close}");
    }
    Ok(())
}

/// Sends what is typed, and a Close frame at its end. The reader goes on until the server answers.
fn send_lines(sender: &Sender) -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lock().lines() {
        sender.send(line?)?;
    }
    Ok(sender.close(CloseCode::NORMAL, "")?)
}

#[cfg(feature = "tls")]
fn trust(config: &mut Config, pem: &[u8]) -> Result<(), Box<dyn Error>> {
    config.tls = Some(h2_sync::tls::Connector::with_extra_roots(pem)?);
    Ok(())
}

#[cfg(not(feature = "tls"))]
fn trust(_: &mut Config, _: &[u8]) -> Result<(), Box<dyn Error>> {
    Err("--root needs the feature `tls`".into())
}
