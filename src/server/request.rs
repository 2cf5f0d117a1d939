//! What a handler is asked.

use std::cell::OnceCell;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{request, Extensions, HeaderMap, Method, Uri};

use super::context::Context;
use crate::error::Error;
use crate::exchange::{Conn, RecvHalf};
use crate::frame::StreamId;
use crate::hpack::Headers;
use crate::proto::Priority;

/// A `Uri` holds no more than 64 KiB.
const PLAIN_PATH: usize = 32 << 10;

/// A request, whose body is read from it.
///
/// The handler is called when the header section has arrived; the body may still be on its way.
/// [`Read`] gives its octets as they come. `read_to_end` and `read_to_string` are bounded by
/// [`max_body`](super::Config::max_body); over it they fail with an error that is answered with 413
/// where the handler returns it.
///
/// A client that sent `Expect: 100-continue` gets its `100 Continue` when the body is first read, if
/// none of it has come by then.
///
/// ```
/// use std::io::Read;
///
/// use h2_sync::server::{Request, Response};
///
/// fn handler(request: &mut Request, response: &mut Response) -> std::io::Result<()> {
///     println!("{} {}", request.method(), request.path());
///     let mut text = String::new();
///     request.read_to_string(&mut text)?;
///     Ok(())
/// }
/// ```
pub struct Request {
    fields: Headers,
    method: Method,
    parts: OnceCell<Box<request::Parts>>,
    extensions: Extensions,
    body: Incoming,
    stream_id: StreamId,
    context: Arc<Context>,
    conn: Arc<Conn>,
    max_body: usize,
}

impl Request {
    /// `None` if the message is not one that the types of `http` can hold. Without a `body` it ends
    /// with its header section.
    pub(super) fn new(
        context: Arc<Context>,
        conn: Arc<Conn>,
        stream_id: StreamId,
        body: Option<RecvHalf>,
        fields: Headers,
    ) -> Option<Self> {
        let target = Target::of(&fields);
        let method = Method::from_bytes(target.method?).ok()?;
        let parts = if method == Method::CONNECT || !target.is_plain() {
            OnceCell::from(Box::new(request::Parts::try_from(&fields).ok()?))
        } else {
            OnceCell::new()
        };
        Some(Request {
            stream_id,
            body: body.map_or(Incoming::Nothing, Incoming::Octets),
            method,
            parts,
            extensions: Extensions::new(),
            max_body: context.config.max_body,
            context,
            conn,
            fields,
        })
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The target: scheme, authority, path and query. For CONNECT the authority alone.
    pub fn uri(&self) -> &Uri {
        &self.parts().uri
    }

    /// The path, without the query. Percent-encoded, as it came. Empty for CONNECT.
    pub fn path(&self) -> &str {
        let target = self.fields.path().unwrap_or_default();
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    /// What stands behind the `?`, if there is one.
    pub fn query(&self) -> Option<&str> {
        self.fields.path()?.split_once('?').map(|(_, query)| query)
    }

    /// Host and port that the client wants to reach: `:authority`, or else `host`.
    pub fn authority(&self) -> Option<&str> {
        self.fields.authority().or_else(|| self.fields.get("host"))
    }

    /// `http` or `https`, as the client says.
    pub fn scheme(&self) -> Option<&str> {
        self.fields.scheme()
    }

    /// The header fields, without pseudo-header fields. They are put into this form when it is first
    /// asked for; [`field`](Self::field) and [`fields`](Self::fields) need no such form.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts().headers
    }

    /// The first value of a field by its name in lower case, if it is text.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)
    }

    /// All fields in the order in which they came, pseudo-header fields first.
    pub fn fields(&self) -> &Headers {
        &self.fields
    }

    /// The `:protocol` of an extended CONNECT (RFC 8441).
    pub fn protocol(&self) -> Option<&str> {
        self.fields.get(":protocol")
    }

    /// What the client said about the order of responses (RFC 9218), in the request.
    pub fn priority(&self) -> Priority {
        Priority::from_lines(self.fields.get_all("priority")).unwrap_or_default()
    }

    /// The stream's identifier.
    pub fn stream_id(&self) -> StreamId {
        self.stream_id
    }

