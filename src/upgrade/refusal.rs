//! Why a message of HTTP/1.1 is not taken, and how it is answered.

use std::borrow::Cow;

use http::StatusCode;

use crate::error::{Error, ErrorKind};
use crate::http1;

/// What is wrong with what a peer has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What a server answers; nothing to a peer that speaks something else.
    pub(super) status: Option<StatusCode>,
    pub(super) what: Cow<'static, str>,
    kind: ErrorKind,
}

impl Refusal {
    /// 400, for a message that is not in order.
    pub(super) fn bad(what: impl Into<Cow<'static, str>>) -> Self {
        Refusal::with(StatusCode::BAD_REQUEST, what)
    }

    /// For a message that is in order and that we do not take.
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

    /// For something that is not HTTP.
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
