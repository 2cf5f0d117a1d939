//! Server push (RFC 9113, Section 8.4).

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use http::request;

use super::response_half::ResponseHalf;
use crate::exchange::{Arrival, Conn, RecvHalf};
use crate::logging;

/// A function that handles pushed responses.
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

/// A pushed response.
///
/// ```
/// use h2_sync::client::Pushed;
///
/// fn keep(mut pushed: Pushed) -> Result<(), h2_sync::Error> {
///     if pushed.request.uri().host() != Some("example.com") {
///         return Ok(()); // Dropping the response refuses it.
///     }
///     println!("{}: {}", pushed.request.uri(), pushed.response.response()?.status());
///     while let Some(octets) = pushed.response.next_chunk()? {
///         // … store the octets …
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Pushed {
    /// The promised request, which the client did not send.
    pub request: http::Request<()>,
    /// The response to it. Dropping it before its end resets the stream with CANCEL.
    pub response: ResponseHalf,
}

impl PushHandler {
    /// Returns a handler that calls `act` for each promise, on a new thread, since the response may
    /// be slow.
    ///
    /// `act` must decide whether the server is authoritative for the request's origin, which the
    /// connection alone does not prove (RFC 9113, Section 10.1). Up to
    /// [`max_promised_streams`](crate::Config::max_promised_streams) responses may be open; further
    /// promises are refused. With a [`Client`](super::Client), each read of the response is bounded
    /// by [`response_timeout`](super::Config::response_timeout).
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
            // Only the receiving half is used.
            inbox.halves = 1;
        }
        let response = ResponseHalf::new(RecvHalf::new(Arc::clone(conn), id, timeout));
        let Ok(parts) = request::Parts::try_from(&headers) else {
            logging::debug!(
                "stream {id}: a promised request that the types of `http` cannot represent"
            );
            return;
        };
        let pushed = Pushed { request: http::Request::from_parts(parts, ()), response };
        let act = Arc::clone(&self.act);
        let builder = thread::Builder::new().name("h2-sync-push".to_owned());
        if let Err(error) = builder.spawn(move || act(pushed)) {
            // The closure has been dropped, and with it the response, which cancels the stream.
            logging::warn!("stream {id}: no thread for a pushed response: {error}");
        }
    }
}

impl fmt::Debug for PushHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushHandler").finish_non_exhaustive()
    }
}
