//! The reason why an HTTP/1.1 message is refused, and its status.

use std::borrow::Cow;

use http::StatusCode;

use crate::error::{Error, ErrorKind};
use crate::http1;

/// An error in a peer's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The status of a server's answer; `None` for a peer that does not speak HTTP/1.1.
    pub(super) status: Option<StatusCode>,
    pub(super) what: Cow<'static, str>,
    kind: ErrorKind,
}

impl Refusal {
    /// 400, for a malformed message.
    pub(super) fn bad(what: impl Into<Cow<'static, str>>) -> Self {
        Refusal::with(StatusCode::BAD_REQUEST, what)
    }

    /// For a valid message that is not accepted.
    pub(super) fn with(status: StatusCode, what: impl Into<Cow<'static, str>>) -> Self {
        Refusal { status: Some(status), what: what.into(), kind: ErrorKind::Peer }
    }

    /// 413, for a body over the limit.
    pub(super) fn body_too_large() -> Self {
        let what = "the body is too large for a request that upgrades; \
                    it can be sent with prior knowledge";
        let status = Some(StatusCode::PAYLOAD_TOO_LARGE);
        Refusal { status, what: what.into(), kind: ErrorKind::Limit }
    }

    /// For a peer that does not speak HTTP.
    pub(super) fn unanswered(what: &'static str) -> Self {
        Refusal { status: None, what: what.into(), kind: ErrorKind::Peer }
    }
}

impl From<http1::Error> for Refusal {
    fn from(error: http1::Error) -> Self {
        let kind = match error.kind() {
            http1::ErrorKind::Limit => ErrorKind::Limit,
            _ => ErrorKind::Peer,
        };
        Refusal { status: error.status(), what: error.detail().to_owned().into(), kind }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::upgrade(refusal.kind, refusal.what)
    }
}
