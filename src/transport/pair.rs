//! Two one-way streams as one transport.

use std::io::{self, Read, Write};

use super::closer::Closer;
use super::halves::{Halves, Transport};

/// A reader and a writer that are independent of each other, such as two pipes or two files.
///
/// There is no general way to wake a thread that is blocked in one of them, so the closer is
/// [`Closer::none`]: closing the connection takes effect when the peer sends something or closes
/// its end. If there is a way to close them, use a [`Pair`]. The peer reads the end of the stream
/// when the writer half is dropped.
impl<R, W> Transport for (R, W)
where
    R: Read + Send + 'static,
    W: Write + Send + 'static,
{
    type Reader = R;
    type Writer = W;

    fn split(self) -> io::Result<Halves<R, W>> {
        let (reader, writer) = self;
        Ok(Halves { reader, writer, closer: Closer::none() })
    }
}

/// A reader and a writer, with a closer.
///
/// # Examples
///
/// HTTP/2 over a child process's stdin and stdout, where closing kills the child:
///
/// ```
/// use std::io;
/// use std::net::Shutdown;
/// use std::process::{Child, ChildStdin, ChildStdout};
/// use std::sync::{Mutex, PoisonError};
///
/// use h2_sync::transport::{Closer, Pair};
///
/// fn over_child(mut child: Child) -> Option<Pair<ChildStdout, ChildStdin>> {
///     let (stdout, stdin) = (child.stdout.take()?, child.stdin.take()?);
///     let child = Mutex::new(child);
///     let closer = Closer::new(move |how| match how {
///         Shutdown::Both => {
///             let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
///             child.kill()?;
///             child.wait().map(|_| ())
///         }
///         // The child reads the end of its stdin when the writer half is dropped.
///         _ => Ok(()),
///     });
///     Some(Pair::with_closer(stdout, stdin, closer))
/// }
/// ```
#[derive(Debug)]
pub struct Pair<R, W> {
    reader: R,
    writer: W,
    closer: Closer,
}

impl<R, W> Pair<R, W> {
    /// Combines `reader` and `writer` into a transport that `closer` closes.
    ///
    /// They are not set up in any way: see [`Transport`] for the requirements, in particular for a
    /// writer that can block without limit.
    pub fn with_closer(reader: R, writer: W, closer: Closer) -> Self {
        Pair { reader, writer, closer }
    }
}

impl<R, W> Transport for Pair<R, W>
where
    R: Read + Send + 'static,
    W: Write + Send + 'static,
{
    type Reader = R;
    type Writer = W;

    fn split(self) -> io::Result<Halves<R, W>> {
        let Pair { reader, writer, closer } = self;
        Ok(Halves { reader, writer, closer })
    }
}
