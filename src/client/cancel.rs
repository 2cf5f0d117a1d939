//! Cancelling requests from other threads.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::error::{Error, Phase};
use crate::exchange::Conn;
use crate::frame::StreamId;
use crate::h1::Link;

/// A handle that cancels requests from another thread.
///
/// [`RequestBuilder::cancel_handle`](super::RequestBuilder::cancel_handle) and
/// [`cancel_with`](super::RequestBuilder::cancel_with) attach it to a request; for a request of the
/// `http` crate, insert it into the extensions. Clones are the same handle, and one handle may
/// serve any number of requests.
///
/// [`cancel`](Self::cancel) works at every step: while the request waits for a connection, is sent,
/// waits for its response, or its body is read. The blocked call fails with
/// [`Error::is_cancelled`], and so do later calls for the same request. The stream is reset with
/// CANCEL (RFC 9113, Section 8.1); the connection and its other requests continue. An HTTP/1.1
/// connection carries only this request and is closed.
///
/// A blocked thread notices at once, or within 100 ms if it is reading from the transport. A
/// [body](super::Body) whose reader blocks and the functions in [`Config`](super::Config) are not
/// interrupted: the request ends when they return.
///
/// ```
/// use std::thread;
/// use std::time::Duration;
///
/// use h2_sync::client::Client;
/// use h2_sync::server::{Request, Response, Server};
///
/// let server = Server::bind("127.0.0.1:0")?.serve(|request: &mut Request, _: &mut Response| {
///     request.wait_cancelled(Duration::from_secs(60));
///     Ok::<(), std::io::Error>(())
/// })?;
/// let url = format!("http://{}/", server.local_addr().ok_or("no address")?);
///
/// let client = Client::new()?;
/// let mut request = client.get(url);
/// let handle = request.cancel_handle();
/// let other = thread::spawn(move || handle.cancel());
/// let error = request.send().unwrap_err();
/// assert!(error.is_cancelled());
/// # other.join().unwrap();
/// # drop(client);
/// # server.shutdown(Duration::from_secs(10));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct CancelHandle {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    is_cancelled: AtomicBool,
    last_id: AtomicU64,
    requests: Mutex<Vec<Under>>,
}

/// A request in progress.
struct Under {
    id: u64,
    at: At,
}

/// What to interrupt to cancel a request.
enum At {
    /// Its thread, which waits for a connection or for a pause to end.
    Thread(Thread),
    /// Its stream, which may have ended.
    Stream(Weak<Conn>, StreamId),
    /// Its exchange on an HTTP/1.1 connection, which may have ended.
    Exchange(Weak<Link>, u64),
}

impl CancelHandle {
    /// Returns a new handle.
    pub fn new() -> Self {
        CancelHandle::default()
    }

    /// Cancels the requests that have this handle, and those that get it later. Does not wait for
    /// them, but may wait briefly for a blocked transport.
    pub fn cancel(&self) {
        for Under { at, .. } in self.shared.cancel() {
            match at {
                At::Thread(thread) => thread.unpark(),
                At::Stream(conn, id) => {
                    if let Some(conn) = conn.upgrade() {
                        conn.cancel(id, Error::cancelled());
                    }
                }
                At::Exchange(link, number) => {
                    if let Some(link) = link.upgrade() {
                        link.cut_exchange(number, Error::cancelled());
                    }
                }
            }
        }
    }

    /// Whether `cancel` has been called.
    pub fn is_cancelled(&self) -> bool {
        self.shared.is_cancelled.load(Ordering::SeqCst)
    }
}

impl Shared {
    /// Prevents further registrations, and returns the requests registered so far.
    fn cancel(&self) -> Vec<Under> {
        let mut requests = self.requests();
        self.is_cancelled.store(true, Ordering::SeqCst);
        std::mem::take(&mut *requests)
    }

    fn requests(&self) -> MutexGuard<'_, Vec<Under>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request's registration with the handle that may cancel it, if any.
#[derive(Debug, Default)]
pub(super) struct Cancellation(Option<(CancelHandle, u64)>);

impl Cancellation {
    pub(super) fn by(handle: Option<CancelHandle>) -> Self {
        let numbered = |handle: CancelHandle| {
            let id = handle.shared.last_id.fetch_add(1, Ordering::Relaxed);
            (handle, id)
        };
        Cancellation(handle.map(numbered))
    }

    /// Fails if the request has been cancelled.
    pub(super) fn check(&self) -> Result<(), Error> {
        match &self.0 {
            Some((handle, _)) if handle.is_cancelled() => Err(Error::cancelled()),
            _ => Ok(()),
        }
    }

    /// From now on, cancelling unparks this thread.
    pub(super) fn wakes_this_thread(&self) -> Result<(), Error> {
        self.note(|| At::Thread(thread::current()))
    }

    /// From now on, cancelling resets the stream.
    pub(super) fn resets(&self, conn: &Arc<Conn>, id: StreamId) -> Result<(), Error> {
        if self.0.is_some() {
            conn.make_interruptible(id);
        }
        self.note(|| At::Stream(Arc::downgrade(conn), id))
    }

    /// From now on, cancelling closes the connection while it carries this exchange.
    pub(super) fn cuts(&self, link: &Arc<Link>, exchange: u64) -> Result<(), Error> {
        self.note(|| At::Exchange(Arc::downgrade(link), exchange))
    }

    /// Sleeps, unless the request is cancelled.
    pub(super) fn sleep(&self, pause: Duration) -> Result<(), Error> {
        let until = Instant::now() + pause;
        self.wakes_this_thread()?;
        loop {
            self.check().map_err(|error| error.in_phase(Phase::Slot))?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::park_timeout(left);
        }
    }

    fn note(&self, at: impl FnOnce() -> At) -> Result<(), Error> {
        let Some((handle, id)) = &self.0 else { return Ok(()) };
        let mut requests = handle.shared.requests();
        self.check()?;
        requests.retain(|request| request.id != *id);
        requests.push(Under { id: *id, at: at() });
        Ok(())
    }
}

impl Drop for Cancellation {
    fn drop(&mut self) {
        if let Some((handle, id)) = &self.0 {
            handle.shared.requests().retain(|request| request.id != *id);
        }
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelHandle").field("is_cancelled", &self.is_cancelled()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_ends_when_the_request_is_cancelled() {
        let handle = CancelHandle::new();
        let cancellation = Cancellation::by(Some(handle.clone()));
        let other = thread::spawn(move || handle.cancel());
        // Far longer than the test, which ends because cancelling cuts the sleep short.
        let error = cancellation.sleep(Duration::from_secs(100_000)).unwrap_err();
        assert!(error.is_cancelled());
        other.join().unwrap();
    }

    #[test]
    fn handle_forgets_requests_that_are_over() {
        let handle = CancelHandle::new();
        for _ in 0..3 {
            Cancellation::by(Some(handle.clone())).wakes_this_thread().unwrap();
        }
        assert!(handle.shared.requests().is_empty());
    }

    #[test]
    fn request_with_a_handle_that_was_used_fails_at_once() {
        let handle = CancelHandle::new();
        handle.cancel();
        let cancellation = Cancellation::by(Some(handle));
        assert!(cancellation.check().unwrap_err().is_cancelled());
        assert!(cancellation.wakes_this_thread().is_err());
        assert!(Cancellation::default().check().is_ok());
    }
}
