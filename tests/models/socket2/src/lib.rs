//! As much of `socket2` as h2-sync uses. The queue of a modelled listener has no limit.

use std::io;
use std::marker::PhantomData;

use modelled_std::net::TcpListener;

/// A socket, to set its options.
#[derive(Debug)]
pub struct SockRef<'s>(PhantomData<&'s TcpListener>);

impl<'s> From<&'s TcpListener> for SockRef<'s> {
    fn from(_: &'s TcpListener) -> Self {
        SockRef(PhantomData)
    }
}

impl SockRef<'_> {
    pub fn listen(&self, _backlog: i32) -> io::Result<()> {
        Ok(())
    }
}
