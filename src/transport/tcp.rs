//! TCP sockets.

use std::io;
use std::net::TcpStream;

use super::halves::{Halves, ReadHalf, Transport, WriteHalf, write_tick};
use super::readiness::is_readable;

/// Both halves use the same socket.
///
/// [`split`](Transport::split) puts the socket into blocking mode, sets `TCP_NODELAY` and clears
/// the read timeout. It makes writes give up after [`WRITE_TICK`](super::WRITE_TICK), or after the
/// socket's own write timeout if that is shorter.
impl Transport for TcpStream {
    type Reader = ReadHalf<TcpStream>;
    type Writer = WriteHalf<TcpStream>;

    fn split(self) -> io::Result<Halves<Self::Reader, Self::Writer>> {
        self.set_nonblocking(false)?;
        // Frames are combined before they are written, so the Nagle algorithm has nothing to gain.
        // It would delay small responses until a delayed ACK (40 ms).
        self.set_nodelay(true)?;
        self.set_read_timeout(None)?;
        self.set_write_timeout(Some(write_tick(self.write_timeout()?)))?;
        Ok(Halves::sharing(self, TcpStream::shutdown)
            .with_read_timeout(TcpStream::set_read_timeout)
            .with_readiness(is_readable)
            .with_watch())
    }
}
