//! The errors of a handshake.

use std::fmt;

use super::failure::Failure;
use super::stream::TlsStream;
use crate::error::{Error, ErrorKind};
use crate::transport::Transport;

/// A handshake that failed, or that negotiated a protocol other than HTTP/2.
///
/// `?` converts it into an [`Error`], which keeps the text and the cause.
///
/// # Examples
///
/// A server that passes clients without HTTP/2 to another library:
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
///                 // The stream implements `Read` and `Write`.
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

/// The category of a handshake failure.
///
/// ```
/// use h2_sync::tls::{HandshakeError, HandshakeErrorKind};
/// use h2_sync::transport::Transport;
///
/// /// Returns whether another attempt may succeed.
/// fn is_temporary<T: Transport>(error: &HandshakeError<T>) -> bool {
///     use HandshakeErrorKind::{Closed, Timeout, Transport};
///     matches!(error.kind(), Closed | Timeout | Transport)
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandshakeErrorKind {
    /// The handshake could not start: the server name is invalid or the configuration unusable.
    Setup,
    /// The peer did not complete the handshake in time.
    Timeout,
    /// The peer closed the connection during the handshake.
    Closed,
    /// The transport failed.
    Transport,
    /// The peer does not speak TLS.
    NotTls,
    /// The peer's certificate was not accepted.
    Certificate,
    /// The peer sent an alert, usually because it does not accept our certificate.
    Refused,
    /// The sides have no protocol in common. Or TLS was established without HTTP/2, and the error
    /// holds the [stream](HandshakeError::into_stream).
    Protocol,
    /// The negotiated parameters are too weak for HTTP/2 (RFC 9113, Section 9.2).
    InadequateSecurity,
    /// The peer violated the TLS protocol, or the sides have no version or cipher suite in common.
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

    /// TLS was established, without HTTP/2.
    pub(super) fn not_h2(failure: Failure, stream: TlsStream<T>) -> Self {
        let (kind, error) = (HandshakeErrorKind::Protocol, failure.into_not_http2());
        HandshakeError { kind, error, stream: Some(Box::new(stream)) }
    }

    /// Returns the category of the failure.
    pub fn kind(&self) -> HandshakeErrorKind {
        self.kind
    }

    /// Returns the protocol negotiated instead of HTTP/2. `None` if none was negotiated or the
    /// handshake failed.
    pub fn protocol(&self) -> Option<&[u8]> {
        self.stream.as_ref()?.facts().alpn_protocol.as_deref()
    }

    /// Returns the stream, if TLS was established without HTTP/2. It is to be used with the
    /// negotiated [`protocol`](Self::protocol), or with HTTP/1.1 if there is none.
    pub fn into_stream(self) -> Option<TlsStream<T>> {
        self.stream.map(|stream| *stream)
    }

    /// Returns the error without the stream.
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
