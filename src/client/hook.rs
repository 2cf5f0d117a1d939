//! Connections established by the caller.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use crate::transport::{Halves, Transport};

/// The target of a connection that a [`ConnectHook`] establishes.
///
/// ```
/// use std::net::TcpStream;
/// use std::time::Instant;
///
/// use h2_sync::client::{Client, Config, ConnectHook, ConnectTo};
///
/// /// Connects to a test server, whatever host is asked for.
/// fn connect(to: &ConnectTo<'_>) -> std::io::Result<TcpStream> {
///     println!("{}:{} (TLS: {})", to.host, to.port, to.is_https);
///     let time_left = to.deadline.saturating_duration_since(Instant::now());
///     TcpStream::connect_timeout(&([127, 0, 0, 1], 8080).into(), time_left)
/// }
///
/// let hook = ConnectHook::new(connect);
/// let client = Client::with_config(Config::default().with(|it| it.connect_hook = Some(hook)))?;
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConnectTo<'a> {
    /// The host of the URL, without brackets.
    pub host: &'a str,
    /// The port of the URL, or the default of its scheme.
    pub port: u16,
    /// Whether the client will use TLS on the connection. The hook must not.
    pub is_https: bool,
    /// The deadline for connecting.
    pub deadline: Instant,
}

/// A transport with its type erased.
pub(super) type AnyTransport = Halves<Box<dyn Read + Send>, Box<dyn Write + Send>>;

type Make = dyn Fn(&ConnectTo<'_>) -> io::Result<AnyTransport> + Send + Sync;

/// A function that connects to a server instead of the client's TCP and proxy support: to a Unix
/// socket, through a tunnel, or to an in-memory server.
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
    /// Returns a hook that calls a function. The function runs on the thread that establishes the
    /// connection and must return by the deadline; the client cannot interrupt it.
    pub fn new<T: Transport>(
        connect: impl Fn(&ConnectTo<'_>) -> io::Result<T> + Send + Sync + 'static,
    ) -> Self {
        ConnectHook { make: Arc::new(move |to| connect(to).and_then(boxed)) }
    }

    pub(super) fn connect(&self, to: &ConnectTo<'_>) -> io::Result<AnyTransport> {
        (self.make)(to)
    }
}

/// Erases the type of a transport.
pub(super) fn boxed(stream: impl Transport) -> io::Result<AnyTransport> {
    let Halves { reader, writer, closer } = stream.split()?;
    Ok(Halves { reader: Box::new(reader), writer: Box::new(writer), closer })
}

impl fmt::Debug for ConnectHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectHook").finish_non_exhaustive()
    }
}
