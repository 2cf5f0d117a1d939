//! One attempt to send a request.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;

use super::any_connection::AnyConnection;
use super::body::{Body, Kind};
use super::cancel::Cancellation;
use super::config::Config;
use super::facts::Facts;
use super::final_head::FinalHead;
use super::head::RequestHead;
use super::origin::Origin;
use super::pool::{Lease, Place, Pool, add};
use super::response_body::{Raw, Rest};
use super::response_half::ResponseHalf;
use super::response_timer::ResponseTimer;
use super::source::Source;
use super::timeouts::{Timeouts, sooner};
use super::upload::{Upload, send_whole};
use crate::error::{Error, ErrorKind, Phase};
use crate::frame::ErrorCode;
use crate::h1::News;
use crate::halves::{EndedAt, SendHalf};
use crate::logging;

/// A body of up to this many octets is queued together with the header section. The connection
/// buffers that much without blocking.
const SMALL: usize = 32 << 10;

/// The approximate delay before the first retry.
const BACKOFF: Duration = Duration::from_millis(20);

/// How often the delay doubles.
const MAX_DOUBLINGS: u32 = 4;

/// How long a connection need not be checked after octets have arrived on it. The check is a system
/// call, which costs a sequence of small requests 1.1 µs of 22 (5 %) each.
const JUST_HEARD: Duration = Duration::from_millis(1);

/// A GOAWAY is not a refusal: servers close connections after a number of requests, and with many
/// threads one request can encounter several.
pub(super) const MOVES_PER_RETRY: u32 = 8;

/// A request ready to be sent.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) config: &'a Config,
    pub(super) pool: &'a Arc<Pool>,
    pub(super) origin: Origin,
    pub(super) head: RequestHead<'a>,
    pub(super) timeouts: Timeouts,
    pub(super) deadline: Option<Instant>,
    pub(super) cancellation: &'a Cancellation,
    /// Connections that turned out unusable just before the request was sent, over all attempts.
    pub(super) moves: Cell<u32>,
}

/// The response to a request.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) head: FinalHead,
    pub(super) body: Raw,
    pub(super) facts: Facts,
}

/// Why a request got no response.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) error: Error,
    pub(super) repeat: Repeat,
}

/// Whether retrying the request could repeat an effect on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It could, or a retry would not help.
    No,
    /// The server processed nothing of the request.
    Safe,
    /// The connection ended before any octet of a response. The server may have processed the
    /// request, or have closed an idle connection (RFC 9110, Section 9.2.2).
    Lost {
        /// The connection had served other requests.
        is_reused: bool,
    },
}

/// A request in progress.
struct Sending {
    response: ResponseHalf,
    upload: Option<Box<Upload>>,
    /// An interim response has arrived.
    has_begun: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let repeat = if error.is_retry_safe() { Repeat::Safe } else { Repeat::No };
        Failed { repeat, error }
    }
}

