//! The state shared by all handles of a client, and the path of a request.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

#[cfg(feature = "cookies")]
use http::header::COOKIE;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue, RANGE};
use http::{Method, Uri, request};

use super::body::Body;
use super::call::{Answer, Call, MOVES_PER_RETRY, Repeat};
use super::cancel::Cancellation;
use super::coding::Coding;
use super::config::Config;
use super::connect::Connector;
use super::facts::Facts;
use super::fields::add_defaults;
use super::final_head::FinalHead;
use super::head::RequestHead;
use super::origin::Origin;
use super::policy::{Redirect, RedirectAction};
use super::pool::{Limits, Pool, add};
use super::redirect::{Next, follow};
use super::response::Response;
use super::response_body::{Raw, ResponseBody};
use super::response_half::ResponseHalf;
use super::timeouts::{Timeouts, sooner};
use crate::error::{Error, ErrorKind};
use crate::halves::SendHalf;
use crate::logging;

#[derive(Debug)]
pub(super) struct Engine {
    pub(super) config: Config,
    /// The default value of `accept-encoding`.
    codings: Option<HeaderValue>,
    pub(super) pool: Arc<Pool>,
}

/// A request with its body and timeouts, updated by redirects.
pub(super) struct Ask {
    pub(super) parts: request::Parts,
    body: Body,
    pub(super) timeouts: Timeouts,
    pub(super) deadline: Option<Instant>,
    pub(super) cancellation: Cancellation,
}

impl Engine {
    pub(super) fn new(config: Config) -> Result<Self, Error> {
        config.validate()?;
        let connector = Connector::new(&config)?;
        let is_http1 = |is_https| config.versions.is_http1(is_https, config.prior_knowledge);
        let limits = Limits {
            per_origin: config.max_connections_per_origin,
            serial_per_origin: config.max_http1_connections_per_origin,
            is_serial: (is_http1(false), is_http1(true)),
            idle: config.max_idle_connections,
            idle_timeout: config.idle_timeout,
            max_age: config.max_connection_age,
            verify_after: config.verify_after,
            verify_interval: config.verify_interval,
            retries: config.max_retries,
        };
        let pool = Pool::new(connector, limits, config.verify_timeout);
        Ok(Engine { codings: Coding::accept(&config), pool, config })
    }

    /// Sends a request and follows redirects.
    pub(super) fn execute(
        &self,
        parts: request::Parts,
        body: Body,
        timeouts: Timeouts,
    ) -> Result<Response, Error> {
        if parts.method == Method::CONNECT {
            let what = "CONNECT can only be sent by `Client::open`, which opens a tunnel";
            return Err(Error::usage(what).with_url(&parts.uri));
        }
        let mut ask = self.ask(parts, body, timeouts);
        let mut redirects = 0;
        loop {
            let has_body = !ask.body.is_empty();
            let kept = ask.body.try_clone();
            let response = self.send(&mut ask);
            let mut response = response.map_err(|error| error.with_url(&ask.parts.uri))?;
            response.redirects = redirects;
            #[cfg(feature = "cookies")]
            if let Some(jar) = &self.config.cookies {
                jar.keep(response.head.headers(), &ask.parts.uri);
            }
            let status = response.head.status();
            let asked = ask.parts.uri.clone();
            if self.config.max_redirects == 0 || !status.is_redirection() {
                return Ok(response.finish(self, asked, &mut ask));
            }
            let headers = response.head.headers();
            let next = follow(&mut ask.parts, status, headers, has_body, kept.is_some());
            let next = next.map_err(|error| error.with_url(&asked))?;
            let Some(next) = next else { return Ok(response.finish(self, asked, &mut ask)) };
            if self.config.https_only && ask.parts.uri.scheme_str() != Some("https") {
                let what = format!("the redirect leads to {} (https_only)", ask.parts.uri);
                return Err(Error::redirect(what).with_url(&asked));
            }
            if let Some(policy) = &self.config.on_redirect {
                let (to, count) = (&ask.parts.uri, redirects);
                let redirect = Redirect { from: &asked, to, status, headers, count };
                match policy.decide(&redirect) {
                    RedirectAction::Follow => {}
                    RedirectAction::Stop => return Ok(response.finish(self, asked, &mut ask)),
                    RedirectAction::Fail(why) => {
                        return Err(Error::redirect(why).with_url(&asked));
                    }
                }
            }
            ask.body = match (next, kept) {
                (Next::WithBody, Some(body)) => body,
                _ => Body::empty(),
            };
            if redirects >= self.config.max_redirects {
                let what = format!("more than {redirects} redirects (max_redirects)");
                return Err(Error::redirect(what).with_url(&asked));
            }
            redirects += 1;
        }
    }

