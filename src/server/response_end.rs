//! The end of a response: its completion, or an error response, when the handler has returned.

use std::sync::Arc;

use http::StatusCode;

use super::access::Entry;
use super::pool::Scratch;
use super::response::Response;
use crate::error::Error;
use crate::frame::ErrorCode;
use crate::h1::Then;
use crate::halves::SendHalf;
use crate::logging;
use crate::proto::CommandError;

impl Response {
    /// Completes the response, after the handler has returned `Ok`. Does not flush.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        match self.trailers.take() {
            _ if self.send.is_none() || self.is_refused => Ok(()),
            Some(trailers) if self.has_body() => self.put(Then::Trailers(&trailers)),
            _ => self.put(Then::End),
        }
    }

    /// Handles a failure of the handler, with this error if it is one of ours: sends an error
    /// response if that is still possible, and RST_STREAM otherwise.
    pub(super) fn fail(&mut self, status: StatusCode, cause: Option<&Error>) {
        if self.is_started {
            self.reset_for(cause);
            return;
        }
        self.status = status;
        self.fields.clear();
        self.trailers = None;
        if let Some(send) = &mut self.send {
            send.buffer().clear();
        }
        if let Err(error) = self.finish() {
            logging::debug!("an error response cannot be sent: {error}");
            self.reset_for(Some(&error));
        }
    }

    fn reset_for(&mut self, cause: Option<&Error>) {
        let code = match cause.and_then(Error::as_command_error) {
            // The client's own limit prevents the response.
            Some(CommandError::SectionTooLarge { .. }) => ErrorCode::EnhanceYourCalm,
            _ => ErrorCode::InternalError,
        };
        if let Some(send) = self.send.as_mut().filter(|send| !send.is_finished()) {
            send.reset(code);
        }
    }

    /// Has the content counted for the access log.
    pub(super) fn set_meter(&mut self, entry: &Option<Arc<Entry>>) {
        if let (Some(entry), Some(send)) = (entry, &mut self.send) {
            send.set_meter(Some(Arc::clone(entry) as _));
        }
    }

    /// Records the status that was sent.
    pub(super) fn note_status(&self, entry: &Entry) {
        if self.is_started {
            entry.set_status(self.status);
        }
    }

    /// Returns the buffers, for the next response.
    pub(super) fn into_scratch(self) -> Scratch {
        let Response { send, mut fields, mut scratch, .. } = self;
        if let Some(mut send) = send {
            scratch.body = std::mem::take(send.buffer());
            // The rest of a failed response must not leak into the next one, which is for another
            // client.
            scratch.body.clear();
        }
        fields.clear();
        scratch.fields = fields;
        scratch
    }

    /// Ends an HTTP/1.x connection after this response.
    pub(super) fn close_http1(&self) {
        if let Some(send) = self.send.as_ref().and_then(SendHalf::http1) {
            send.link().close_after_response();
        }
    }

    /// Ends an HTTP/1.x connection after this response, unless the whole request has been received.
    pub(super) fn decline_rest(&self) {
        if let Some(send) = self.send.as_ref().and_then(SendHalf::http1) {
            send.link().close_before_rest();
        }
    }

    /// Returns the status for an error in an HTTP/1.x body, if there was one.
    pub(super) fn refusal(&self) -> Option<StatusCode> {
        self.send.as_ref()?.http1()?.link().refusal()
    }
}
