//! Status codes.

use std::fmt;

use h2_sync::ErrorCode;
use http::StatusCode;

/// A gRPC status code, with its number on the wire.
///
/// ```
/// use h2_sync_grpc::Code;
///
/// assert_eq!(Code::from_i32(5), Code::NotFound);
/// assert_eq!(Code::from_i32(1_000), Code::Unknown);
/// assert_eq!(Code::NotFound.name(), "NOT_FOUND");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Code {
    /// The call succeeded.
    Ok = 0,
    /// The caller cancelled the call.
    Cancelled = 1,
    /// An error that no other code describes.
    Unknown = 2,
    /// The request is invalid in every state of the system.
    InvalidArgument = 3,
    /// The deadline has passed before the call was complete.
    DeadlineExceeded = 4,
    /// A requested entity does not exist.
    NotFound = 5,
    /// The entity to create already exists.
    AlreadyExists = 6,
    /// The caller is authenticated but not allowed to make this call.
    PermissionDenied = 7,
    /// A quota or a size limit is exceeded.
    ResourceExhausted = 8,
    /// The system is not in the state that the call needs.
    FailedPrecondition = 9,
    /// The call was aborted because of a conflict with a concurrent one.
    Aborted = 10,
    /// The call addresses something beyond the current range, such as the end of a file.
    OutOfRange = 11,
    /// The server does not have this method.
    Unimplemented = 12,
    /// An internal invariant is broken.
    Internal = 13,
    /// The server cannot be reached or does not serve at present. A retry may succeed.
    Unavailable = 14,
    /// Data is lost or damaged.
    DataLoss = 15,
    /// The caller has no valid credentials.
    Unauthenticated = 16,
}

/// All codes with their names, in the order of their numbers.
const CODES: [(Code, &str); 17] = [
    (Code::Ok, "OK"),
    (Code::Cancelled, "CANCELLED"),
    (Code::Unknown, "UNKNOWN"),
    (Code::InvalidArgument, "INVALID_ARGUMENT"),
    (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
    (Code::NotFound, "NOT_FOUND"),
    (Code::AlreadyExists, "ALREADY_EXISTS"),
    (Code::PermissionDenied, "PERMISSION_DENIED"),
    (Code::ResourceExhausted, "RESOURCE_EXHAUSTED"),
    (Code::FailedPrecondition, "FAILED_PRECONDITION"),
    (Code::Aborted, "ABORTED"),
    (Code::OutOfRange, "OUT_OF_RANGE"),
    (Code::Unimplemented, "UNIMPLEMENTED"),
    (Code::Internal, "INTERNAL"),
    (Code::Unavailable, "UNAVAILABLE"),
    (Code::DataLoss, "DATA_LOSS"),
    (Code::Unauthenticated, "UNAUTHENTICATED"),
];

impl Code {
    /// Returns the code with this number, or [`Unknown`](Code::Unknown) for a number without a
    /// code.
    pub fn from_i32(number: i32) -> Self {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        CODES.get(index).map_or(Code::Unknown, |(code, _)| *code)
    }

    /// Returns the name in the specification, such as `NOT_FOUND`.
    pub fn name(self) -> &'static str {
        CODES[self as usize].1
    }

    /// Maps the HTTP status of a response that is not gRPC, such as that of a proxy.
    pub(crate) fn of_http(status: StatusCode) -> Self {
        match status.as_u16() {
            400 => Code::Internal,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 => Code::Unimplemented,
            429 | 502 | 503 | 504 => Code::Unavailable,
            _ => Code::Unknown,
        }
    }

    /// Maps the error code of a stream that was reset.
    pub(crate) fn of_reset(code: ErrorCode) -> Self {
        match code {
            ErrorCode::RefusedStream => Code::Unavailable,
            ErrorCode::Cancel => Code::Cancelled,
            ErrorCode::EnhanceYourCalm => Code::ResourceExhausted,
            ErrorCode::InadequateSecurity => Code::PermissionDenied,
            ErrorCode::NoError
            | ErrorCode::ProtocolError
            | ErrorCode::InternalError
            | ErrorCode::FlowControlError
            | ErrorCode::SettingsTimeout
            | ErrorCode::FrameSizeError
            | ErrorCode::CompressionError
            | ErrorCode::ConnectError => Code::Internal,
            _ => Code::Unknown,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_there_and_back() {
        for (number, (code, name)) in CODES.iter().enumerate() {
            assert_eq!((Code::from_i32(number as i32), code.name()), (*code, *name));
        }
        assert_eq!(Code::from_i32(17), Code::Unknown);
        assert_eq!(Code::from_i32(-1), Code::Unknown);
    }

    #[test]
    fn http_status_has_the_code_of_the_specification() {
        let of = |status| Code::of_http(StatusCode::from_u16(status).unwrap());
        assert_eq!(of(400), Code::Internal);
        assert_eq!(of(401), Code::Unauthenticated);
        assert_eq!(of(403), Code::PermissionDenied);
        assert_eq!(of(404), Code::Unimplemented);
        for status in [429, 502, 503, 504] {
            assert_eq!(of(status), Code::Unavailable);
        }
        for status in [200, 302, 415, 500] {
            assert_eq!(of(status), Code::Unknown);
        }
    }

    #[test]
    fn reset_has_the_code_of_the_specification() {
        assert_eq!(Code::of_reset(ErrorCode::RefusedStream), Code::Unavailable);
        assert_eq!(Code::of_reset(ErrorCode::Cancel), Code::Cancelled);
        assert_eq!(Code::of_reset(ErrorCode::EnhanceYourCalm), Code::ResourceExhausted);
        assert_eq!(Code::of_reset(ErrorCode::InadequateSecurity), Code::PermissionDenied);
        assert_eq!(Code::of_reset(ErrorCode::FlowControlError), Code::Internal);
        assert_eq!(Code::of_reset(ErrorCode::StreamClosed), Code::Unknown);
    }
}
