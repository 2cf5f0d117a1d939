//! Stands in for rustix: whether a socket of a model has something to read.

/// What can be asked whether it is readable.
pub mod fd {
    pub trait AsFd {
        fn is_readable(&self) -> bool;
    }

    impl AsFd for modelled_std::net::TcpStream {
        fn is_readable(&self) -> bool {
            modelled_std::net::TcpStream::is_readable(self)
        }
    }

    /// No model uses one.
    #[cfg(unix)]
    impl AsFd for std::os::unix::net::UnixStream {
        fn is_readable(&self) -> bool {
            true
        }
    }
}

pub mod event {
    use super::fd::AsFd;
    use super::io;

    pub struct PollFd {
        is_readable: bool,
    }

    pub struct PollFlags;

    pub struct Timespec {
        pub tv_sec: i64,
        pub tv_nsec: i64,
    }

    impl PollFlags {
        pub const IN: PollFlags = PollFlags;
    }

    impl PollFd {
        pub fn new(socket: &impl AsFd, _: PollFlags) -> Self {
            PollFd { is_readable: socket.is_readable() }
        }
    }

    /// For a timeout of zero.
    pub fn poll(sockets: &mut [PollFd], timeout: Option<&Timespec>) -> io::Result<usize> {
        assert!(timeout.is_some_and(|timeout| timeout.tv_sec == 0 && timeout.tv_nsec == 0));
        Ok(sockets.iter().filter(|socket| socket.is_readable).count())
    }
}

pub mod io {
    pub type Result<T> = std::result::Result<T, Errno>;

    #[derive(Debug, PartialEq, Eq)]
    pub struct Errno(i32);

    impl Errno {
        pub const INTR: Errno = Errno(4);
    }

    impl From<Errno> for std::io::Error {
        fn from(errno: Errno) -> Self {
            std::io::Error::from_raw_os_error(errno.0)
        }
    }
}
