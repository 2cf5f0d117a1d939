//! Listening and connecting.

use ::std::cell::RefCell;
use ::std::collections::HashMap;
use ::std::fmt;
use ::std::io;
use ::std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use ::std::sync::Arc;
use ::std::sync::atomic::{AtomicBool, Ordering};

use super::TcpStream;
use crate::sync::mpsc::{Receiver, Sender, channel};
use crate::sync::{Condvar, Mutex};

/// The default capacity of a socket's buffer.
const BUFFER: usize = 64 << 10;

::std::thread_local! {
    // One system thread runs all threads of an execution.
    static NETWORK: RefCell<Network> = RefCell::new(Network::new());
}

struct Network {
    /// Behind an `Arc`, since cloning a `Sender` is a scheduling point.
    listeners: HashMap<u16, Arc<Sender<TcpStream>>>,
    next_port: u16,
    buffer: usize,
    has_epoll: bool,
    /// Signals a change that a thread may [wait for](wait_until). Made when it is first needed.
    changed: Option<Arc<Changed>>,
}

#[derive(Default)]
struct Changed {
    lock: Mutex<()>,
    signal: Condvar,
}

impl Network {
    fn new() -> Self {
        let (listeners, changed) = (HashMap::new(), None);
        Network { listeners, next_port: 40_000, buffer: BUFFER, has_epoll: true, changed }
    }

    fn next_port(&mut self) -> u16 {
        self.next_port += 1;
        self.next_port
    }
}

pub(crate) fn start() {
    drop(NETWORK.replace(Network::new()));
}

pub(crate) fn forget() {
    ::std::mem::forget(NETWORK.replace(Network::new()));
}

pub(super) fn set_buffer(octets: usize) {
    NETWORK.with_borrow_mut(|network| network.buffer = octets);
}

pub(super) fn set_epoll(has_epoll: bool) {
    NETWORK.with_borrow_mut(|network| network.has_epoll = has_epoll);
}

pub(super) fn has_epoll() -> bool {
    NETWORK.with_borrow(|network| network.has_epoll)
}

pub(super) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let (far, port, buffer) = NETWORK.with_borrow_mut(|network| {
        let far = network.listeners.get(&address.port()).cloned();
        (far, network.next_port(), network.buffer)
    });
    let far = far.ok_or(io::ErrorKind::ConnectionRefused)?;
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let (near, theirs) = TcpStream::pair(local, address, buffer);
    far.send(theirs).map_err(|_| io::ErrorKind::ConnectionRefused)?;
    announce();
    Ok(near)
}

fn changed() -> Arc<Changed> {
    NETWORK.with_borrow_mut(|network| Arc::clone(network.changed.get_or_insert_default()))
}

/// Wakes the threads that [wait](wait_until).
pub(super) fn announce() {
    let changed = changed();
    // Under the lock, so that a thread that is about to wait does not miss it.
    drop(changed.lock.lock());
    changed.signal.notify_all();
}

/// Waits until `is_ready`. It is asked again after each new connection, and when an end of a pair of
/// Unix sockets has been shut down.
pub fn wait_until(is_ready: impl Fn() -> bool) {
    let changed = changed();
    let mut guard = changed.lock.lock().expect("no thread panics with the lock");
    while !is_ready() {
        guard = changed.signal.wait(guard).expect("no thread panics with the lock");
    }
}

pub struct TcpListener {
    local: SocketAddr,
    /// Accepting does not wait.
    is_nonblocking: AtomicBool,
    arrived: Mutex<Receiver<TcpStream>>,
}

impl TcpListener {
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<TcpListener> {
        let mut local = address.to_socket_addrs()?.next().ok_or(io::ErrorKind::InvalidInput)?;
        let (sender, arrived) = channel();
        NETWORK.with_borrow_mut(|network| {
            if local.port() == 0 {
                local.set_port(network.next_port());
            }
            network.listeners.insert(local.port(), Arc::new(sender));
        });
        Ok(TcpListener {
            local,
            is_nonblocking: AtomicBool::new(false),
            arrived: Mutex::new(arrived),
        })
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    /// Whether a connection can be accepted at once.
    pub fn is_readable(&self) -> bool {
        self.arrived.lock().is_ok_and(|arrived| arrived.len() > 0)
    }

    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.is_nonblocking.store(nonblocking, Ordering::Relaxed);
        Ok(())
    }

    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let arrived = self.arrived.lock().map_err(|_| io::ErrorKind::Other)?;
        let stream = if self.is_nonblocking.load(Ordering::Relaxed) {
            arrived.try_recv().map_err(|_| io::ErrorKind::WouldBlock)?
        } else {
            arrived.recv().map_err(|_| io::ErrorKind::Other)?
        };
        let peer = stream.peer_addr()?;
        Ok((stream, peer))
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        let gone = NETWORK.with_borrow_mut(|network| network.listeners.remove(&self.local.port()));
        drop(gone);
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener").field("local", &self.local).finish_non_exhaustive()
    }
}
