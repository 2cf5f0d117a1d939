//! Server push (RFC 9113, Section 8.4).

use super::head;
use super::response::{Response, taken_apart};
use crate::error::Error;
use crate::exchange::Arrival;
use crate::frame::{ErrorCode, StreamId};
use crate::halves::SendHalf;

impl Response {
    /// Returns whether the client accepts server push. Most do not, and HTTP/1.x has none.
    ///
    /// [`push`](Self::push) has an example.
    pub fn can_push(&self) -> bool {
        let http2 = self.send.as_ref().and_then(SendHalf::http2);
        http2.is_some_and(|send| send.conn().lock().core.remote_settings().enable_push)
    }

    /// Pushes another response: the server's handler is called as if the client had sent `request`
    /// (RFC 9113, Section 8.4). Returns the identifier of the promised stream.
    ///
    /// ```
    /// use h2_sync::http;
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn handler(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     if request.path() == "/style.css" {
    ///         return response.send("h1 { color: teal }");
    ///     }
    ///     if response.can_push() {
    ///         let style = http::Request::get("https://example.com/style.css").body(());
    ///         response.push(&style.expect("the URI is valid"))?;
    ///     }
    ///     response.send("<link rel=stylesheet href=/style.css><h1>Hello</h1>")
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If the client does not accept server push, or no more streams; or if `request` has an unsafe
    /// method or a body.
    pub fn push(&mut self, request: &http::Request<()>) -> Result<StreamId, Error> {
        let mut fields = head::request_fields(request);
        if fields.authority().is_none() {
            return Err(Error::usage("a promised request needs an authority"));
        }
        let send = self.send.as_ref().ok_or_else(taken_apart)?;
        let send = send.http2().ok_or_else(|| Error::usage("HTTP/1.x has no pushed streams"))?;
        let (conn, associated) = (send.conn(), send.stream_id());
        let id = conn.with(|state, now| {
            let id = state.core.reserve_stream_id(now)?;
            let promised = state.core.promise(associated, id, &fields, now);
            if let Err(error) = promised {
                // An unused identifier would delay the next ones.
                let _ = state.core.reset(id, ErrorCode::Cancel, now);
                return Err(Error::from(error));
            }
            let headers = std::mem::take(&mut fields);
            state.arrive(Arrival { id, headers, end_stream: true, since: now });
            Ok(id)
        })?;
        conn.work_elsewhere();
        Ok(id)
    }
}
