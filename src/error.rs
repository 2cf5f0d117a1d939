//! The error of the whole library: what went wrong, and whose fault it was.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use crate::frame::{ErrorCode, StreamId};
use crate::proto::{CommandError, ConfigError, ConnectionError, Fault, ResetBy, PEER_SPEAKS_HTTP1};
#[cfg(feature = "websocket")]
use crate::ws;

// `tests/models` has this file by its path, and would look for these elsewhere.
#[path = "error/context.rs"]
mod context;
#[path = "error/from.rs"]
mod from;
#[path = "error/phase.rs"]
mod phase;
#[path = "error/show.rs"]
mod show;

pub use phase::Phase;

/// What went wrong.
///
/// Opaque, so that it can grow: ask [`kind`](Self::kind), [`phase`](Self::phase) and the `is_…`
/// methods. It is cheap to clone.
///
/// # Texts
///
/// `Display` gives one line with all that is known: the URL of the request without user and password,
/// what failed, and why. [`source`](std::error::Error::source) gives what that line does not say
/// already, so that printing the whole chain repeats nothing. `Debug` is that chain, and reads well
/// where `main` returns the error; `{:#?}` shows the parts.
///
/// ```
/// use h2_sync::client::{Client, Config, Proxies};
///
/// # let mut config = Config::default();
/// # config.proxies = Proxies::Never;
/// # let client = Client::with_config(config)?;
/// // No server listens there.
/// let error = client.get("http://user@127.0.0.1:9/").send().unwrap_err();
/// assert!(error.to_string().starts_with("http://127.0.0.1:9/: "));
/// # Ok::<(), h2_sync::Error>(())
/// ```
///
/// # Through `io::Error`
///
/// It survives a journey through [`io::Error`], whose kind is that of the system's error where there
/// was one:
///
/// ```
/// use h2_sync::{Error, ErrorKind};
/// use std::io;
///
/// let error = Error::from(io::Error::from(io::ErrorKind::ConnectionReset));
/// assert_eq!(error.kind(), ErrorKind::Transport);
/// let through = Error::from(io::Error::from(error.clone()));
/// assert_eq!(through.to_string(), error.to_string());
/// ```
#[derive(Clone)]
pub struct Error {
    cause: Arc<Cause>,
    /// What the request was about and how far it had come, for an error of one.
    context: Option<Box<Context>>,
}

#[derive(Debug, Clone, Default)]
struct Context {
    url: Option<String>,
    phase: Option<Phase>,
    /// The connection ended before the peer's SETTINGS came.
    is_before_settings: bool,
    /// Nothing of the request was sent.
    is_unsent: bool,
}

/// Whose fault an [`Error`] was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller asked for something that cannot be; nothing has changed.
    Caller,
    /// Too many octets wait to be sent; try again when there is room.
    Full,
    /// The connection is closed or going away.
    Closed,
    /// The stream was reset; others go on.
    Reset,
    /// The peer broke a rule of the protocol.
    Peer,
    /// The peer went over one of our limits.
    Limit,
    /// The peer did not answer, or did not go on, in time.
    Timeout,
    /// The caller has cancelled the request, with a
    /// [`CancelHandle`](crate::client::CancelHandle).
    Cancelled,
    /// The transport failed.
    Transport,
    /// TLS could not be agreed upon: a certificate that is not accepted, no protocol that both ends
    /// speak, a peer that does not speak TLS. Or TLS failed later: an alert of the peer, a damaged
    /// record.
    Tls,
    /// Something failed on our side: a thread could not be started, or panicked.
    Internal,
}

#[derive(Debug)]
enum Cause {
    Command(CommandError),
    Config(ConfigError),
    Connection(ConnectionError),
    #[cfg(feature = "websocket")]
    WebSocket(ws::Error),
    Transport(io::Error),
    /// What was being done when the system reported the error.
    Io(Cow<'static, str>, io::Error),
    Thread(io::Error),
    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    Tls {
        kind: ErrorKind,
        error: Box<dyn std::error::Error + Send + Sync>,
        /// HTTP/2 was not chosen.
        is_http1_only: bool,
    },
    Status(StatusCode),
    Redirect(String),
    Reset(StreamReset),
    /// No new streams, since the peer has sent GOAWAY.
    Goaway((ErrorCode, Bytes)),
    ClosedByPeer(Option<(ErrorCode, Bytes)>),
    BodyTooLarge(usize),
    /// What a caller waited for did not happen within its time: the setting and the time, where they
    /// are known.
    Late(&'static str, Option<(&'static str, Duration)>),
    Text(ErrorKind, Cow<'static, str>),
}

/// A stream that ended before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamReset {
    pub(crate) stream_id: StreamId,
    pub(crate) code: ErrorCode,
    pub(crate) by: ResetBy,
    pub(crate) retry_safe: bool,
    /// What was wrong, in words.
    pub(crate) detail: Option<Arc<str>>,
}

impl Error {
    fn new(cause: Cause) -> Self {
        Error { cause: Arc::new(cause), context: None }
    }

