//! Why a message of HTTP/1.1 is not taken, and how it is answered.

use std::borrow::Cow;

use http::StatusCode;

use crate::error::{Error, ErrorKind};

/// What is wrong with what a peer has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What a server answers; nothing to somebody who speaks something else.
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

    /// For a message over a limit of ours.
    pub(super) fn limit(status: StatusCode, what: &'static str) -> Self {
        Refusal { status: Some(status), what: what.into(), kind: ErrorKind::Limit }
    }

    /// 413, for a body over the limit.
    pub(super) fn body_too_large() -> Self {
        let what = "the body is too large for a request that upgrades; \
                    it can be sent with prior knowledge";
        Refusal::limit(StatusCode::PAYLOAD_TOO_LARGE, what)
    }

    /// For something that is not HTTP.
    pub(super) fn unanswered(what: &'static str) -> Self {
        Refusal { status: None, what: what.into(), kind: ErrorKind::Peer }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::upgrade(refusal.kind, refusal.what)
    }
}
