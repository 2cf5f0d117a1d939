//! A relay between a client and a server that cuts a connection after a number of octets.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{self, JoinHandle};

/// The direction whose octets are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    ToServer,
    ToClient,
}

/// Relays connections to a server. The first is cut, later ones are not.
pub(crate) struct Relay {
    address: SocketAddr,
    has_cut: Arc<AtomicBool>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Cuts after `octets` in this direction.
    pub(crate) fn start(server: SocketAddr, direction: Direction, octets: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (has_cut, is_over) = <(Arc<AtomicBool>, Arc<AtomicBool>)>::default();
        let (cut, over) = (Arc::clone(&has_cut), Arc::clone(&is_over));
        let run = move || {
            let mut threads = Vec::new();
            for (number, client) in listener.incoming().enumerate() {
                if over.load(SeqCst) {
                    break;
                }
                let left = if number == 0 { octets } else { usize::MAX };
                let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let (client, server) = (Arc::new(client), Arc::new(server));
                for way in [Direction::ToServer, Direction::ToClient] {
                    let (from, to) = match way {
                        Direction::ToServer => (Arc::clone(&client), Arc::clone(&server)),
                        Direction::ToClient => (Arc::clone(&server), Arc::clone(&client)),
                    };
                    let left = if way == direction { left } else { usize::MAX };
                    let cut = Arc::clone(&cut);
                    threads.push(thread::spawn(move || {
                        // An error is an end as well: one of the two has closed.
                        if pump(&from, &to, left).unwrap_or(false) {
                            cut.store(true, SeqCst);
                        }
                        // Fails if they are already shut down.
                        let _ = from.shutdown(Shutdown::Both);
                        let _ = to.shutdown(Shutdown::Both);
                    }));
                }
            }
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        };
        Relay { address, has_cut, is_over, thread: Some(thread::spawn(run)) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for its connections to end. Returns whether one was cut.
    pub(crate) fn end(mut self) -> bool {
        self.is_over.store(true, SeqCst);
        // Wakes the accepting thread.
        drop(TcpStream::connect(self.address).unwrap());
        self.thread.take().unwrap().join().unwrap();
        self.has_cut.load(SeqCst)
    }
}

/// Copies up to `left` octets. Returns whether it reached the cut, and not the sender's end.
fn pump(mut from: &TcpStream, mut to: &TcpStream, mut left: usize) -> io::Result<bool> {
    let mut buffer = [0; 4096];
    while left > 0 {
        let room = left.min(buffer.len());
        let read = from.read(&mut buffer[..room])?;
        if read == 0 {
            return Ok(false);
        }
        to.write_all(&buffer[..read])?;
        left -= read;
    }
    Ok(true)
}
