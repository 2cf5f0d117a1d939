//! In what order a core may tell of what has happened.

use std::collections::HashMap;

use h2_sync::HeadersKind;
use h2_sync::frame::StreamId;
use h2_sync::proto::{Event, Role};

/// How far a stream has come, as the events tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// No HEADERS yet, but for interim responses.
    Opened,
    /// HEADERS, maybe DATA.
    Body,
    /// Nothing more comes from the peer.
    Ended,
    /// It was reset.
    Reset,
    /// Nothing more comes of it.
    Closed,
}

/// Panics at an event that cannot come now.
#[derive(Debug)]
pub struct EventOrder {
    role: Role,
    streams: HashMap<StreamId, Progress>,
    last_of_peer: StreamId,
    last_in_goaway: StreamId,
}

impl EventOrder {
    pub fn new(role: Role) -> Self {
        Self {
            role,
            streams: HashMap::new(),
            last_of_peer: StreamId::CONNECTION,
            last_in_goaway: StreamId::MAX,
        }
    }

    pub fn check(&mut self, event: &Event) {
        match *event {
            Event::Headers { stream_id, kind, end_stream, .. } => {
                self.headers(stream_id, kind, end_stream);
            }
            Event::Data { stream_id, ref data, end_stream } => {
                assert!(end_stream || !data.is_empty(), "DATA that says nothing");
                let next = if end_stream { Progress::Ended } else { Progress::Body };
                self.advance(stream_id, event, &[Progress::Body], next);
            }
            Event::Promise { stream_id, promised_stream_id, .. } => {
                assert_eq!(self.role, Role::Client);
                assert!(stream_id.is_client_initiated());
                assert!(promised_stream_id.is_server_initiated());
                self.opened(promised_stream_id, Progress::Opened);
            }
            Event::Reset { stream_id, .. } => {
                use Progress::{Body, Ended, Opened};
                self.advance(stream_id, event, &[Opened, Body, Ended], Progress::Reset);
            }
            Event::StreamClosed { stream_id, .. } => {
                use Progress::{Body, Ended, Opened, Reset};
                let before = [Opened, Body, Ended, Reset];
                self.advance(stream_id, event, &before, Progress::Closed);
            }
            Event::SendRoom { stream_id } if !stream_id.is_connection() => {
                use Progress::{Body, Ended, Opened};
                let now = self.progress(stream_id);
                assert!([Opened, Body, Ended].contains(&now), "{event:?} after {now:?}");
            }
            Event::Goaway { last_stream_id, .. } => {
                assert!(last_stream_id <= self.last_in_goaway);
                self.last_in_goaway = last_stream_id;
            }
            _ => {}
        }
    }

    fn headers(&mut self, id: StreamId, kind: HeadersKind, end_stream: bool) {
        let next = if end_stream { Progress::Ended } else { Progress::Body };
        match kind {
            HeadersKind::Request => {
                assert_eq!(self.role, Role::Server);
                assert!(id.is_client_initiated());
                self.opened(id, next);
            }
            HeadersKind::Informational => {
                assert!(!end_stream);
                self.advance(id, &kind, &[Progress::Opened], Progress::Opened);
            }
            HeadersKind::Response => {
                assert_eq!(self.role, Role::Client);
                self.advance(id, &kind, &[Progress::Opened], next);
            }
            HeadersKind::Trailers => {
                assert!(end_stream);
                self.advance(id, &kind, &[Progress::Body], next);
            }
        }
    }

    /// The peer has opened or promised a stream.
    fn opened(&mut self, id: StreamId, progress: Progress) {
        assert!(id > self.last_of_peer, "stream {id} after {}", self.last_of_peer);
        self.last_of_peer = id;
        self.streams.insert(id, progress);
    }

    fn advance(
        &mut self,
        id: StreamId,
        what: &dyn std::fmt::Debug,
        allowed: &[Progress],
        next: Progress,
    ) {
        let now = self.progress(id);
        assert!(allowed.contains(&now), "stream {id}: {what:?} after {now:?}");
        self.streams.insert(id, next);
    }

    fn progress(&self, id: StreamId) -> Progress {
        let is_own = match self.role {
            Role::Client => id.is_client_initiated(),
            Role::Server => id.is_server_initiated(),
        };
        let known = self.streams.get(&id).copied();
        assert!(is_own || known.is_some(), "an event for stream {id}, which was not opened");
        known.unwrap_or(Progress::Opened)
    }
}
