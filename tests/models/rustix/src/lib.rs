//! As much of rustix as h2-sync uses: whether sockets of a model have something to read, and waits
//! for that.

/// Sockets that can be asked whether they are readable.
pub mod fd {
    use std::sync::Arc;

    use modelled_std::net::epoll::{Epoll, Source};

    pub trait AsFd {
        fn is_readable(&self) -> bool;

        /// What is added to an `epoll` set. Models do that with sockets of connections alone.
        fn source(&self) -> Option<&Arc<Source>> {
            None
        }
    }

    /// A descriptor that is not a socket.
    pub enum OwnedFd {
        Epoll(Arc<Epoll>),
        Eventfd(Eventfd),
    }

    /// An eventfd that does not block.
    #[derive(Default)]
    pub struct Eventfd {
        pub(crate) count: std::sync::Mutex<u64>,
        pub(crate) source: Arc<Source>,
    }

    impl Drop for Eventfd {
        fn drop(&mut self) {
            self.source.close();
        }
    }

    impl AsFd for OwnedFd {
        fn is_readable(&self) -> bool {
            self.source().is_some_and(|source| source.is_readable())
        }

        fn source(&self) -> Option<&Arc<Source>> {
            match self {
                OwnedFd::Epoll(_) => None,
                OwnedFd::Eventfd(eventfd) => Some(&eventfd.source),
            }
        }
    }

    impl AsFd for modelled_std::net::TcpListener {
        fn is_readable(&self) -> bool {
            modelled_std::net::TcpListener::is_readable(self)
        }
    }

    macro_rules! impl_as_fd {
        ($socket:ident) => {
            impl AsFd for modelled_std::net::$socket {
                fn is_readable(&self) -> bool {
                    modelled_std::net::$socket::is_readable(self)
                }

                fn source(&self) -> Option<&Arc<Source>> {
                    Some(modelled_std::net::$socket::source(self))
                }
            }
        };
    }

    impl_as_fd!(TcpStream);
    #[cfg(unix)]
    impl_as_fd!(UnixStream);

    #[cfg(unix)]
    impl AsFd for modelled_std::net::UnixListener {
        fn is_readable(&self) -> bool {
            match *self {}
        }
    }
}

pub mod event {
    use super::fd::{AsFd, Eventfd, OwnedFd};
    use super::io;

    pub mod epoll;

    pub struct EventfdFlags;

    impl EventfdFlags {
        pub const CLOEXEC: EventfdFlags = EventfdFlags;
        pub const NONBLOCK: EventfdFlags = EventfdFlags;
    }

    impl std::ops::BitOr for EventfdFlags {
        type Output = EventfdFlags;

        fn bitor(self, _: EventfdFlags) -> EventfdFlags {
            self
        }
    }

    pub fn eventfd(_: u32, _: EventfdFlags) -> io::Result<OwnedFd> {
        Ok(OwnedFd::Eventfd(Eventfd::default()))
    }

    pub struct PollFd<'s> {
        socket: &'s dyn AsFd,
        is_readable: bool,
    }

    #[derive(PartialEq, Eq)]
    pub struct PollFlags(u8);

    pub struct Timespec {
        pub tv_sec: i64,
        pub tv_nsec: i64,
    }

    impl TryFrom<std::time::Duration> for Timespec {
        type Error = std::num::TryFromIntError;

        fn try_from(time: std::time::Duration) -> Result<Self, Self::Error> {
            Ok(Timespec { tv_sec: time.as_secs().try_into()?, tv_nsec: time.subsec_nanos().into() })
        }
    }

    impl PollFlags {
        pub const IN: PollFlags = PollFlags(1);

        pub fn empty() -> Self {
            PollFlags(0)
        }
    }

    impl<'s> PollFd<'s> {
        pub fn new(socket: &'s impl AsFd, _: PollFlags) -> Self {
            PollFd { socket, is_readable: false }
        }

        pub fn revents(&self) -> PollFlags {
            PollFlags(self.is_readable.into())
        }
    }

    /// Waits without a limit, or not at all.
    pub fn poll(sockets: &mut [PollFd<'_>], timeout: Option<&Timespec>) -> io::Result<usize> {
        match timeout {
            None => {
                modelled_std::net::wait_until(|| sockets.iter().any(|it| it.socket.is_readable()))
            }
            Some(timeout) => assert!(timeout.tv_sec == 0 && timeout.tv_nsec == 0),
        }
        for socket in &mut *sockets {
            socket.is_readable = socket.socket.is_readable();
        }
        Ok(sockets.iter().filter(|socket| socket.is_readable).count())
    }
}

pub mod process {
    pub enum Resource {
        As,
        Nofile,
        Nproc,
    }

    pub struct Rlimit {
        pub current: Option<u64>,
    }

    /// A model has no limits.
    pub fn getrlimit(_: Resource) -> Rlimit {
        Rlimit { current: None }
    }
}

pub mod thread {
    use std::num::NonZero;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Pid(NonZero<i32>);

    impl Pid {
        pub fn as_raw_nonzero(self) -> NonZero<i32> {
            self.0
        }
    }

    /// A number that no thread has: `modelled_std::fs` has what the kernel says of threads.
    pub fn gettid() -> Pid {
        Pid(NonZero::<i32>::MAX)
    }
}

pub mod buffer {
    pub fn spare_capacity<T>(buffer: &mut Vec<T>) -> &mut Vec<T> {
        buffer
    }
}

pub mod io {
    use super::fd::OwnedFd;

    pub type Result<T> = std::result::Result<T, Errno>;

    #[derive(Debug, PartialEq, Eq)]
    pub struct Errno(i32);

    impl Errno {
        pub const NOENT: Errno = Errno(2);
        pub const INTR: Errno = Errno(4);
        pub const AGAIN: Errno = Errno(11);
        pub const EXIST: Errno = Errno(17);
        pub const INVAL: Errno = Errno(22);
        pub const NOSYS: Errno = Errno(38);
    }

    /// Reads an eventfd.
    pub fn read(fd: &OwnedFd, _: &mut [u8]) -> Result<usize> {
        change(fd, |count| match std::mem::take(count) {
            0 => Err(Errno::AGAIN),
            _ => Ok(8),
        })
    }

    /// Adds to an eventfd.
    pub fn write(fd: &OwnedFd, more: &[u8]) -> Result<usize> {
        let more = u64::from_ne_bytes(more.try_into().map_err(|_| Errno::INVAL)?);
        change(fd, |count| {
            *count += more;
            Ok(8)
        })
    }

    fn change(fd: &OwnedFd, change: impl FnOnce(&mut u64) -> Result<usize>) -> Result<usize> {
        let OwnedFd::Eventfd(eventfd) = fd else { return Err(Errno::INVAL) };
        // Lets other threads run first.
        modelled_std::thread::yield_now();
        let mut count = eventfd.count.lock().expect("no thread panics with the lock");
        let result = change(&mut count);
        eventfd.source.set_readable(*count > 0);
        result
    }

    impl From<Errno> for std::io::Error {
        fn from(errno: Errno) -> Self {
            std::io::Error::from_raw_os_error(errno.0)
        }
    }
}
