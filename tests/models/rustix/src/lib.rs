//! As much of rustix as h2-sync uses: whether sockets of a model have something to read.

/// Sockets that can be asked whether they are readable.
pub mod fd {
    pub trait AsFd {
        fn is_readable(&self) -> bool;
    }

    /// Nothing makes one.
    #[derive(Debug)]
    pub enum OwnedFd {}

    impl AsFd for OwnedFd {
        fn is_readable(&self) -> bool {
            match *self {}
        }
    }

    macro_rules! impl_as_fd {
        ($($socket:ident)*) => {$(
            impl AsFd for modelled_std::net::$socket {
                fn is_readable(&self) -> bool {
                    modelled_std::net::$socket::is_readable(self)
                }
            }
        )*};
    }

    impl_as_fd!(TcpListener TcpStream);
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
    use super::fd::AsFd;
    use super::io;

    /// A system without it: no model has idle connections without threads.
    pub mod epoll {
        use std::ops::BitOr;

        use super::super::fd::{AsFd, OwnedFd};
        use super::super::io::{Errno, Result};

        pub struct CreateFlags;

        impl CreateFlags {
            pub const CLOEXEC: CreateFlags = CreateFlags;
        }

        #[derive(Clone, Copy)]
        pub struct EventFlags;

        impl EventFlags {
            pub const IN: EventFlags = EventFlags;
            pub const RDHUP: EventFlags = EventFlags;
            pub const ONESHOT: EventFlags = EventFlags;
        }

        impl BitOr for EventFlags {
            type Output = EventFlags;

            fn bitor(self, _: EventFlags) -> EventFlags {
                self
            }
        }

        #[derive(Clone, Copy)]
        pub struct EventData(u64);

        impl EventData {
            pub fn new_u64(value: u64) -> Self {
                EventData(value)
            }

            pub fn u64(self) -> u64 {
                self.0
            }
        }

        pub struct Event {
            pub data: EventData,
        }

        pub fn create(_: CreateFlags) -> Result<OwnedFd> {
            Err(Errno::NOSYS)
        }

        pub fn add(_: &OwnedFd, _: &impl AsFd, _: EventData, _: EventFlags) -> Result<()> {
            Err(Errno::NOSYS)
        }

        pub fn modify(_: &OwnedFd, _: &impl AsFd, _: EventData, _: EventFlags) -> Result<()> {
            Err(Errno::NOSYS)
        }

        pub fn wait(_: &OwnedFd, _: &mut Vec<Event>, _: Option<&super::Timespec>) -> Result<usize> {
            Err(Errno::NOSYS)
        }
    }

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

    pub fn eventfd(_: u32, _: EventfdFlags) -> io::Result<super::fd::OwnedFd> {
        Err(io::Errno::NOSYS)
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
        pub const INTR: Errno = Errno(4);
        pub const EXIST: Errno = Errno(17);
        pub const NOSYS: Errno = Errno(38);
    }

    pub fn read(_: &OwnedFd, _: &mut [u8]) -> Result<usize> {
        Err(Errno::NOSYS)
    }

    pub fn write(_: &OwnedFd, _: &[u8]) -> Result<usize> {
        Err(Errno::NOSYS)
    }

    impl From<Errno> for std::io::Error {
        fn from(errno: Errno) -> Self {
            std::io::Error::from_raw_os_error(errno.0)
        }
    }
}
