//! A TCP connection to a host by its name: whichever of its addresses answers first.
//!
//! "Happy eyeballs" (RFC 8305), simplified: the addresses take turns by family, and each is given a
//! quarter of a second before the next one is tried as well. One that fails makes room at once. The
//! first that answers is taken; the others are closed when they come to their end.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::origin::authority;
use crate::error::{Error, ErrorKind, Phase};

/// RFC 8305, Section 5: the Connection Attempt Delay that it recommends.
const STAGGER: Duration = Duration::from_millis(250);

/// More addresses are not tried: each costs a thread.
const MAX_ADDRESSES: usize = 8;

const STACK: usize = 128 << 10;

/// Connects until `deadline`.
pub(super) fn dial(host: &str, port: u16, deadline: Instant) -> Result<TcpStream, Error> {
    let addresses = lookup(host, port, deadline).map_err(|error| error.in_phase(Phase::Lookup))?;
    let addresses = interleave(addresses);
    connect_any(&addresses, deadline)
        .map_err(|error| Error::io(format!("connecting to {}", authority(host, port)), error))
        .map_err(|error| error.in_phase(Phase::Connect))
}

/// The addresses of a host. The system's look-up cannot be stopped; when it takes too long, its
/// thread is left to end by itself.
pub(super) fn lookup(host: &str, port: u16, deadline: Instant) -> Result<Vec<SocketAddr>, Error> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let (found, addresses) = mpsc::channel();
    let name = host.to_owned();
    let look = move || {
        let result = (name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        // Nobody waits any more if it took too long.
        let _ = found.send(result);
    };
    spawn(look).map_err(Error::thread)?;
    match addresses.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(Ok(addresses)) if addresses.is_empty() => {
            Err(Error::text(ErrorKind::Transport, format!("{host} has no address")))
        }
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(error)) => Err(Error::io(format!("looking up {host}"), error)),
        Err(_) => Err(Error::text(ErrorKind::Timeout, format!("looking up {host} timed out"))),
    }
}

/// RFC 8305, Section 4: the family of the first address first, then by turns.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (one, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == first_is_v4);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut turns = Vec::new();
    loop {
        let before = turns.len();
        turns.extend(one.next());
        turns.extend(other.next());
        if turns.len() == before || turns.len() >= MAX_ADDRESSES {
            return turns;
        }
    }
}

fn connect_any(addresses: &[SocketAddr], deadline: Instant) -> io::Result<TcpStream> {
    if let [address] = addresses {
        return connect(*address, deadline);
    }
    let (done, results) = mpsc::channel();
    let mut waiting = addresses.iter().copied();
    let mut running = 0;
    let mut failed = io::Error::from(io::ErrorKind::TimedOut);
    loop {
        if let Some(address) = waiting.next() {
            let done = done.clone();
            // If nobody waits any more, the connection is closed with the message that has it.
            spawn(move || drop(done.send(connect(address, deadline))))?;
            running += 1;
        } else if running == 0 {
            return Err(failed);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let patience = if waiting.len() > 0 { STAGGER.min(left) } else { left };
        match results.recv_timeout(patience) {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => {
                running -= 1;
                failed = error;
            }
            Err(_) if Instant::now() >= deadline => return Err(io::ErrorKind::TimedOut.into()),
            Err(_) => {}
        }
    }
}

fn connect(address: SocketAddr, deadline: Instant) -> io::Result<TcpStream> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    TcpStream::connect_timeout(&address, left)
}

fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("h2-sync-dial".to_owned()).stack_size(STACK).spawn(work).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn families_take_turns_beginning_with_that_of_the_first_address() {
        let [a, b, c]: [SocketAddr; 3] =
            ["[::1]:1", "[::2]:1", "127.0.0.1:1"].map(|address| address.parse().unwrap());
        assert_eq!(interleave(vec![a, b, c]), [a, c, b]);
        assert_eq!(interleave(vec![c, a, b]), [c, a, b]);
    }

    #[test]
    fn an_address_that_fails_makes_room_for_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let open = listener.local_addr().unwrap();
        let stream = connect_any(&[closed, open], soon()).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
    }

    #[test]
    fn when_all_addresses_fail_it_says_why() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = connect_any(&[closed, closed], soon()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn an_ip_address_needs_no_looking_up() {
        let addresses = lookup("::1", 80, Instant::now()).unwrap();
        assert_eq!(addresses, ["[::1]:80".parse().unwrap()]);
    }
}
