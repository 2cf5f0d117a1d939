//! What a client sends: requests, content, trailers.

use http::header::{HeaderMap, HOST};
use http::{Method, Uri};

use super::body_size::BodySize;
use super::client::{Asked, ClientConnection};
use super::host::{default_port, HostPort};
use super::send_error::SendError;
use super::sender::{Framing, Sender};
use super::write::{self, Given};

impl ClientConnection {
    /// Appends the head of a request. Content follows by [`send_data`](Self::send_data) or
    /// [`frame_data`](Self::frame_data), and the end by [`finish`](Self::finish), also where there is
    /// no content.
    ///
    /// The target is the URI's path and query, all of the URI on a connection
    /// [to a proxy](Self::to_proxy), host and port for CONNECT. `*` stays `*`, and is left out to a proxy. `host` is
    /// that of `headers`, or else of the URI, and stands first. Userinfo is left out.
    ///
    /// The codec writes `content-length`, `transfer-encoding` and `connection` itself, and leaves out
    /// those of `headers`, but for options of `connection` other than `close` and `keep-alive`. A
    /// `close` there ends the connection after this exchange. A `content-length` there has to agree
    /// with `size`. `upgrade` and `te` are listed in `connection`, as RFC 9110, Sections 7.8 and
    /// 10.1.4 ask for.
    ///
    /// # Errors
    ///
    /// An exchange is under way or the connection is to close; there is no host, or it is not valid;
    /// the URI cannot be a target of this method; the lengths disagree.
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

    /// Which form the request target has (RFC 9112, Section 3.2).
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
        // RFC 9112, Section 3.2.2: the field is that of the target.
        let agrees =
            HostPort::parse(host).is_some_and(|host| target.agrees(&host, default_port(scheme)));
        match (agrees, is_asterisk) {
            (false, _) => Err(SendError::Host),
            // RFC 9112, Section 3.2.4: the last proxy makes an asterisk of it.
            (true, true) => Ok(Form::Whole),
            (true, false) => Ok(Form::Absolute),
        }
    }

    /// Appends content, with its framing.
    ///
    /// # Errors
    ///
    /// No request is under way, or less than this is left of its length.
    pub fn send_data(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        let behind = self.frame_data(data.len(), out)?;
        out.extend_from_slice(data);
        out.extend_from_slice(behind);
        Ok(())
    }

    /// Appends the framing in front of `len` octets of content, which the caller writes itself, and
    /// returns the framing behind them. Nothing is copied.
    ///
    /// # Errors
    ///
    /// As [`send_data`](Self::send_data).
    pub fn frame_data(
        &mut self,
        len: usize,
        out: &mut Vec<u8>,
    ) -> Result<&'static [u8], SendError> {
        self.sender.frame_data(len, out)
    }

    /// Ends the request. `trailers` are left out where the content is not sent in chunks.
    ///
    /// # Errors
    ///
    /// No request is under way, content is missing, or a field must not be a trailer.
    pub fn finish(
        &mut self,
        trailers: Option<&HeaderMap>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.sender.finish(trailers, out)?;
        // The content has not waited.
        self.asked.awaits_continue = false;
        self.settle();
        Ok(())
    }

    /// Gives up what is left of the request, after an early response say. The response can still be
    /// received, and the connection ends with it.
    pub fn stop_sending(&mut self) {
        if let Sender::Body(_) = self.sender {
            self.sender = Sender::Done;
            self.is_persistent = false;
        }
    }
}

/// The forms of a request target, with the asterisk among the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Origin,
    Absolute,
    /// Absolute without a path: the server as a whole.
    Whole,
    Authority,
}

/// The value of `host`.
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

/// RFC 9110, Section 4.2.4: userinfo is not sent.
fn without_userinfo(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// RFC 9110, Section 8.6: for these a missing content has a meaning, so that its length is sent.
fn expects_content(method: &Method) -> bool {
    *method == Method::POST || *method == Method::PUT || *method == Method::PATCH
}
