//! Holds back what a client and a server say to one another, as a long way between them would.
//!
//! Each piece that comes is passed on after the delay, in either direction. The rate has no limit but
//! the machine's, and what is under way has none but its memory: that of a fast network.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use std::{env, process};

use peers::AnyError;

/// The most that is read at once.
const PIECE: usize = 256 << 10;

fn main() -> Result<(), AnyError> {
    let words: Vec<_> = env::args().skip(1).collect();
    let [server, delay] = &words[..] else { peers::usage("SERVER-ADDRESS MILLISECONDS") };
    let server: SocketAddr = server.parse()?;
    let delay = Duration::from_millis(delay.parse()?);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {}", listener.local_addr()?)?;
    stdout.flush()?;
    for client in listener.incoming() {
        let (client, server) = (client?, TcpStream::connect(server)?);
        for (from, to) in [(&client, &server), (&server, &client)] {
            from.set_nodelay(true)?;
            carry(from.try_clone()?, to.try_clone()?, delay);
        }
    }
    process::exit(1)
}

/// Carries what comes on `from` to `to`, and its end. A thread reads, so that what is under way does
/// not wait for what is being written.
fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (pieces, under_way) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; PIECE];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if pieces.send((Instant::now() + delay, buffer[..read].to_vec())).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (due, piece) in under_way {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        // The end is passed on as well.
        let _ = to.shutdown(Shutdown::Write);
    });
}
