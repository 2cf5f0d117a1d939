//! Unix domain sockets.

use std::io;
use std::os::unix::net::UnixStream;

use super::halves::{Halves, ReadHalf, Transport, WriteHalf, write_tick};
use super::readiness::is_readable;

/// Both halves use the same socket.
///
/// [`split`](Transport::split) puts the socket into blocking mode and clears the read timeout. It
/// makes writes give up after [`WRITE_TICK`](super::WRITE_TICK), or after the socket's own write
/// timeout if that is shorter.
impl Transport for UnixStream {
    type Reader = ReadHalf<UnixStream>;
    type Writer = WriteHalf<UnixStream>;

    fn split(self) -> io::Result<Halves<Self::Reader, Self::Writer>> {
        self.set_nonblocking(false)?;
        self.set_read_timeout(None)?;
        self.set_write_timeout(Some(write_tick(self.write_timeout()?)))?;
        Ok(Halves::sharing(self, UnixStream::shutdown)
            .with_read_timeout(UnixStream::set_read_timeout)
            .with_readiness(is_readable)
            .with_watch())
    }
}
