//! Decodes the octets of both directions of a connection into events.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, BytesMut};
use h2_sync::frame::{Frame, Kind, MAX_MAX_FRAME_SIZE, PREFACE, Scope, Setting};
use h2_sync::hpack::{Decoder, Limits};
use serde_json::{Value, json};

use crate::hub::Hub;
use crate::windows::Windows;

/// The most characters of a value that the page gets.
const SHOWN: usize = 2_000;

/// The most settings of a frame that the page gets.
const MAX_SETTINGS: usize = 50;

/// The most SETTINGS frames whose acknowledgements are awaited.
const MAX_UNACKNOWLEDGED: usize = 1_000;

/// The sender of octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// Watches one connection.
pub(crate) struct Tap {
    number: u64,
    hub: Arc<Hub>,
    /// One lock for both directions, so that events are in order.
    senders: Mutex<[Sender; 2]>,
}

/// What is known of one side.
struct Sender {
    side: Side,
    /// The rest of an incomplete frame, so at most one of 16 MiB.
    input: BytesMut,
    has_begun: bool,
    /// The octets cannot be understood, or no longer.
    is_lost: bool,
    /// The other side's decoder has the same table.
    decoder: Decoder,
    /// Table sizes that this side has not acknowledged yet.
    table_sizes: VecDeque<Option<u32>>,
    windows: Windows,
}

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Side::Client => "client",
            Side::Server => "server",
        }
    }
}

impl Tap {
    pub(crate) fn new(number: u64, hub: Arc<Hub>) -> Self {
        let senders = Mutex::new([Side::Client, Side::Server].map(Sender::new));
        Tap { number, hub, senders }
    }

    /// The connection begins.
    pub(crate) fn opened(&self, client: &str, is_tls: bool) {
        let event = json!({ "k": "open", "client": client, "tls": is_tls });
        self.tell(event);
    }

    /// The connection has ended.
    pub(crate) fn closed(&self, why: &str) {
        self.tell(json!({ "k": "close", "why": why }));
    }

    /// One side has sent octets.
    pub(crate) fn octets(&self, from: Side, octets: &[u8]) {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        let [client, server] = &mut *senders;
        let (sender, peer) = match from {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        if sender.is_lost {
            return;
        }
        sender.input.extend_from_slice(octets);
        while let Some(event) = sender.next_event(peer) {
            self.tell(event);
        }
    }

    fn tell(&self, mut event: Value) {
        event["c"] = json!(self.number);
        self.hub.push(event);
    }
}

impl Sender {
    fn new(side: Side) -> Self {
        Sender {
            side,
            input: BytesMut::new(),
            // RFC 9113, Section 3.4: the preface of a server is only SETTINGS.
            has_begun: side == Side::Server,
            is_lost: false,
            decoder: Decoder::new(Limits::default()),
            table_sizes: VecDeque::new(),
            windows: Windows::new(),
        }
    }

    /// Takes the next frame off the input.
    fn next_event(&mut self, peer: &mut Sender) -> Option<Value> {
        if !self.has_begun {
            if self.input.len() < PREFACE.len() && PREFACE.starts_with(&self.input) {
                return None;
            }
            if !self.input.starts_with(PREFACE) {
                return self.lose("these octets are not HTTP/2: there is no preface");
            }
            self.input.advance(PREFACE.len());
            self.has_begun = true;
            return Some(json!({ "k": "preface", "from": self.side.name() }));
        }
        if self.is_lost {
            return None;
        }
        match Frame::decode(&mut self.input, MAX_MAX_FRAME_SIZE) {
            Ok(frame) => self.event(&frame?, peer),
            Err(error) if error.scope == Scope::Connection => self.lose(&error.to_string()),
            Err(error) => Some(self.problem(&error.to_string())),
        }
    }

    fn lose(&mut self, why: &str) -> Option<Value> {
        if std::mem::replace(&mut self.is_lost, true) {
            return None;
        }
        self.input = BytesMut::new();
        Some(self.problem(why))
    }

    fn problem(&self, why: &str) -> Value {
        json!({ "k": "problem", "from": self.side.name(), "why": why })
    }

