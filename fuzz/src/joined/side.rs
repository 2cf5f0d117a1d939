//! One core, and what its application does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use h2_sync::Headers;
use h2_sync::frame::{ErrorCode, StreamId};
use h2_sync::proto::{CommandError, Config, Connection, Event, Role, Transmit};

use super::super::cores::start;
use super::super::order::EventOrder;
use super::ledger::{Ledger, payload};
use super::other;

#[derive(Debug)]
pub(super) struct Side {
    pub(super) role: Role,
    pub(super) core: Connection,
    /// What the other side has sent and has not arrived yet.
    pub(super) pipe: BytesMut,
    /// What has arrived and is no whole frame yet.
    pub(super) buffer: BytesMut,
    /// Identifiers to be used later.
    pub(super) reserved: Vec<StreamId>,
    /// Streams that were told "full" and wait for room; stream 0 is the connection.
    pub(super) full: BTreeSet<StreamId>,
    /// Octets that were taken and not released.
    unreleased: BTreeMap<StreamId, usize>,
    order: EventOrder,
}

impl Side {
    pub(super) fn new(role: Role, config: &Config, now: Instant) -> Self {
        Self {
            role,
            core: start(role, config, now),
            pipe: BytesMut::new(),
            buffer: BytesMut::new(),
            reserved: Vec::new(),
            full: BTreeSet::new(),
            unreleased: BTreeMap::new(),
            order: EventOrder::new(role),
        }
    }

    pub(super) fn transmit(&mut self, now: Instant, max: usize) -> Vec<u8> {
        let wants = self.core.wants_transmit();
        let mut out = Transmit::new();
        let has_some = self.core.poll_transmit(now, &mut out, max);
        assert_eq!(has_some, !out.is_empty());
        assert!(wants || !has_some, "it said that it had nothing to send");
        out.to_vec()
    }

    pub(super) fn take_events(&mut self, ledger: &mut Ledger) -> bool {
        let mut has_some = false;
        while let Some(event) = self.core.poll_event() {
            has_some = true;
            self.order.check(&event);
            self.note(event, ledger);
        }
        has_some
    }

    fn note(&mut self, event: Event, ledger: &mut Ledger) {
        let peer = other(self.role);
        match event {
            Event::Headers { stream_id, kind, end_stream, .. } => {
                if kind == h2_sync::HeadersKind::Request {
                    // So that it is there to be answered.
                    ledger.lane(self.role, stream_id);
                }
                if end_stream {
                    ledger.receive_end(peer, stream_id);
                }
            }
            Event::Data { stream_id, data, end_stream } => {
                ledger.receive(peer, stream_id, &data);
                *self.unreleased.entry(stream_id).or_default() += data.len();
                if end_stream {
                    ledger.receive_end(peer, stream_id);
                }
            }
            Event::Promise { promised_stream_id, .. } => ledger.saw_promise(promised_stream_id),
            Event::Reset { stream_id, .. } => ledger.cut(stream_id),
            Event::StreamClosed { stream_id, held_slot } => {
                self.full.remove(&stream_id);
                if held_slot {
                    assert!(self.core.release_slot(stream_id));
                }
            }
            Event::SendRoom { stream_id } => {
                self.full.remove(&stream_id);
            }
            _ => {}
        }
    }

    /// Gives credit back for what was taken, all of it or half.
    pub(super) fn release(&mut self, all: bool, now: Instant) {
        for (&id, octets) in &mut self.unreleased {
            let released = if all { *octets } else { *octets / 2 };
            *octets -= released;
            match self.core.release(id, released, now) {
                Ok(()) | Err(CommandError::Closed) => {}
                Err(error) => panic!("{released} octets were received: {error}"),
            }
        }
        self.unreleased.retain(|_, octets| *octets > 0);
    }

    pub(super) fn open(
        &mut self,
        fields: &Headers,
        end_stream: bool,
        now: Instant,
        ledger: &mut Ledger,
    ) {
        let result = self.core.open(fields, end_stream, now);
        if let Some(id) = self.heed(StreamId::CONNECTION, result) {
            ledger.lane(self.role, id).has_sent_end = end_stream;
        }
    }

    pub(super) fn send_headers(
        &mut self,
        id: StreamId,
        fields: &Headers,
        end_stream: bool,
        now: Instant,
        ledger: &mut Ledger,
    ) {
        let before = self.core.stats().send_buffered;
        let result = self.core.send_headers(id, fields, end_stream, now);
        if result.is_err() {
            assert_eq!(self.core.stats().send_buffered, before, "all or nothing");
        }
        if self.heed(id, result).is_some() {
            ledger.lane(self.role, id).has_sent_end |= end_stream;
            self.forget_full(id, end_stream);
        }
    }

    pub(super) fn send_data(
        &mut self,
        id: StreamId,
        len: usize,
        end_stream: bool,
        now: Instant,
        ledger: &mut Ledger,
    ) {
        let role = self.role;
        let lane = ledger.lane(role, id);
        let data: Bytes = payload(role, id, lane.sent, len);
        let before = self.core.stats().send_buffered;
        let result = self.core.send_data(id, data, end_stream, now);
        if result.is_err() {
            assert_eq!(self.core.stats().send_buffered, before, "all or nothing");
        }
        if self.heed(id, result).is_some() {
            lane.sent += len;
            lane.has_sent_end |= end_stream;
            self.forget_full(id, end_stream);
        }
    }

    pub(super) fn promise(
        &mut self,
        parent: StreamId,
        promised: StreamId,
        fields: &Headers,
        now: Instant,
        ledger: &mut Ledger,
    ) {
        let result = self.core.promise(parent, promised, fields, now);
        if self.heed(parent, result).is_some() {
            ledger.lane(self.role, promised);
            // The client has nothing to send on it.
            ledger.lane(other(self.role), promised).has_sent_end = true;
            ledger.lane(other(self.role), promised).has_got_end = true;
        }
    }

    pub(super) fn reset(&mut self, id: StreamId, now: Instant, ledger: &mut Ledger) {
        if self.core.reset(id, ErrorCode::Cancel, now).is_ok() {
            ledger.cut(id);
        }
    }

    /// A client that reads no more of a response resets its stream.
    pub(super) fn decline(&mut self, id: StreamId, now: Instant, ledger: &mut Ledger) {
        if self.core.decline_body(id, now).is_ok() {
            ledger.cut(id);
        }
    }

    /// A command may fail, and changes nothing then. A side that was told "full" is told of
    /// room later.
    fn heed<T>(&mut self, id: StreamId, result: Result<T, CommandError>) -> Option<T> {
        match result {
            Ok(done) => Some(done),
            Err(CommandError::Full { stream_id }) => {
                assert!(stream_id == id || stream_id.is_connection());
                self.full.insert(stream_id);
                None
            }
            Err(_) => None,
        }
    }

    /// A side that has sent the end waits for nothing.
    fn forget_full(&mut self, id: StreamId, end_stream: bool) {
        if end_stream {
            self.full.remove(&id);
        }
    }
}
