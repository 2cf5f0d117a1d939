//! Request and response as two halves, which may outlive the handler.

use super::request::Request;
use super::response::{Response, taken_apart};
use crate::error::Error;
use crate::h1::Then;
use crate::halves::{RecvHalf, SendHalf};

impl Response {
    /// Splits request and response into a receiving and a sending half, for two threads, or for one
    /// that outlives the handler. Sends the header section.
    ///
    /// The halves alone then control the stream; the handler may return. If the response has no
    /// body (to HEAD, for example), writes to its half are discarded.
    ///
    /// ```
    /// use std::thread;
    ///
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn subscribe(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     let (_, mut events) = response.split(request)?;
    ///     thread::spawn(move || {
    ///         for event in ["one\n", "two\n"] {
    ///             events.send(event)?;
    ///         }
    ///         events.finish()
    ///     });
    ///     Ok(()) // The thread goes on.
    /// }
    ///
    /// assert_eq!(Request::builder().send_to(subscribe)?.text(), "one\ntwo\n");
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If they were split before, the body was [taken](Request::take_body), or the header section
    /// cannot be sent.
    pub fn split(&mut self, request: &mut Request) -> Result<(RecvHalf, SendHalf), Error> {
        self.send.as_ref().ok_or_else(taken_apart)?;
        request.check_not_taken()?;
        self.put(Then::More)?;
        let mut recv = request.take_octets().ok_or_else(taken_apart)?;
        recv.stand_alone();
        let mut send = self.send.take().ok_or_else(taken_apart)?;
        recv.set_meter(send.meter().clone());
        if !self.has_body() {
            send.drop_body();
        }
        send.flush_put();
        Ok((recv, send))
    }
}