impl Call<'_> {
    /// Sends the request once. On failure, `body` is left with what can be sent again.
    pub(super) fn send(&self, body: &mut Body) -> Result<Answer, Failed> {
        let (lease, mut sending) = self.begin(body)?;
        let start = Instant::now();
        if let Err(error) = self.finish(&mut sending) {
            let has_begun = sending.has_begun || sending.response.is_answered();
            if let Some(source) = sending.upload.and_then(|upload| upload.into_source()) {
                body.kind = Kind::Source(source);
            }
            return Err(assess(&lease, error, start, has_begun));
        }
        lease.answered();
        let Sending { mut response, mut upload, .. } = sending;
        if let Some(upload) = &mut upload {
            upload.commit();
        }
        let facts = Facts {
            stream_id: response.stream_id(),
            connect: lease.made_in.map(|(connect, _)| connect),
            tls: lease.made_in.and_then(|(_, tls)| tls),
            first_byte: start.elapsed(),
            retries: 0,
            redirects: 0,
        };
        let head = FinalHead::new(response.final_head()?)?;
        // RFC 9113, Section 8.1: a server may respond before it has received the whole request.
        // After a 2xx it may still read the body; after any other status it no longer needs it.
        let is_wanted = head.status().is_success();
        let rest = upload.filter(|upload| !upload.is_sent()).map(|upload| match is_wanted {
            true => Rest::GoesOn(upload),
            false => Rest::Stopped(upload),
        });
        let mut recv = response.into_recv();
        recv.set_deadline(self.deadline);
        recv.set_read_timeout(self.timeouts.read);
        Ok(Answer { head, body: Raw::new(recv, rest), facts })
    }

    /// Starts an exchange and returns its halves to the caller.
    pub(super) fn open(&self) -> Result<(SendHalf, ResponseHalf), Error> {
        let open = |connection: &AnyConnection| connection.open(&self.head);
        let (_, halves) = self.on_connection(true, open).map_err(|failed| failed.error)?;
        let (mut send, mut response) = halves;
        // Either half may reset the stream while another thread waits on the other.
        response.make_interruptible();
        self.may_be_ended(&response, Phase::Request)?;
        send.flush_put();
        if let Some(timeout) = self.timeouts.response {
            let sent_at = EndedAt::default();
            if *self.head.method() == Method::CONNECT {
                // What follows belongs to the tunnel.
                let _ = sent_at.set(Instant::now());
            }
            send.note_end_in(Arc::clone(&sent_at));
            response.limit_by(ResponseTimer::new(timeout, sent_at));
        }
        Ok((send, response))
    }

    /// Obtains a connection and starts the exchange.
    fn begin(&self, body: &mut Body) -> Result<(Lease<'_>, Sending), Failed> {
        if matches!(body.kind, Kind::Empty) {
            let send = |connection: &AnyConnection| connection.send(&self.head);
            let (lease, response) = self.on_connection(false, send)?;
            self.may_be_ended(&response, Phase::Response)?;
            return Ok((lease, Sending { response, upload: None, has_begun: false }));
        }
        let expects_continue = self.head.expects_continue();
        if let Kind::Octets(octets) = &body.kind {
            if octets.len() <= SMALL && !expects_continue {
                return self.begin_small(octets);
            }
        }
        let open = |connection: &AnyConnection| connection.open(&self.head);
        let (lease, (mut send, response)) = self.on_connection(!body.is_repeatable(), open)?;
        self.may_be_ended(&response, Phase::Request)?;
        send.set_deadline(self.deadline);
        let taken = Kind::Source(Source::taken());
        let upload = match std::mem::replace(&mut body.kind, taken) {
            Kind::Octets(octets) => {
                body.kind = Kind::Octets(octets.clone());
                Some(Upload::of_octets(send, octets))
            }
            Kind::Source(source) => Some(Upload::of_source(send, source)),
            Kind::Empty => None,
        };
        let mut upload = upload.map(Box::new);
        if let Some(upload) = upload.as_mut().filter(|_| expects_continue) {
            upload.flush();
        }
        Ok((lease, Sending { response, upload, has_begun: false }))
    }

    /// Starts an exchange whose body is queued with the header section.
    fn begin_small(&self, octets: &Bytes) -> Result<(Lease<'_>, Sending), Failed> {
        let send = |connection: &AnyConnection| connection.send_octets(&self.head, octets.clone());
        let (lease, (response, left)) = self.on_connection(false, send)?;
        let phase = if left.is_some() { Phase::Request } else { Phase::Response };
        self.may_be_ended(&response, phase)?;
        if let Some((mut send, octets)) = left {
            send.set_deadline(self.deadline);
            let put = send_whole(&mut send, octets);
            let in_request = |error: Error| error.in_phase(Phase::Request);
            put.map_err(|error| assess(&lease, in_request(error), Instant::now(), false))?;
        }
        Ok((lease, Sending { response, upload: None, has_begun: false }))
    }

    /// Calls `open` with connections from the pool until one starts the exchange.
    pub(super) fn on_connection<T>(
        &self,
        needs_certainty: bool,
        open: impl Fn(&AnyConnection) -> Result<Option<T>, Error>,
    ) -> Result<(Lease<'_>, T), Failed> {
        let mut place = Place::Back;
        let patience = self.timeouts.response.map(|it| it.saturating_add(self.pool.patience()));
        let patience = self.timeouts.connect.or(patience);
        let until = sooner(patience, self.deadline);
        // The pool has already retried connecting.
        let no_connection =
            |error: Error| Failed { error: error.in_phase(Phase::Slot), repeat: Repeat::No };
        loop {
            self.cancellation.check().map_err(no_connection)?;
            let (origin, cancellation) = (&self.origin, self.cancellation);
            let lease = self.pool.checkout(origin, needs_certainty, place, until, cancellation);
            let mut lease = lease.map_err(no_connection)?;
            // The server may have closed it or sent GOAWAY: check before sending a request.
            if !self.may_go_unchecked(lease.connection()) {
                lease.connection().maintain();
            }
            let opened = open(lease.connection());
            lease.sent();
            match opened {
                Ok(Some(opened)) => return Ok((lease, opened)),
                // The server has lowered its limit since.
                Ok(None) => {}
                Err(error) if !lease.connection().can_open() => self.leave(&lease, error, until)?,
                Err(error) => return Err(error.in_phase(Phase::Request).into()),
            }
            place = Place::Front;
        }
    }

    /// Whether to send the request without checking the connection: octets have just arrived on it,
    /// and if the server has closed it since, the request is retried.
    fn may_go_unchecked(&self, connection: &AnyConnection) -> bool {
        let is_repeated = self.head.method().is_safe() && self.config.max_retries > 0;
        is_repeated && connection.heard().is_some_and(|heard| heard.elapsed() < JUST_HEARD)
    }

    /// Decides whether the request may move to another connection after this one, which failed with
    /// `error`, ended or went away before any of the request was written.
    fn leave(&self, lease: &Lease<'_>, error: Error, until: Option<Instant>) -> Result<(), Failed> {
        let moves = self.moves.replace(self.moves.get().saturating_add(1));
        let retries = self.config.max_retries.saturating_add(1);
        let is_new = !lease.is_reused();
        // A server that violates the protocol at once, or rejects the client in TLS, would do so
        // again.
        let is_breach = matches!(error.kind(), ErrorKind::Peer | ErrorKind::Limit | ErrorKind::Tls);
        let goes_on = !(is_new && is_breach)
            && moves < retries.saturating_mul(MOVES_PER_RETRY)
            && (!is_new || moves == 0 || self.pause(moves, until)?);
        if goes_on {
            logging::debug!(
                "a connection to {} failed, the request is retried: {error}",
                self.origin
            );
            add(&self.pool.counters.retries);
            return Ok(());
        }
        Err(Failed { error: error.in_phase(Phase::Slot), repeat: Repeat::No })
    }

    /// Sends the rest of the body until the final response arrives.
    fn finish(&self, sending: &mut Sending) -> Result<(), Error> {
        let Sending { response, upload, has_begun } = sending;
        response.set_deadline(self.deadline);
        if upload.is_some() && self.head.expects_continue() {
            response.set_read_timeout(Some(self.config.expect_timeout));
            if is_answered_at_once(response, has_begun)? {
                return Ok(());
            }
            response.set_read_timeout(None);
        }
        let mut is_timed = false;
        loop {
            if let Some(body) = upload {
                let sent = body.run(News::Response);
                sent.map_err(|error| self.told(error, Phase::Request))?;
            }
            // Starts when the request has been sent or the response has begun. Interim responses do
            // not restart it.
            if !std::mem::replace(&mut is_timed, true) {
                response.set_deadline(sooner(self.timeouts.response, self.deadline));
            }
            let is_sent = upload.as_ref().is_none_or(|body| body.is_sent());
            let phase = if is_sent { Phase::Response } else { Phase::Request };
            match response.next().map_err(|error| self.told(error, phase))? {
                Some(_) => *has_begun = true,
                None => return Ok(()),
            }
        }
    }

    /// Adds the phase, and the setting whose timeout passed, to an error.
    pub(super) fn told(&self, error: Error, phase: Phase) -> Error {
        let own = match phase {
            Phase::Response => self.timeouts.response,
            _ => None,
        };
        let error = self.timeouts.tell(error, self.deadline, ("response_timeout", own));
        error.in_phase(phase)
    }

    /// From now on, cancelling the request ends its exchange.
    pub(super) fn may_be_ended(&self, response: &ResponseHalf, phase: Phase) -> Result<(), Error> {
        response.may_be_ended_by(self.cancellation).map_err(|error| error.in_phase(phase))
    }

    /// Waits before a retry, longer after each attempt. Returns `false` without waiting if the
    /// deadline would pass first.
    pub(super) fn pause(&self, attempt: u32, deadline: Option<Instant>) -> Result<bool, Error> {
        let pause = backoff(BACKOFF, attempt.min(MAX_DOUBLINGS));
        if deadline.is_some_and(|deadline| deadline <= Instant::now() + pause) {
            return Ok(false);
        }
        self.cancellation.sleep(pause).map(|()| true)
    }
}

