//! The response of a call on its way in.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use h2_sync::client::{ResponseBody, ResponseHalf};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap};

use super::options::Limits;
use super::start::status_of;
use crate::code::Code;
use crate::compression::Compression;
use crate::content_type;
use crate::framing::Reader;
use crate::metadata::{Metadata, too_large};
use crate::status::Status;

/// How a call has ended, for both of its halves.
pub(super) type Outcome = Arc<OnceLock<Result<(), Status>>>;

/// The response of a call: its head, messages as octets, and how it ended.
#[derive(Debug)]
pub(super) struct Inbound {
    source: Source,
    deadline: Option<Instant>,
    limits: Limits,
    reader: Option<Reader>,
    headers: Metadata,
    trailers: Metadata,
    outcome: Outcome,
}

/// What the response comes on.
#[derive(Debug)]
pub(super) enum Source {
    Body(Box<ResponseBody>),
    Half(Box<ResponseHalf>),
    /// The call has ended: its stream is released, whatever keeps the response.
    Ended,
}

impl Inbound {
    /// A response whose head has not come.
    pub(super) fn of_half(half: ResponseHalf, limits: Limits, deadline: Option<Instant>) -> Self {
        Inbound::new(Source::Half(Box::new(half)), limits, deadline)
    }

    /// A response whose head has come.
    pub(super) fn of_response(
        response: h2_sync::client::Response,
        limits: Limits,
        deadline: Option<Instant>,
    ) -> Self {
        let (parts, body) = response.into_http().into_parts();
        let mut inbound = Inbound::new(Source::Body(Box::new(body)), limits, deadline);
        inbound.take_head(parts.status, parts.headers);
        inbound
    }

    fn new(source: Source, limits: Limits, deadline: Option<Instant>) -> Self {
        Inbound {
            source,
            deadline,
            limits,
            reader: None,
            headers: Metadata::new(),
            trailers: Metadata::new(),
            outcome: Outcome::default(),
        }
    }

    /// The metadata before the messages, once it has come.
    pub(super) fn headers(&mut self) -> Result<&Metadata, Status> {
        self.await_head()?;
        Ok(&self.headers)
    }

    /// The metadata with the status; empty before the end.
    pub(super) fn trailers(&self) -> &Metadata {
        &self.trailers
    }

    /// How the call ended, if it has.
    pub(super) fn outcome(&self) -> Option<&Result<(), Status>> {
        self.outcome.get()
    }

    /// Where the outcome will be, for the half that sends.
    pub(super) fn shared_outcome(&self) -> Outcome {
        Arc::clone(&self.outcome)
    }

    /// Takes the metadata.
    pub(super) fn take_metadata(&mut self) -> (Metadata, Metadata) {
        (std::mem::take(&mut self.headers), std::mem::take(&mut self.trailers))
    }

    /// The octets of the next message; `None` at the end of a call that succeeded.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, Status> {
        self.await_head()?;
        if let Some(outcome) = self.outcome.get() {
            return outcome.clone().map(|()| None);
        }
        match self.advance() {
            Ok(Some(message)) => Ok(Some(message)),
            Ok(None) => {
                let outcome = self.finish();
                self.outcome.get_or_init(|| outcome).clone().map(|()| None)
            }
            Err(status) => {
                self.fail(&status);
                Err(status)
            }
        }
    }

    /// The one message of a response, and its end.
    pub(super) fn only(&mut self) -> Result<Bytes, Status> {
        let what = match self.next()? {
            None => "the response has no message",
            Some(message) => match self.next()? {
                None => return Ok(message),
                Some(_) => "the response has more than one message",
            },
        };
        let status = Status::unimplemented(what);
        self.fail(&status);
        Err(status)
    }

    /// Ends a call that has failed here, whatever its server does.
    pub(super) fn fail(&mut self, status: &Status) {
        // In this order: the reset of the stream makes the other half look for the outcome.
        self.set_outcome(Err(status.clone()));
        self.source = Source::Ended;
    }

    /// Sets the outcome, unless there is one.
    fn set_outcome(&self, outcome: Result<(), Status>) {
        let _ = self.outcome.set(outcome);
    }

    /// Octets until a message is complete; `None` at the end of the body.
    fn advance(&mut self) -> Result<Option<Bytes>, Status> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        loop {
            if let Some(message) = reader.next()? {
                return Ok(Some(message));
            }
            let piece = match &mut self.source {
                Source::Body(body) => body.next_chunk(),
                Source::Half(half) => half.next_chunk(),
                Source::Ended => return Ok(None),
            };
            match piece.map_err(|error| status_of(error, self.deadline))? {
                Some(piece) => reader.push(piece),
                None => return Ok(None),
            }
        }
    }

    /// The body has ended: how the call has, by the trailers.
    fn finish(&mut self) -> Result<(), Status> {
        let trailers = match &mut self.source {
            Source::Body(body) => body.trailers(),
            Source::Half(half) => half.trailers(),
            Source::Ended => Ok(None),
        };
        let trailers = trailers.map_err(|error| status_of(error, self.deadline))?;
        let trailers = trailers.unwrap_or_default();
        self.check_size(&trailers)?;
        let outcome = Status::of_fields(&trailers);
        self.trailers = Metadata::of_fields(trailers);
        outcome.unwrap_or_else(|| Err(Status::unknown("the response ends without grpc-status")))?;
        self.reader.as_ref().map_or(Ok(()), Reader::finish)
    }

    fn await_head(&mut self) -> Result<(), Status> {
        let Source::Half(half) = &mut self.source else { return Ok(()) };
        if self.reader.is_some() || self.outcome.get().is_some() {
            return Ok(());
        }
        match half.response() {
            Ok(head) => {
                let (parts, ()) = head.into_parts();
                self.take_head(parts.status, parts.headers);
                Ok(())
            }
            Err(error) => {
                let status = status_of(error, self.deadline);
                self.fail(&status);
                Err(status)
            }
        }
    }

    fn take_head(&mut self, status: StatusCode, headers: HeaderMap) {
        if let Err(status) = self.check_size(&headers) {
            return self.fail(&status);
        }
        if let Some(outcome) = Status::of_fields(&headers) {
            // Trailers-Only.
            self.trailers = Metadata::of_fields(headers);
            self.set_outcome(outcome);
            return;
        }
        match check(status, &headers) {
            Ok(compression) => self.reader = Some(Reader::new(compression, self.limits.message)),
            Err(status) => self.fail(&status),
        }
        self.headers = Metadata::of_fields(headers);
    }

    /// Checks a header section or trailers against the limit of metadata.
    fn check_size(&self, fields: &HeaderMap) -> Result<(), Status> {
        let (size, limit) = (Metadata::section_size(fields), self.limits.metadata);
        if size > limit { Err(too_large(size, limit)) } else { Ok(()) }
    }
}

/// How the messages of a response are compressed.
fn check(status: StatusCode, headers: &HeaderMap) -> Result<Option<Compression>, Status> {
    if status != StatusCode::OK {
        let what = format!("the server answers {status}, without grpc-status");
        return Err(Status::new(Code::of_http(status), what));
    }
    let kind = headers.get(CONTENT_TYPE);
    if !kind.is_some_and(|kind| content_type::is_grpc(kind.as_bytes())) {
        let what = format!("the content-type of the response is {kind:?}, which is not gRPC");
        return Err(Status::unknown(what));
    }
    let encoding = headers.get("grpc-encoding").map(|name| name.as_bytes());
    Compression::of_name(encoding).map_err(|name| {
        Status::internal(format!("messages are compressed by {name:?}, which is not known"))
    })
}
