//! Connects to a host by name, using the first of its addresses that responds.
//!
//! A simplified Happy Eyeballs (RFC 8305): addresses alternate between the families, and each gets
//! 250 ms before the next is tried in parallel, or less if time would not suffice for all. A failed
//! attempt starts the next at once. The first connection wins; the others are closed once
//! established. TCP and SOCKS5 both connect this way.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::origin::authority;
use super::resolver::Resolver;
use crate::error::{Error, ErrorKind, Phase};

/// The Connection Attempt Delay that RFC 8305, Section 5, recommends.
const STAGGER: Duration = Duration::from_millis(250);

/// The maximum number of addresses tried: each may occupy a thread until the deadline.
const MAX_ADDRESSES: usize = 32;

const STACK: usize = 128 << 10;

/// Establishes TCP connections.
#[derive(Debug, Clone)]
pub(super) struct Dialer {
    resolver: Resolver,
}

impl Dialer {
    pub(super) fn new(resolver: Resolver) -> Self {
        Dialer { resolver }
    }

    /// Connects by `deadline`.
    pub(super) fn dial(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<TcpStream, Error> {
        let addresses = self.lookup(host, port, deadline)?;
        race(&addresses, deadline, connect)
            .map_err(|error| Error::io(format!("connecting to {}", authority(host, port)), error))
            .map_err(|error| error.in_phase(Phase::Connect))
    }

    /// Returns the addresses of a host in the order in which to try them. A lookup cannot be
    /// interrupted; one that exceeds the deadline is abandoned with its thread.
    pub(super) fn lookup(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<Vec<SocketAddr>, Error> {
        let in_phase = |error: Error| error.in_phase(Phase::Lookup);
        let text = |kind, what: &str| in_phase(Error::text(kind, format!("{what} {host}")));
        let found = match self.resolver.known(host, port) {
            Some(known) => known,
            None => {
                let (found, addresses) = mpsc::channel();
                let (resolver, name) = (self.resolver.clone(), host.to_owned());
                // The receiver is gone if the lookup took too long.
                let look_up = move || drop(found.send(resolver.look_up(&name, port)));
                spawn(look_up).map_err(Error::thread)?;
                let left = deadline.saturating_duration_since(Instant::now());
                match addresses.recv_timeout(left) {
                    Ok(Ok(addresses)) => addresses,
                    Ok(Err(error)) => {
                        return Err(in_phase(Error::io(format!("looking up {host}"), error)));
                    }
                    Err(RecvTimeoutError::Timeout) => {
                        return Err(text(ErrorKind::Timeout, "no addresses came in time for"));
                    }
                    Err(RecvTimeoutError::Disconnected) => {
                        return Err(text(ErrorKind::Internal, "the resolver panicked looking up"));
                    }
                }
            }
        };
        match found.is_empty() {
            true => Err(text(ErrorKind::Transport, "there are no addresses for")),
            false => Ok(interleave(found)),
        }
    }
}

/// Alternates between the families, starting with that of the first address (RFC 8305, Section 4).
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

/// Calls `connect` with the addresses in a staggered race, and returns the first success before
/// `deadline`.
pub(super) fn race(
    addresses: &[SocketAddr],
    deadline: Instant,
    connect: impl Fn(SocketAddr, Instant) -> io::Result<TcpStream> + Send + Sync + 'static,
) -> io::Result<TcpStream> {
    if let [address] = addresses {
        return connect(*address, deadline);
    }
    let connect = Arc::new(connect);
    let (done, results) = mpsc::channel();
    let mut waiting = addresses.iter().copied();
    let mut running = 0;
    let mut failed = io::Error::from(io::ErrorKind::TimedOut);
    loop {
        if let Some(address) = waiting.next() {
            let (done, connect) = (done.clone(), Arc::clone(&connect));
            // If the race is over, the connection is dropped with the message and closed.
            spawn(move || drop(done.send(connect(address, deadline))))?;
            running += 1;
        } else if running == 0 {
            return Err(failed);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        // Every address must get its turn, and the last one needs time as well.
        let share = left / u32::try_from(waiting.len() + 1).unwrap_or(u32::MAX);
        let patience = if waiting.len() > 0 { STAGGER.min(share) } else { left };
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
        let stream = race(&[closed, open], soon(), connect).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
    }

    #[test]
    fn when_all_addresses_fail_it_says_why() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = race(&[closed, closed], soon(), connect).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn an_ip_address_needs_no_looking_up() {
        let dialer = Dialer::new(Resolver::default());
        let addresses = dialer.lookup("::1", 80, Instant::now()).unwrap();
        assert_eq!(addresses, ["[::1]:80".parse().unwrap()]);
    }

    #[test]
    fn pinned_addresses_take_the_port_of_the_url_where_they_have_none() {
        let pinned = ["127.0.0.1:0", "127.0.0.2:9"].map(|address| address.parse().unwrap());
        let dialer = Dialer::new(Resolver::default().pin("A.example", pinned));
        let addresses = dialer.lookup("a.example", 80, Instant::now()).unwrap();
        assert_eq!(addresses, ["127.0.0.1:80", "127.0.0.2:9"].map(|it| it.parse().unwrap()));
    }

    #[test]
    fn a_resolver_that_panics_or_finds_nothing_is_a_clear_error() {
        let panics = Dialer::new(Resolver::from_fn(|_, _| panic!("as planned")));
        let error = panics.lookup("a", 80, soon()).unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Internal, Some(Phase::Lookup)));
        let empty = Dialer::new(Resolver::from_fn(|_, _| Ok(Vec::new())));
        let error = empty.lookup("a", 80, soon()).unwrap_err();
        assert!(error.is_connect() && error.to_string().contains("no addresses"), "{error}");
    }
}