/// Derives from an error the connection's health and whether the request may be retried.
fn assess(lease: &Lease<'_>, error: Error, sent: Instant, has_begun: bool) -> Failed {
    if error.is_timeout() {
        // Either the server is slow or the connection is dead.
        lease.late(sent);
    }
    let is_refusal =
        matches!(error.code(), Some(ErrorCode::RefusedStream | ErrorCode::EnhanceYourCalm));
    if error.is_reset() && is_refusal && !error.is_goaway() {
        lease.refused();
    }
    let is_end = match error.kind() {
        ErrorKind::Closed | ErrorKind::Transport => true,
        // A server that rejects the client's certificate would do so again.
        ErrorKind::Tls => lease.is_reused(),
        _ => false,
    };
    let is_lost = is_end && !has_begun && lease.connection().is_closed();
    match Failed::from(error) {
        Failed { error, repeat: Repeat::No } if is_lost => {
            Failed { error, repeat: Repeat::Lost { is_reused: lease.is_reused() } }
        }
        failed => failed,
    }
}

/// Holds the body back until the server asks for it or a timeout passes (RFC 9110, Section 10.1.1).
/// Returns `true` if the final response arrives first.
fn is_answered_at_once(response: &mut ResponseHalf, has_begun: &mut bool) -> Result<bool, Error> {
    loop {
        match response.next() {
            Ok(None) => return Ok(true),
            Ok(Some(interim)) => {
                *has_begun = true;
                if interim.status() == Some(100) {
                    return Ok(false);
                }
            }
            Err(error) if error.is_timeout() => return Ok(false),
            Err(error) => return Err(error.in_phase(Phase::Response)),
        }
    }
}

/// Returns `step` × 2^`attempt` reduced by a random amount of up to half, so that requests refused
/// together are not retried together.
fn backoff(step: Duration, attempt: u32) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let full = step.saturating_mul(1 << attempt);
    // `RandomState` has random keys.
    let random = RandomState::new().hash_one(attempt) % 1024;
    full / 2 + full / 2 * u32::try_from(random).unwrap_or_default() / 1024
}
