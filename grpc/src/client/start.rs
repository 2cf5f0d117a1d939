//! The beginning of a call: its fields, the choice of a server, and its attempts.

use std::time::Instant;

use h2_sync::client::RequestBuilder;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, TE, USER_AGENT};

use super::builder::CallStart;
use super::channel::Channel;
use super::options::CallOptions;
use super::retry;
use crate::code::Code;
use crate::compression::ACCEPTED;
use crate::status::Status;
use crate::timeout;

/// A call before its response has begun.
pub(super) struct Start<'a> {
    channel: &'a Channel,
    options: &'a CallOptions,
    path: &'a str,
    pub(super) deadline: Option<Instant>,
    fields: HeaderMap,
}

/// The failure of an attempt.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: Status,
    /// Whether the response had begun.
    pub(super) has_begun: bool,
}

impl<'a> Start<'a> {
    pub(super) fn new(
        channel: &'a Channel,
        options: &'a CallOptions,
        path: &'a str,
    ) -> Result<Self, Status> {
        let deadline = options.ends_at();
        let mut fields = HeaderMap::with_capacity(8);
        fields.insert(TE, HeaderValue::from_static("trailers"));
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        fields.insert(USER_AGENT, channel.user_agent().clone());
        fields.insert("grpc-accept-encoding", HeaderValue::from_static(ACCEPTED));
        if let Some(compression) = options.compression {
            fields.insert("grpc-encoding", HeaderValue::from_static(compression.name()));
        }
        if channel.interceptors().is_empty() {
            options.metadata.write_to(&mut fields);
        } else {
            let mut metadata = options.metadata.clone();
            for interceptor in channel.interceptors() {
                interceptor(&mut CallStart { path, metadata: &mut metadata, deadline })?;
            }
            metadata.write_to(&mut fields);
        }
        Ok(Start { channel, options, path, deadline, fields })
    }

    /// Makes attempts until one succeeds or no further attempt is allowed.
    pub(super) fn run<T>(
        &self,
        attempt: impl Fn(RequestBuilder<'_>) -> Result<T, Failure>,
    ) -> Result<T, Status> {
        let (mut attempts, mut unreached, mut waits) = (0, 0, 0);
        loop {
            let server = self.channel.server();
            let Failure { status, has_begun } =
                match attempt(self.request(server.url(self.path), attempts)?) {
                    Ok(done) => {
                        server.absence.reached();
                        return Ok(done);
                    }
                    Err(failure) => failure,
                };
            if status.cause().is_none() {
                // The server itself sent the status.
                server.absence.reached();
            } else if status.cause().is_some_and(h2_sync::Error::is_connect) {
                server.absence.failed(Instant::now());
                unreached += 1;
                if unreached % self.channel.server_count() != 0 {
                    continue;
                }
                if self.options.wait_for_ready {
                    self.sleep(retry::until_ready(waits))?;
                    waits += 1;
                    continue;
                }
            }
            attempts += 1;
            let policy = self.options.retry.as_ref().filter(|_| !has_begun);
            match policy.and_then(|policy| policy.pause(&status, attempts)) {
                Some(pause) => self.sleep(pause)?,
                None => return Err(status),
            }
        }
    }

    /// Builds the request of an attempt that follows `attempts` others.
    fn request(&self, url: String, attempts: u32) -> Result<RequestBuilder<'a>, Status> {
        let mut fields = self.fields.clone();
        if attempts > 0 {
            fields.insert("grpc-previous-rpc-attempts", HeaderValue::from(attempts));
        }
        let mut left = None;
        if let Some(deadline) = self.deadline {
            let time = deadline.saturating_duration_since(Instant::now());
            if time.is_zero() {
                let what = "the deadline has passed before the call was sent";
                return Err(Status::deadline_exceeded(what));
            }
            if let Ok(value) = HeaderValue::from_str(&timeout::format(time)) {
                fields.insert("grpc-timeout", value);
            }
            left = Some(time);
        }
        let request = self.channel.client().post(url).headers(fields).timeout(left);
        Ok(match &self.options.cancel {
            Some(handle) => request.cancel_with(handle),
            None => request,
        })
    }

    fn sleep(&self, pause: std::time::Duration) -> Result<(), Status> {
        retry::sleep(pause, self.options, self.deadline)
    }

    /// Returns the failure of an attempt whose response has not begun.
    pub(super) fn failed(&self, error: h2_sync::Error) -> Failure {
        Failure { status: status_of(error, self.deadline), has_begun: false }
    }
}

/// Converts a transport error into the status of the call.
pub(super) fn status_of(error: h2_sync::Error, deadline: Option<Instant>) -> Status {
    let is_late = deadline.is_some_and(|deadline| deadline <= Instant::now());
    let (by_caller, by_time) = (error.is_cancelled(), error.is_timeout());
    let status = Status::from(error.clone());
    // Either end resets the stream when the deadline has passed.
    if is_late && !by_caller && (by_time || status.code() == Code::Cancelled) {
        let what = format!("the deadline has passed: {error}");
        return Status::deadline_exceeded(what).with_cause(error);
    }
    if by_time {
        // A timeout of the underlying client: a connection attempt, or a PING.
        return Status::unavailable(error.to_string()).with_cause(error);
    }
    status
}
