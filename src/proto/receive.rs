//! What the peer sends: one short function for each frame type. Field blocks have a file of their
//! own.

use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};

use super::config::Role;
use super::connection::Connection;
use super::error::ConnectionError;
use super::event::{CloseReason, Event, Extension, ResetBy};
use super::priority::Priority;
use super::state::Cause;
use super::stream::Phase;
use super::streams::Standing;
use super::timers::PingPurpose;
use super::trace::Way;
use crate::frame::{
    self, Data, ErrorCode, Frame, Goaway, Head, Kind, Ping, PriorityUpdate, RstStream, Scope,
    Setting, Settings, StreamId, WindowUpdate, PREFACE,
};

/// DATA up to this size is copied out of the read buffer, so that a small piece that the
/// application keeps does not keep the whole buffer alive.
const COPIED: usize = 4 << 10;

/// Priorities kept for streams that are not open yet (RFC 9218, Section 7.1).
const MAX_EARLY_PRIORITIES: usize = 32;

impl Connection {
    /// Takes all whole frames off the front of `input`, and leaves the rest there for more octets
    /// to follow. Large DATA payloads are shared with `input`, not copied.
    ///
    /// # Errors
    ///
    /// A connection error (RFC 9113, Section 5.4.1): GOAWAY is ready to be sent, the connection
    /// is closed, and every later call gives the same error. What came before it in `input` has
    /// been handled. Stream errors are not returned: RST_STREAM is ready to be sent, and
    /// [`Event::Reset`] tells.
    pub fn receive(&mut self, input: &mut BytesMut, now: Instant) -> Result<(), ConnectionError> {
        self.heard = now;
        let result = match &self.closed {
            Some(CloseReason::Error(error)) => Err(error.clone()),
            Some(_) => Ok(()),
            None => self.receive_frames(input, now).map_err(|error| self.fail(error)),
        };
        if self.closed.is_some() {
            input.clear();
        }
        result
    }

    fn receive_frames(
        &mut self,
        input: &mut BytesMut,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        self.receive_preface(input)?;
        while self.preface_left == 0 && self.closed.is_none() {
            let Some(head) = Head::parse(input) else { break };
            self.check_order(head)?;
            match Frame::decode(input, self.local.max_frame_size) {
                Ok(Some(frame)) => {
                    self.stats.received.count(head.kind, Head::LEN + head.length as usize);
                    self.receive_frame(frame, now)?;
                }
                Ok(None) => {
                    if is_of_field_block(head.kind) {
                        self.block_since.get_or_insert(now);
                    }
                    break;
                }
                Err(error) => match error.scope {
                    Scope::Connection => return Err(error.into()),
                    Scope::Stream(id) => self.violation(id, error.code, &error.to_string(), now)?,
                },
            }
        }
        Ok(())
    }

    /// RFC 9113, Section 3.4: the client's connection starts with 24 fixed octets.
    fn receive_preface(&mut self, input: &mut BytesMut) -> Result<(), ConnectionError> {
        let len = self.preface_left.min(input.len());
        let expected = &PREFACE[PREFACE.len() - self.preface_left..][..len];
        if input[..len] != *expected {
            return Err(ConnectionError::peer(
                ErrorCode::ProtocolError,
                "the connection does not start with the HTTP/2 preface",
            ));
        }
        input.advance(len);
        self.preface_left -= len;
        Ok(())
    }

    /// What may come next is decided by the head alone, before the payload is there.
    fn check_order(&self, head: Head) -> Result<(), ConnectionError> {
        // RFC 9113, Section 3.4: the first frame is SETTINGS, and not an acknowledgement.
        if !self.greeted && (head.kind != Kind::SETTINGS || head.flags.contains(frame::Flags::ACK)) {
            return Err(ConnectionError::peer(
                ErrorCode::ProtocolError,
                format!("the first frame has to be SETTINGS, not {head}"),
            ));
        }
        match &self.block {
            // RFC 9113, Section 6.10: between HEADERS without END_HEADERS and its end, nothing but
            // CONTINUATION of the same stream.
            Some(block) if head.kind != Kind::CONTINUATION || head.stream_id != block.stream_id => {
                Err(ConnectionError::peer(
                    ErrorCode::ProtocolError,
                    format!("{head} inside the field block of stream {}", block.stream_id),
                ))
            }
            None if head.kind == Kind::CONTINUATION => Err(ConnectionError::peer(
                ErrorCode::ProtocolError,
                format!("{head} outside of a field block"),
            )),
            _ => Ok(()),
        }
    }

