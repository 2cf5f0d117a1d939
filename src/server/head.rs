//! Outgoing header sections.

use std::cell::RefCell;
use std::ops::Range;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::header::{DATE, HeaderValue, SERVER};
use http::{HeaderMap, StatusCode};

use super::config::Config;
use super::fields::Fields;
use crate::convert::push_fields;
use crate::error::Error;
use crate::hpack::Headers;

/// Writes the header section of a final response, with the server's own fields, replacing the
/// contents of `fields`.
pub(super) fn write_response(
    fields: &mut Headers,
    status: StatusCode,
    headers: &mut Fields,
    content_length: Option<u64>,
    config: &Config,
    now: Instant,
) {
    let mut fields = fields.rewrite();
    fields.push(":status", status.as_str());
    headers.push_to(&mut fields);
    if let Some(length) = content_length {
        let mut digits = [0; 20];
        fields.push("content-length", decimal(length, &mut digits));
    }
    if config.date && !headers.contains(&DATE) {
        with_date(now, |date| fields.push("date", date));
    }
    if let Some(name) = config.server_name.as_ref().filter(|_| !headers.contains(&SERVER)) {
        fields.push("server", name);
    }
}

/// Returns the fields of a final HTTP/1.x response, with the server's own fields.
pub(super) fn http1_fields<'a>(
    headers: &'a mut Fields,
    config: &Config,
    now: Instant,
) -> &'a HeaderMap {
    let map = headers.map_mut();
    if config.date && !map.contains_key(DATE) {
        with_date(now, |date| {
            map.insert(DATE, date.clone());
        });
    }
    if let Some(name) = config.server_name.as_ref().filter(|_| !map.contains_key(SERVER)) {
        map.insert(SERVER, name.clone());
    }
    map
}

/// Converts and checks the status of a response; `of` and `range` are for the text of the error.
pub(super) fn status<S>(
    status: S,
    of: &str,
    range: &str,
    is_valid: impl Fn(StatusCode) -> bool,
) -> Result<StatusCode, Error>
where
    StatusCode: TryFrom<S>,
{
    let status = StatusCode::try_from(status).ok();
    status.filter(|status| is_valid(*status)).ok_or_else(|| {
        let number = status.map(|status| format!(" {}", status.as_u16())).unwrap_or_default();
        Error::usage(format!("invalid status{number} of {of}: must be {range}"))
    })
}

/// Returns the header section of a promised request.
pub(super) fn request_fields(request: &http::Request<()>) -> Headers {
    let mut parts = http::Request::new(()).into_parts().0;
    parts.method = request.method().clone();
    parts.uri = request.uri().clone();
    parts.headers = request.headers().clone();
    Headers::from(&parts)
}

/// Appends the fields of a map, except connection-specific ones.
pub(super) fn push(fields: &mut Headers, headers: &HeaderMap) {
    if !headers.is_empty() {
        push_fields(&mut fields.writer(), headers, |_| true);
    }
}

fn decimal(mut n: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        // No truncation: a remainder of ten fits into an octet.
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            return &digits[at..];
        }
    }
}

/// Passes the date as in RFC 9110, Section 5.6.7. It is formatted once per second and thread, and
/// valid until the end of the second according to `now`, which avoids another clock read.
fn with_date(now: Instant, push: impl FnOnce(&HeaderValue)) {
    thread_local! {
        static DATE: RefCell<Option<(Range<Instant>, HeaderValue)>> = const { RefCell::new(None) };
    }
    DATE.with_borrow_mut(|date| {
        if date.as_ref().is_none_or(|(good, _)| !good.contains(&now)) {
            let time = SystemTime::now();
            let part = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
            let rest = Duration::from_secs(1) - Duration::from_nanos(part.into());
            let text = HeaderValue::try_from(httpdate::fmt_http_date(time));
            *date = text.ok().map(|text| (now..now + rest, text));
        }
        if let Some((_, date)) = date {
            push(date);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_decimal() {
        for n in [0, 7, 10, 1_234_567, u64::MAX] {
            assert_eq!(decimal(n, &mut [0; 20]), n.to_string().as_bytes());
        }
    }

    fn section(fields: &mut Fields) -> Headers {
        let mut section = Headers::new();
        let (config, now) = (Config::default(), Instant::now());
        write_response(&mut section, StatusCode::OK, fields, Some(3), &config, now);
        section
    }

    #[test]
    fn what_the_handler_sets_is_not_added_again() {
        let mut fields = Fields::default();
        fields.set(DATE, "long ago".try_into().unwrap());
        fields.set(SERVER, "mine".try_into().unwrap());
        let section = section(&mut fields);
        assert_eq!(section.get_all("date").count(), 1);
        assert_eq!(section.get("server"), Some("mine"));
        assert_eq!(section.get("content-length"), Some("3"));
    }

    #[test]
    fn the_date_is_one_of_http() {
        let section = section(&mut Fields::default());
        let date = section.get("date").unwrap();
        assert!(httpdate::parse_http_date(date).is_ok(), "{date}");
    }
}
