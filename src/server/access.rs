//! The access log: one line for each request. The [module](super) documents its format.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::{Request, StatusCode, Version};

use super::context::Context;
use crate::exchange::Arrival;
use crate::hpack::Headers;
use crate::logging::{self, ACCESS};
use crate::meter::Meter;

/// A request to be logged. Its line is written when the handler and both halves of the exchange have
/// dropped it.
#[derive(Debug)]
pub(super) struct Entry {
    /// The fields that are known from the beginning.
    request: String,
    since: Option<Instant>,
    /// Zero if no header section was sent.
    status: AtomicU16,
    received: AtomicU64,
    sent: AtomicU64,
    end: Mutex<Option<End>>,
}

/// How a request has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Answered,
    Failed,
    Panicked,
    TimedOut,
    Cancelled,
    Refused,
    Unfinished,
}

/// Begins the entry of a request of HTTP/2, if the log is enabled.
pub(super) fn of_http2(arrival: &Arrival, context: &Context) -> Option<Arc<Entry>> {
    logging::shows_access().then(|| http2_entry(&arrival.headers, arrival.since, context))
}

/// Begins the entry of a request of HTTP/1.x, if the log is enabled.
pub(super) fn of_http1(request: &Request<()>, context: &Context) -> Option<Arc<Entry>> {
    logging::shows_access().then(|| http1_entry(request, context))
}

/// Logs a request of HTTP/1.x that was answered before its header section was complete.
pub(super) fn without_head(context: &Context, status: StatusCode, end: End) {
    if logging::shows_access() {
        let entry = Entry::new(context, "HTTP/1.x", [None; 3], None);
        entry.set_status(status);
        entry.set_end(end);
    }
}

// Separate, to keep the code of the log out of the path of a request.
#[cold]
pub(super) fn http2_entry(headers: &Headers, since: Instant, context: &Context) -> Arc<Entry> {
    let authority = headers.authority().or_else(|| headers.get("host"));
    let target = [headers.method(), authority, headers.path()];
    Arc::new(Entry::new(context, "HTTP/2", target, Some(since)))
}

#[cold]
fn http1_entry(request: &Request<()>, context: &Context) -> Arc<Entry> {
    let protocol = match request.version() {
        Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    };
    let uri = request.uri();
    let host = || request.headers().get("host").and_then(|host| host.to_str().ok());
    let authority = uri.authority().map(|it| it.as_str()).or_else(host);
    let path = uri.path_and_query().map(|_| uri.path());
    let target = [Some(request.method().as_str()), authority, path];
    Arc::new(Entry::new(context, protocol, target, Some(Instant::now())))
}

impl Entry {
    fn new(
        context: &Context,
        protocol: &str,
        [method, authority, path]: [Option<&str>; 3],
        since: Option<Instant>,
    ) -> Self {
        let mut request = String::with_capacity(128);
        // The query may contain secrets.
        let path = path.map(|path| path.split_once('?').map_or(path, |(path, _)| path));
        let (method, authority, path) = (Escaped(method), Escaped(authority), Escaped(path));
        // Writing to a `String` does not fail.
        let _ = match context.peer.address {
            Some(address) => write!(request, "peer={address} "),
            None => write!(request, "peer=- "),
        };
        let _ = write!(
            request,
            "protocol={protocol} method={method} authority={authority} path={path}"
        );
        let (status, received, sent, end) = Default::default();
        Entry { request, since, status, received, sent, end }
    }

    /// Records the status, once its header section was sent.
    pub(super) fn set_status(&self, status: StatusCode) {
        self.status.store(status.as_u16(), Ordering::Relaxed);
    }

    /// Records the end, unless an earlier cause is known.
    pub(super) fn set_end(&self, end: End) {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(end);
    }
}

impl Meter for Entry {
    fn received(&self, octets: usize) {
        self.received.fetch_add(octets as u64, Ordering::Relaxed);
    }

    fn sent(&self, octets: usize) {
        self.sent.fetch_add(octets as u64, Ordering::Relaxed);
    }

    fn given_up(&self, by_peer: bool) {
        self.set_end(if by_peer { End::Cancelled } else { End::Unfinished });
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        logging::line!(Info, target: ACCESS, "{self}");
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.request)?;
        match self.status.load(Ordering::Relaxed) {
            0 => f.write_str(" status=-")?,
            status => write!(f, " status={status}")?,
        }
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        write!(f, " received={} sent={}", count(&self.received), count(&self.sent))?;
        match self.since {
            Some(since) => write!(f, " time={:.6}", since.elapsed().as_secs_f64())?,
            None => f.write_str(" time=-")?,
        }
        let end = *self.end.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, " end={}", end.unwrap_or(End::Answered))
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            End::Answered => "answered",
            End::Failed => "failed",
            End::Panicked => "panicked",
            End::TimedOut => "timed_out",
            End::Cancelled => "cancelled",
            End::Refused => "refused",
            End::Unfinished => "unfinished",
        })
    }
}

/// A value of the peer's, which cannot end its field or its line: octets other than visible ASCII,
/// quotation marks and backslashes are written as `\x20`. A missing value is `-`.
struct Escaped<'a>(Option<&'a str>);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = match self.0 {
            None | Some("") => return f.write_str("-"),
            Some("-") => return f.write_str("\\x2d"),
            Some(value) => value,
        };
        let is_plain = |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'"' | b'\\');
        let mut rest = value;
        while let Some(at) = rest.bytes().position(|octet| !is_plain(octet)) {
            f.write_str(&rest[..at])?;
            // A character outside of ASCII is written octet by octet.
            let len = rest[at..].chars().next().map_or(1, char::len_utf8);
            for octet in rest[at..at + len].bytes() {
                write!(f, "\\x{octet:02x}")?;
            }
            rest = &rest[at + len..];
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_cannot_end_its_field_or_its_line() {
        for (value, expected) in [
            (None, "-"),
            (Some(""), "-"),
            (Some("-"), "\\x2d"),
            (Some("/a%20b-c"), "/a%20b-c"),
            (Some("/a b=c"), "/a\\x20b=c"),
            (Some("/\r\npeer=192.0.2.1"), "/\\x0d\\x0apeer=192.0.2.1"),
            (Some("\"\\\u{7f}\u{1b}[2J"), "\\x22\\x5c\\x7f\\x1b[2J"),
            (Some("/ü\u{2028}."), "/\\xc3\\xbc\\xe2\\x80\\xa8."),
        ] {
            assert_eq!(Escaped(value).to_string(), expected);
        }
    }
}
