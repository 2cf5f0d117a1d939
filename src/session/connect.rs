//! Starting a connection with default settings.

use super::handle::Session;
use crate::error::Error;
use crate::proto::{Config, Role};
use crate::transport::Transport;

/// Starts an HTTP/2 connection over `stream`, with default settings: a reader thread, a writer
/// thread, and two channels.
///
/// `is_client` is the role of this side. `skip_preface` leaves out the client's 24-octet connection
/// preface: a client does not send it and a server does not expect it. Pass `false` unless other
/// code has already sent or consumed it; see [`Config::skip_preface`]. SETTINGS are exchanged in
/// either case.
///
/// # Errors
///
/// If the stream cannot be split, or the threads cannot be started. Errors of the peer are reported
/// as [`Evt::Closed`](super::Evt::Closed).
///
/// # Examples
///
/// ```no_run
/// use std::net::TcpStream;
///
/// let stream = TcpStream::connect("127.0.0.1:8080")?;
/// let session = h2_sync::new_connection(stream, true, false)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn new_connection<T: Transport>(
    stream: T,
    is_client: bool,
    skip_preface: bool,
) -> Result<Session, Error> {
    let role = if is_client { Role::Client } else { Role::Server };
    Session::with_config(stream, role, Config { skip_preface, ..Config::for_role(role) })
}