    fn receive_frame(&mut self, frame: Frame, now: Instant) -> Result<(), ConnectionError> {
        if !is_of_field_block(frame.kind()) {
            self.tracer.frame(Way::Received, &frame);
        }
        match frame {
            Frame::Data(frame) => self.receive_data(frame, now),
            Frame::Headers(frame) => self.receive_headers(frame, now),
            Frame::Continuation(frame) => self.receive_continuation(frame, now),
            Frame::PushPromise(frame) => self.receive_push_promise(frame, now),
            Frame::RstStream(frame) => self.receive_rst_stream(frame, now),
            Frame::Settings(frame) => self.receive_settings(frame, now),
            Frame::Ping(frame) => self.receive_ping(frame, now),
            Frame::Goaway(frame) => self.receive_goaway(frame, now),
            Frame::WindowUpdate(frame) => self.receive_window_update(frame, now),
            Frame::Priority(frame) => self.receive_priority(frame, now),
            Frame::PriorityUpdate(frame) => self.receive_priority_update(frame, now),
            Frame::AltSvc(frame) => self.receive_extension(Extension::AltSvc(frame), now),
            Frame::Origin(frame) => self.receive_extension(Extension::Origin(frame), now),
            Frame::Unknown(frame) => self.receive_extension(Extension::Unknown(frame), now),
            // `Frame` may grow; what is not known yet is ignored (RFC 9113, Section 5.5).
            #[allow(unreachable_patterns)]
            _ => self.budgets.glitch(now),
        }
    }

    // DATA, RFC 9113, Section 6.1.
    fn receive_data(&mut self, frame: Data, now: Instant) -> Result<(), ConnectionError> {
        let id = frame.stream_id;
        let counted = frame.flow_len();
        // RFC 9113, Section 6.9: flow control counts DATA whatever becomes of its stream. What the
        // connection takes is given back at once: the windows of the streams bound the memory.
        self.recv_window.receive(counted).map_err(|_| {
            ConnectionError::peer(
                ErrorCode::FlowControlError,
                format!("{counted} octets of DATA are more than the connection's window allows"),
            )
        })?;
        self.recv_window.release(counted);
        if let Some(increment) = self.recv_window.take_update() {
            self.queue(WindowUpdate { stream_id: StreamId::CONNECTION, increment });
        }
        if frame.data.is_empty() && !frame.end_stream {
            self.budgets.glitch(now)?;
        } else {
            self.budgets.useful();
        }

        let Some(stream) = self.streams.get_mut(id) else {
            return self.receive_for_missing(id, "DATA", now);
        };
        if stream.recv.phase == Phase::Headers && stream.state.can_receive() {
            return self.violation(id, ErrorCode::ProtocolError, "DATA before HEADERS", now);
        }
        if let Err(code) = stream.state.recv_data(frame.end_stream) {
            return self.violation(id, code, "DATA in a state that does not allow it", now);
        }
        if stream.recv.window.receive(counted).is_err() {
            let what = "more DATA than the stream's window allows";
            return self.violation(id, ErrorCode::FlowControlError, what, now);
        }
        let len = frame.data.len();
        if len > 0 && stream.recv.no_body {
            return self.violation(id, ErrorCode::ProtocolError, "a body where none may be", now);
        }
        // RFC 9113, Section 8.1.1: the sum of DATA has to be the content-length.
        if let Some(left) = &mut stream.recv.content_left {
            match left.checked_sub(len as u64) {
                Some(rest) if rest == 0 || !frame.end_stream => *left = rest,
                _ => {
                    let what = "the body does not match its content-length";
                    return self.violation(id, ErrorCode::ProtocolError, what, now);
                }
            }
        }
        // Padding is never taken by the application, so its credit goes back here.
        stream.recv.window.release(counted - len as u32);
        if len > 0 || frame.end_stream {
            let data = if len <= COPIED { Bytes::copy_from_slice(&frame.data) } else { frame.data };
            let last = stream.recv.last_data;
            stream.recv.last_data =
                Some(self.events.push_data(id, data, frame.end_stream, last));
        }
        if frame.end_stream {
            stream.recv.phase = Phase::Done;
            self.finish_if_closed(id, now);
        } else if len < counted as usize {
            self.announce_window(id);
        }
        Ok(())
    }