    /// The address that the connection comes from, where it is one of IP.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.context.peer.address
    }

    /// What was agreed on in the TLS handshake, where there was one.
    #[cfg(feature = "tls")]
    pub fn tls(&self) -> Option<&crate::tls::Facts> {
        self.context.peer.tls.as_ref()
    }

    /// Room for what layers around the handler have to tell one another.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The same, to put something in.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    /// How long a read of the body waits for the next octets; the server's
    /// [`read_timeout`](super::Config::read_timeout) at first.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        if let Some(body) = self.octets() {
            body.set_read_timeout(timeout);
        }
    }

    /// When it is too late for any more of the body, however steadily it comes; after the server's
    /// [`body_timeout`](super::Config::body_timeout) at first.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        if let Some(body) = self.octets() {
            body.set_deadline(deadline);
        }
    }

    /// What `read_to_end` and `read_to_string` take at most, octets; the server's
    /// [`max_body`](super::Config::max_body) at first.
    pub fn set_max_body(&mut self, octets: usize) {
        self.max_body = octets;
    }

    /// Whether the client has reset the stream, or its connection has ended. Costs an uncontended
    /// lock: a handler may ask before each step of a long task.
    ///
    /// ```
    /// use std::io::{self, Write};
    /// use std::time::Duration;
    ///
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn long_poll(request: &mut Request, response: &mut Response) -> io::Result<()> {
    ///     for _ in 0..30 {
    ///         if request.wait_cancelled(Duration::from_secs(1)) {
    ///             return Ok(());
    ///         }
    ///         // … look whether there is something to tell …
    ///     }
    ///     response.write_all(b"nothing new")
    /// }
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.conn.is_cancelled(self.stream_id)
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled), for as long as `timeout`, and returns
    /// whether it is.
    ///
    /// What arrives of the body meanwhile waits to be read, within the stream's window.
    pub fn wait_cancelled(&self, timeout: Duration) -> bool {
        self.conn.wait_cancelled(self.stream_id, timeout)
    }

    /// The next piece of the body, without a copy; `None` at its end.
    ///
    /// # Errors
    ///
    /// The stream was reset, the connection has ended, or nothing came in time.
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.octets().map_or(Ok(None), RecvHalf::next_chunk)
    }

    /// The trailers behind the body, once it has come; what has not been read of it is dropped.
    ///
    /// # Errors
    ///
    /// Those of [`next_chunk`](Self::next_chunk).
    pub fn trailers(&mut self) -> Result<Option<HeaderMap>, Error> {
        self.octets().map_or(Ok(None), RecvHalf::trailers)
    }

    /// The request in the types of the `http` crate.
    pub fn to_http(&self) -> http::Request<()> {
        let parts = self.parts();
        let mut request = http::Request::new(());
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = parts.uri.clone();
        *request.version_mut() = parts.version;
        *request.headers_mut() = parts.headers.clone();
        *request.extensions_mut() = parts.extensions.clone();
        request
    }

    /// The body, to be read on its own; the request has none then. `None` the next time.
    pub(super) fn take_body(&mut self) -> Option<RecvHalf> {
        match std::mem::replace(&mut self.body, Incoming::Taken) {
            Incoming::Octets(body) => Some(body),
            Incoming::Nothing => {
                let timeout = self.context.config.read_timeout;
                let mut body = RecvHalf::new(Arc::clone(&self.conn), self.stream_id, timeout);
                body.has_nothing();
                Some(body)
            }
            Incoming::Taken => None,
        }
    }

    fn octets(&mut self) -> Option<&mut RecvHalf> {
        match &mut self.body {
            Incoming::Octets(body) => Some(body),
            Incoming::Nothing | Incoming::Taken => None,
        }
    }

    fn parts(&self) -> &request::Parts {
        self.parts.get_or_init(|| {
            // `new` has seen to it that this works. If it should not, there is an empty request.
            let parts = request::Parts::try_from(&self.fields);
            debug_assert!(parts.is_ok(), "{parts:?}");
            Box::new(parts.unwrap_or_else(|_| http::Request::new(()).into_parts().0))
        })
    }
}

/// What the client sends behind the header section.
enum Incoming {
    /// Most requests end with that.
    Nothing,
    Octets(RecvHalf),
    /// Somebody else has it.
    Taken,
}

