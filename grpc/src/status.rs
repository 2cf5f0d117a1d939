//! The status of a failed call.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::code::Code;
use crate::metadata::{Metadata, decode_bin, encode_bin};
use crate::percent;

pub(crate) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_STATUS_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// The status of a failed call: a [`Code`], a message for people, details and metadata.
///
/// It is an error type: a method that succeeds returns its response. The code is never
/// [`Code::Ok`].
///
/// ```
/// use h2_sync_grpc::{Code, Status};
///
/// fn find(name: &str) -> Result<u32, Status> {
///     match name {
///         "answer" => Ok(42),
///         _ => Err(Status::not_found(format!("there is no {name:?}"))),
///     }
/// }
///
/// let status = find("question").unwrap_err();
/// assert_eq!(status.code(), Code::NotFound);
/// assert_eq!(status.to_string(), "NOT_FOUND: there is no \"question\"");
/// ```
///
/// With more than a code and a message:
///
/// ```
/// use h2_sync_grpc::{Code, Status};
///
/// fn limited() -> Result<Status, h2_sync_grpc::InvalidMetadata> {
///     let mut status = Status::new(Code::ResourceExhausted, "too many calls");
///     status.metadata_mut().insert("retry-after", "7")?;
///     Ok(status.with_details("details in any encoding"))
/// }
///
/// let status = limited()?;
/// assert_eq!(status.message(), "too many calls");
/// assert_eq!(status.metadata().get("retry-after"), Some("7"));
/// assert!(!status.details().is_empty());
/// assert!(!status.is_unprocessed()); // Only a client can know that.
/// # Ok::<(), h2_sync_grpc::InvalidMetadata>(())
/// ```
#[derive(Clone)]
pub struct Status(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    message: Cow<'static, str>,
    details: Bytes,
    metadata: Metadata,
    cause: Option<h2_sync::Error>,
}

/// Defines a constructor for each code.
macro_rules! constructors {
    ($($name:ident: $code:ident),* $(,)?) => {
        $(
            #[doc = concat!("Creates a status with [`Code::", stringify!($code), "`].")]
            pub fn $name(message: impl Into<Cow<'static, str>>) -> Self {
                Status::new(Code::$code, message)
            }
        )*
    };
}

impl Status {
    /// Creates a status with a code and a message. [`Code::Ok`] is not a failure and becomes
    /// [`Code::Unknown`].
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let code = if code == Code::Ok { Code::Unknown } else { code };
        Status(Box::new(Inner {
            code,
            message: message.into(),
            details: Bytes::new(),
            metadata: Metadata::new(),
            cause: None,
        }))
    }

    constructors! {
        cancelled: Cancelled,
        unknown: Unknown,
        invalid_argument: InvalidArgument,
        deadline_exceeded: DeadlineExceeded,
        not_found: NotFound,
        already_exists: AlreadyExists,
        permission_denied: PermissionDenied,
        resource_exhausted: ResourceExhausted,
        failed_precondition: FailedPrecondition,
        aborted: Aborted,
        out_of_range: OutOfRange,
        unimplemented: Unimplemented,
        internal: Internal,
        unavailable: Unavailable,
        data_loss: DataLoss,
        unauthenticated: Unauthenticated,
    }

    /// Returns the code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Returns the message, which may be empty.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the details as sent in the field `grpc-status-details-bin`, usually an encoded
    /// `google.rpc.Status`. Empty for a status without details.
    pub fn details(&self) -> &Bytes {
        &self.0.details
    }

    /// Returns the status with these details, in any encoding.
    #[must_use]
    pub fn with_details(mut self, details: impl Into<Bytes>) -> Self {
        self.0.details = details.into();
        self
    }

    /// Returns the metadata in the trailers.
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// Returns the metadata in the trailers, mutably.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.0.metadata
    }

    /// Returns whether the server has certainly not processed the call, so that a repeated call has
    /// no effect twice.
    pub fn is_unprocessed(&self) -> bool {
        self.0.cause.as_ref().is_some_and(h2_sync::Error::is_retry_safe)
    }

    /// Sets the transport error that caused this status.
    #[must_use]
    pub(crate) fn with_cause(mut self, cause: h2_sync::Error) -> Self {
        self.0.cause = Some(cause);
        self
    }

    /// Returns the transport error that caused this status.
    pub(crate) fn cause(&self) -> Option<&h2_sync::Error> {
        self.0.cause.as_ref()
    }

    /// Writes the status to trailers.
    pub(crate) fn write_to(&self, fields: &mut HeaderMap) {
        let Inner { code, message, details, metadata, .. } = &*self.0;
        metadata.write_to(fields);
        fields.insert(GRPC_STATUS, HeaderValue::from(*code as i32));
        if !message.is_empty() {
            // Percent-encoded text is printable ASCII.
            if let Ok(message) = HeaderValue::from_str(&percent::encode(message)) {
                fields.insert(GRPC_MESSAGE, message);
            }
        }
        if !details.is_empty() {
            fields.insert(GRPC_STATUS_DETAILS, encode_bin(details));
        }
    }

    /// Parses the outcome of a call from trailers. `None` if they have no `grpc-status`.
    pub(crate) fn of_fields(fields: &HeaderMap) -> Option<Result<(), Status>> {
        let code = fields.get(GRPC_STATUS)?.as_bytes();
        let code = std::str::from_utf8(code).ok().and_then(|code| code.parse().ok());
        let code = code.map_or(Code::Unknown, Code::from_i32);
        if code == Code::Ok {
            return Some(Ok(()));
        }
        let message = fields.get(GRPC_MESSAGE).map(|value| percent::decode(value.as_bytes()));
        let mut status = Status::new(code, message.unwrap_or_default());
        let details = fields.get(GRPC_STATUS_DETAILS);
        status.0.details =
            details.and_then(|value| decode_bin(value.as_bytes())).unwrap_or_default();
        status.0.metadata = Metadata::of_fields(fields.clone());
        Some(Err(status))
    }
}

