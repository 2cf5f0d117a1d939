//! A server that uses Sessions.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /hello` | a greeting |
//! | `GET /bytes/N` | the first N octets of the body of [`body`](crate::body) |
//! | `POST /check` or `PUT /check` | whether the request has such a body, and its length |
//! | `POST /echo` | the body of the request |

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use h2_sync::frame::StreamId;
use h2_sync::session::{Act, Evt, Reason, new_connection};
use h2_sync::{Headers, Session, headers};

use crate::body::{self, Check};

pub(crate) const GREETING: &str = "Hello from h2-sync";

/// The server, with a thread for each connection.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    scheme: &'static str,
    stopping: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<Vec<JoinHandle<Reason>>>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with("http", |stream| new_connection(stream, false, false).unwrap())
    }

    /// A server with TLS.
    pub(crate) fn start_tls(identity: &crate::tls::Identity) -> Self {
        let acceptor = identity.acceptor();
        Self::start_with("https", move |stream| {
            let stream = acceptor.accept(stream, crate::tls::HANDSHAKE).unwrap();
            new_connection(stream, false, false).unwrap()
        })
    }

    /// `connect` makes a Session of a stream, on its own thread.
    fn start_with(
        scheme: &'static str,
        connect: impl Fn(TcpStream) -> Session + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = stopping.clone();
        let connect = Arc::new(connect);
        let acceptor = thread::spawn(move || {
            let mut connections = Vec::new();
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let (stream, connect) = (stream.unwrap(), connect.clone());
                let serve = move || Connection::new(&connect(stream)).serve();
                connections.push(thread::spawn(serve));
            }
            connections
        });
        Self { address, scheme, stopping, acceptor: Some(acceptor) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Waits until all clients have closed.
    ///
    /// # Panics
    ///
    /// If a connection failed, or there was none.
    pub(crate) fn finish(mut self) {
        let connections = self.stop().unwrap();
        assert!(!connections.is_empty(), "no client has connected");
        for connection in connections {
            let reason = connection.join().unwrap();
            assert!(!matches!(reason, Reason::Error(_)), "{reason:?}");
        }
    }

    fn stop(&mut self) -> Option<Vec<JoinHandle<Reason>>> {
        let acceptor = self.acceptor.take()?;
        self.stopping.store(true, Ordering::Relaxed);
        // Wakes the accepting thread, which then checks the flag.
        let _ = TcpStream::connect(self.address);
        acceptor.join().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A connection: the uploads of its streams, and the rest of its responses.
struct Connection<'a> {
    session: &'a Session,
    uploads: HashMap<StreamId, Upload>,
    answers: HashMap<StreamId, Answer>,
}

enum Upload {
    Check(Check, usize),
    Echo,
}

/// The unsent rest of a body.
enum Answer {
    /// This part of the known body.
    Known(Range<usize>),
    /// These pieces, and later ones unless the last has arrived.
    Pieces(VecDeque<(Bytes, bool)>),
}

impl Answer {
    fn whole(text: impl Into<Bytes>) -> Self {
        Self::Pieces([(text.into(), true)].into())
    }

    /// The next piece, and whether it is the last.
    fn next(&mut self) -> Option<(Bytes, bool)> {
        match self {
            Self::Known(rest) => {
                let piece = body::piece(rest.start, rest.end);
                rest.start += piece.len();
                Some((piece, rest.start == rest.end))
            }
            Self::Pieces(pieces) => pieces.pop_front(),
        }
    }

    /// Takes back a piece that found no room.
    fn put_back(&mut self, data: Bytes, is_last: bool) {
        match self {
            Self::Known(rest) => rest.start -= data.len(),
            Self::Pieces(pieces) => pieces.push_front((data, is_last)),
        }
    }
}

impl<'a> Connection<'a> {
    fn new(session: &'a Session) -> Self {
        Self { session, uploads: HashMap::new(), answers: HashMap::new() }
    }

    /// Serves until the connection ends.
    fn serve(mut self) -> Reason {
        loop {
            match self.session.take_evt().unwrap() {
                Evt::RecvHeaders { stream_identifier, headers, is_end_stream, .. } => {
                    self.request(stream_identifier, &headers, is_end_stream);
                }
                Evt::RecvData { stream_identifier, data, is_end_stream } => {
                    self.data(stream_identifier, data, is_end_stream);
                }
                Evt::SendRoom { stream_identifier } if stream_identifier.is_connection() => {
                    let streams: Vec<_> = self.answers.keys().copied().collect();
                    streams.into_iter().for_each(|stream| self.send(stream));
                }
                Evt::SendRoom { stream_identifier } => self.send(stream_identifier),
                Evt::Reset { stream_identifier, .. } => {
                    self.uploads.remove(&stream_identifier);
                    self.answers.remove(&stream_identifier);
                }
                Evt::Closed { reason } => return reason,
                _ => {}
            }
        }
    }

    fn request(&mut self, stream: StreamId, request: &Headers, is_end: bool) {
        let length = request.get("content-length").and_then(|length| length.parse().ok());
        let path = request.path().unwrap_or_default();
        match (request.method().unwrap_or_default(), path) {
            ("GET", "/hello") => self.answer(stream, 200, Answer::whole(GREETING)),
            ("GET", path) if path.starts_with("/bytes/") => {
                let octets = path.trim_start_matches("/bytes/").parse().unwrap_or(0);
                self.answer(stream, 200, Answer::Known(0..octets));
            }
            ("POST" | "PUT", "/check") => {
                let upload = Upload::Check(Check::default(), length.unwrap_or(0));
                self.uploads.insert(stream, upload);
            }
            ("POST", "/echo") => {
                self.uploads.insert(stream, Upload::Echo);
                self.answer(stream, 200, Answer::Pieces(VecDeque::new()));
            }
            _ => self.answer(stream, 404, Answer::whole("there is no such thing")),
        }
        if is_end {
            self.data(stream, Bytes::new(), true);
        }
    }

    fn data(&mut self, stream: StreamId, data: Bytes, is_end: bool) {
        match self.uploads.get_mut(&stream) {
            Some(Upload::Check(check, length)) => {
                check.take(&data);
                if is_end {
                    let (status, text) = match check.result(*length) {
                        Ok(()) => (200, format!("{length} octets, as they should be")),
                        Err(error) => (400, error),
                    };
                    self.answer(stream, status, Answer::whole(text));
                }
            }
            Some(Upload::Echo) => {
                if let Some(Answer::Pieces(pieces)) = self.answers.get_mut(&stream) {
                    pieces.push_back((data, is_end));
                }
                self.send(stream);
            }
            None => {}
        }
        if is_end {
            self.uploads.remove(&stream);
        }
    }

    fn answer(&mut self, stream_identifier: StreamId, status: u16, answer: Answer) {
        let headers = headers!(":status" => status.to_string());
        let act = Act::SendHeaders { stream_identifier, headers, is_end_stream: false };
        self.session.put_act(act).unwrap();
        self.answers.insert(stream_identifier, answer);
        self.send(stream_identifier);
    }

    /// Sends as much of an answer as fits.
    fn send(&mut self, stream_identifier: StreamId) {
        let Some(answer) = self.answers.get_mut(&stream_identifier) else { return };
        while let Some((data, is_end_stream)) = answer.next() {
            let act = Act::SendData { stream_identifier, data: data.clone(), is_end_stream };
            match self.session.put_act(act) {
                Ok(()) if is_end_stream => {
                    self.answers.remove(&stream_identifier);
                    return;
                }
                Ok(()) => {}
                Err(error) if error.is_full() => {
                    answer.put_back(data, is_end_stream);
                    return;
                }
                // The stream or the connection has ended; an event will report it.
                Err(_) => return,
            }
        }
    }
}
