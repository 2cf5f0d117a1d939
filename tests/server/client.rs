//! A client: a Session, and the events of each of its streams.

use std::collections::HashMap;
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use h2_sync::proto::Config;
use h2_sync::server::Handle;
use h2_sync::transport::Transport;
use h2_sync::{Act, ErrorCode, Evt, Headers, HeadersKind, Reason, Role, Session, StreamId};

use crate::support::{LONG, get, post};

pub(crate) struct Client {
    pub(crate) session: Session,
    replies: HashMap<StreamId, Reply>,
    /// The promised request and its stream.
    pub(crate) promises: Vec<(Headers, StreamId)>,
    pub(crate) goaways: Vec<(StreamId, ErrorCode)>,
    pub(crate) pongs: usize,
    pub(crate) closed: Option<Reason>,
}

/// The events of a stream so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) interim: Vec<Headers>,
    pub(crate) head: Headers,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<Headers>,
    pub(crate) is_complete: bool,
    pub(crate) reset: Option<ErrorCode>,
    /// The peer has not processed the request.
    pub(crate) retry_safe: bool,
}

impl Reply {
    pub(crate) fn status(&self) -> Option<u16> {
        self.head.status()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Client {
    pub(crate) fn of(server: &Handle) -> Self {
        Client::with(server, Config::default())
    }

    pub(crate) fn with(server: &Handle, config: Config) -> Self {
        Client::over(TcpStream::connect(server.local_addr().unwrap()).unwrap(), config)
    }

    pub(crate) fn over(stream: impl Transport, config: Config) -> Self {
        Client::new(Session::with_config(stream, Role::Client, config).unwrap())
    }

    pub(crate) fn new(session: Session) -> Self {
        Client {
            session,
            replies: HashMap::new(),
            promises: Vec::new(),
            goaways: Vec::new(),
            pongs: 0,
            closed: None,
        }
    }

    /// Sends a request without a body.
    pub(crate) fn get(&self, path: &str) -> StreamId {
        self.open(&get(path), true)
    }

    /// Sends a request whose body follows.
    pub(crate) fn post(&self, path: &str) -> StreamId {
        self.open(&post(path), false)
    }

    pub(crate) fn open(&self, headers: &Headers, is_end_stream: bool) -> StreamId {
        self.session.open(headers, is_end_stream).unwrap()
    }

    /// Sends a complete request, if it is valid.
    pub(crate) fn try_open(&self, headers: &Headers) -> Option<StreamId> {
        self.session.open(headers, true).ok()
    }

    pub(crate) fn send(&self, id: StreamId, data: impl Into<Bytes>, is_end_stream: bool) {
        let data = data.into();
        let act = Act::SendData { stream_identifier: id, data, is_end_stream };
        self.session.put_act_timeout(act, LONG).unwrap();
    }

    pub(crate) fn send_trailers(&self, id: StreamId, headers: Headers) {
        let act = Act::SendHeaders { stream_identifier: id, headers, is_end_stream: true };
        self.session.put_act(act).unwrap();
    }

    pub(crate) fn reset(&self, id: StreamId, error_code: ErrorCode) {
        self.session.put_act(Act::Reset { stream_identifier: id, error_code }).unwrap();
    }

    /// Sends a PING and waits for its answer.
    pub(crate) fn ping(&mut self) {
        let before = self.pongs;
        self.session.put_act(Act::Ping).unwrap();
        self.until(|client| client.pongs > before);
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn fetch(&mut self, path: &str) -> Reply {
        let id = self.get(path);
        self.reply(id)
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) fn fetch_status(&mut self, path: &str) -> Option<u16> {
        let id = self.get(path);
        self.until(|client| client.so_far(id).status().is_some());
        self.so_far(id).status()
    }

    /// Sends a complete request and waits for its answer.
    pub(crate) fn exchange(&mut self, headers: &Headers, body: &[u8]) -> Reply {
        let id = self.open(headers, body.is_empty());
        if !body.is_empty() {
            self.send(id, Bytes::copy_from_slice(body), true);
        }
        self.reply(id)
    }

    /// The events of a stream so far.
    pub(crate) fn so_far(&self, id: StreamId) -> Reply {
        self.replies.get(&id).cloned().unwrap_or_default()
    }

    /// Waits for the end of a stream, and returns its events.
    #[track_caller]
    pub(crate) fn reply(&mut self, id: StreamId) -> Reply {
        self.until(|client| {
            let reply = client.replies.get(&id);
            reply.is_some_and(|reply| reply.is_complete || reply.reset.is_some())
        });
        self.replies.remove(&id).unwrap()
    }

    /// Waits for the next piece of a body.
    #[track_caller]
    pub(crate) fn until_body(&mut self, id: StreamId, body: &[u8]) {
        self.until(|client| {
            let so_far = client.replies.get(&id).map_or(&b""[..], |reply| &reply.body);
            assert!(body.starts_with(so_far), "{so_far:?}");
            so_far == body
        });
    }

    /// Takes events until the condition holds.
    #[track_caller]
    pub(crate) fn until(&mut self, mut is_so: impl FnMut(&Self) -> bool) {
        while !is_so(self) {
            assert!(self.closed.is_none(), "the end comes first: {:?}", self.closed);
            assert!(self.take(LONG), "nothing comes");
        }
    }

    /// Takes all events up to the last.
    pub(crate) fn until_closed(&mut self) -> Reason {
        self.until(|client| client.closed.is_some());
        self.closed.clone().unwrap()
    }

    /// Takes the available events.
    pub(crate) fn look(&mut self) {
        while self.take(Duration::ZERO) {}
    }

    fn take(&mut self, timeout: Duration) -> bool {
        let Ok(evt) = self.session.take_evt_timeout(timeout) else { return false };
        self.note(evt);
        true
    }

    /// Records an event.
    pub(crate) fn note(&mut self, evt: Evt) {
        match evt {
            Evt::RecvHeaders { stream_identifier: id, headers, kind, is_end_stream } => {
                let reply = self.replies.entry(id).or_default();
                match kind {
                    HeadersKind::Informational => reply.interim.push(headers),
                    HeadersKind::Trailers => reply.trailers = Some(headers),
                    _ => reply.head = headers,
                }
                reply.is_complete |= is_end_stream;
            }
            Evt::RecvData { stream_identifier: id, data, is_end_stream } => {
                let reply = self.replies.entry(id).or_default();
                reply.body.extend_from_slice(&data);
                reply.is_complete |= is_end_stream;
            }
            Evt::Promise { promised_stream_identifier: id, headers, .. } => {
                self.promises.push((headers, id));
            }
            Evt::Reset { stream_identifier: id, error_code, retry_safe, .. } => {
                let reply = self.replies.entry(id).or_default();
                reply.reset = Some(error_code);
                reply.retry_safe = retry_safe;
            }
            Evt::Goaway { last_stream_identifier, error_code, .. } => {
                self.goaways.push((last_stream_identifier, error_code));
            }
            Evt::Pong { .. } => self.pongs += 1,
            Evt::Closed { reason } => self.closed = Some(reason),
            _ => {}
        }
    }
}
