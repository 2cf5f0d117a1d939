//! The head of a request, in the version of HTTP that its connection uses.

use std::cell::OnceCell;

use http::header::{CONTENT_LENGTH, EXPECT, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Uri, request};

use super::fields::{check, expects_continue, is_asterisk, section};
use crate::convert::Protocol;
use crate::error::Error;
use crate::hpack::Headers;
use crate::http1::BodySize;

/// The head of a request. Its HTTP/2 field section is built once, on first use.
#[derive(Debug)]
pub(super) struct RequestHead<'a> {
    parts: &'a request::Parts,
    body_len: Option<u64>,
    /// Fields that the client adds to the caller's.
    added: Vec<(HeaderName, HeaderValue)>,
    section: OnceCell<Headers>,
    /// The caller writes the body, if any.
    is_open: bool,
}

impl<'a> RequestHead<'a> {
    /// Returns the head of a request with a body of `body_len` octets, if known.
    pub(super) fn new(parts: &'a request::Parts, body_len: Option<u64>) -> Result<Self, Error> {
        check(&parts.headers)?;
        Ok(RequestHead {
            parts,
            body_len,
            added: Vec::new(),
            section: OnceCell::new(),
            is_open: false,
        })
    }

    /// Returns the head of a request whose body the caller writes.
    pub(super) fn open(parts: &'a request::Parts) -> Result<Self, Error> {
        Ok(RequestHead { is_open: true, ..RequestHead::new(parts, None)? })
    }

    /// Adds a field.
    pub(super) fn add(&mut self, name: HeaderName, value: HeaderValue) {
        self.added.push((name, value));
    }

    pub(super) fn method(&self) -> &Method {
        &self.parts.method
    }

    /// Whether the server should send 100 (Continue) before the body is sent.
    pub(super) fn expects_continue(&self) -> bool {
        expects_continue(&self.parts.headers)
    }

    /// Returns the HTTP/2 field section.
    pub(super) fn http2(&self) -> &Headers {
        self.section.get_or_init(|| section(self.parts, self.body_len, &self.added))
    }

    /// Returns the target, fields and body size for HTTP/1.1.
    ///
    /// # Errors
    ///
    /// HTTP/1.1 does not support the request.
    pub(super) fn http1(&self) -> Result<(Uri, HeaderMap, BodySize), Error> {
        if self.parts.extensions.get::<Protocol>().is_some() {
            let what = "extended CONNECT (RFC 8441) needs HTTP/2, and this server speaks HTTP/1.1";
            return Err(Error::usage(what));
        }
        let mut headers = self.parts.headers.clone();
        for (name, value) in &self.added {
            headers.append(name, value.clone());
        }
        if self.body_len == Some(0) && self.expects_continue() {
            // RFC 9110, Section 10.1.1: not without content.
            headers.remove(EXPECT);
        }
        let size = match self.body_len {
            Some(len) => BodySize::Known(len),
            // Servers reject chunks where they expect no content (RFC 9110, Section 9.3.1).
            None if self.is_open && !self.may_have_body() => BodySize::Known(0),
            None => BodySize::Unknown,
        };
        Ok((self.target()?, headers, size))
    }

    /// Whether the request may have a body: by its method, or because it sets `content-length`.
    fn may_have_body(&self) -> bool {
        let has_none = matches!(*self.method(), Method::GET | Method::HEAD | Method::TRACE);
        !has_none || self.parts.headers.contains_key(CONTENT_LENGTH)
    }

    fn target(&self) -> Result<Uri, Error> {
        let uri = self.parts.uri.clone();
        if !is_asterisk(self.parts) {
            return Ok(uri);
        }
        let mut parts = uri.into_parts();
        parts.path_and_query = Some(PathAndQuery::from_static("*"));
        Uri::from_parts(parts).map_err(|error| Error::usage(error.to_string()))
    }
}
