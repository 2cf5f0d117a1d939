//! The sending direction of a client: requests, content, trailers.

use http::header::{HOST, HeaderMap};
use http::{Method, Uri};

use super::body_size::BodySize;
use super::client::{Asked, ClientConnection};
use super::host::{HostPort, default_port};
use super::send_error::SendError;
use super::sender::{Framing, Sender};
use super::write::{self, Given};

impl ClientConnection {
    /// Appends the request line and header section of a request. [`send_data`](Self::send_data) or
    /// [`frame_data`](Self::frame_data) append content, and [`finish`](Self::finish) must follow,
    /// even without content.
    ///
    /// The target is the path and query of the URI, the whole URI on a connection [to a
    /// proxy](Self::to_proxy), or host and port for CONNECT. `*` stays `*`, except that a proxy
    /// gets the URI without a path. `host` is taken from `headers`, or else from the URI, and is
    /// the first field. Userinfo is not sent.
    ///
    /// The codec writes `content-length`, `transfer-encoding` and `connection` itself and drops
    /// those of `headers`, except for options of `connection` other than `close` and `keep-alive`.
    /// `close` there ends the connection after this exchange. A `content-length` there must agree
    /// with `size`. `upgrade` and `te` are listed in `connection` (RFC 9110, Sections 7.8 and
    /// 10.1.4).
    ///
    /// # Errors
    ///
    /// If an exchange is active or the connection is closing, if the host is missing or invalid, if
    /// the URI is not a valid target for the method, or if the lengths disagree.
    pub fn send_request(
        &mut self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        size: BodySize,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        if !self.is_idle() {
            return Err(SendError::Busy);
        }
        let given = Given::of(headers)?;
        let size = given.size(size)?;
        let authority = uri.authority().map(|it| without_userinfo(it.as_str()));
        let host = host(headers, &given, authority)?;
        let form = self.form(method, uri, authority, host)?;
        let is_connect = form == Form::Authority;
        if is_connect && size != BodySize::Known(0) {
            return Err(SendError::NoContentAllowed);
        }

        out.extend_from_slice(method.as_str().as_bytes());
        out.push(b' ');
        if matches!(form, Form::Absolute | Form::Whole) {
            out.extend_from_slice(uri.scheme_str().unwrap_or_default().as_bytes());
            out.extend_from_slice(b"://");
        }
        if form != Form::Origin {
            out.extend_from_slice(authority.unwrap_or_default().as_bytes());
        }
        if !matches!(form, Form::Authority | Form::Whole) {
            write::path(out, uri);
        }
        out.extend_from_slice(b" HTTP/1.1\r\n");
        write::field(out, b"host", host);
        write::fields(out, headers);
        let framing = match size {
            BodySize::Unknown => {
                out.extend_from_slice(b"transfer-encoding: chunked\r\n");
                Framing::Chunked { trailers: true }
            }
            BodySize::Known(length) => {
                if length > 0 || given.length.is_some() || expects_content(method) {
                    write::content_length(out, length);
                }
                Framing::Length(length)
            }
        };
        if given.closes || given.has_upgrade || given.has_te {
            let added =
                [(given.closes, "close"), (given.has_upgrade, "upgrade"), (given.has_te, "te")];
            let added: Vec<_> = added.into_iter().filter(|it| it.0).map(|it| it.1).collect();
            write::connection(out, headers, &given, &added);
        } else {
            write::connection(out, headers, &given, &[]);
        }
        out.extend_from_slice(b"\r\n");

        self.is_persistent = !given.closes;
        self.sender = Sender::Body(framing);
        self.expect_response(Asked {
            is_head: *method == Method::HEAD,
            is_connect,
            asks_upgrade: given.has_upgrade,
            awaits_continue: given.expects_continue && size != BodySize::Known(0),
        });
        Ok(())
    }

    /// Chooses the form of the request target (RFC 9112, Section 3.2).
    fn form(
        &self,
        method: &Method,
        uri: &Uri,
        authority: Option<&str>,
        host: &[u8],
    ) -> Result<Form, SendError> {
        let parsed = authority.and_then(|it| HostPort::parse(it.as_bytes()));
        if *method == Method::CONNECT {
            let has_port = parsed.is_some_and(|it| it.port.is_some_and(|port| port > 0));
            return if has_port { Ok(Form::Authority) } else { Err(SendError::Target) };
        }
        let is_asterisk = uri.path() == "*";
        if is_asterisk && *method != Method::OPTIONS {
            return Err(SendError::Target);
        }
        if !self.is_to_proxy {
            return Ok(Form::Origin);
        }
        let (Some(scheme), Some(target)) = (uri.scheme_str(), parsed) else {
            return Err(SendError::Target);
        };
        // RFC 9112, Section 3.2.2: `host` must equal the host of the target.
        let agrees =
            HostPort::parse(host).is_some_and(|host| target.agrees(&host, default_port(scheme)));
        match (agrees, is_asterisk) {
            (false, _) => Err(SendError::Host),
            // RFC 9112, Section 3.2.4: the last proxy converts it to an asterisk.
            (true, true) => Ok(Form::Whole),
            (true, false) => Ok(Form::Absolute),
        }
    }

    /// Appends content with its framing.
    ///
    /// # Errors
    ///
    /// If no request is active, or if the data exceeds the rest of its length.
    pub fn send_data(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        let behind = self.frame_data(data.len(), out)?;
        out.extend_from_slice(data);
        out.extend_from_slice(behind);
        Ok(())
    }

    /// Appends the framing before `len` octets of content, which the caller writes itself, and
    /// returns the framing that follows them. Content is not copied.
    ///
    /// # Errors
    ///
    /// The same as [`send_data`](Self::send_data).
    pub fn frame_data(
        &mut self,
        len: usize,
        out: &mut Vec<u8>,
    ) -> Result<&'static [u8], SendError> {
        self.sender.frame_data(len, out)
    }

    /// Ends the request. `trailers` are dropped if the content is not chunked.
    ///
    /// # Errors
    ///
    /// If no request is active, if content is missing, or if a field is not allowed in trailers.
    pub fn finish(
        &mut self,
        trailers: Option<&HeaderMap>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.sender.finish(trailers, out)?;
        // The client no longer waits for 100: the request is complete.
        self.asked.awaits_continue = false;
        self.settle();
        Ok(())
    }

    /// Abandons the rest of the request, for example after an early response. The response can
    /// still be received, and the connection closes after it.
    pub fn stop_sending(&mut self) {
        if let Sender::Body(_) = self.sender {
            self.sender = Sender::Done;
            self.is_persistent = false;
        }
    }
}

/// The forms of a request target; the asterisk counts as a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Origin,
    Absolute,
    /// Absolute without a path, which stands for the server as a whole.
    Whole,
    Authority,
}

/// Returns the value of the `host` field.
fn host<'a>(
    headers: &'a HeaderMap,
    given: &Given,
    authority: Option<&'a str>,
) -> Result<&'a [u8], SendError> {
    let field = headers.get(HOST).map(|host| host.as_bytes());
    let host = field.or(authority.map(str::as_bytes)).ok_or(SendError::NoHost)?;
    if given.hosts > 1 || HostPort::parse(host).is_none() {
        return Err(SendError::Host);
    }
    Ok(host)
}

/// Removes userinfo, which must not be sent (RFC 9110, Section 4.2.4).
fn without_userinfo(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// Returns whether a request of this method without content needs `content-length: 0` (RFC 9110,
/// Section 8.6).
fn expects_content(method: &Method) -> bool {
    *method == Method::POST || *method == Method::PUT || *method == Method::PATCH
}
