//! Answers in HTTP/1.1, to peers that cannot be answered in HTTP/2.

use std::time::SystemTime;

use http::header::{CONTENT_TYPE, DATE, UPGRADE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::refusal::Refusal;
use super::wire::Wire;
use crate::error::Error;
use crate::http1::{BodySize, ServerConnection};
use crate::logging;
use crate::transport::Transport;

/// What a client is told that speaks HTTP/1.1 alone.
pub(super) const HOW_WITH_UPGRADE: &str = "\
This server speaks HTTP/2. Without TLS, begin with the HTTP/2 preface (prior knowledge: \
curl --http2-prior-knowledge), or ask for it in HTTP/1.1 with \"Upgrade: h2c\" (curl --http2).";

/// The same, where there is no upgrade.
pub(super) const HOW: &str = "\
This server speaks HTTP/2. Without TLS, begin with the HTTP/2 preface (prior knowledge: \
curl --http2-prior-knowledge).";

/// Writes a response in HTTP/1.1, and ends the connection so that the client gets to read it.
pub(super) fn answer<T: Transport>(
    mut wire: Wire<T>,
    mut codec: ServerConnection,
    status: StatusCode,
    text: &str,
) -> Result<(), Error> {
    let mut fields = HeaderMap::new();
    if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(SystemTime::now())) {
        fields.insert(DATE, date);
    }
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if status == StatusCode::UPGRADE_REQUIRED {
        // RFC 9110, Section 15.5.22: it says what to upgrade to; Section 7.8: `connection` lists
        // `upgrade` wherever there is that field.
        fields.insert(UPGRADE, HeaderValue::from_static("h2c"));
        fields.insert(http::header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
    let (body, mut out) = (format!("{text}\n"), Vec::new());
    codec.stop_receiving();
    codec.send_response(status, &fields, BodySize::Known(body.len() as u64), &mut out)?;
    if codec.may_send_content() {
        codec.send_data(body.as_bytes(), &mut out)?;
    }
    codec.finish(None, &mut out)?;
    wire.write(&out)?;
    logging::debug!("server: a peer in HTTP/1.1 was answered {status}");
    wire.part();
    Ok(())
}

/// Answers a request that was not complete in time; after other errors there is no peer to
/// answer.
pub(super) fn fail<T: Transport>(wire: Wire<T>, codec: ServerConnection, error: Error) -> Error {
    if error.is_timeout() {
        // RFC 9110, Section 15.5.9. The error of the clock says more than that of the answer.
        let what = "the request did not come in time";
        refuse(wire, codec, Refusal::with(StatusCode::REQUEST_TIMEOUT, what));
    }
    error
}

/// Answers what is refused, where it has an answer, and makes an error of it.
pub(super) fn refuse<T: Transport>(
    wire: Wire<T>,
    codec: ServerConnection,
    refusal: Refusal,
) -> Error {
    if let Some(status) = refusal.status {
        // A failed write is not what went wrong.
        let _ = answer(wire, codec, status, &refusal.what);
    }
    refusal.into()
}
