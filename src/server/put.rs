//! Queueing a response to the sending half of either version.

use std::time::Instant;

use http::header::CONTENT_LENGTH;
use http::{Method, StatusCode};

use super::head;
use super::response::{Response, taken_apart};
use crate::error::Error;
use crate::exchange;
use crate::h1::Then;
use crate::halves::Versioned;
use crate::hpack::Headers;
use crate::http1::BodySize;
use crate::proto::{forbids_content, is_tunnel};

impl Response {
    /// Sends the header section if it was not sent, the buffered body, and what follows.
    pub(super) fn put(&mut self, then: Then<'_>) -> Result<(), Error> {
        let has_body = self.has_body();
        let send = self.send.as_mut().ok_or_else(taken_apart)?;
        if self.is_started {
            return match send.versioned() {
                Versioned::Http2(send) => in_http2(then, |then| send.put_buffer(then)),
                Versioned::Http1(send) => send.put_buffer(then),
            };
        }
        if !has_body {
            // Written before the status ruled out a body.
            self.unsent += send.buffer().len() as u64;
            send.buffer().clear();
        }
        let body_len = match then {
            Then::End if has_body => Some(send.buffer().len() as u64),
            Then::End => Some(self.unsent).filter(|&len| len > 0),
            Then::More | Then::Trailers(_) => None,
        };
        let (config, now) = (&self.context.config, Instant::now());
        let result = match send.versioned() {
            Versioned::Http2(send) => {
                // If the response must not have a length, the core removes it.
                let body_len = body_len.filter(|_| !self.fields.contains(&CONTENT_LENGTH));
                let section = self.scratch.section.get_or_insert_default();
                head::write_response(section, self.status, &mut self.fields, body_len, config, now);
                in_http2(then, |then| send.put_first(section, then, now))
            }
            Versioned::Http1(send) => {
                let size = match (then, body_len) {
                    // RFC 9110, Section 15.3.6: a 205 has no content.
                    _ if self.status == StatusCode::RESET_CONTENT => BodySize::Known(0),
                    (Then::Trailers(_), _) if !send.link().takes_trailers() => {
                        BodySize::Known(send.buffer.len() as u64)
                    }
                    (_, len) => len.map_or(BodySize::Unknown, BodySize::Known),
                };
                if self.status == StatusCode::RESET_CONTENT {
                    // It would be the length of another response.
                    self.fields.map_mut().remove(CONTENT_LENGTH);
                }
                let fields = head::http1_fields(&mut self.fields, config, now);
                send.put_response(self.status, fields, size, then)
            }
        };
        // A refused header section was not sent, so that of an error response can be sent instead.
        self.is_started = send.has_begun();
        if result.is_ok() && is_tunnel(self.method == Method::CONNECT, self.status.as_u16()) {
            send.note_tunnel();
        }
        result
    }

    pub(super) fn has_body(&self) -> bool {
        let status = self.status.as_u16();
        is_tunnel(self.method == Method::CONNECT, status)
            || self.method != Method::HEAD && !forbids_content(status)
    }
}

/// What follows, for HTTP/2.
fn in_http2<T>(then: Then<'_>, put: impl FnOnce(exchange::Then<'_>) -> T) -> T {
    match then {
        Then::More => put(exchange::Then::More),
        Then::End => put(exchange::Then::End),
        Then::Trailers(trailers) => put(exchange::Then::Trailers(&Headers::from(trailers))),
    }
}
