//! The system's own, with the Unix sockets of models.

pub use ::std::os::*;

#[cfg(unix)]
pub mod unix {
    pub use ::std::os::unix::*;

    pub mod net {
        pub use ::std::os::unix::net::*;

        pub use crate::net::{UnixListener, UnixStream};
    }
}