    /// Starts the timeouts of a request.
    pub(super) fn ask(&self, mut parts: request::Parts, body: Body, timeouts: Timeouts) -> Ask {
        add_defaults(&mut parts.headers, &self.config);
        let cancellation = Cancellation::by(parts.extensions.get().cloned());
        Ask { parts, body, timeouts, deadline: sooner(timeouts.whole, None), cancellation }
    }

    /// Sends a request, and counts it.
    fn send(&self, ask: &mut Ask) -> Result<Found, Error> {
        let found = self.send_until_processed(ask);
        add(&self.pool.counters.requests);
        if found.is_err() {
            add(&self.pool.counters.requests_failed);
        }
        found
    }

    /// Sends a request, and retries it while the server has not processed it.
    fn send_until_processed(&self, ask: &mut Ask) -> Result<Found, Error> {
        let origin = self.origin_of(&ask.parts)?;
        let codings = self.codings(&ask.parts);
        let is_coded = codings.is_some();
        let call = Call {
            config: &self.config,
            pool: &self.pool,
            origin,
            head: self.head(&ask.parts, ask.body.len(), codings)?,
            timeouts: ask.timeouts,
            deadline: ask.deadline,
            cancellation: &ask.cancellation,
            moves: Cell::new(0),
        };
        let mut body = std::mem::take(&mut ask.body);
        // Once a request may have been processed, no later error is marked safe to retry.
        let mut lost: Option<Error> = None;
        for attempt in 0.. {
            let failed = match call.send(&mut body) {
                Ok(answer) => return Ok(Found::new(answer, is_coded, attempt)),
                Err(failed) => failed,
            };
            let has_moved = is_of_the_connection(&failed.error);
            let may_repeat = match failed.repeat {
                Repeat::No => false,
                Repeat::Safe if has_moved => {
                    attempt < self.config.max_retries.saturating_mul(MOVES_PER_RETRY)
                }
                Repeat::Safe => attempt < self.config.max_retries,
                // Only once: a request that breaks two connections may itself be the cause.
                Repeat::Lost { is_reused } => {
                    lost.replace(failed.error.clone()).is_none()
                        && attempt < self.config.max_retries
                        && self.may_be_processed_twice(&ask.parts.method, is_reused)
                }
            };
            let error = match &lost {
                Some(lost) if failed.error.is_retry_safe() => lost.clone(),
                _ => failed.error.clone(),
            };
            if !may_repeat || !body.rewind() {
                return Err(error);
            }
            logging::debug!("sending {} again: {}", ask.parts.uri, failed.error);
            add(&self.pool.counters.retries);
            // On another connection there is no reason to wait.
            let is_refused = failed.error.is_reset() && !has_moved;
            if (is_refused || attempt > 0) && !call.pause(attempt, ask.deadline)? {
                return Err(error);
            }
        }
        Err(Error::text(ErrorKind::Internal, "too many attempts"))
    }

    /// Starts a request whose body the caller writes.
    pub(super) fn open(
        &self,
        parts: request::Parts,
        timeouts: Timeouts,
    ) -> Result<(SendHalf, ResponseHalf), Error> {
        let ask = self.ask(parts, Body::from_reader(std::io::empty()), timeouts);
        let halves = self.open_stream(&ask).map_err(|error| error.with_url(&ask.parts.uri));
        let url = ask.parts.uri;
        halves.map(|(send, response)| {
            (send.of_url(&url), response.cancelled_by(ask.cancellation).of_url(url))
        })
    }

    fn open_stream(&self, ask: &Ask) -> Result<(SendHalf, ResponseHalf), Error> {
        let head = self.with_cookies(RequestHead::open(&ask.parts)?, &ask.parts);
        let opened = self.call(ask, head)?.open();
        if opened.is_err() {
            add(&self.pool.counters.requests_failed);
        }
        opened
    }

