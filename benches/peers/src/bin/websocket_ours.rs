//! `h2_sync::websocket` on a server with defaults: sends every message back, compressed where that was
//! agreed on.

use h2_sync::Error;
use h2_sync::server::{Request, Response, Server};
use h2_sync::websocket::{self, Compression, Config};
use peers::{AnyError, Args};

fn main() -> Result<(), AnyError> {
    let args = Args::parse();
    let mut config = Config::default();
    config.compression = Some(Compression::default());
    let handler =
        move |request: &mut Request, response: &mut Response| echo(request, response, &config);
    let server = Server::bind(args.address)?.serve(handler)?;
    args.announce(server.local_addr().ok_or("no address")?)?;
    server.wait();
    Ok(())
}

fn echo(request: &mut Request, response: &mut Response, config: &Config) -> Result<(), Error> {
    let mut socket = websocket::accept(request, response, config)?;
    while let Some(message) = socket.read()? {
        socket.send(message)?;
    }
    Ok(())
}