    // RST_STREAM, RFC 9113, Section 6.4.
    fn receive_rst_stream(&mut self, frame: RstStream, now: Instant) -> Result<(), ConnectionError> {
        let id = frame.stream_id;
        self.stats.resets_received += 1;
        self.check_not_idle(id, "RST_STREAM")?;
        self.budgets.reset_received(now)?;
        let Some(stream) = self.streams.get_mut(id) else { return Ok(()) };
        let code = frame.error_code;
        stream.state.reset(Cause::ResetByPeer);
        // RFC 9113, Section 8.7: REFUSED_STREAM says that nothing was processed.
        let retry_safe = code == ErrorCode::RefusedStream && self.streams.is_own(id);
        self.events.push(Event::Reset { stream_id: id, code, by: ResetBy::Peer, retry_safe });
        self.finish(id, Cause::ResetByPeer, now);
        Ok(())
    }

    // SETTINGS, RFC 9113, Section 6.5.
    fn receive_settings(&mut self, frame: Settings, now: Instant) -> Result<(), ConnectionError> {
        self.budgets.settings(now)?;
        if frame.ack {
            return match self.local.acknowledged() {
                Some(settings) => {
                    self.put_in_force(&settings);
                    self.events.push_loose(Event::SettingsAcknowledged);
                    Ok(())
                }
                None => self.budgets.glitch(now),
            };
        }
        if frame.entries.len() > self.config.max_settings_entries {
            return Err(ConnectionError::limit(
                ErrorCode::EnhanceYourCalm,
                format!("SETTINGS with {} entries", frame.entries.len()),
            ));
        }
        if !self.greeted {
            // Until now a cautious guess was in force.
            self.remote.max_concurrent_streams = u32::MAX;
        }
        for &setting in &frame.entries {
            self.apply(setting, now)?;
        }
        self.greeted = true;
        self.queue_ack(Settings { ack: true, entries: Vec::new() })?;
        self.events.push_loose(Event::SettingsChanged { settings: frame.entries });
        self.release_held(now);
        Ok(())
    }

    /// One setting of the peer's. RFC 9113, Section 6.5.3: in the order of the wire.
    fn apply(&mut self, setting: Setting, now: Instant) -> Result<(), ConnectionError> {
        let violation = |what| Err(ConnectionError::peer(ErrorCode::ProtocolError, what));
        match setting {
            Setting::HeaderTableSize(size) => {
                self.remote.header_table_size = size;
                self.encoder.set_max_table_size(size as usize);
            }
            // RFC 9113, Section 6.5.2: a server must not set it to anything but 0.
            Setting::EnablePush(true) if self.role == Role::Client => {
                return violation("a server sent ENABLE_PUSH 1");
            }
            Setting::EnablePush(enable) => self.remote.enable_push = enable,
            Setting::MaxConcurrentStreams(max) => self.remote.max_concurrent_streams = max,
            Setting::InitialWindowSize(size) => self.apply_initial_window(size, now)?,
            Setting::MaxFrameSize(size) => self.remote.max_frame_size = size,
            Setting::MaxHeaderListSize(size) => self.remote.max_header_list_size = Some(size),
            // RFC 8441, Section 3: never 0 again after 1.
            Setting::EnableConnectProtocol(false) if self.remote.enable_connect_protocol => {
                return violation("ENABLE_CONNECT_PROTOCOL was taken back");
            }
            Setting::EnableConnectProtocol(enable) => {
                self.remote.enable_connect_protocol = enable;
            }
            // RFC 9218, Section 2.1: it must not change after the first SETTINGS frame.
            Setting::NoRfc7540Priorities(ignored)
                if self.greeted && ignored != self.remote.no_rfc7540_priorities =>
            {
                return violation("NO_RFC7540_PRIORITIES changed after the first SETTINGS");
            }
            Setting::NoRfc7540Priorities(ignored) => self.remote.no_rfc7540_priorities = ignored,
            // RFC 9113, Section 6.5.2: unknown settings are ignored.
            Setting::Unknown { .. } => {}
        }
        Ok(())
    }

