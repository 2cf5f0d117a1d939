//! Calls of the handler, and the handling of its errors and panics.

use std::any::Any;
use std::cell::RefCell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;

use super::access::{self, End, Entry};
use super::caller::Line;
use super::engine::Engine;
use super::pool::Scratch;
use super::request::Request;
use super::request_head::RequestHead;
use super::response::Response;
use super::served::Served;
use super::stats::add;
use super::which::Which;
use crate::error::{BoxError, Error, ErrorKind};
use crate::exchange::{Arrival, RecvHalf, SendHalf};
use crate::logging;

/// Runs the handler for a request. The response is queued, but not flushed.
pub(super) fn run(served: &Arc<Served>, arrival: Arrival, scratch: &mut Scratch) {
    let entry = access::of_http2(&arrival, &served.context);
    let Arrival { id, headers, end_stream, .. } = arrival;
    let conn = &served.conn;
    let body = (!end_stream).then(|| {
        let config = &served.engine.config;
        let mut body = RecvHalf::new(Arc::clone(conn), id, config.read_timeout);
        if let Some(timeout) = config.body_timeout {
            body.set_deadline(Instant::now().checked_add(timeout));
        }
        let expect = headers.get("expect");
        if expect.is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            body.expect_continue();
        }
        body
    });
    let send = SendHalf::new(Arc::clone(conn), id, std::mem::take(&mut scratch.body));
    let memory = std::mem::take(scratch);

    let context = &served.context;
    let head = RequestHead::of_http2(headers);
    let method = head.as_ref().map(|head| head.method().clone()).unwrap_or_default();
    let mut response = Response::new(Arc::clone(context), send.into(), method, memory);
    response.set_meter(&entry);
    match head {
        Some(head) => {
            let line = Line::Stream(Arc::clone(conn), id);
            let body = body.map(Into::into);
            let mut request = Request::new(Arc::clone(context), line, body, head);
            request.set_meter(&entry);
            call(&served.engine, served.number, &mut request, &mut response, entry.as_deref());
        }
        None => {
            logging::debug!("stream {id}: a request that the types of `http` cannot represent");
            response.fail(StatusCode::BAD_REQUEST, None);
            if let Some(entry) = &entry {
                entry.set_end(End::Refused);
                response.note_status(entry);
            }
        }
    }
    *scratch = response.into_scratch();
}

thread_local! {
    /// The connections whose handlers run on this thread, innermost last: a handler may serve a
    /// connection of another server.
    static RUNNING: RefCell<Vec<(*const Engine, u64)>> = const { RefCell::new(Vec::new()) };
}

/// Returns the connection of this server whose handler runs on this thread, if any.
pub(super) fn runs_for(engine: &Engine) -> Option<u64> {
    let engine: *const Engine = engine;
    RUNNING.with_borrow(|running| {
        running.iter().find(|&&(whose, _)| whose == engine).map(|&(_, number)| number)
    })
}

/// Records, until it is dropped, that a handler of a connection runs on this thread.
struct Runs;

impl Runs {
    fn for_connection(engine: &Arc<Engine>, number: u64) -> Self {
        let running = (Arc::as_ptr(engine), number);
        RUNNING.with_borrow_mut(|all| all.push(running));
        Runs
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        RUNNING.with_borrow_mut(|all| all.pop());
    }
}

/// Calls the handler for a request of the connection with this number, and records its end in the
/// entry of the access log, if there is one.
pub(super) fn call(
    engine: &Arc<Engine>,
    number: u64,
    request: &mut Request,
    response: &mut Response,
    entry: Option<&Entry>,
) {
    let set_end = |end: End| entry.into_iter().for_each(|entry| entry.set_end(end));
    let _runs = Runs::for_connection(engine, number);
    // The handler is responsible for the consistency of state that it shares.
    let called = catch_unwind(AssertUnwindSafe(|| (engine.handler)(request, response)));
    // Evaluated only if there is something to log.
    let which = || Which::of(request);
    match called {
        Ok(Ok(())) => {
            if let Err(error) = response.finish() {
                set_end(end_of(Some(&error)));
                if is_of_the_client(&error) {
                    logging::debug!("{}: the response could not be finished: {error}", which());
                } else {
                    logging::error!("{}: the response could not be finished: {error}", which());
                    response.fail(StatusCode::INTERNAL_SERVER_ERROR, Some(&error));
                }
            }
        }
        Ok(Err(error)) if response.is_refused => {
            set_end(End::Refused);
            logging::debug!("{}: refused: {error}", which());
        }
        Ok(Err(error)) => {
            let cause = own_error(&*error);
            add(&engine.counters.handlers_failed);
            let is_malformed = response.refusal().is_some();
            set_end(if is_malformed { End::Refused } else { end_of(cause) });
            if is_malformed || cause.is_some_and(is_of_the_client) {
                logging::debug!("{}: the handler gave up: {error}", which());
            } else {
                logging::error!("{}: the handler failed: {error}", which());
            }
            let status = response.refusal().unwrap_or_else(|| {
                cause.map_or(StatusCode::INTERNAL_SERVER_ERROR, Error::response_status)
            });
            if status != StatusCode::INTERNAL_SERVER_ERROR {
                // The rest of the body is not worth waiting for.
                response.decline_rest();
            }
            response.fail(status, cause);
        }
        Err(panic) => {
            add(&engine.counters.handlers_panicked);
            set_end(End::Panicked);
            logging::error!("{}: the handler panicked: {}", which(), text_of(&*panic));
            response.close_http1();
            response.fail(StatusCode::INTERNAL_SERVER_ERROR, None);
        }
    }
    if let Some(entry) = entry {
        response.note_status(entry);
    }
}

/// Returns how a request has ended whose handler has failed, with this error if it is one of ours.
fn end_of(cause: Option<&Error>) -> End {
    match cause {
        Some(error) if error.is_body_too_large() || error.is_of_content() => End::Refused,
        Some(error) if error.is_timeout() => End::TimedOut,
        Some(error) if is_of_the_client(error) => End::Cancelled,
        _ => End::Failed,
    }
}

/// Returns whether an error is caused by the client: it is gone, too slow, or sends too much.
fn is_of_the_client(error: &Error) -> bool {
    error.is_body_too_large()
        || error.is_of_content()
        || error.is_timeout()
        || matches!(error.kind(), ErrorKind::Reset | ErrorKind::Closed | ErrorKind::Transport)
}

/// Returns the error of this crate that a handler has returned, if it is one.
fn own_error<'a>(error: &'a (dyn std::error::Error + Send + Sync + 'static)) -> Option<&'a Error> {
    let mut next: Option<&'a (dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(ours) = error.downcast_ref::<Error>() {
            return Some(ours);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Boxes the error of a handler.
pub(super) fn boxed<H, E>(
    handler: H,
) -> impl Fn(&mut Request, &mut Response) -> Result<(), BoxError> + Send + Sync
where
    H: Fn(&mut Request, &mut Response) -> Result<(), E> + Send + Sync,
    E: Into<BoxError>,
{
    move |request, response| handler(request, response).map_err(Into::into)
}
