//! As much of `socket2` as h2-sync uses. The queue of a modelled listener has no limit, and models do
//! not share ports.

use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;

use modelled_std::net::TcpListener;
#[cfg(unix)]
use modelled_std::net::UnixListener;

/// A socket, to set its options.
#[derive(Debug)]
pub struct SockRef<'s>(PhantomData<&'s ()>);

impl<'s> From<&'s TcpListener> for SockRef<'s> {
    fn from(_: &'s TcpListener) -> Self {
        SockRef(PhantomData)
    }
}

#[cfg(unix)]
impl<'s> From<&'s UnixListener> for SockRef<'s> {
    fn from(_: &'s UnixListener) -> Self {
        SockRef(PhantomData)
    }
}

impl SockRef<'_> {
    pub fn listen(&self, _backlog: i32) -> io::Result<()> {
        Ok(())
    }
}

macro_rules! number {
    ($name:ident $constant:ident) => {
        #[derive(Debug)]
        pub struct $name(i32);

        impl $name {
            pub const $constant: $name = $name(1);
        }

        impl From<$name> for i32 {
            fn from(number: $name) -> i32 {
                number.0
            }
        }
    };
}

number!(Domain UNIX);
number!(Protocol TCP);
number!(Type STREAM);

impl Domain {
    pub fn for_address(_: SocketAddr) -> Domain {
        Domain(2)
    }
}

#[derive(Debug)]
pub struct SockAddr(());

impl From<SocketAddr> for SockAddr {
    fn from(_: SocketAddr) -> Self {
        SockAddr(())
    }
}

/// A socket that no model can have.
#[derive(Debug)]
pub enum Socket {}

impl Socket {
    pub fn new(_: Domain, _: Type, _: Option<Protocol>) -> io::Result<Socket> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn set_reuse_address(&self, _: bool) -> io::Result<()> {
        match *self {}
    }

    pub fn set_reuse_port(&self, _: bool) -> io::Result<()> {
        match *self {}
    }

    pub fn bind(&self, _: &SockAddr) -> io::Result<()> {
        match *self {}
    }

    pub fn listen(&self, _: i32) -> io::Result<()> {
        match *self {}
    }
}

impl From<Socket> for TcpListener {
    fn from(socket: Socket) -> Self {
        match socket {}
    }
}
