//! The body of a request on its way to the upstream.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use h2_sync::server::{RecvHalf, Request, SendHalf};
use h2_sync::Error;

use crate::watch::Watched;

/// How long the body waits for an upstream that does not answer `expect: 100-continue`.
const EXPECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The handler's end of an upload.
pub(crate) struct Upload {
    news: Sender<News>,
    _watched: Watched,
}

/// What the handler's thread has received.
enum News {
    /// 100: the upstream wants the body.
    Continue,
    /// The header section of the final response.
    Answered,
}

impl Upload {
    /// Takes the body of a request, and copies it on another thread.
    pub(crate) fn start(
        request: &mut Request,
        mut send: SendHalf,
        watched: Watched,
    ) -> Result<Self, Error> {
        let (news, receiver) = mpsc::channel();
        let expects = request.field("expect").is_some();
        let has_body = request.has_body();
        match request.take_body() {
            Some(body) if has_body => {
                let copy = move || copy(body, send, &receiver, expects);
                thread::Builder::new().name("upload".to_owned()).spawn(copy)?;
            }
            _ => send.finish()?,
        }
        Ok(Upload { news, _watched: watched })
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

/// Copies the body, until its end or until either side ends.
fn copy(mut body: RecvHalf, mut send: SendHalf, news: &Receiver<News>, expects: bool) {
    if expects {
        // The first read makes the client send the body (RFC 9110, Section 10.1.1), which the
        // upstream may not want.
        match news.recv_timeout(EXPECT_TIMEOUT) {
            Ok(News::Continue) | Err(RecvTimeoutError::Timeout) => {}
            Ok(News::Answered) | Err(RecvTimeoutError::Disconnected) => return leave(send, news),
        }
    }
    loop {
        match body.next_chunk() {
            Ok(Some(chunk)) => {
                if let Err(error) = send.send(chunk) {
                    // The upstream needs no more of it, or is gone: the handler finds out which.
                    log::debug!("upload: {error}");
                    return leave(send, news);
                }
            }
            Ok(None) => break,
            // The request is incomplete. Dropping the half resets the upstream's stream, so that it
            // does not look complete.
            Err(error) => return log::debug!("upload: {error}"),
        }
    }
    let ended = match body.trailers() {
        Ok(Some(trailers)) => send.send_trailers(&trailers),
        _ => send.finish(),
    };
    if let Err(error) = ended {
        log::debug!("upload: {error}");
        leave(send, news);
    }
}

/// Keeps the half until the response has been copied: dropping it would reset the stream, and the
/// response with it.
fn leave(send: SendHalf, news: &Receiver<News>) {
    while news.recv().is_ok() {}
    drop(send);
}
