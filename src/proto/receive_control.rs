//! Control frames that the peer sends: one short function for each type.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::budgets::PeerAction;
use super::config::Role;
use super::connection::{Connection, PeerGoaway};
use super::error::{ConnectionError, GoawayText};
use super::event::{Event, Extension, ResetBy};
use super::priority::Priority;
use super::settings;
use super::state::{Cause, State};
use super::stream::{Stall, Stream};
use super::streams::Standing;
use super::timers::PingPurpose;
use super::transmit::ConnectionFrame;
use crate::frame::{
    self, ErrorCode, Goaway, Ping, PriorityUpdate, RstStream, Setting, Settings, StreamId,
    WindowUpdate,
};

/// Priorities kept for streams that are not open yet (RFC 9218, Section 7.1).
const MAX_EARLY_PRIORITIES: usize = 32;

impl Connection {
    // RST_STREAM, RFC 9113, Section 6.4.
    pub(super) fn receive_rst_stream(
        &mut self,
        frame: RstStream,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        let id = frame.stream_id;
        self.stats.resets_received += 1;
        self.check_not_idle(id, "RST_STREAM")?;
        let code = frame.error_code;
        let action = match self.streams.get(id) {
            None => PeerAction::LateReset,
            Some(_) if self.streams.is_own(id) => PeerAction::ResetOfOurs,
            Some(stream) if !stream.send.on_wire => PeerAction::ResetBeforeResponse,
            Some(stream) if stream.state.can_send() => PeerAction::ResetDuringResponse,
            Some(_) => PeerAction::ResetAfterResponse,
        };
        self.budgets.charge(action, now)?;
        let Some(stream) = self.streams.get_mut(id) else { return Ok(()) };
        stream.state.reset(Cause::ResetByPeer);
        // RFC 9113, Section 8.7: REFUSED_STREAM says that nothing was processed.
        let retry_safe = code == ErrorCode::RefusedStream && self.streams.is_own(id);
        let by = ResetBy::Peer;
        self.events.push(Event::Reset { stream_id: id, code, by, retry_safe, detail: None });
        self.finish(id, Cause::ResetByPeer, now);
        Ok(())
    }

    // SETTINGS, RFC 9113, Section 6.5.
    pub(super) fn receive_settings(
        &mut self,
        frame: Settings,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        self.budgets.charge(PeerAction::Settings, now)?;
        if frame.ack {
            return match self.local.acknowledged() {
                Some(settings) => {
                    self.put_in_force(&settings);
                    self.events.push(Event::SettingsAcknowledged);
                    Ok(())
                }
                None => self.budgets.charge(PeerAction::StrayAck, now),
            };
        }
        if frame.entries.len() > self.config.max_settings_entries {
            return Err(ConnectionError::limit(
                ErrorCode::EnhanceYourCalm,
                format!("SETTINGS with {} entries", frame.entries.len()),
            ));
        }
        let has_spoken = self.greeted || (self.has_upgraded && self.role == Role::Server);
        if !has_spoken {
            // Until now a cautious guess was in force.
            self.remote.max_concurrent_streams = u32::MAX;
        }
        for &setting in &frame.entries {
            self.apply(setting, now)?;
        }
        self.greeted = true;
        self.queue_ack(Settings { ack: true, entries: Vec::new() })?;
        self.events.push_loose(Event::SettingsChanged { settings: frame.entries });
        // The limit of concurrent streams may be higher now.
        self.open_waiting(now);
        Ok(())
    }

