//! The HTTP response of a call.

use bytes::Bytes;
use h2_sync::server::Response;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::context::Context;
use crate::compression::{ACCEPTED, Compression};
use crate::status::{GRPC_STATUS, Status};

/// The largest status, in octets, that is sent in a header section: all known clients accept it.
const TRAILERS_ONLY_MAX: usize = 4 << 10;

/// The response of a call: fields, messages, and the status after them.
#[derive(Debug)]
pub(super) struct Reply<'a> {
    response: &'a mut Response,
    /// Whether the header section before messages has been set. It is sent with the first message.
    is_started: &'a mut bool,
}

impl<'a> Reply<'a> {
    pub(super) fn new(response: &'a mut Response, is_started: &'a mut bool) -> Self {
        Reply { response, is_started }
    }

    /// Returns the compression of messages: `wanted`, if the client accepts it.
    pub(super) fn compression(cx: &Context, wanted: Option<Compression>) -> Option<Compression> {
        let wanted = wanted.filter(|_| !cx.answer().is_plain)?;
        let accepted = std::str::from_utf8(cx.field("grpc-accept-encoding")?).ok()?;
        wanted.is_accepted(accepted).then_some(wanted)
    }

    /// Sets the header section, unless it has been set.
    pub(super) fn start(
        &mut self,
        cx: &Context,
        compression: Option<Compression>,
    ) -> Result<(), h2_sync::Error> {
        if std::mem::replace(self.is_started, true) {
            return Ok(());
        }
        set_common(self.response)?;
        if let Some(compression) = compression {
            self.response.set_header("grpc-encoding", compression.name())?;
        }
        let headers = std::mem::take(&mut cx.answer().headers);
        if !headers.is_empty() {
            headers.write_to(self.response.headers_mut()?);
        }
        Ok(())
    }

    /// Returns whether the header section has been set.
    pub(super) fn is_started(&self) -> bool {
        *self.is_started
    }

    /// Sends encoded messages. The first ones are buffered until [`flush`](Self::flush) or the
    /// status.
    pub(super) fn send(&mut self, octets: Bytes) -> Result<(), h2_sync::Error> {
        self.response.send(octets)
    }

    /// Sends the buffered octets.
    pub(super) fn flush(&mut self) -> Result<(), h2_sync::Error> {
        std::io::Write::flush(self.response).map_err(h2_sync::Error::from)
    }

    /// Ends the response with a status.
    pub(super) fn finish(
        mut self,
        cx: Option<&Context>,
        outcome: Result<(), Status>,
    ) -> Result<(), h2_sync::Error> {
        let mut fields = HeaderMap::with_capacity(4);
        if let Some(cx) = cx {
            cx.answer().trailers.write_to(&mut fields);
        }
        match &outcome {
            Ok(()) => drop(fields.insert(GRPC_STATUS, HeaderValue::from_static("0"))),
            Err(status) => status.write_to(&mut fields),
        }
        // The deadline of the call does not apply to its status.
        self.response.set_deadline(None);
        // A header section over the client's limit would become a 500. Trailers over the limit end
        // the call with RESOURCE_EXHAUSTED.
        if let Some(cx) = cx.filter(|_| octets_of(&fields) > TRAILERS_ONLY_MAX) {
            self.start(cx, None)?;
        }
        if *self.is_started {
            self.response.set_trailers(fields);
            return Ok(());
        }
        // Trailers-Only: the status is in the header section, and nothing follows.
        set_common(self.response)?;
        let headers = self.response.headers_mut()?;
        if let Some(cx) = cx {
            cx.answer().headers.write_to(headers);
        }
        // A key may occur in both.
        for (name, value) in &fields {
            headers.append(name, value.clone());
        }
        Ok(())
    }
}

/// Returns the size of a field section: the octets of all names and values.
fn octets_of(fields: &HeaderMap) -> usize {
    fields.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// Sets the fields of every response.
fn set_common(response: &mut Response) -> Result<(), h2_sync::Error> {
    response.set_header(CONTENT_TYPE, HeaderValue::from_static("application/grpc"))?;
    response.set_header("grpc-accept-encoding", HeaderValue::from_static(ACCEPTED))
}
