//! The sending direction of a server: interim and final responses, content, trailers.

use http::StatusCode;
use http::header::HeaderMap;

use super::body_size::BodySize;
use super::receiver::State;
use super::send_error::SendError;
use super::sender::{Framing, Sender};
use super::server::{Asked, ServerConnection};
use super::write::{self, Given};

impl ServerConnection {
    /// Returns whether the client accepts a trailer section, by `te: trailers`. Other clients get
    /// the response without it.
    pub fn takes_trailers(&self) -> bool {
        self.request.is_1_1 && self.request.takes_trailers
    }

    /// Appends an interim (1xx) response other than 101. Appends nothing for a client of HTTP/1.0,
    /// which cannot receive one (RFC 9110, Section 15.2).
    ///
    /// # Errors
    ///
    /// If no request is waiting for a response, or if the status is not an interim one.
    pub fn send_interim(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(SendError::Status(status.as_u16()));
        }
        if self.sender != Sender::Head {
            return Err(SendError::NoRequest);
        }
        if self.request.is_1_1 {
            self.request.expects_continue &= status != StatusCode::CONTINUE;
            write::status_line(out, status);
            write::fields(out, headers);
            out.extend_from_slice(b"\r\n");
        }
        Ok(())
    }

    /// Appends the status line and header section of the final response.
    /// [`send_data`](Self::send_data) or [`frame_data`](Self::frame_data) append content, and
    /// [`finish`](Self::finish) must follow.
    ///
    /// The codec writes `content-length`, `transfer-encoding` and `connection` itself and drops
    /// those of `headers`, except for options of `connection` other than `close` and `keep-alive`.
    /// `close` there ends the connection after this response. A `content-length` there must agree
    /// with `size`; in a response to HEAD and in a 304 it is sent as given. For HEAD, `size` is
    /// that of the response to GET; with [`Unknown`](BodySize::Unknown) no length is sent.
    ///
    /// 101, and a 2xx to CONNECT, open a [tunnel](Self::is_tunnel): they have no content and no
    /// end.
    ///
    /// After an error in receiving, or after [`stop_receiving`](Self::stop_receiving), a response
    /// may be sent even if no request was received.
    ///
    /// # Errors
    ///
    /// If no request is waiting for a response, if the status is interim, if the lengths disagree,
    /// or for a 101 to a request that did not ask for an upgrade.
    pub fn send_response(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        size: BodySize,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        let has_failed = matches!(self.receiver.state, State::Failed(_) | State::Stopped);
        match self.sender {
            Sender::Head => {}
            Sender::Idle if has_failed => self.request = Asked { is_1_1: true, ..Asked::default() },
            _ => return Err(SendError::NoRequest),
        }
        let given = Given::of(headers)?;
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch_protocols(headers, &given, out);
        }
        if status.is_informational() {
            return Err(SendError::Status(status.as_u16()));
        }
        if self.request.is_connect && status.is_success() && !has_failed {
            write::status_line(out, status);
            write::fields(out, headers);
            out.extend_from_slice(b"\r\n");
            self.open_tunnel();
            return Ok(());
        }
        let is_empty = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let framing = match given.size(size) {
            _ if is_empty || self.request.is_head => Framing::Nothing,
            Ok(BodySize::Known(size)) => Framing::Length(size),
            Ok(BodySize::Unknown) if self.request.is_1_1 => {
                Framing::Chunked { trailers: self.request.takes_trailers }
            }
            Ok(BodySize::Unknown) => Framing::UntilClose,
            Err(error) => return Err(error),
        };
        // Data after a refused CONNECT may be meant for the tunnel.
        self.is_persistent &= !given.closes
            && !self.announces_close
            && !self.request.expects_continue
            && !self.request.is_connect
            && framing != Framing::UntilClose;

        write::status_line(out, status);
        write::fields(out, headers);
        match (framing, given.length, size) {
            (Framing::Chunked { .. }, ..) => {
                out.extend_from_slice(b"transfer-encoding: chunked\r\n");
            }
            (Framing::Length(length), ..) => write::content_length(out, length),
            // RFC 9110, Section 8.6: a 204 has no length; a 304 or a response to HEAD may have the
            // length that a response to GET would have.
            (Framing::Nothing, Some(length), _) if status != StatusCode::NO_CONTENT => {
                write::content_length(out, length);
            }
            (Framing::Nothing, None, BodySize::Known(length)) if !is_empty => {
                write::content_length(out, length);
            }
            _ => {}
        }
        let added: &[_] = match (self.is_persistent, self.request.is_1_1) {
            (true, true) => &[],
            (true, false) => &["keep-alive"],
            (false, _) => &["close"],
        };
        write::connection(out, headers, &given, added);
        out.extend_from_slice(b"\r\n");
        self.sender = Sender::Body(framing);
        Ok(())
    }

    fn switch_protocols(
        &mut self,
        headers: &HeaderMap,
        given: &Given,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        // RFC 9110, Section 7.8: only after the whole request, and with the name of the protocol.
        if !(self.request.asks_upgrade && self.receiver.is_done() && given.has_upgrade) {
            return Err(SendError::Upgrade);
        }
        write::status_line(out, StatusCode::SWITCHING_PROTOCOLS);
        write::fields(out, headers);
        write::connection(out, headers, given, &["upgrade"]);
        out.extend_from_slice(b"\r\n");
        self.open_tunnel();
        Ok(())
    }

    fn open_tunnel(&mut self) {
        self.receiver.state = State::Tunnel;
        self.sender = Sender::Tunnel;
        self.is_persistent = false;
    }

    /// Returns whether the current response may have content: not to HEAD, and not with 204 or 304.
    pub fn may_send_content(&self) -> bool {
        matches!(self.sender, Sender::Body(framing) if framing != Framing::Nothing)
    }

    /// Appends content with its framing.
    ///
    /// # Errors
    ///
    /// If no response is active, if it has no content, or if the data exceeds the rest of its
    /// length.
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

    /// Ends the response. `trailers` are dropped if the client does not
    /// [accept](Self::takes_trailers) them or the content is not chunked.
    ///
    /// # Errors
    ///
    /// If no response is active, if content is missing, or if a field is not allowed in trailers.
    pub fn finish(
        &mut self,
        trailers: Option<&HeaderMap>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.sender.finish(trailers, out)?;
        self.settle();
        Ok(())
    }
}
