//! How a connection is started with default settings.

use super::handle::Session;
use crate::error::Error;
use crate::proto::{Config, Role};
use crate::transport::Transport;

/// Starts an HTTP/2 connection over `stream`, with default settings: a reader thread, a writer
/// thread, and two channels.
///
/// `is_client` says which end this is. `skip_preface` leaves out the 24 octets that a client sends
/// first, on the side that would send or expect them; it is `false` unless something else has
/// sent or consumed them already, as told at [`Config::skip_preface`]. SETTINGS are exchanged
/// either way.
///
/// # Errors
///
/// If the stream cannot be split in two, or the threads cannot be started. What the peer does
/// wrong comes as [`Evt::Closed`](super::Evt::Closed).
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
    Session::with_config(stream, role, Config { skip_preface, ..Config::default() })
}
