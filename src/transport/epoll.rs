//! One wait for input on many sockets, where the system has `epoll`.

use std::fmt;
use std::io;
use std::time::Duration;

/// A set of sockets, of which threads wait for those that have input.
///
/// Each socket is added with a token, reported once, and has to be added again for the next report.
/// A closed socket leaves the set by itself.
pub(crate) struct Epoll(system::Epoll);

impl Epoll {
    /// Creates an empty set.
    ///
    /// # Errors
    ///
    /// If the system has no `epoll`, or no descriptors left.
    pub(crate) fn new() -> io::Result<Self> {
        system::Epoll::new().map(Epoll)
    }

    /// Reports `socket` once, as soon as a read of it would return.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn add(&self, socket: &impl rustix::fd::AsFd, token: u64) -> io::Result<()> {
        self.0.add(socket, token)
    }

    /// Waits until a socket can be read, for a [`wake`](Self::wake), or for `time`, if that is
    /// limited. Adds the tokens of a few sockets; other threads that wait get the others.
    pub(crate) fn wait(&self, ready: &mut Vec<u64>, time: Option<Duration>) -> io::Result<()> {
        self.0.wait(ready, time)
    }

    /// Makes one of the waiting threads, or the next to wait, return.
    pub(crate) fn wake(&self) -> io::Result<()> {
        self.0.wake()
    }
}

impl fmt::Debug for Epoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Epoll").finish_non_exhaustive()
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use std::io;
    use std::time::Duration;

    use rustix::buffer::spare_capacity;
    use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
    use rustix::event::{EventfdFlags, Timespec, eventfd};
    use rustix::fd::{AsFd, OwnedFd};
    use rustix::io::{Errno, read, write};

    /// The token of the descriptor that wakes the waiting thread.
    const WAKE: u64 = u64::MAX;

    /// The most sockets that one call reports.
    const EVENTS: usize = 32;

    pub(super) struct Epoll {
        set: OwnedFd,
        wake: OwnedFd,
    }

    impl Epoll {
        pub(super) fn new() -> io::Result<Self> {
            let set = epoll::create(CreateFlags::CLOEXEC)?;
            let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
            epoll::add(&set, &wake, EventData::new_u64(WAKE), EventFlags::IN)?;
            Ok(Epoll { set, wake })
        }

        pub(super) fn add(&self, socket: &impl AsFd, token: u64) -> io::Result<()> {
            let data = EventData::new_u64(token);
            let once = EventFlags::IN | EventFlags::RDHUP | EventFlags::ONESHOT;
            // After its first report it stays in the set.
            match epoll::modify(&self.set, socket, data, once) {
                Err(Errno::NOENT) => Ok(epoll::add(&self.set, socket, data, once)?),
                modified => Ok(modified?),
            }
        }

        pub(super) fn wait(&self, ready: &mut Vec<u64>, time: Option<Duration>) -> io::Result<()> {
            let mut events = Vec::<Event>::with_capacity(EVENTS);
            // A time that the type cannot hold is longer than any wait.
            let time = time.and_then(|time| Timespec::try_from(time).ok());
            match epoll::wait(&self.set, spare_capacity(&mut events), time.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for token in events.iter().map(|event| event.data.u64()) {
                if token == WAKE {
                    // Not blocking. What is read counts the calls of `wake`.
                    let _ = read(&self.wake, &mut [0_u8; 8]);
                } else {
                    ready.push(token);
                }
            }
            Ok(())
        }

        pub(super) fn wake(&self) -> io::Result<()> {
            Ok(write(&self.wake, &1_u64.to_ne_bytes()).map(drop)?)
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use std::convert::Infallible;
    use std::io;
    use std::time::Duration;

    pub(super) struct Epoll(Infallible);

    impl Epoll {
        pub(super) fn new() -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(super) fn wait(&self, _: &mut Vec<u64>, _: Option<Duration>) -> io::Result<()> {
            match self.0 {}
        }

        pub(super) fn wake(&self) -> io::Result<()> {
            match self.0 {}
        }
    }
}
