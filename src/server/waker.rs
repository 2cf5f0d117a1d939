//! Waiting for connections on several sockets, until the wait is ended.

use std::io;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
#[cfg(unix)]
use std::sync::Arc;

#[cfg(unix)]
use rustix::event::PollFd;
use rustix::event::{PollFlags, Timespec, poll};

use super::socket::Socket;

/// Ends the wait of another thread.
#[derive(Debug, Clone)]
pub(super) struct Waker {
    /// The end that is polled is readable once the other one is dropped or shut down.
    #[cfg(unix)]
    ends: Arc<(UnixStream, UnixStream)>,
}

impl Waker {
    #[cfg(unix)]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Waker { ends: Arc::new(UnixStream::pair()?) })
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Waker {})
    }

    /// Ends the current [`wait`](Self::wait), and those that begin later.
    pub(super) fn wake(&self) {
        #[cfg(unix)]
        let _ = self.ends.1.shutdown(std::net::Shutdown::Write);
    }

    /// Waits until a connection can be accepted on one of the sockets, or until
    /// [`wake`](Self::wake). Returns the sockets, by their places.
    ///
    /// # Errors
    ///
    /// Those of `poll`.
    pub(super) fn wait<'a>(
        &self,
        sockets: impl Iterator<Item = &'a Socket>,
    ) -> io::Result<Vec<usize>> {
        let mut polled: Vec<_> = sockets.map(Socket::poll).collect();
        let count = polled.len();
        #[cfg(unix)]
        polled.push(PollFd::new(&self.ends.0, PollFlags::IN));
        match poll(&mut polled, TIMEOUT.as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        }
        // An error of a socket is returned by `accept`.
        let is_ready = |at: &usize| polled[*at].revents() != PollFlags::empty();
        Ok((0..count).filter(is_ready).collect())
    }
}

/// Without Unix sockets, the caller has to look for the end.
const TIMEOUT: Option<Timespec> =
    if cfg!(unix) { None } else { Some(Timespec { tv_sec: 0, tv_nsec: 100_000_000 }) };
