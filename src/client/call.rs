//! One request, sent once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::body::{Body, Kind};
use super::config::Config;
use super::connection::Connection;
use super::facts::Facts;
use super::keeper::Keeper;
use super::origin::Origin;
use super::pool::Pool;
use super::response_body::{Outgoing, Raw};
use super::response_half::ResponseHalf;
use super::upload::Upload;
use crate::error::{Error, Phase};
use crate::exchange::Then;
use crate::frame::StreamId;
use crate::hpack::Headers;

/// A body of up to this many octets is put in one step with the header section. The connection takes
/// as much without waiting.
const SMALL: usize = 32 << 10;

/// A request that is ready to be sent.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) config: &'a Config,
    pub(super) pool: &'a Arc<Pool>,
    pub(super) keeper: &'a Keeper,
    pub(super) origin: Origin,
    pub(super) fields: Headers,
    /// The request says `Expect: 100-continue`.
    pub(super) expects_continue: bool,
    pub(super) deadline: Option<Instant>,
}

/// The response to it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) fields: Headers,
    pub(super) body: Raw,
    pub(super) facts: Facts,
}

/// Why there was none.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) error: Error,
    /// Nothing of the request was processed.
    pub(super) is_safe: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed { is_safe: error.is_retry_safe(), error }
    }
}

impl Failed {
    fn in_phase(self, phase: Phase) -> Self {
        Failed { error: self.error.in_phase(phase), ..self }
    }
}

impl Call<'_> {
    pub(super) fn send(&self, body: Body) -> Result<Answer, Failed> {
        let lease = self.pool.checkout(&self.origin, self.deadline);
        let lease = lease.map_err(|error| error.in_phase(Phase::Slot))?;
        if lease.made_in.is_some() {
            // A connection that nobody looks after is not to be used again.
            self.keeper.begin().inspect_err(|_| lease.connection.shutdown())?;
        }
        let start = Instant::now();
        let connection = lease.connection;
        let result = self.send_on(&connection, body);
        if matches!(&result, Err(failed) if failed.error.is_timeout()) {
            // It may be the server that is slow, or the connection that is dead.
            connection.set_suspect(true);
        }
        let (mut response, upload) = result?;
        let facts = Facts {
            stream_id: response.stream_id(),
            connect: lease.made_in.map(|(connect, _)| connect),
            tls: lease.made_in.and_then(|(_, tls)| tls),
            first_byte: start.elapsed(),
            retries: 0,
            redirects: 0,
        };
        let fields = response.fields()?;
        // RFC 9113, Section 8.1: a server may answer before it has the whole request. With 2xx it
        // goes on reading, or the body is part of a conversation; otherwise it has made up its mind.
        let is_wanted = fields.status().is_some_and(|status| (200..300).contains(&status));
        let outgoing = upload.map(|upload| match is_wanted {
            true => Outgoing::GoesOn(upload),
            false => Outgoing::Stopped(upload),
        });
        let mut recv = response.into_recv();
        recv.set_read_timeout(self.config.read_timeout);
        Ok(Answer { fields, body: Raw::new(recv, outgoing), facts })
    }

    /// Sends it, and waits until the response is there. What has not been sent by then comes back.
    fn send_on(
        &self,
        connection: &Connection,
        body: Body,
    ) -> Result<(ResponseHalf, Option<Box<Upload>>), Failed> {
        let in_request = |error: Error| error.in_phase(Phase::Request);
        let in_response = |error: Error| error.in_phase(Phase::Response);
        let opened = self.open(connection, body);
        let (mut response, mut upload) =
            opened.map_err(|failed| failed.in_phase(Phase::Request))?;
        response.set_deadline(self.deadline);
        if self.expects_continue && upload.is_some() {
            response.set_read_timeout(Some(self.config.expect_timeout));
            if self.is_answered_at_once(&mut response)? {
                return Ok((response, upload));
            }
        }
        response.set_read_timeout(self.config.response_timeout);
        let id = response.stream_id();
        if let Some(waiting) = upload.as_mut().filter(|upload| upload.is_deferred()) {
            let waited = self.wait_for_turn(waiting, id);
            if !waited.map_err(|error| error.in_phase(Phase::Slot))? {
                upload = None;
            }
        }
        loop {
            if let Some(sending) = &mut upload {
                if !sending.run(|state| state.has_response(id)).map_err(in_request)? {
                    upload = None;
                }
            }
            // Interim responses are passed over.
            if response.next().map_err(in_response)?.is_none() {
                return Ok((response, upload));
            }
        }
    }

    /// RFC 9113, Section 5.1.2: over the server's limit of concurrent streams a request waits for its
    /// turn, and its body with it. No window says when that is too long, so it is the time that there is
    /// for a response. Says whether there is more to send.
    fn wait_for_turn(&self, upload: &mut Upload, id: StreamId) -> Result<bool, Error> {
        let timeout = self.config.response_timeout;
        let too_late = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        upload.set_deadline([too_late, self.deadline].into_iter().flatten().min());
        let has_more = upload.run(|state| !state.core.is_deferred(id) || state.has_response(id));
        upload.set_deadline(self.deadline);
        has_more
    }

    /// The stream, and the body if it is still to be sent.
    fn open(
        &self,
        connection: &Connection,
        body: Body,
    ) -> Result<(ResponseHalf, Option<Box<Upload>>), Failed> {
        // If the connection goes away meanwhile, nothing has been sent.
        let unsent = |error| Failed { error, is_safe: !connection.can_open() };
        if matches!(body.kind, Kind::Empty) {
            return Ok((connection.send_fields(&self.fields).map_err(unsent)?, None));
        }
        let (mut send, response) = connection.open_fields(&self.fields).map_err(unsent)?;
        send.set_deadline(self.deadline);
        let upload = match body.kind {
            Kind::Octets(octets) if octets.len() <= SMALL && !self.expects_continue => {
                let id = response.stream_id();
                match send.put(None, octets, Then::End) {
                    Ok(()) => send.flush_conn(),
                    // Another thread has written the header section, and the answer is there already.
                    Err(_) if send.conn().lock().has_response(id) => {}
                    Err(error) => return Err(error.into()),
                }
                return Ok((response, None));
            }
            Kind::Octets(octets) => Upload::of_octets(send, octets),
            Kind::Reader { reader, .. } => Upload::of_reader(send, reader),
            // It has been sent above.
            Kind::Empty => return Ok((response, None)),
        };
        if self.expects_continue {
            upload.flush();
        }
        Ok((response, Some(Box::new(upload))))
    }

    /// RFC 9110, Section 10.1.1: the body is held back until the server asks for it, or has said
    /// nothing for some time. `true` if it has given its final response instead.
    fn is_answered_at_once(&self, response: &mut ResponseHalf) -> Result<bool, Failed> {
        loop {
            match response.next() {
                Ok(None) => return Ok(true),
                Ok(Some(interim)) if interim.status() == Some(100) => return Ok(false),
                Ok(Some(_)) => {}
                Err(error) if error.is_timeout() => return Ok(false),
                Err(error) => return Err(error.in_phase(Phase::Response).into()),
            }
        }
    }
}

/// Half of `step` times two to the power of `attempt`, and up to half of it more: so that those who
/// were refused together do not come back together.
pub(super) fn backoff(step: Duration, attempt: u32) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let full = step.saturating_mul(1 << attempt.min(10));
    // Each state has random keys.
    let random = RandomState::new().hash_one(attempt) % 1024;
    full / 2 + full / 2 * u32::try_from(random).unwrap_or_default() / 1024
}
