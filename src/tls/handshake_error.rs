//! How a handshake fails.

use std::fmt;

use super::failure::Failure;
use super::stream::TlsStream;
use crate::error::{Error, ErrorKind};
use crate::transport::Transport;

/// A handshake that failed, or that settled on another protocol than HTTP/2.
///
/// It turns into an [`Error`] by `?`, which keeps the text and the cause.
///
/// # Examples
///
/// A server that leaves clients without HTTP/2 to somebody else:
///
/// ```no_run
/// use std::net::TcpStream;
/// use std::time::Duration;
///
/// use h2_sync::tls::{Acceptor, TlsStream};
/// use h2_sync::{new_connection, Error, Session};
///
/// # fn serve_http1(stream: TlsStream<TcpStream>) {}
/// # fn serve(session: Session) {}
/// fn connected(acceptor: &Acceptor, stream: TcpStream) -> Result<(), Error> {
///     match acceptor.accept(stream, Duration::from_secs(10)) {
///         Ok(stream) => serve(new_connection(stream, false, false)?),
///         Err(error) if matches!(error.protocol(), Some(b"http/1.1") | None) => {
///             let failed = error.to_string();
///             match error.into_stream() {
///                 // It reads and writes, as HTTP/1.1 wants it.
///                 Some(stream) => serve_http1(stream),
///                 None => eprintln!("{failed}"),
///             }
///         }
///         Err(error) => return Err(error.into()),
///     }
///     Ok(())
/// }
/// # fn main() {
/// #     let _ = connected;
/// # }
/// ```
pub struct HandshakeError<T: Transport> {
    kind: HandshakeErrorKind,
    error: Error,
    stream: Option<Box<TlsStream<T>>>,
}

/// What went wrong in a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandshakeErrorKind {
    /// It could not begin: the name of the server is none, or the configuration does not serve.
    Setup,
    /// The peer did not come to its end in time.
    Timeout,
    /// The peer closed the connection in the middle.
    Closed,
    /// The transport failed.
    Transport,
    /// The peer does not speak TLS.
    NotTls,
    /// The peer's certificate is not accepted.
    Certificate,
    /// The peer refused, with an alert: our certificate, as a rule.
    Refused,
    /// There is no protocol that both ends speak; or TLS is there and HTTP/2 was not chosen, and the
    /// error has the [stream](HandshakeError::into_stream).
    Protocol,
    /// What was chosen is too weak for HTTP/2 (RFC 9113, Section 9.2).
    InadequateSecurity,
    /// The peer broke a rule of TLS, or the two have no version or cipher in common.
    Rules,
}

impl<T: Transport> HandshakeError<T> {
    pub(super) fn new(kind: HandshakeErrorKind, failure: Failure) -> Self {
        let error = failure.into_error(match kind {
            HandshakeErrorKind::Setup => ErrorKind::Caller,
            HandshakeErrorKind::Timeout => ErrorKind::Timeout,
            HandshakeErrorKind::Closed | HandshakeErrorKind::Transport => ErrorKind::Transport,
            _ => ErrorKind::Tls,
        });
        HandshakeError { kind, error, stream: None }
    }

    pub(super) fn setup(failure: Failure) -> Self {
        HandshakeError::new(HandshakeErrorKind::Setup, failure)
    }

    /// TLS is there, but not for HTTP/2.
    pub(super) fn not_h2(failure: Failure, stream: TlsStream<T>) -> Self {
        let (kind, error) = (HandshakeErrorKind::Protocol, failure.into_not_http2());
        HandshakeError { kind, error, stream: Some(Box::new(stream)) }
    }

    /// What went wrong.
    pub fn kind(&self) -> HandshakeErrorKind {
        self.kind
    }

    /// The protocol that was chosen instead of HTTP/2. `None` if none was chosen, or the handshake
    /// failed.
    pub fn protocol(&self) -> Option<&[u8]> {
        self.stream.as_ref()?.facts().alpn_protocol.as_deref()
    }

    /// The stream, where TLS was established and HTTP/2 was not chosen: to go on in the
    /// [`protocol`](Self::protocol) that was, or in HTTP/1.1 if none was.
    pub fn into_stream(self) -> Option<TlsStream<T>> {
        self.stream.map(|stream| *stream)
    }

    /// The error without the stream.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl<T: Transport> fmt::Display for HandshakeError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<T: Transport> fmt::Debug for HandshakeError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeError")
            .field("kind", &self.kind)
            .field("error", &self.error)
            .field("has_stream", &self.stream.is_some())
            .finish()
    }
}

impl<T: Transport> std::error::Error for HandshakeError<T> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.error)
    }
}

impl<T: Transport> From<HandshakeError<T>> for Error {
    /// Drops the stream, if there is one.
    fn from(error: HandshakeError<T>) -> Self {
        error.error
    }
}
