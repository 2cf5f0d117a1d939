//! Receives control frames: one short function per type.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::budgets::PeerAction;
use super::config::Role;
use super::connection::{Connection, PeerGoaway};
use super::deadlines::PingPurpose;
use super::error::{ConnectionError, GoawayText};
use super::event::{Event, Extension, ResetBy};
use super::flow::WindowOverflow;
use super::outgoing::{ConnectionFrame, Outgoing};
use super::priority::Priority;
use super::settings;
use super::state::Cause;
use super::streams::Standing;
use crate::frame::{
    self, ErrorCode, Goaway, Ping, PriorityUpdate, RstStream, Setting, Settings, StreamId,
    WindowUpdate,
};

/// Maximum priorities kept for streams that are not open yet (RFC 9218, Section 7.1).
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
        if self.streams.is_first_reset(id) {
            // Both sides may cancel a call when its deadline passes; some servers reset every
            // stream whose response is complete.
            return Ok(());
        }
        let code = frame.error_code;
        let action = match self.streams.get(id) {
            None => PeerAction::LateReset,
            Some(_) if self.streams.is_own(id) => PeerAction::ResetOfOurs,
            Some(stream) if !stream.send.queue.is_open() => PeerAction::ResetBeforeResponse,
            Some(stream) if stream.state.can_send() => PeerAction::ResetDuringResponse,
            Some(_) => PeerAction::ResetAfterResponse,
        };
        self.budgets.charge(action, now)?;
        let Some(stream) = self.streams.get_mut(id) else { return Ok(()) };
        stream.state.reset(Cause::ResetByPeer);
        // RFC 9113, Section 8.7: REFUSED_STREAM means that nothing was processed.
        let retry_safe = code == ErrorCode::RefusedStream && self.streams.is_own(id);
        let by = ResetBy::Peer;
        self.events.push(Event::Reset { stream_id: id, code, by, retry_safe, detail: None });
        self.finish(id, Cause::ResetByPeer, now);
        self.open_ready(now);
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
                Some((settings, sent)) => {
                    self.input.growth.note_round_trip(now.saturating_duration_since(sent));
                    self.put_in_force(&settings, now);
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
        let has_spoken =
            self.input.greeted || (self.input.has_upgraded && self.role == Role::Server);
        if !has_spoken {
            // Replaces the initial conservative assumption.
            self.remote.max_concurrent_streams = u32::MAX;
        }
        self.apply_all(&frame.entries, now)?;
        self.input.greeted = true;
        self.queue_ack(Settings { ack: true, entries: Vec::new() })?;
        self.events.push_loose(Event::SettingsChanged { settings: frame.entries });
        // The limit of concurrent streams may have increased.
        self.open_ready(now);
        Ok(())
    }

    /// Applies the settings of one frame in wire order (RFC 9113, Section 6.5.3).
    pub(super) fn apply_all(
        &mut self,
        settings: &[Setting],
        now: Instant,
    ) -> Result<(), ConnectionError> {
        let before = self.remote.initial_window_size;
        let mut highest = before;
        for &setting in settings {
            self.apply(setting)?;
            highest = highest.max(self.remote.initial_window_size);
        }
        self.move_send_windows(before, highest, now)
    }

    fn apply(&mut self, setting: Setting) -> Result<(), ConnectionError> {
        let is_first = !self.input.greeted;
        settings::check_sender(self.role.other(), setting, &self.remote, is_first).map_err(
            |rule| ConnectionError::peer(ErrorCode::ProtocolError, format!("{setting} {rule}")),
        )?;
        if let Setting::HeaderTableSize(size) = setting {
            self.outgoing.set_max_table_size(size as usize);
        }
        self.remote.set(setting);
        Ok(())
    }

    /// Adjusts the windows of all streams by the difference, possibly below zero (RFC 9113, Section
    /// 6.9.2). Above 2^31-1 is a connection error, even if the same frame lowers it again.
    ///
    /// This is the only iteration over all streams that a frame can cause.
    fn move_send_windows(
        &mut self,
        before: u32,
        highest: u32,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        let size = self.remote.initial_window_size;
        if (size, highest) == (before, before) {
            return Ok(());
        }
        let rise = i64::from(highest - before);
        let delta = i64::from(size) - i64::from(before);
        let mut waiting = Vec::new();
        for stream in self.streams.iter_mut() {
            match Outgoing::shift(&mut stream.send.queue, rise, delta) {
                Ok(has_waiting) if has_waiting && delta > 0 => waiting.push(stream.id),
                Ok(_) => {}
                Err(WindowOverflow) => {
                    let what = "takes a stream's window over 2^31-1";
                    return Err(ConnectionError::peer(
                        ErrorCode::FlowControlError,
                        format!("INITIAL_WINDOW_SIZE {highest} {what}"),
                    ));
                }
            }
        }
        let granted = usize::try_from(delta).unwrap_or(0);
        waiting.sort_unstable();
        for id in waiting {
            if let Some(stream) = self.streams.get_mut(id) {
                self.outgoing.note_credit(&mut stream.send.queue, granted, now);
            }
        }
        Ok(())
    }

    /// Settings of ours that the peer has acknowledged.
    pub(super) fn put_in_force(&mut self, settings: &[Setting], now: Instant) {
        for &setting in settings {
            self.local.put_in_force(setting);
            match setting {
                Setting::HeaderTableSize(size) => {
                    self.input.decoder.set_max_table_size(size as usize)
                }
                Setting::InitialWindowSize(size) => {
                    // Credit that was too little of the larger window to be announced may be all of
                    // the smaller one, and its sender would wait for it for ever.
                    for stream in self.streams.iter_mut() {
                        stream.recv.window.set_initial(size);
                    }
                    for id in self.streams.ids(|stream| stream.recv.window.has_update()) {
                        self.announce_window(id, now);
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
        let Some(ping) = self.deadlines.take_ping(frame.payload) else {
            return self.budgets.charge(PeerAction::StrayAck, now);
        };
        let round_trip_time = now.saturating_duration_since(ping.queued);
        self.stats.round_trip_time = Some(round_trip_time);
        self.input.growth.note_round_trip(round_trip_time);
        match ping.purpose {
            PingPurpose::Application => {
                let payload = ping.payload;
                self.events.push(Event::Pong { payload, round_trip_time });
            }
            PingPurpose::Shutdown => self.finish_shutdown(),
            PingPurpose::Keepalive => {}
        }
        Ok(())
    }

    fn queue_ack(&mut self, frame: impl ConnectionFrame) -> Result<(), ConnectionError> {
        if self.outgoing.queue_ack(frame, self.config.max_pending_acks) {
            return Ok(());
        }
        let what = "too many acknowledgements wait to be sent";
        Err(ConnectionError::limit(ErrorCode::EnhanceYourCalm, what))
    }

    // GOAWAY, RFC 9113, Section 6.8.
    pub(super) fn receive_goaway(
        &mut self,
        frame: Goaway,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        self.budgets.charge(PeerAction::Goaway, now)?;
        let last = frame.last_stream_id;
        if self.ending.goaway_received.as_ref().is_some_and(|before| last > before.last_stream_id) {
            return Err(ConnectionError::peer(
                ErrorCode::ProtocolError,
                "the last stream identifier of GOAWAY went up",
            ));
        }
        let code = frame.error_code;
        // Copied, so that it does not keep the read buffer alive.
        let debug_data = Bytes::copy_from_slice(&frame.debug_data);
        // Counted from the first GOAWAY, so that repeating it does not extend the time.
        let at = self.ending.goaway_received.as_ref().map_or(now, |before| before.at);
        let goaway = PeerGoaway { last_stream_id: last, at, code, debug_data: debug_data.clone() };
        let before = self.ending.goaway_received.replace(goaway);
        let is_first = before.is_none();
        // Streams above the previous GOAWAY's identifier have been removed already.
        let end = before.map_or(StreamId::MAX, |before| before.last_stream_id);
        // Our streams above it were not processed and may be retried elsewhere. So may deferred
        // ones, since new streams are no longer allowed.
        let deferred = self.opener.deferred_ids();
        let lost: Vec<_> = self.streams.own_above(last, end).into_iter().chain(deferred).collect();
        // One text shared by all of them.
        let text = GoawayText(code, &debug_data);
        let detail: Option<Arc<str>> = (!lost.is_empty()).then(|| text.to_string().into());
        for id in lost {
            let (code, by) = (ErrorCode::RefusedStream, ResetBy::Goaway);
            let detail = detail.clone();
            self.events.push(Event::Reset { stream_id: id, code, by, retry_safe: true, detail });
            self.finish(id, Cause::ResetByPeer, now);
        }
        self.open_ready(now);
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
            return self.outgoing.grant_connection(frame.increment, now).map_err(|_| {
                ConnectionError::peer(
                    ErrorCode::FlowControlError,
                    "WINDOW_UPDATE takes the connection's window over 2^31-1",
                )
            });
        }
        self.check_not_idle(id, "WINDOW_UPDATE")?;
        let Some(stream) = self.streams.get_mut(id) else {
            // It may have been in flight when the stream ended.
            return self.budgets.charge_late_credit(granted, now);
        };
        if let Err(refusal) = stream.state.recv_window_update() {
            return self.refused(id, refusal, "WINDOW_UPDATE before HEADERS", now);
        }
        if self.outgoing.grant(&mut stream.send.queue, frame.increment, now).is_err() {
            let what = "WINDOW_UPDATE takes the stream's window over 2^31-1";
            return self.violation(id, ErrorCode::FlowControlError, what, now);
        }
        Ok(())
    }

    // PRIORITY, RFC 9113, Section 6.3: deprecated; validated and otherwise ignored.
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
        // RFC 8941, Section 4.2: an invalid value is ignored.
        let Some(priority) = Priority::from_lines([&frame.field_value[..]]) else { return Ok(()) };
        if let Some(stream) = self.streams.get_mut(id) {
            self.outgoing.prefer(&mut stream.send.queue, priority);
        } else if self.streams.standing(id) == Standing::Idle {
            if id.is_server_initiated() {
                // RFC 9218, Section 7.1: an error for a push stream that was not promised.
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

    /// RFC 9113, Section 5.5: frames of unknown types are ignored. The application may inspect
    /// them.
    pub(super) fn receive_extension(
        &mut self,
        extension: Extension,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        self.budgets.charge(PeerAction::Extension, now)?;
        // RFC 7838 and RFC 8336 define ALTSVC and ORIGIN only for clients.
        let for_clients = matches!(extension, Extension::AltSvc(_) | Extension::Origin(_));
        if self.role == Role::Client || !for_clients {
            self.events.push_loose(Event::Extension(extension.copied()));
        }
        Ok(())
    }
}