    fn event(&mut self, frame: &Frame, peer: &mut Sender) -> Option<Value> {
        let head = frame.head();
        let id = head.stream_id.get();
        let mut event = json!({
            "k": "frame",
            "from": self.side.name(),
            "id": id,
            "type": head.kind.to_string(),
            "len": head.length,
            "flags": flags(head.kind, head.flags.bits()),
        });
        match frame {
            Frame::Data(data) => {
                self.windows.sent(id, data.flow_len());
                event["text"] = shown(&data.data[..data.data.len().min(SHOWN)]);
                self.tell_windows(&mut event, id);
            }
            Frame::Headers(headers) => {
                return self.block(event, &headers.fragment, headers.end_headers);
            }
            Frame::Continuation(more) => {
                return self.block(event, &more.fragment, more.end_headers);
            }
            Frame::PushPromise(promise) => {
                event["promised"] = json!(promise.promised_stream_id.get());
                return self.block(event, &promise.fragment, promise.end_headers);
            }
            Frame::Settings(settings) if settings.ack => {
                if let Some(Some(size)) = self.table_sizes.pop_front() {
                    self.decoder.set_max_table_size(size as usize);
                }
            }
            Frame::Settings(settings) => {
                let shown = settings.entries.iter().take(MAX_SETTINGS).map(Setting::to_string);
                event["settings"] = json!(shown.collect::<Vec<_>>());
                let mut table_size = None;
                for setting in &settings.entries {
                    match *setting {
                        Setting::HeaderTableSize(size) => table_size = Some(size),
                        Setting::InitialWindowSize(size) => {
                            peer.windows.resized(size);
                            peer.tell_windows(&mut event, 0);
                        }
                        _ => {}
                    }
                }
                if peer.table_sizes.len() < MAX_UNACKNOWLEDGED {
                    peer.table_sizes.push_back(table_size);
                }
            }
            Frame::WindowUpdate(update) => {
                event["increment"] = json!(update.increment);
                peer.windows.updated(id, update.increment);
                peer.tell_windows(&mut event, id);
            }
            Frame::RstStream(reset) => {
                event["error"] = json!(reset.error_code.to_string());
                self.windows.ended(id);
                peer.windows.ended(id);
            }
            Frame::Goaway(goaway) => {
                event["error"] = json!(goaway.error_code.to_string());
                event["last"] = json!(goaway.last_stream_id.get());
                event["text"] = shown(&goaway.debug_data);
            }
            other => event["text"] = json!(other.to_string()),
        }
        Some(event)
    }

    /// The windows of this side, after the frame.
    fn tell_windows(&self, event: &mut Value, id: u32) {
        event["window"] = json!({
            "of": self.side.name(),
            "connection": self.windows.connection(),
            "initial": self.windows.initial(),
        });
        if id > 0 {
            event["window"]["stream"] = json!(self.windows.stream(id));
        }
    }

    /// A fragment of a field block: the frame at its end has the fields.
    fn block(&mut self, mut event: Value, fragment: &[u8], is_end: bool) -> Option<Value> {
        match self.decoder.decode(fragment, is_end) {
            Ok(None) => {}
            Ok(Some(decoded)) => {
                let fields = decoded.headers.iter().map(|field| {
                    // The encoder says that the value is a secret (RFC 7541, Section 7.1.3).
                    let value =
                        if field.sensitive { json!("(never indexed)") } else { shown(field.value) };
                    json!([shown(field.name), value])
                });
                event["fields"] = json!(fields.collect::<Vec<_>>());
                event["plain"] = json!(decoded.headers.section_size());
                event["table"] = json!([self.decoder.table_len(), self.decoder.table_size()]);
            }
            Err(error) => {
                self.is_lost = true;
                event["problem"] = json!(error.to_string());
            }
        }
        Some(event)
    }
}

/// The names of the flags that are set.
fn flags(kind: Kind, bits: u8) -> Vec<&'static str> {
    let named: &[(u8, &str)] = match kind {
        Kind::DATA => &[(0x1, "END_STREAM"), (0x8, "PADDED")],
        Kind::HEADERS => {
            &[(0x1, "END_STREAM"), (0x4, "END_HEADERS"), (0x8, "PADDED"), (0x20, "PRIORITY")]
        }
        Kind::SETTINGS | Kind::PING => &[(0x1, "ACK")],
        Kind::PUSH_PROMISE => &[(0x4, "END_HEADERS"), (0x8, "PADDED")],
        Kind::CONTINUATION => &[(0x4, "END_HEADERS")],
        _ => &[],
    };
    named.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect()
}

/// Octets as text, cut to what a page can show.
fn shown(octets: &[u8]) -> Value {
    let cut = &octets[..octets.len().min(SHOWN)];
    json!(String::from_utf8_lossy(cut))
}
