//! HTTP/1.1 responses to peers that do not speak HTTP/2.

use std::time::SystemTime;

use http::header::{CONTENT_TYPE, DATE, UPGRADE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::refusal::Refusal;
use super::wire::Wire;
use crate::error::Error;
use crate::http1::{BodySize, ServerConnection};
use crate::logging;
use crate::transport::Transport;

/// The explanation for clients that only speak HTTP/1.1.
pub(super) const HOW_WITH_UPGRADE: &str = "\
This server speaks HTTP/2. Without TLS, begin with the HTTP/2 preface (prior knowledge: \
curl --http2-prior-knowledge), or ask for it in HTTP/1.1 with \"Upgrade: h2c\" (curl --http2).";

/// The explanation if upgrades are disabled.
pub(super) const HOW: &str = "\
This server speaks HTTP/2. Without TLS, begin with the HTTP/2 preface (prior knowledge: \
curl --http2-prior-knowledge).";

/// Writes an HTTP/1.1 response, and closes the connection in such a way that the client can read
/// it.
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
        // RFC 9110, Section 15.5.22: `upgrade` lists what is required. Section 7.8: `connection`
        // must list `upgrade` whenever that field is sent.
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
    wire.shut_down();
    Ok(())
}

/// Answers a request that was not complete in time. After other errors there is no peer left to
/// answer.
pub(super) fn fail<T: Transport>(wire: Wire<T>, codec: ServerConnection, error: Error) -> Error {
    if error.is_timeout() {
        // RFC 9110, Section 15.5.9. The timeout is a better error than a failed answer.
        let what = "the request was not complete in time";
        refuse(wire, codec, Refusal::with(StatusCode::REQUEST_TIMEOUT, what));
    }
    error
}

/// Answers a refused message, if it has a status, and converts it into an error.
pub(super) fn refuse<T: Transport>(
    wire: Wire<T>,
    codec: ServerConnection,
    refusal: Refusal,
) -> Error {
    if let Some(status) = refusal.status {
        // A failed write must not hide the reason for the refusal.
        let _ = answer(wire, codec, status, &refusal.what);
    }
    refusal.into()
}
