//! Errors of the content of a request, and the statuses that answer errors.

use std::borrow::Cow;

use http::StatusCode;

use super::{Cause, Error};

impl Error {
    /// A request body that a handler cannot use is to be answered with this status.
    pub(crate) fn content(status: StatusCode, what: impl Into<Cow<'static, str>>) -> Self {
        Error::new(Cause::Content(status, what.into()))
    }

    /// Whether a handler cannot use the body of its request.
    pub(crate) fn is_of_content(&self) -> bool {
        matches!(*self.cause, Cause::Content(..))
    }

    /// Returns the status with which a server answers a handler that returns this error: 413 for a
    /// body over `max_body`, 408 for a timeout, 415 or 400 for a body that cannot be read as a form
    /// or as JSON, otherwise 500.
    ///
    /// The server's response has no body. A handler can send one instead:
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn sum(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     let form = match request.form() {
    ///         Ok(form) => form,
    ///         Err(error) => {
    ///             response.set_status(error.response_status())?;
    ///             return response.send(format!("{error}\n"));
    ///         }
    ///     };
    ///     response.send(format!("{} fields\n", form.len()))
    /// }
    ///
    /// let response = Request::builder().method("POST").body("a=1").send_to(sum)?;
    /// assert_eq!(response.status(), 415);
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn response_status(&self) -> StatusCode {
        match &*self.cause {
            Cause::Content(status, _) => *status,
            _ if self.is_body_too_large() => StatusCode::PAYLOAD_TOO_LARGE,
            _ if self.is_timeout() => StatusCode::REQUEST_TIMEOUT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