    /// RFC 9113, Section 6.9.2: the windows of all streams move by the difference, below zero if
    /// need be; over 2^31-1 is a connection error.
    fn apply_initial_window(&mut self, size: u32, now: Instant) -> Result<(), ConnectionError> {
        let delta = i64::from(size) - i64::from(self.remote.initial_window_size);
        self.remote.initial_window_size = size;
        for stream in self.streams.iter_mut() {
            stream.send.window.shift(delta).map_err(|_| {
                ConnectionError::peer(
                    ErrorCode::FlowControlError,
                    format!("INITIAL_WINDOW_SIZE {size} overflows stream {}", stream.id),
                )
            })?;
        }
        for id in self.streams.ids(|stream| !stream.send.queue.is_empty()) {
            self.schedule(id, now);
        }
        Ok(())
    }

    /// Settings of ours that the peer has acknowledged.
    fn put_in_force(&mut self, settings: &[Setting]) {
        for &setting in settings {
            match setting {
                Setting::HeaderTableSize(size) => self.decoder.set_max_table_size(size as usize),
                Setting::EnablePush(enable) => self.local.push_forbidden = !enable,
                Setting::InitialWindowSize(size) => {
                    self.local.initial_window_size = size;
                    self.streams.iter_mut().for_each(|stream| stream.recv.window.resize(size));
                }
                Setting::MaxFrameSize(size) => self.local.max_frame_size = size,
                _ => {}
            }
        }
    }

    // PING, RFC 9113, Section 6.7.
    fn receive_ping(&mut self, frame: Ping, now: Instant) -> Result<(), ConnectionError> {
        if !frame.ack {
            self.budgets.ping(now)?;
            return self.queue_ack(Ping { ack: true, payload: frame.payload });
        }
        let Some(index) = self.pings.iter().position(|ping| ping.payload == frame.payload) else {
            return self.budgets.glitch(now);
        };
        if let Some(ping) = self.pings.remove(index) {
            let round_trip_time = now.saturating_duration_since(ping.queued);
            self.stats.round_trip_time = Some(round_trip_time);
            match ping.purpose {
                PingPurpose::Application => {
                    let payload = ping.payload;
                    self.events.push_loose(Event::Pong { payload, round_trip_time });
                }
                PingPurpose::Shutdown => self.finish_shutdown(),
                PingPurpose::Keepalive => {}
            }
        }
        Ok(())
    }

    /// Queues an acknowledgement. A peer that asks for them and never reads would have them pile
    /// up (CVE-2019-9512, CVE-2019-9515).
    fn queue_ack(&mut self, frame: impl Into<Frame>) -> Result<(), ConnectionError> {
        self.pending_acks += 1;
        if self.pending_acks > self.config.max_pending_acks {
            return Err(ConnectionError::limit(
                ErrorCode::EnhanceYourCalm,
                "too many acknowledgements wait to be sent",
            ));
        }
        self.queue(frame);
        Ok(())
    }

