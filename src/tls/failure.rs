//! An error text with its cause.

use std::error::Error as StdError;
use std::fmt;

use crate::error::{Error, ErrorKind};

/// A description of a TLS failure, with its cause.
#[derive(Debug)]
pub(super) struct Failure {
    what: String,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Failure {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Failure { what: what.into(), cause: None }
    }

    pub(super) fn caused_by(self, cause: impl StdError + Send + Sync + 'static) -> Self {
        Failure { cause: Some(Box::new(cause)), ..self }
    }

    pub(super) fn into_error(self, kind: ErrorKind) -> Error {
        Error::tls(kind, self)
    }

    pub(super) fn into_not_http2(self) -> Error {
        Error::not_http2(self)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}
