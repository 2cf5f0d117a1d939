//! A client that uses a Session.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use h2_sync::frame::StreamId;
use h2_sync::session::{Act, Evt, Reason, new_connection};
use h2_sync::{Headers, Session, headers};

use crate::body::{self, Check};

/// The longest wait for an event, far longer than any takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The octets of a body that are kept as text.
const TEXT: usize = 1_024;

pub(crate) struct Client {
    session: Session,
    address: SocketAddr,
    scheme: &'static str,
}

/// A response.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The beginning of the body.
    pub(crate) text: Vec<u8>,
    /// Whether the body is the one of [`body`].
    pub(crate) check: Check,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        let session = new_connection(stream, true, false).unwrap();
        Self { session, address, scheme: "http" }
    }

    /// Connects by TLS to a server that has this identity.
    pub(crate) fn connect_tls(address: SocketAddr, identity: &crate::tls::Identity) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        let name = address.ip().to_string();
        let stream = identity.connector().connect(&name, stream, crate::tls::HANDSHAKE).unwrap();
        let session = new_connection(stream, true, false).unwrap();
        Self { session, address, scheme: "https" }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> Headers {
        headers!(
            ":method" => method,
            ":scheme" => self.scheme,
            ":authority" => self.address.to_string(),
            ":path" => path,
            "user-agent" => "h2-sync",
        )
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        let stream = self.session.open(&self.request("GET", path), true).unwrap();
        self.answers(1).remove(&stream).unwrap()
    }

    /// Sends a body of `octets` octets, and receives the answer meanwhile.
    pub(crate) fn upload(&self, method: &str, path: &str, octets: usize) -> Answer {
        let request = self.request(method, path).with("content-length", octets.to_string());
        let stream = self.session.open(&request, false).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| self.send_known(stream, 0..octets));
            self.answers(1).remove(&stream).unwrap()
        })
    }

    /// Sends POST requests with these bodies from `threads` threads that share the connection.
    /// Returns the answers in the order of the bodies.
    pub(crate) fn post_all(&self, path: &str, bodies: &[Bytes], threads: usize) -> Vec<Answer> {
        let open: Mutex<HashMap<StreamId, usize>> = Mutex::default();
        let mut answers = thread::scope(|scope| {
            for thread in 0..threads {
                let open = &open;
                scope.spawn(move || {
                    for (nth, body) in bodies.iter().enumerate().skip(thread).step_by(threads) {
                        let stream = self.post(path, body);
                        open.lock().unwrap().insert(stream, nth);
                    }
                });
            }
            self.answers(bodies.len())
        });
        let mut streams: Vec<_> = open.into_inner().unwrap().into_iter().collect();
        streams.sort_by_key(|(_, nth)| *nth);
        streams.into_iter().map(|(stream, _)| answers.remove(&stream).unwrap()).collect()
    }

    /// Ends the connection.
    ///
    /// # Panics
    ///
    /// If it has failed before.
    pub(crate) fn finish(self) {
        self.session.close();
        let reason = self.session.events().iter().find_map(|event| match event {
            Evt::Closed { reason } => Some(reason),
            _ => None,
        });
        assert!(matches!(reason, Some(Reason::Local | Reason::Peer { .. })), "{reason:?}");
    }

    fn post(&self, path: &str, body: &Bytes) -> StreamId {
        let stream_identifier = self.session.open(&self.request("POST", path), false).unwrap();
        let data = body.clone();
        let act = Act::SendData { stream_identifier, data, is_end_stream: true };
        self.session.put_act_timeout(act, PATIENCE).unwrap();
        stream_identifier
    }

    fn send_known(&self, stream_identifier: StreamId, mut rest: Range<usize>) {
        let mut is_end_stream = false;
        while !is_end_stream {
            let data = body::piece(rest.start, rest.end);
            rest.start += data.len();
            is_end_stream = rest.is_empty();
            let act = Act::SendData { stream_identifier, data, is_end_stream };
            self.session.put_act_timeout(act, PATIENCE).unwrap();
        }
    }

    /// Takes events until `count` streams have been answered.
    fn answers(&self, mut count: usize) -> HashMap<StreamId, Answer> {
        let mut answers: HashMap<StreamId, Answer> = HashMap::new();
        while count > 0 {
            let is_end = match self.session.take_evt_timeout(PATIENCE).unwrap() {
                Evt::RecvHeaders { stream_identifier, headers, is_end_stream, .. } => {
                    let answer = answers.entry(stream_identifier).or_default();
                    // Trailers have no status.
                    answer.status = headers.status().unwrap_or(answer.status);
                    is_end_stream
                }
                Evt::RecvData { stream_identifier, data, is_end_stream } => {
                    let answer = answers.entry(stream_identifier).or_default();
                    let room = TEXT.saturating_sub(answer.text.len());
                    answer.text.extend_from_slice(&data[..room.min(data.len())]);
                    answer.check.take(&data);
                    is_end_stream
                }
                event @ (Evt::Reset { .. } | Evt::Closed { .. }) => panic!("{event:?}"),
                _ => false,
            };
            count -= usize::from(is_end);
        }
        answers
    }
}
