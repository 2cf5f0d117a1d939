//! Readiness of a socket for reading.

use std::io;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;

/// Returns whether a read of the socket would return at once, with octets, the end or an error.
/// Does not block.
pub(super) fn is_readable(socket: &impl AsFd) -> io::Result<bool> {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut sockets = [PollFd::new(socket, PollFlags::IN)];
    match poll(&mut sockets, Some(&now)) {
        Ok(ready) => Ok(ready > 0),
        // Interrupted by a signal; the next call repeats the check.
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
