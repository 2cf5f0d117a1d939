//! An HTTP/1.1 connection: one request at a time.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::Thread;
use std::time::Instant;

use bytes::Bytes;
use http::header::{HeaderValue, PROXY_AUTHORIZATION};

use super::head::RequestHead;
use crate::error::Error;
use crate::exchange::Snapshot;
use crate::h1::{Codec, Limits, Link, RecvHalf, SendHalf, Standing};
use crate::http1::{self, ClientConnection};
use crate::transport::Transport;
use crate::wire::{Owner, spawn};

/// An HTTP/1.1 connection to a server, or to a proxy that receives requests in absolute form.
#[derive(Clone)]
pub(super) struct Http1Connection {
    inner: Arc<Inner>,
}

struct Inner {
    link: Arc<Link>,
    callers: Arc<Callers>,
    /// Set if the connection leads to a proxy.
    proxy: Option<ForProxy>,
}

/// Additional parts of a request to a proxy.
#[derive(Debug, Clone, Default)]
pub(super) struct ForProxy {
    pub(super) authorization: Option<HeaderValue>,
}

impl Http1Connection {
    /// Starts HTTP/1.1 on a stream connected to the server or to a proxy.
    pub(super) fn start(
        stream: impl Transport,
        config: http1::Config,
        limits: Limits,
        proxy: Option<ForProxy>,
    ) -> Result<Self, Error> {
        let codec = match proxy {
            Some(_) => ClientConnection::to_proxy(config),
            None => ClientConnection::new(config),
        };
        let callers = Arc::new(Callers::default());
        let owner = Box::new(Owned(Arc::clone(&callers)));
        let link = Link::new(Codec::Client(codec), stream.split()?, Bytes::new(), limits, owner);
        let link = Arc::new(link);
        callers.lock().link = Arc::downgrade(&link);
        Ok(Http1Connection { inner: Arc::new(Inner { link, callers, proxy }) })
    }

    /// Queues the head of a request. Does not flush. `None` if another request is open.
    pub(super) fn open(
        &self,
        head: &RequestHead<'_>,
    ) -> Result<Option<(SendHalf, RecvHalf)>, Error> {
        let (uri, mut headers, size) = head.http1()?;
        if let Some(ForProxy { authorization: Some(value) }) = &self.inner.proxy {
            headers.insert(PROXY_AUTHORIZATION, value.clone());
        }
        self.inner.link.open(head.method(), &uri, &headers, size)
    }

    /// Returns the connection's state for the pool.
    pub(super) fn snapshot(&self) -> Snapshot {
        let standing = self.inner.link.standing();
        let is_busy = matches!(standing, Standing::Busy { .. });
        Snapshot {
            free: usize::from(standing == Standing::Free),
            open: usize::from(is_busy),
            can_open: matches!(standing, Standing::Free | Standing::Busy { is_last: false }),
            has_ended: standing == Standing::Ended,
            has_settings: true,
            // HTTP/1.1 has no PING. Each use checks the connection locally first.
            heard: Instant::now(),
        }
    }

    /// Closes an idle connection if the server has closed it or sent octets that belong to no
    /// response.
    pub(super) fn maintain(&self) {
        self.inner.link.maintain();
    }

    /// Whether it is known to have ended, or will end with the current exchange.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.inner.link.standing(), Standing::Ended | Standing::Busy { is_last: true })
    }

    /// Sets the function called when an exchange has ended.
    pub(super) fn set_observer(&self, observer: impl Fn() + Send + Sync + 'static) {
        self.inner.callers.lock().observer = Some(Arc::new(observer));
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A response in progress can still be read to its end.
        if !matches!(self.link.standing(), Standing::Busy { .. }) {
            self.link.leave_server();
        }
    }
}

/// The callers act as the threads of a connection, as in HTTP/2.
#[derive(Default)]
struct Callers {
    state: Mutex<Watched>,
}

#[derive(Default)]
struct Watched {
    link: Weak<Link>,
    observer: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Callers {
    fn lock(&self) -> std::sync::MutexGuard<'_, Watched> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Owned(Arc<Callers>);

impl Owner for Owned {
    fn find_writer(&self, _: &mut Vec<Thread>) -> bool {
        let Some(link) = self.0.lock().link.upgrade() else { return false };
        spawn("h2-sync-flush", move || link.flush_for_others())
    }

    /// Callers check their own deadlines.
    fn has_clock(&self) -> bool {
        false
    }

    fn call_at(&self, _: Instant, _: &mut Vec<Thread>) {}

    fn exchange_ended(&self) {
        let observer = self.0.lock().observer.clone();
        if let Some(observer) = observer {
            observer();
        }
    }
}

impl fmt::Debug for Http1Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Http1Connection").field(&self.inner.link).finish()
    }
}