    /// Returns a request with this head, ready to be sent.
    pub(super) fn call<'a>(
        &'a self,
        ask: &'a Ask,
        head: RequestHead<'a>,
    ) -> Result<Call<'a>, Error> {
        add(&self.pool.counters.requests);
        Ok(Call {
            config: &self.config,
            pool: &self.pool,
            origin: self.origin_of(&ask.parts)?,
            head,
            timeouts: ask.timeouts,
            deadline: ask.deadline,
            cancellation: &ask.cancellation,
            moves: Cell::new(0),
        })
    }

    /// Returns the origin of a request.
    pub(super) fn origin_of(&self, parts: &request::Parts) -> Result<Origin, Error> {
        let origin = Origin::of(&parts.uri)?;
        if self.config.https_only && !origin.is_https {
            return Err(Error::usage("http:// is not allowed (https_only)"));
        }
        Ok(origin)
    }

    /// Returns the value of `accept-encoding` to add.
    fn codings(&self, parts: &request::Parts) -> Option<&HeaderValue> {
        let has = |name| parts.headers.contains_key(name);
        // A response to HEAD has the length of the uncoded body, and a range counts octets.
        let codings = self.codings.as_ref().filter(|_| parts.method != Method::HEAD)?;
        (!has(ACCEPT_ENCODING) && !has(RANGE)).then_some(codings)
    }

    /// Returns the head of a request with the client's own fields.
    fn head<'a>(
        &self,
        parts: &'a request::Parts,
        body_len: Option<u64>,
        codings: Option<&HeaderValue>,
    ) -> Result<RequestHead<'a>, Error> {
        let mut head = RequestHead::new(parts, body_len)?;
        if let Some(codings) = codings {
            head.add(ACCEPT_ENCODING, codings.clone());
        }
        Ok(self.with_cookies(head, parts))
    }

    /// Returns the head with the cookies for its URL.
    #[cfg_attr(not(feature = "cookies"), allow(unused_variables, unused_mut, clippy::unused_self))]
    pub(super) fn with_cookies<'a>(
        &self,
        mut head: RequestHead<'a>,
        parts: &request::Parts,
    ) -> RequestHead<'a> {
        #[cfg(feature = "cookies")]
        if let Some(jar) = &self.config.cookies {
            let cookies = jar.field(&parts.uri).filter(|_| !parts.headers.contains_key(COOKIE));
            // An invalid cookie value is omitted.
            if let Some(cookies) = cookies.and_then(|cookies| HeaderValue::try_from(cookies).ok()) {
                head.add(COOKIE, cookies);
            }
        }
        head
    }

    /// Whether a request may be retried although the server may have processed it (RFC 9110,
    /// Section 9.2.2): safe methods may on a reused connection, idempotent ones if the caller
    /// allows it.
    fn may_be_processed_twice(&self, method: &Method, is_reused: bool) -> bool {
        let is_safe = method.is_safe() && is_reused;
        is_safe || self.config.retry_idempotent && method.is_idempotent()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.pool.close();
    }
}

/// A response that may be a redirect.
pub(super) struct Found {
    head: FinalHead,
    body: Raw,
    facts: Facts,
    is_coded: bool,
    retries: u32,
    redirects: u32,
}

impl Found {
    fn new(answer: Answer, is_coded: bool, retries: u32) -> Self {
        let Answer { head, body, facts } = answer;
        Found { head, body, facts, is_coded, retries, redirects: 0 }
    }

    /// Returns a response whose body is not decoded.
    pub(super) fn new_plain(head: FinalHead, body: Raw, facts: Facts) -> Self {
        Found::new(Answer { head, body, facts }, false, 0)
    }

    pub(super) fn finish(self, engine: &Engine, url: Uri, ask: &mut Ask) -> Response {
        let Found { mut head, body, mut facts, .. } = self;
        (facts.retries, facts.redirects) = (self.retries, self.redirects);
        let body = body.cancelled_by(std::mem::take(&mut ask.cancellation));
        let mut body = ResponseBody::new(body, url, engine.config.max_body);
        body.set_times(ask.timeouts, ask.deadline);
        if self.is_coded && head.has(CONTENT_ENCODING.as_str()) {
            if let Some(coding) = Coding::of(head.headers(), &engine.config) {
                let mut parts = head.into_parts();
                parts.headers.remove(CONTENT_ENCODING);
                parts.headers.remove(CONTENT_LENGTH);
                head = parts.into();
                body = body.decoding(coding, engine.config.max_inflated);
            }
        }
        Response::new(head, body, facts)
    }
}

/// Whether the connection went away, so that a retry uses another.
fn is_of_the_connection(error: &Error) -> bool {
    error.is_goaway() || error.is_unsent()
}
