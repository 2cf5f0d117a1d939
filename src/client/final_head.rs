//! The head of a final response.

use std::sync::OnceLock;

use http::{HeaderMap, StatusCode, response};

use super::incoming::ResponseHead;
use crate::convert::fits_in_a_map;
use crate::error::Error;
use crate::hpack::Headers;

/// The head of a final response. An HTTP/2 head is converted to the types of `http` on first use:
/// many callers read only the status, and building the field map costs a tenth of a small request.
#[derive(Debug)]
pub(super) struct FinalHead {
    status: StatusCode,
    /// The field section as received in HTTP/2.
    fields: Option<Headers>,
    parts: OnceLock<Box<response::Parts>>,
}

impl FinalHead {
    /// # Errors
    ///
    /// The types of `http` cannot represent the head.
    pub(super) fn new(head: ResponseHead) -> Result<Self, Error> {
        let status = head.status().and_then(|status| StatusCode::from_u16(status).ok());
        match (head, status) {
            (ResponseHead::Http2(fields), Some(status)) if fits_in_a_map(&fields) => {
                Ok(FinalHead { status, fields: Some(fields), parts: OnceLock::new() })
            }
            (head, _) => head.into_parts().map(FinalHead::from),
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether there is a field with this name, in lower case.
    pub(super) fn has(&self, name: &str) -> bool {
        match (&self.fields, self.parts.get()) {
            (Some(fields), None) => fields.get_bytes(name).is_some(),
            _ => self.headers().contains_key(name),
        }
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.parts().headers
    }

    pub(super) fn parts(&self) -> &response::Parts {
        self.parts.get_or_init(|| self.converted())
    }

    pub(super) fn into_parts(mut self) -> response::Parts {
        *self.parts.take().unwrap_or_else(|| self.converted())
    }

    fn converted(&self) -> Box<response::Parts> {
        let parts = self.fields.as_ref().and_then(|fields| response::Parts::try_from(fields).ok());
        // Cannot fail after `new`. If it does, the response has no fields.
        debug_assert!(parts.is_some(), "{:?}", self.fields);
        Box::new(parts.unwrap_or_else(|| {
            let (mut parts, ()) = http::Response::new(()).into_parts();
            parts.status = self.status;
            parts
        }))
    }
}

impl From<response::Parts> for FinalHead {
    fn from(parts: response::Parts) -> Self {
        FinalHead { status: parts.status, fields: None, parts: OnceLock::from(Box::new(parts)) }
    }
}
