//! Whole responses: redirects and JSON.

use http::StatusCode;
use http::header::{HeaderValue, LOCATION};

use super::head;
use super::response::Response;
use crate::error::Error;
use crate::http1::encoded_target;

impl Response {
    /// Redirects the client: sets the status and `location`, which may be relative to the URL of
    /// the request. Characters that a URI cannot have, such as `é`, are percent-encoded.
    ///
    /// | status | the client repeats |
    /// | --- | --- |
    /// | 303 | with GET, as after a form |
    /// | 307, 308 | the same request; with 308 always from now on |
    /// | 302, 301 | the same, but most clients replace POST by GET; with 301 always from now on |
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn save(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     let form = request.form()?;
    ///     // … save it …
    ///     response.redirect(303, "/saved")
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If the status is none of these, `location` has a space or a control character, or the header
    /// section was sent.
    pub fn redirect<S>(&mut self, status: S, location: &str) -> Result<(), Error>
    where
        StatusCode: TryFrom<S>,
    {
        let range = "301, 302, 303, 307 or 308";
        let is_redirect = |status: StatusCode| matches!(status.as_u16(), 301..=303 | 307 | 308);
        let status = head::status(status, "a redirect", range, is_redirect)?;
        let value = encoded_target(location.as_bytes());
        let value = value.and_then(|location| HeaderValue::try_from(location).ok());
        let value = value.ok_or_else(|| {
            Error::usage(format!("the location {location:?} has a space or a control character"))
        })?;
        self.set_header(LOCATION, value)?;
        self.set_status::<StatusCode>(status)
    }

    /// Sends a value as JSON, with `content-type: application/json`.
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    /// use serde_json::json;
    ///
    /// fn handler(_: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     response.json(&json!({ "status": "ok", "jobs": [1, 2, 3] }))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If the value does not serialize, the header section was sent, and those of
    /// [`send`](Self::send).
    #[cfg(feature = "json")]
    pub fn json<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let octets = serde_json::to_vec(value)
            .map_err(|error| Error::usage(format!("the value does not serialize: {error}")))?;
        self.set_header("content-type", "application/json")?;
        self.send(octets)
    }
}