/// What a request is for, as it came.
#[derive(Default)]
struct Target<'a> {
    method: Option<&'a [u8]>,
    scheme: Option<&'a [u8]>,
    authority: Option<&'a [u8]>,
    path: Option<&'a [u8]>,
}

impl<'a> Target<'a> {
    fn of(fields: &'a Headers) -> Self {
        let mut target = Target::default();
        for field in fields {
            match field.name {
                b":method" => target.method = Some(field.value),
                b":scheme" => target.scheme = Some(field.value),
                b":authority" => target.authority = Some(field.value),
                b":path" => target.path = Some(field.value),
                // Pseudo-header fields stand first. One that has nothing to do with the target, or
                // none.
                name if name.first() == Some(&b':') => {}
                b"host" => target.authority = target.authority.or(Some(field.value)),
                _ if target.authority.is_some() => break,
                _ => {}
            }
        }
        target
    }

    /// Whether the types of `http` can hold it, as is plain to see. Nearly all are like that, and
    /// need not be converted to know; the others are tried.
    fn is_plain(&self) -> bool {
        matches!(self.scheme, Some(b"http" | b"https"))
            && self.path.is_some_and(is_plain_path)
            && self.authority.is_none_or(is_plain_authority)
    }
}

fn is_plain_path(path: &[u8]) -> bool {
    path.len() < PLAIN_PATH
        && path.first() == Some(&b'/')
        && path.iter().all(|&octet| PLAIN_OCTETS[usize::from(octet)])
}

/// What a path or a query may hold for sure.
static PLAIN_OCTETS: [bool; 256] = {
    let mut table = [false; 256];
    let mut octet = 0;
    while octet < 128 {
        table[octet] = matches!(
            octet as u8,
            b'!' | b'$'..=b';' | b'=' | b'?'..=b'Z' | b'a'..=b'z' | b'_' | b'~'
        );
        octet += 1;
    }
    table
};

/// What a name or an IPv4 address may hold for sure.
static NAME_OCTETS: [bool; 256] = {
    let mut table = [false; 256];
    let mut octet = 0;
    while octet < 128 {
        table[octet] = (octet as u8).is_ascii_alphanumeric() || matches!(octet as u8, b'-' | b'.');
        octet += 1;
    }
    table
};

/// A name or an IPv4 address, and a port.
fn is_plain_authority(authority: &[u8]) -> bool {
    let in_name = |octet: &u8| NAME_OCTETS[usize::from(*octet)];
    let name = authority.iter().take_while(|octet| in_name(octet)).count();
    let is_port = |port: &[u8]| {
        let fits = matches!(port.len(), 1..=4) || (port.len() == 5 && port <= &b"65535"[..]);
        fits && port.iter().all(u8::is_ascii_digit)
    };
    let rest = match &authority[name..] {
        [] => true,
        [b':', port @ ..] => is_port(port),
        _ => false,
    };
    name > 0 && authority.len() < 256 && rest
}

impl Read for Request {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.octets().map_or(Ok(0), |body| body.read(buf))
    }

    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        let mut total = 0;
        while let Some(chunk) = self.next_chunk()? {
            total += chunk.len();
            if total > self.max_body {
                return Err(Error::body_too_large(self.max_body).into());
            }
            buf.extend_from_slice(&chunk);
        }
        Ok(total)
    }

    fn read_to_string(&mut self, buf: &mut String) -> io::Result<usize> {
        let mut octets = Vec::new();
        self.read_to_end(&mut octets)?;
        let text = String::from_utf8(octets)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))?;
        buf.push_str(&text);
        Ok(text.len())
    }
}

impl BufRead for Request {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.octets().map_or(Ok(&[]), BufRead::fill_buf)
    }

    fn consume(&mut self, n: usize) {
        if let Some(body) = self.octets() {
            body.consume(n);
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("stream_id", &self.stream_id)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_is_what_http_can_hold() {
        for authority in ["a", "a:1", "x.y-z:8080", "127.0.0.1:65535", "a:00080"] {
            assert!(is_plain_authority(authority.as_bytes()), "{authority}");
            assert!(http::uri::Authority::try_from(authority).is_ok(), "{authority}");
        }
        for authority in ["", ":80", "a:65536", "a:123456", "a:x", "[::1]:80", "a@b", "a:1:2"] {
            assert!(!is_plain_authority(authority.as_bytes()), "{authority}");
        }
    }
}