    /// One setting of the peer's. RFC 9113, Section 6.5.3: in the order of the wire.
    pub(super) fn apply(&mut self, setting: Setting, now: Instant) -> Result<(), ConnectionError> {
        let is_first = !self.greeted;
        settings::check_sender(self.role.other(), setting, &self.remote, is_first).map_err(
            |rule| ConnectionError::peer(ErrorCode::ProtocolError, format!("{setting} {rule}")),
        )?;
        match setting {
            Setting::HeaderTableSize(size) => self.encoder.set_max_table_size(size as usize),
            Setting::InitialWindowSize(size) => self.apply_initial_window(size, now)?,
            _ => {}
        }
        self.remote.set(setting);
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
        let granted = usize::try_from(delta).unwrap_or(0);
        for id in self.streams.ids(|stream| !stream.send.queue.is_empty()) {
            self.window_moved(id, granted, now);
        }
        Ok(())
    }

    /// Settings of ours that the peer has acknowledged.
    pub(super) fn put_in_force(&mut self, settings: &[Setting]) {
        for &setting in settings {
            self.local.put_in_force(setting);
            match setting {
                Setting::HeaderTableSize(size) => self.decoder.set_max_table_size(size as usize),
                Setting::InitialWindowSize(size) => {
                    self.streams.iter_mut().for_each(|stream| stream.recv.window.resize(size));
                    // Credit that was too little of the larger window to be announced may be all of
                    // the smaller one, and its sender would wait for it for ever.
                    for id in self.streams.ids(|_| true) {
                        self.announce_window(id);
                    }
                }
                _ => {}
            }
        }
    }

    // PING, RFC 9113, Section 6.7.
    pub(super) fn receive_ping(
        &mut self,
        frame: Ping,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        if !frame.ack {
            self.budgets.charge(PeerAction::Ping, now)?;
            return self.queue_ack(Ping { ack: true, payload: frame.payload });
        }
        let Some(index) = self.pings.iter().position(|ping| ping.payload == frame.payload) else {
            return self.budgets.charge(PeerAction::StrayAck, now);
        };
        if let Some(ping) = self.pings.remove(index) {
            let round_trip_time = now.saturating_duration_since(ping.queued);
            self.stats.round_trip_time = Some(round_trip_time);
            match ping.purpose {
                PingPurpose::Application => {
                    let payload = ping.payload;
                    self.events.push(Event::Pong { payload, round_trip_time });
                }
                PingPurpose::Shutdown => self.finish_shutdown(),
                PingPurpose::Keepalive => {}
            }
        }
        Ok(())
    }