    // GOAWAY, RFC 9113, Section 6.8.
    fn receive_goaway(&mut self, frame: Goaway, now: Instant) -> Result<(), ConnectionError> {
        self.budgets.glitch(now)?;
        let last = frame.last_stream_id;
        if self.goaway_received.as_ref().is_some_and(|(before, ..)| last > *before) {
            return Err(ConnectionError::peer(
                ErrorCode::ProtocolError,
                "the last stream identifier of GOAWAY went up",
            ));
        }
        self.goaway_received = Some((last, frame.error_code, frame.debug_data.clone()));
        // Our streams above it have not been processed, and may be tried again elsewhere.
        let streams = &self.streams;
        for id in streams.ids(|stream| stream.id > last && streams.is_own(stream.id)) {
            let event = Event::Reset {
                stream_id: id,
                code: ErrorCode::RefusedStream,
                by: ResetBy::Goaway,
                retry_safe: true,
            };
            self.events.push(event);
            self.held.remove(&id);
            self.finish(id, Cause::ResetByPeer, now);
        }
        self.events.push_loose(Event::Goaway {
            last_stream_id: last,
            code: frame.error_code,
            debug_data: frame.debug_data,
        });
        self.end_when_drained();
        Ok(())
    }

    // WINDOW_UPDATE, RFC 9113, Section 6.9.
    fn receive_window_update(
        &mut self,
        frame: WindowUpdate,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        let id = frame.stream_id;
        if id.is_connection() {
            return self.send_window.grant(frame.increment).map_err(|_| {
                ConnectionError::peer(
                    ErrorCode::FlowControlError,
                    "WINDOW_UPDATE takes the connection's window over 2^31-1",
                )
            });
        }
        self.check_not_idle(id, "WINDOW_UPDATE")?;
        let Some(stream) = self.streams.get_mut(id) else {
            // It may have been on its way when the stream ended.
            return self.budgets.glitch(now);
        };
        if stream.send.window.grant(frame.increment).is_err() {
            let what = "WINDOW_UPDATE takes the stream's window over 2^31-1";
            return self.violation(id, ErrorCode::FlowControlError, what, now);
        }
        self.schedule(id, now);
        Ok(())
    }

    // PRIORITY, RFC 9113, Section 6.3: deprecated; read, and otherwise ignored.
    fn receive_priority(
        &mut self,
        frame: frame::Priority,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        self.budgets.glitch(now)?;
        if frame.dependency.stream_id == frame.stream_id {
            let what = "a stream cannot depend on itself";
            return self.violation(frame.stream_id, ErrorCode::ProtocolError, what, now);
        }
        Ok(())
    }

    // PRIORITY_UPDATE, RFC 9218, Section 7.1.
    fn receive_priority_update(
        &mut self,
        frame: PriorityUpdate,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        let id = frame.prioritized_stream_id;
        if self.role == Role::Client {
            return Err(ConnectionError::peer(
                ErrorCode::ProtocolError,
                "a server sent PRIORITY_UPDATE",
            ));
        }
        self.budgets.glitch(now)?;
        let priority = Priority::parse(&frame.field_value);
        if let Some(stream) = self.streams.get_mut(id) {
            let before = stream.urgency();
            stream.priority = Some(priority);
            if stream.send.scheduled {
                let urgency = stream.urgency();
                self.scheduler.remove(id, before);
                self.scheduler.push(id, urgency);
            }
        } else if self.streams.standing(id) == Standing::Idle {
            if id.is_server_initiated() {
                // RFC 9218, Section 7.1: a stream that has not been promised has no priority.
                return Err(ConnectionError::peer(
                    ErrorCode::ProtocolError,
                    format!("PRIORITY_UPDATE for stream {id}, which was never promised"),
                ));
            }
            self.early_priorities.retain(|&(other, _)| other != id);
            if self.early_priorities.len() == MAX_EARLY_PRIORITIES {
                self.early_priorities.pop_front();
            }
            self.early_priorities.push_back((id, priority));
        } else {
            return Ok(());
        }
        self.events.push_loose(Event::PriorityUpdate { stream_id: id, priority });
        Ok(())
    }