/// Converts a transport error. The caller decides whether a deadline was the reason.
impl From<h2_sync::Error> for Status {
    fn from(error: h2_sync::Error) -> Self {
        use h2_sync::ErrorKind as Kind;
        use h2_sync::proto::CommandError as Command;
        // The other half of the call was dropped.
        let is_given_up = matches!(
            error.as_command_error(),
            Some(Command::StreamClosed(_) | Command::SendClosed(_) | Command::UnknownStream(_))
        );
        let code = match (error.kind(), error.code()) {
            _ if error.is_cancelled() || is_given_up => Code::Cancelled,
            _ if error.is_retry_safe() => Code::Unavailable,
            // The metadata exceeds the server's limit.
            _ if matches!(error.as_command_error(), Some(Command::SectionTooLarge { .. })) => {
                Code::ResourceExhausted
            }
            (Kind::Reset, Some(code)) => Code::of_reset(code),
            (Kind::Caller | Kind::Internal | Kind::Peer, _) => Code::Internal,
            (Kind::Limit | Kind::Full, _) => Code::ResourceExhausted,
            _ if error.is_connect() => Code::Unavailable,
            (Kind::Timeout, _) => Code::DeadlineExceeded,
            (Kind::Cancelled, _) => Code::Cancelled,
            (Kind::Closed | Kind::Transport | Kind::Tls, _) => Code::Unavailable,
            _ => Code::Unknown,
        };
        Status::new(code, error.to_string()).with_cause(error)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message() {
            "" => self.code().fmt(f),
            message => write!(f, "{}: {message}", self.code()),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { code, message, details, metadata, cause } = &*self.0;
        f.debug_struct("Status")
            .field("code", code)
            .field("message", message)
            .field("details", details)
            .field("metadata", metadata)
            .field("cause", cause)
            .finish()
    }
}

impl Error for Status {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause().and_then(Error::source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let named = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        list.iter().map(named).collect()
    }

    #[test]
    fn status_goes_through_trailers() {
        let mut status = Status::data_loss("50 % lost\n").with_details(&b"\x00\xff"[..]);
        status.metadata_mut().insert("key", "value").unwrap();
        let mut trailers = HeaderMap::new();
        status.write_to(&mut trailers);
        assert_eq!(trailers["grpc-status"], "15");
        assert_eq!(trailers["grpc-message"], "50 %25 lost%0A");
        assert_eq!(trailers["grpc-status-details-bin"], "AP8");
        let read = Status::of_fields(&trailers).unwrap().unwrap_err();
        assert_eq!((read.code(), read.message()), (Code::DataLoss, "50 % lost\n"));
        assert_eq!(read.details()[..], *b"\x00\xff");
        assert_eq!(read.metadata().get("key"), Some("value"));
    }

    #[test]
    fn success_is_no_status() {
        assert!(Status::of_fields(&fields(&[("grpc-status", "0")])).unwrap().is_ok());
        assert!(Status::of_fields(&fields(&[("key", "value")])).is_none());
        assert_eq!(Status::new(Code::Ok, "").code(), Code::Unknown);
    }

    #[test]
    fn a_number_without_a_code_is_unknown() {
        for number in ["17", "-1", "x", "", "99999999999999999999"] {
            let trailers = fields(&[("grpc-status", number), ("grpc-message", "m")]);
            let status = Status::of_fields(&trailers).unwrap().unwrap_err();
            assert_eq!((status.code(), status.message()), (Code::Unknown, "m"), "{number}");
        }
    }

    #[test]
    fn errors_of_the_transport_have_their_codes() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let status = Status::from(h2_sync::Error::from(refused));
        assert_eq!(status.code(), Code::Unavailable);
    }
}