    /// The system reported `error` while this side was doing `what`.
    pub(crate) fn io(what: impl Into<Cow<'static, str>>, error: io::Error) -> Self {
        match error.downcast::<Error>() {
            Ok(ours) => ours,
            Err(error) => Error::new(Cause::Io(what.into(), error)),
        }
    }

    /// The response has a status that the caller takes for a failure.
    pub(crate) fn status_code(status: StatusCode) -> Self {
        Error::new(Cause::Status(status))
    }

    /// A redirect that is not followed.
    pub(crate) fn redirect(what: impl Into<String>) -> Self {
        Error::new(Cause::Redirect(what.into()))
    }

    /// A thread could not be started.
    pub(crate) fn thread(error: io::Error) -> Self {
        Error::new(Cause::Thread(error))
    }

    /// TLS failed, or cannot be set up.
    #[cfg(feature = "tls")]
    pub(crate) fn tls(
        kind: ErrorKind,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Error::new(Cause::Tls { kind, error: Box::new(error), is_http1_only: false })
    }

    /// TLS is established, and the peer has not chosen HTTP/2.
    #[cfg(feature = "tls")]
    pub(crate) fn not_http2(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        let error = Box::new(error);
        Error::new(Cause::Tls { kind: ErrorKind::Tls, error, is_http1_only: true })
    }

    /// It did not come to HTTP/2, since what came before in HTTP/1.1 was not in order.
    pub(crate) fn upgrade(kind: ErrorKind, what: impl Into<Cow<'static, str>>) -> Self {
        Error::new(Cause::Text(kind, what.into()))
    }

    /// What the client has to say in words.
    pub(crate) fn text(kind: ErrorKind, what: impl Into<Cow<'static, str>>) -> Self {
        Error::new(Cause::Text(kind, what.into()))
    }

    /// What a caller waited for did not happen within the time that it gives.
    pub(crate) fn late(what: &'static str) -> Self {
        Error::new(Cause::Late(what, None))
    }

    /// The same error, which tells by which setting the time was given.
    #[must_use]
    pub(crate) fn by_setting(mut self, setting: &'static str, time: Duration) -> Self {
        if let Cause::Late(what, None) = *self.cause {
            self.cause = Arc::new(Cause::Late(what, Some((setting, time))));
        }
        self
    }

    /// Something that a caller waited for did not happen in time.
    pub(crate) fn timeout(what: &'static str) -> Self {
        Error::new(Cause::Text(ErrorKind::Timeout, what.into()))
    }

    /// The caller wants no answer to its request any more.
    pub(crate) fn cancelled() -> Self {
        Error::new(Cause::Text(ErrorKind::Cancelled, "the request was cancelled".into()))
    }

    /// Something that a caller cannot have.
    pub(crate) fn usage(what: impl Into<Cow<'static, str>>) -> Self {
        Error::new(Cause::Text(ErrorKind::Caller, what.into()))
    }

    /// A body is larger than is to be read into memory.
    pub(crate) fn body_too_large(limit: usize) -> Self {
        Error::new(Cause::BodyTooLarge(limit))
    }

    /// The peer has sent GOAWAY, and takes no more requests on the connection.
    pub(crate) fn goaway(goaway: (ErrorCode, Bytes)) -> Self {
        Error::new(Cause::Goaway(goaway))
    }

    /// The peer has closed the connection, after its GOAWAY where there was one.
    pub(crate) fn closed_by_peer(goaway: Option<(ErrorCode, Bytes)>) -> Self {
        Error::new(Cause::ClosedByPeer(goaway))
    }

    /// What went wrong, and whose fault it was.
    pub fn kind(&self) -> ErrorKind {
        match &*self.cause {
            Cause::Command(CommandError::Full { .. }) => ErrorKind::Full,
            Cause::Command(CommandError::Closed | CommandError::GoingAway) => ErrorKind::Closed,
            Cause::Command(_) | Cause::Config(_) => ErrorKind::Caller,
            Cause::Connection(error) => match error.fault() {
                Fault::Peer => ErrorKind::Peer,
                Fault::Limit => ErrorKind::Limit,
                Fault::Timeout => ErrorKind::Timeout,
                Fault::Internal => ErrorKind::Internal,
            },
            #[cfg(feature = "websocket")]
            Cause::WebSocket(error) => match error.kind() {
                ws::ErrorKind::Limit => ErrorKind::Limit,
                ws::ErrorKind::Timeout => ErrorKind::Timeout,
                ws::ErrorKind::Truncated => ErrorKind::Closed,
                _ => ErrorKind::Peer,
            },
            Cause::Io(_, error) if is_late(error) => ErrorKind::Timeout,
            Cause::Transport(_) | Cause::Io(..) => ErrorKind::Transport,
            Cause::Thread(_) => ErrorKind::Internal,
            Cause::Tls { kind, .. } => *kind,
            Cause::Status(_) | Cause::Redirect(_) => ErrorKind::Peer,
            Cause::Reset(_) => ErrorKind::Reset,
            Cause::Goaway(_) | Cause::ClosedByPeer(_) => ErrorKind::Closed,
            Cause::BodyTooLarge(_) => ErrorKind::Limit,
            Cause::Late(..) => ErrorKind::Timeout,
            Cause::Text(kind, _) => *kind,
        }
    }

