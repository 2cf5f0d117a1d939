//! Connections that the caller makes.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use crate::transport::{Halves, Transport};

/// What a connection is to be made to, for a [`ConnectHook`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConnectTo<'a> {
    /// The host of the URL, without brackets.
    pub host: &'a str,
    /// The port of the URL, or that of its scheme.
    pub port: u16,
    /// Whether TLS is spoken over the connection. The client does that itself.
    pub is_https: bool,
    /// When the connection is of no more use.
    pub deadline: Instant,
}

/// A transport of any type.
pub(super) type AnyTransport = Halves<Box<dyn Read + Send>, Box<dyn Write + Send>>;

type Make = dyn Fn(&ConnectTo<'_>) -> io::Result<AnyTransport> + Send + Sync;

/// A function that connects to a server, in place of TCP and proxies: to a Unix socket, through a
/// tunnel, to a server in memory.
///
/// ```no_run
/// use std::os::unix::net::UnixStream;
///
/// use h2_sync::client::{Client, Config, ConnectHook};
///
/// let mut config = Config::default();
/// config.connect_hook = Some(ConnectHook::new(|_| UnixStream::connect("/run/server.sock")));
/// let client = Client::with_config(config)?;
/// println!("{}", client.get("http://localhost/").send()?.text()?);
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[derive(Clone)]
pub struct ConnectHook {
    make: Arc<Make>,
}

impl ConnectHook {
    /// A hook by a function. It is called on the thread that makes the connection, and has to return
    /// by the deadline: nothing can stop it.
    pub fn new<T: Transport>(
        connect: impl Fn(&ConnectTo<'_>) -> io::Result<T> + Send + Sync + 'static,
    ) -> Self {
        ConnectHook { make: Arc::new(move |to| connect(to).and_then(boxed)) }
    }

    pub(super) fn connect(&self, to: &ConnectTo<'_>) -> io::Result<AnyTransport> {
        (self.make)(to)
    }
}

/// The same transport behind a type that all share.
pub(super) fn boxed(stream: impl Transport) -> io::Result<AnyTransport> {
    let Halves { reader, writer, closer } = stream.split()?;
    Ok(Halves { reader: Box::new(reader), writer: Box::new(writer), closer })
}

impl fmt::Debug for ConnectHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectHook").finish_non_exhaustive()
    }
}