    /// RFC 9113, Section 5.5: frames of unknown types are ignored. The application may look at
    /// them.
    fn receive_extension(
        &mut self,
        extension: Extension,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        self.budgets.glitch(now)?;
        // RFC 7838 and RFC 8336 give ALTSVC and ORIGIN a meaning at clients alone.
        let for_clients = matches!(extension, Extension::AltSvc(_) | Extension::Origin(_));
        if self.role == Role::Client || !for_clients {
            self.events.push_loose(Event::Extension(extension));
        }
        Ok(())
    }

    /// A frame that opens nothing came for a stream that is not in the table.
    pub(super) fn receive_for_missing(
        &mut self,
        id: StreamId,
        what: &'static str,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        self.check_not_idle(id, what)?;
        if self.is_ignored(id) {
            return Ok(());
        }
        match self.streams.standing(id) {
            // RFC 9113, Section 5.1: frames that were on their way when we reset the stream.
            Standing::Closed(Some(Cause::ResetByUs)) => self.budgets.glitch(now),
            // RFC 9113, Section 5.1: after END_STREAM of both sides it is a connection error.
            Standing::Closed(Some(Cause::EndStream)) => Err(ConnectionError::peer(
                ErrorCode::StreamClosed,
                format!("{what} on stream {id}, which has ended"),
            )),
            _ => self.violation(id, ErrorCode::StreamClosed, what, now),
        }
    }

    /// Whether a stream of the peer's lies beyond a GOAWAY of ours: RFC 9113, Section 6.8: its
    /// frames are ignored, but for what flow control and HPACK need of them.
    pub(super) fn is_ignored(&self, id: StreamId) -> bool {
        !self.streams.is_own(id) && self.goaway_sent.is_some_and(|last| id > last)
    }

    /// RFC 9113, Section 5.1: on an idle stream only HEADERS, PUSH_PROMISE and PRIORITY may come.
    fn check_not_idle(&self, id: StreamId, what: &'static str) -> Result<(), ConnectionError> {
        if self.streams.get(id).is_none_or(|stream| stream.state == super::state::State::Idle)
            && self.streams.standing(id) == Standing::Idle
            && !self.is_ignored(id)
        {
            return Err(ConnectionError::peer(
                ErrorCode::ProtocolError,
                format!("{what} on stream {id}, which is idle"),
            ));
        }
        Ok(())
    }

    /// The peer broke a rule on one stream: RST_STREAM (RFC 9113, Section 5.4.2). It counts
    /// against a budget, or a peer could have us reset without end (CVE-2025-8671).
    pub(super) fn violation(
        &mut self,
        id: StreamId,
        code: ErrorCode,
        what: &str,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        if self.streams.standing(id) == Standing::Idle {
            // RFC 9113, Section 6.4: RST_STREAM must not be sent for an idle stream.
            return Err(ConnectionError::peer(code, format!("{what} (idle stream {id})")));
        }
        self.budgets.reset_provoked(now)?;
        log::debug!("{}: stream {id} is reset with {code}: {what}", self.role.name());
        if self.streams.get(id).is_some() {
            let by = ResetBy::Violation;
            self.events.push(Event::Reset { stream_id: id, code, by, retry_safe: false });
        } else {
            self.streams.record(id, Cause::ResetByUs);
        }
        self.reset_stream(id, code, now);
        Ok(())
    }

    /// After END_STREAM of the peer's: is that the end of the stream?
    pub(super) fn finish_if_closed(&mut self, id: StreamId, now: Instant) {
        if self.streams.get(id).is_some_and(|stream| stream.state.is_closed()) {
            self.finish(id, Cause::EndStream, now);
        }
    }
}

fn is_of_field_block(kind: Kind) -> bool {
    matches!(kind, Kind::HEADERS | Kind::CONTINUATION | Kind::PUSH_PROMISE)
}