    /// The code that goes with it on the wire, where there is one.
    pub fn code(&self) -> Option<ErrorCode> {
        match &*self.cause {
            Cause::Connection(error) => Some(error.code()),
            Cause::Reset(reset) => Some(reset.code),
            Cause::Goaway((code, _)) => Some(*code),
            Cause::ClosedByPeer(goaway) => goaway.as_ref().map(|(code, _)| *code),
            _ => None,
        }
    }

    /// The close code of a WebSocket that has failed: the one that was sent to the peer, or
    /// [`ABNORMAL`](ws::CloseCode::ABNORMAL) where there was no Close frame.
    #[cfg(feature = "websocket")]
    pub fn close_code(&self) -> Option<ws::CloseCode> {
        match &*self.cause {
            Cause::WebSocket(error) => Some(error.close_code()),
            _ => None,
        }
    }

    /// The mistake of the caller, where it was one.
    pub fn as_command_error(&self) -> Option<&CommandError> {
        match &*self.cause {
            Cause::Command(error) => Some(error),
            Cause::Goaway(_) => Some(&CommandError::GoingAway),
            _ => None,
        }
    }

    /// The status of the response, where
    /// [`error_for_status`](crate::client::Response::error_for_status) made the error.
    pub fn status(&self) -> Option<StatusCode> {
        match &*self.cause {
            Cause::Status(status) => Some(*status),
            _ => None,
        }
    }

    /// The system's error, where there was one.
    pub fn as_io_error(&self) -> Option<&io::Error> {
        match &*self.cause {
            Cause::Transport(error) | Cause::Io(_, error) | Cause::Thread(error) => Some(error),
            _ => None,
        }
    }

    /// Whether no connection came about: the host was not found, did not accept, or the handshake
    /// failed. Nothing of the request has been sent.
    pub fn is_connect(&self) -> bool {
        matches!(self.phase(), Some(Phase::Lookup | Phase::Connect | Phase::Handshake))
    }

    /// Whether TLS could not be agreed upon.
    pub fn is_tls(&self) -> bool {
        self.kind() == ErrorKind::Tls
    }

    /// Whether the peer speaks HTTP/1.1 here and not HTTP/2.
    pub fn is_http1_only(&self) -> bool {
        match &*self.cause {
            Cause::Tls { is_http1_only, .. } => *is_http1_only,
            Cause::Connection(error) => error.detail() == PEER_SPEAKS_HTTP1,
            Cause::Reset(reset) => reset.code == ErrorCode::Http11Required,
            Cause::ClosedByPeer(Some((code, _))) => *code == ErrorCode::Http11Required,
            _ => false,
        }
    }

    /// Whether redirects were the reason: too many, or one that leads where no request may go.
    pub fn is_redirect(&self) -> bool {
        matches!(&*self.cause, Cause::Redirect(_))
    }

    /// Whether there was no room; the same call may go through later.
    pub fn is_full(&self) -> bool {
        self.kind() == ErrorKind::Full
    }

    /// Whether the connection is closed or going away.
    pub fn is_closed(&self) -> bool {
        self.kind() == ErrorKind::Closed
    }

    /// Whether the stream was reset, by the peer or by us; [`code`](Self::code) says why. The
    /// connection and its other streams go on.
    pub fn is_reset(&self) -> bool {
        self.kind() == ErrorKind::Reset
    }

    /// Whether the peer has processed nothing of the request, so that sending it again repeats
    /// nothing: it says so (REFUSED_STREAM, or a GOAWAY that leaves the request out), or nothing of
    /// the request was sent, since there was no connection for it or that had no time to send it.
    pub fn is_retry_safe(&self) -> bool {
        let had_no_connection = matches!(
            self.phase(),
            Some(Phase::Lookup | Phase::Connect | Phase::Handshake | Phase::Slot)
        );
        had_no_connection
            || self.is_unsent()
            || matches!(&*self.cause, Cause::Reset(reset) if reset.retry_safe)
    }

    /// Whether the connection ended or went away before anything of the request was sent.
    pub(crate) fn is_unsent(&self) -> bool {
        self.context.as_ref().is_some_and(|context| context.is_unsent)
    }

    /// Whether a GOAWAY of the peer's left the stream out.
    pub(crate) fn is_goaway(&self) -> bool {
        matches!(&*self.cause, Cause::Reset(reset) if reset.by == ResetBy::Goaway)
    }

    /// Whether a body was larger than what is read into memory at most.
    pub fn is_body_too_large(&self) -> bool {
        matches!(&*self.cause, Cause::BodyTooLarge(_))
    }

    /// Whether the request was cancelled with a [`CancelHandle`](crate::client::CancelHandle);
    /// [`phase`](Self::phase) says how far it had come.
    pub fn is_cancelled(&self) -> bool {
        self.kind() == ErrorKind::Cancelled
    }

    /// Whether something took too long; [`phase`](Self::phase) says what.
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }
}

/// Whether the system says that a time is over. A socket with a read timeout says `WouldBlock`.
fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

#[cfg(test)]
#[path = "error/tests.rs"]
mod tests;
