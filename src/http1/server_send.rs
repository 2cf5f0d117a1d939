//! What a server sends: interim and final responses, content, trailers.

use http::header::HeaderMap;
use http::StatusCode;

use super::body_size::BodySize;
use super::receiver::State;
use super::send_error::SendError;
use super::sender::{Framing, Sender};
use super::server::{Asked, ServerConnection};
use super::write::{self, Given};

impl ServerConnection {
    /// Whether the client takes a trailer section: it has said `te: trailers`. Others get the response
    /// without it.
    pub fn takes_trailers(&self) -> bool {
        self.request.is_1_1 && self.request.takes_trailers
    }

    /// Appends an interim (1xx) response, other than 101. A client of HTTP/1.0 gets none (RFC 9110,
    /// Section 15.2): then nothing is appended.
    ///
    /// # Errors
    ///
    /// There is no request that waits for a response, or the status is not an interim one.
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

    /// Appends the head of the final response. Content follows by [`send_data`](Self::send_data) or
    /// [`frame_data`](Self::frame_data), and the end by [`finish`](Self::finish).
    ///
    /// The codec writes `content-length`, `transfer-encoding` and `connection` itself, and leaves out
    /// those of `headers`, but for options of `connection` other than `close` and `keep-alive`. A
    /// `close` there ends the connection after this response. A `content-length` there has to agree
    /// with `size`; in a response to HEAD and in a 304 it is sent as it is.
    /// To HEAD, `size` is what GET would have got, and [`Unknown`](BodySize::Unknown) tells no length.
    ///
    /// 101 and a 2xx to CONNECT open a [tunnel](Self::is_tunnel): they have no content and no end.
    ///
    /// After an error of the receiving side, or [`stop_receiving`](Self::stop_receiving), it answers
    /// that also where no request has been received.
    ///
    /// # Errors
    ///
    /// Nothing waits for a response; the status is interim; the lengths disagree; or a 101 to a request
    /// that did not ask for it.
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
        // What comes behind a CONNECT that was refused may have been meant for the tunnel.
        self.is_persistent &= !given.closes
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
            // RFC 9110, Section 8.6: a 204 has none; a 304 and a response to HEAD may have that of
            // what they stand for.
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
        // RFC 9110, Section 7.8: after the whole request, and with the name of the protocol.
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

    /// Whether the response under way may have content: not to HEAD, and not with 204 or 304.
    pub fn may_send_content(&self) -> bool {
        matches!(self.sender, Sender::Body(framing) if framing != Framing::Nothing)
    }

    /// Appends content, with its framing.
    ///
    /// # Errors
    ///
    /// No response is under way, it has no content, or less than this is left of its length.
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

    /// Ends the response. `trailers` are left out where the client does not
    /// [take](Self::takes_trailers) them, and where the content is not sent in chunks.
    ///
    /// # Errors
    ///
    /// No response is under way, content is missing, or a field must not be a trailer.
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
