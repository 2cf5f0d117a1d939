//! The body of a request on its way to the upstream.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use h2_sync::Error;
use h2_sync::bytes::Bytes;
use h2_sync::http::Method;
use h2_sync::http::header::{CONTENT_LENGTH, HeaderMap};
use h2_sync::server::{RecvHalf, Request, SendHalf};

use crate::Failure;
use crate::watch::Watched;

/// How long the body waits for an upstream that does not answer `expect: 100-continue`.
const EXPECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The most octets of a body that is read before the request is opened.
const BEGUN_MAX: usize = 64 << 10;

/// The handler's end of an upload.
pub(crate) struct Upload {
    news: Sender<News>,
    ended: Arc<OnceLock<Ended>>,
    _watched: Watched,
}

/// The end of an upload.
struct Ended {
    at: Instant,
    /// The reason why the client's body is not complete.
    failure: Option<Error>,
}

/// What the handler's thread has received.
enum News {
    /// 100: the upstream wants the body.
    Continue,
    /// The header section of the final response.
    Answered,
}

/// States the length of a body that an upstream in HTTP/1.1 would not get otherwise: the client sends no
/// chunks in GET, HEAD and TRACE, since few servers expect them there. Such a body is read first, and
/// returned. Without a body, the other methods would have an empty one in chunks.
pub(crate) fn begin(request: &mut Request, fields: &mut HeaderMap) -> Result<Vec<u8>, Failure> {
    let mut begun = Vec::new();
    if fields.contains_key(CONTENT_LENGTH) {
        return Ok(begun);
    }
    let has_body = request.has_body();
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::TRACE) {
        while let Some(chunk) = request.next_chunk().map_err(Failure::Client)? {
            if begun.len() + chunk.len() > BEGUN_MAX {
                return Err(Failure::LengthRequired);
            }
            begun.extend_from_slice(&chunk);
        }
        if begun.is_empty() {
            return Ok(begun);
        }
    } else if has_body {
        return Ok(begun);
    }
    fields.insert(CONTENT_LENGTH, begun.len().into());
    Ok(begun)
}

impl Upload {
    /// Takes the body of a request, and copies it on another thread, after the part that has been read.
    pub(crate) fn start(
        request: &mut Request,
        begun: Vec<u8>,
        mut send: SendHalf,
        watched: Watched,
    ) -> Result<Self, Error> {
        let (news, receiver) = mpsc::channel();
        let ended = Arc::new(OnceLock::new());
        let expects = request.field("expect").is_some();
        let has_body = request.has_body() || !begun.is_empty();
        match request.take_body() {
            Some(body) if has_body => {
                let ended = Arc::clone(&ended);
                let copy = move || {
                    let copied = copy(begun.into(), body, &mut send, &receiver, expects);
                    let is_kept = copied.as_ref().is_ok_and(|is_whole| !is_whole);
                    let _ = ended.set(Ended { at: Instant::now(), failure: copied.err() });
                    // Dropping the half resets the stream, and the response with it.
                    if is_kept {
                        while receiver.recv().is_ok() {}
                    }
                };
                thread::Builder::new().name("upload".to_owned()).spawn(copy)?;
            }
            _ => {
                send.finish()?;
                let _ = ended.set(Ended { at: Instant::now(), failure: None });
            }
        }
        Ok(Upload { news, ended, _watched: watched })
    }

    /// When the upload has ended, with the body or before; `None` while it goes on.
    pub(crate) fn ended(&self) -> Option<Instant> {
        self.ended.get().map(|ended| ended.at)
    }

    /// Why the client's body is not complete; `None` if it is, or may still become so.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.ended.get()?.failure.clone()
    }

    pub(crate) fn go_on(&self) {
        self.tell(News::Continue);
    }

    pub(crate) fn is_answered(&self) {
        self.tell(News::Answered);
    }

    fn tell(&self, news: News) {
        // The upload may have ended.
        let _ = self.news.send(news);
    }
}

/// Copies the body, until its end or until either side ends. Returns whether the upstream got all of it:
/// one that takes no more may still answer.
///
/// # Errors
///
/// The client's body is not complete. The upstream's stream must be reset, so that what it got does not
/// look complete.
fn copy(
    begun: Bytes,
    mut body: RecvHalf,
    send: &mut SendHalf,
    news: &Receiver<News>,
    expects: bool,
) -> Result<bool, Error> {
    if expects {
        // The first read makes the client send the body (RFC 9110, Section 10.1.1), which the
        // upstream may not want.
        match news.recv_timeout(EXPECT_TIMEOUT) {
            Ok(News::Continue) | Err(RecvTimeoutError::Timeout) => {}
            Ok(News::Answered) | Err(RecvTimeoutError::Disconnected) => return Ok(false),
        }
    }
    let mut begun = Some(begun).filter(|begun| !begun.is_empty());
    while let Some(chunk) =
        begun.take().map_or_else(|| body.next_chunk(), |begun| Ok(Some(begun)))?
    {
        if let Err(error) = send.send(chunk) {
            // The upstream needs no more of it, or is gone: the handler finds out which.
            log::debug!("upload: {error}");
            return Ok(false);
        }
    }
    let ended = match body.trailers()? {
        Some(trailers) => send.send_trailers(&trailers),
        None => send.finish(),
    };
    if let Err(error) = &ended {
        log::debug!("upload: {error}");
    }
    Ok(ended.is_ok())
}
