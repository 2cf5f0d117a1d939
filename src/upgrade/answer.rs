//! Answers of HTTP/1.1, to those who cannot be answered in HTTP/2.

use std::time::SystemTime;

use http::StatusCode;

use super::refusal::Refusal;
use super::wire::Wire;
use crate::error::Error;
use crate::logging;
use crate::transport::Transport;

/// What somebody is told who speaks HTTP/1.1 alone.
pub(super) const HOW_WITH_UPGRADE: &str = "\
This server speaks HTTP/2. Without TLS, begin with the HTTP/2 preface (prior knowledge: \
curl --http2-prior-knowledge), or ask for it in HTTP/1.1 with \"Upgrade: h2c\" (curl --http2).";

/// The same, where there is no upgrade.
pub(super) const HOW: &str = "\
This server speaks HTTP/2. Without TLS, begin with the HTTP/2 preface (prior knowledge: \
curl --http2-prior-knowledge).";

/// A response of HTTP/1.1, after which the connection ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) status: StatusCode,
    pub(super) text: &'a str,
    /// The answer to HEAD tells the length of the body and has none.
    pub(super) is_to_head: bool,
}

impl Answer<'_> {
    fn encode(&self) -> Vec<u8> {
        let Answer { status, text, is_to_head } = *self;
        let reason = status.canonical_reason().unwrap_or_default();
        // RFC 9110, Section 15.5.22: 426 says what to upgrade to; Section 7.8: `connection` lists
        // `upgrade` wherever there is that field.
        let connection = match status {
            StatusCode::UPGRADE_REQUIRED => "connection: upgrade, close\r\nupgrade: h2c",
            _ => "connection: close",
        };
        let head = format!(
            "HTTP/1.1 {} {reason}\r\ndate: {}\r\n{connection}\r\n\
             content-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\r\n",
            status.as_str(),
            httpdate::fmt_http_date(SystemTime::now()),
            text.len() + 1,
        );
        let body = if is_to_head { String::new() } else { format!("{text}\n") };
        (head + &body).into_bytes()
    }

    /// Writes it, and ends the connection so that the peer gets to read it.
    pub(super) fn send<T: Transport>(self, mut wire: Wire<T>) -> Result<(), Error> {
        let status = self.status;
        wire.write(&self.encode())?;
        logging::debug!("server: a peer in HTTP/1.1 was answered {status}");
        wire.part();
        Ok(())
    }
}

/// Answers a request that was not complete in time; other errors have nobody to answer.
pub(super) fn fail<T: Transport>(wire: Wire<T>, error: Error, is_to_head: bool) -> Error {
    if error.is_timeout() {
        // RFC 9110, Section 15.5.9. The error of the clock says more than that of the answer.
        let what = "the request did not come in time";
        refuse(wire, Refusal::with(StatusCode::REQUEST_TIMEOUT, what), is_to_head);
    }
    error
}

/// Answers what is refused, where it has an answer, and makes an error of it.
pub(super) fn refuse<T: Transport>(wire: Wire<T>, refusal: Refusal, is_to_head: bool) -> Error {
    if let Some(status) = refusal.status {
        let text = &refusal.what;
        // That there was nobody left to read it is not what went wrong.
        let _ = Answer { status, text, is_to_head }.send(wire);
    }
    refusal.into()
}
