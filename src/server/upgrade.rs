//! Requests for an upgrade to another protocol (RFC 9110, Section 7.8; RFC 8441).

#[cfg(feature = "websocket")]
use http::header::CONTENT_TYPE;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, StatusCode, Version};

use super::request::Request;
use super::response::{Response, taken_apart};
use crate::convert::lists;
use crate::error::Error;
use crate::h1::Then;
use crate::halves::{RecvHalf, SendHalf};

impl Request {
    /// Returns whether the client asks for an upgrade to this protocol: in HTTP/1.1 by `upgrade`,
    /// listed in `connection`; in HTTP/2 by an extended CONNECT with this `:protocol`. Case is
    /// ignored.
    ///
    /// The request may also be answered normally. [`Response::upgrade`] switches the protocol.
    ///
    /// ```
    /// use h2_sync::http::Version;
    /// use h2_sync::server::{Request, Response};
    ///
    /// let handler = |request: &mut Request, response: &mut Response| {
    ///     response.send(if request.asks_to_upgrade("echo") { "echo" } else { "HTTP" })
    /// };
    /// let request = Request::builder().version(Version::HTTP_11);
    /// let request = request.header("connection", "upgrade").header("upgrade", "echo");
    /// assert_eq!(request.send_to(handler)?.text(), "echo");
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn asks_to_upgrade(&self, protocol: &str) -> bool {
        match self.version() {
            Version::HTTP_11 => {
                let headers = self.headers();
                lists(headers, &CONNECTION, "upgrade") && lists(headers, &UPGRADE, protocol)
            }
            _ => self.protocol().is_some_and(|asked| asked.eq_ignore_ascii_case(protocol)),
        }
    }
}

impl Response {
    /// Switches to a protocol that the client has [asked for](Request::asks_to_upgrade), with 101
    /// in HTTP/1.1, and with 200 to an extended CONNECT in HTTP/2. The fields that were set are
    /// sent along. Returns the two halves of the tunnel, for raw octets in both directions.
    ///
    /// Octets that the client has sent after its header section are read first. The receiving half
    /// starts with the server's [`read_timeout`](super::Config::read_timeout); `body_timeout` and
    /// `handler_timeout` do not apply. The handler may use the halves itself, or pass them to a
    /// thread that outlives it.
    ///
    /// [`finish`](SendHalf::finish) ends our direction, which in HTTP/1.1 is that of the
    /// connection. Dropping the [`SendHalf`] before that resets the stream, or cuts the connection.
    ///
    /// HTTP/2 clients only use it if [`websockets`](super::Config::websockets) announces extended
    /// CONNECT. The handler receives every `:protocol`, and should answer an unknown one with 501
    /// (RFC 9220, Section 3).
    ///
    /// ```
    /// use std::io::{self, Write};
    ///
    /// use h2_sync::server::{Request, Response};
    /// use h2_sync::Error;
    ///
    /// fn handler(request: &mut Request, response: &mut Response) -> Result<(), Error> {
    ///     if !request.asks_to_upgrade("echo") {
    ///         response.set_status(426)?;
    ///         return response.set_header("upgrade", "echo");
    ///     }
    ///     let (mut recv, mut send) = response.upgrade(request, "echo")?;
    ///     while let Some(octets) = recv.next_chunk()? {
    ///         send.send(octets)?;
    ///     }
    ///     send.finish()
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If the client has not asked for it, the body of its request was taken or has not been read
    /// to its end (RFC 9110, Section 7.8), or a part of the response was written: nothing is sent in these
    /// cases. Or if the connection has ended.
    pub fn upgrade(
        &mut self,
        request: &mut Request,
        protocol: &str,
    ) -> Result<(RecvHalf, SendHalf), Error> {
        if self.is_started {
            return Err(Error::usage("the header section was already sent"));
        }
        let send = self.send.as_mut().ok_or_else(taken_apart)?;
        if !send.buffer().is_empty() {
            return Err(Error::usage("part of a body was written before the upgrade"));
        }
        if !request.asks_to_upgrade(protocol) {
            let what = format!("the client has not asked for an upgrade to {protocol:?}");
            return Err(Error::usage(what));
        }
        request.check_not_taken()?;
        if request.version() == Version::HTTP_2 {
            self.status = StatusCode::OK;
            return self.split(request).map(without_deadline);
        }
        if !request.is_read() {
            let what = "the body of the request was not read to its end before the upgrade";
            return Err(Error::usage(what));
        }
        let protocol = HeaderValue::from_str(protocol);
        let protocol = protocol.map_err(|_| Error::usage("invalid name of a protocol"))?;
        self.status = StatusCode::SWITCHING_PROTOCOLS;
        self.fields.set(UPGRADE, protocol);
        self.put(Then::More)?;
        let mut recv = request.take_tunnel().ok_or_else(taken_apart)?;
        let mut send = self.send.take().ok_or_else(taken_apart)?;
        recv.set_meter(send.meter().clone());
        send.flush_put();
        Ok((recv, send))
    }
}

impl Response {
    /// Completes the response to an invalid request, with the fields set so far. If the handler
    /// then returns an error, it is attributed to the client.
    #[cfg(feature = "websocket")]
    pub(crate) fn refuse(&mut self, status: StatusCode, text: &str) -> Result<(), Error> {
        self.set_status(status)?;
        self.set_header(CONTENT_TYPE, "text/plain; charset=utf-8")?;
        self.send(format!("{text}\n"))?;
        self.put(Then::End)?;
        self.is_refused = true;
        Ok(())
    }
}

fn without_deadline((mut recv, send): (RecvHalf, SendHalf)) -> (RecvHalf, SendHalf) {
    recv.set_deadline(None);
    (recv, send)
}