    /// Queues an acknowledgement. A peer that asks for them and never reads would have them pile
    /// up (CVE-2019-9512, CVE-2019-9515).
    fn queue_ack(&mut self, frame: impl ConnectionFrame) -> Result<(), ConnectionError> {
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
    pub(super) fn receive_goaway(
        &mut self,
        frame: Goaway,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        self.budgets.charge(PeerAction::Goaway, now)?;
        let last = frame.last_stream_id;
        if self.goaway_received.as_ref().is_some_and(|before| last > before.last_stream_id) {
            return Err(ConnectionError::peer(
                ErrorCode::ProtocolError,
                "the last stream identifier of GOAWAY went up",
            ));
        }
        let code = frame.error_code;
        // Copied: the read buffer need not live as long as the connection.
        let debug_data = Bytes::copy_from_slice(&frame.debug_data);
        // From the first one on: who says it over and over does not stay for that.
        let at = self.goaway_received.as_ref().map_or(now, |before| before.at);
        let goaway = PeerGoaway { last_stream_id: last, at, code, debug_data: debug_data.clone() };
        let is_first = self.goaway_received.replace(goaway).is_none();
        // Our streams above it have not been processed, and may be tried again elsewhere. So may
        // those that are held back here: there must not be new ones.
        let streams = &self.streams;
        let is_lost = |stream: &Stream| {
            streams.is_own(stream.id) && (stream.id > last || stream.state == State::Idle)
        };
        let lost = streams.ids(is_lost);
        // One text for all of them.
        let text = GoawayText(code, &debug_data);
        let detail: Option<Arc<str>> = (!lost.is_empty()).then(|| text.to_string().into());
        // The end of one makes room for another to be opened, which may be the next to be lost.
        self.is_opening = true;
        for id in lost {
            let (code, by) = (ErrorCode::RefusedStream, ResetBy::Goaway);
            let detail = detail.clone();
            self.events.push(Event::Reset { stream_id: id, code, by, retry_safe: true, detail });
            self.finish(id, Cause::ResetByPeer, now);
        }
        self.is_opening = false;
        self.open_waiting(now);
        let event = Event::Goaway { last_stream_id: last, code, debug_data };
        if is_first {
            self.events.push(event);
        } else {
            self.events.push_loose(event);
        }
        Ok(())
    }

    // WINDOW_UPDATE, RFC 9113, Section 6.9.
    pub(super) fn receive_window_update(
        &mut self,
        frame: WindowUpdate,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        let id = frame.stream_id;
        let granted = frame.increment as usize;
        if id.is_connection() {
            self.send_window.grant(frame.increment).map_err(|_| {
                ConnectionError::peer(
                    ErrorCode::FlowControlError,
                    "WINDOW_UPDATE takes the connection's window over 2^31-1",
                )
            })?;
            if let Some(stall) = Stall::credit(&mut self.stall, granted) {
                self.stall_ended(stall, now);
            }
            return Ok(());
        }
        self.check_not_idle(id, "WINDOW_UPDATE")?;
        let Some(stream) = self.streams.get_mut(id) else {
            // It may have been on its way when the stream ended.
            return self.budgets.charge_late_credit(granted, now);
        };
        if let Err(refusal) = stream.state.recv_window_update() {
            return self.refused(id, refusal, "WINDOW_UPDATE before HEADERS", now);
        }
        if stream.send.window.grant(frame.increment).is_err() {
            let what = "WINDOW_UPDATE takes the stream's window over 2^31-1";
            return self.violation(id, ErrorCode::FlowControlError, what, now);
        }
        self.window_moved(id, granted, now);
        Ok(())
    }

    /// The peer has opened a stream's window by so much, or shut it.
    fn window_moved(&mut self, id: StreamId, granted: usize, now: Instant) {
        let ended = self.streams.get_mut(id).and_then(|stream| stream.credit(granted));
        if let Some(stall) = ended {
            self.stall_ended(stall, now);
        }
        self.schedule(id, now);
    }

    // PRIORITY, RFC 9113, Section 6.3: deprecated; read, and otherwise ignored.
    pub(super) fn receive_priority(
        &mut self,
        frame: frame::Priority,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        self.budgets.charge(PeerAction::Priority, now)?;
        if frame.dependency.stream_id == frame.stream_id {
            let what = "a stream cannot depend on itself";
            return self.violation(frame.stream_id, ErrorCode::ProtocolError, what, now);
        }
        Ok(())
    }

    // PRIORITY_UPDATE, RFC 9218, Section 7.1.
    pub(super) fn receive_priority_update(
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
        self.budgets.charge(PeerAction::PriorityUpdate, now)?;
        // RFC 8941, Section 4.2: a value that cannot be parsed is ignored.
        let Some(priority) = Priority::from_lines([&frame.field_value[..]]) else { return Ok(()) };
        if let Some(stream) = self.streams.get_mut(id) {
            stream.priority = Some(priority);
            let place = stream.place();
            if let Some(before) = stream.send.scheduled.filter(|&before| before != place) {
                stream.send.scheduled = Some(place);
                self.scheduler.remove(id, before);
                self.scheduler.push(id, place);
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
    pub(super) fn receive_extension(
        &mut self,
        extension: Extension,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        self.budgets.charge(PeerAction::Extension, now)?;
        // RFC 7838 and RFC 8336 give ALTSVC and ORIGIN a meaning at clients alone.
        let for_clients = matches!(extension, Extension::AltSvc(_) | Extension::Origin(_));
        if self.role == Role::Client || !for_clients {
            self.events.push_loose(Event::Extension(extension));
        }
        Ok(())
    }
}
