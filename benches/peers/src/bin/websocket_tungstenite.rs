//! `tungstenite`, with a thread for each connection: sends every message back.

use std::net::{TcpListener, TcpStream};
use std::thread;

use peers::{AnyError, Args};
use tungstenite::Error;

fn main() -> Result<(), AnyError> {
    let args = Args::parse();
    let listener = TcpListener::bind(args.address)?;
    args.announce(listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        thread::spawn(move || {
            if let Err(error) = echo(stream) {
                eprintln!("websocket_tungstenite: {error}");
            }
        });
    }
}

fn echo(stream: TcpStream) -> Result<(), AnyError> {
    let mut websocket = tungstenite::accept(stream)?;
    loop {
        match websocket.read() {
            Ok(message) if message.is_text() || message.is_binary() => websocket.send(message)?,
            Ok(_) => {}
            Err(Error::ConnectionClosed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
