//! Responses that the server sends without having been asked (RFC 9113, Section 8.4).

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use http::request;

use super::response_half::ResponseHalf;
use crate::exchange::{Arrival, Conn, RecvHalf};
use crate::logging;

/// What is done with pushed responses.
///
/// ```
/// use h2_sync::client::{Client, Config, PushHandler};
///
/// let mut config = Config::default();
/// config.on_push = Some(PushHandler::new(|mut pushed| {
///     let response = pushed.response.response();
///     println!("{}: {response:?}", pushed.request.uri());
/// }));
/// let client = Client::with_config(config)?;
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[derive(Clone)]
pub struct PushHandler {
    act: Arc<dyn Fn(Pushed) + Send + Sync>,
}

/// A response that the server has promised.
#[derive(Debug)]
pub struct Pushed {
    /// The request that the server answers as if it had been sent.
    pub request: http::Request<()>,
    /// The response to it. Dropping it unread resets the stream with CANCEL.
    pub response: ResponseHalf,
}

impl PushHandler {
    /// Calls `act` for each promise, on a thread of its own, as the response may be slow to come.
    ///
    /// `act` says whether the server may speak for the request's origin, which the connection alone
    /// does not prove (RFC 9113, Section 10.1), and keeps the response or drops it. As many as
    /// [`max_promised_streams`](crate::Config::max_promised_streams) may be kept; more are refused. At
    /// a [`Client`](super::Client), a read of the response waits for
    /// [`response_timeout`](super::Config::response_timeout) at most.
    pub fn new(act: impl Fn(Pushed) + Send + Sync + 'static) -> Self {
        PushHandler { act: Arc::new(act) }
    }

    pub(super) fn install(&self, conn: &Conn, timeout: Option<Duration>) {
        let handler = self.clone();
        conn.set_on_promise(move |conn, arrival| handler.begin(conn, arrival, timeout));
    }

    fn begin(&self, conn: &Arc<Conn>, arrival: Arrival, timeout: Option<Duration>) {
        let Arrival { id, headers, .. } = arrival;
        if let Some(inbox) = conn.lock().streams.get_mut(&id) {
            // There is nothing to be sent on it.
            inbox.halves = 1;
        }
        let response = ResponseHalf::new(RecvHalf::new(Arc::clone(conn), id, timeout));
        let Ok(parts) = request::Parts::try_from(&headers) else {
            logging::debug!("stream {id}: a promise that the types of `http` cannot hold");
            return;
        };
        let pushed = Pushed { request: http::Request::from_parts(parts, ()), response };
        let act = Arc::clone(&self.act);
        let builder = thread::Builder::new().name("h2-sync-push".to_owned());
        if let Err(error) = builder.spawn(move || act(pushed)) {
            // What was moved there is dropped, which cancels it.
            logging::warn!("stream {id}: no thread for a pushed response: {error}");
        }
    }
}

impl fmt::Debug for PushHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushHandler").finish_non_exhaustive()
    }
}
