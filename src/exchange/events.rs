//! Delivery of the core's events to streams.

use std::time::Instant;

use super::conn::{Arrival, State, Streams};
use super::inbox::{Half, Inbox};
use crate::error::{Error, StreamReset};
use crate::frame::StreamId;
use crate::proto::{Event, HeadersKind};

impl State {
    /// Delivers the core's events. Threads that waited for them are woken when the lock is
    /// released.
    pub(super) fn deliver_events(&mut self, now: Instant) {
        while let Some(event) = self.core.poll_event() {
            self.deliver_event(event, now);
        }
    }

    fn deliver_event(&mut self, event: Event, now: Instant) {
        match event {
            Event::Headers { stream_id, headers, kind, end_stream } => match kind {
                HeadersKind::Request => {
                    self.arrive(Arrival { id: stream_id, headers, end_stream, since: now });
                }
                HeadersKind::Informational | HeadersKind::Response | HeadersKind::Trailers => {
                    let Some(inbox) = self.driver.streams.get_mut(&stream_id) else { return };
                    if end_stream {
                        inbox.last_section = Some(headers.clone());
                    }
                    if kind == HeadersKind::Trailers {
                        inbox.trailers = Some(headers);
                    } else {
                        inbox.responses.push_back((headers, kind));
                    }
                    inbox.has_ended |= end_stream;
                    // A sender may have to stop now.
                    let half = if end_stream { Half::Either } else { Half::Recv };
                    inbox.wake(half, &mut self.wake);
                }
            },
            Event::Data { stream_id, data, end_stream } => {
                let Some(inbox) = self.driver.streams.get_mut(&stream_id) else { return };
                inbox.has_ended |= end_stream;
                let octets = data.len();
                if inbox.is_declined {
                    // The stream may be over by now; then there is nothing to give back.
                    let _ = self.core.release(stream_id, octets, now);
                } else if octets > 0 {
                    inbox.push_data(data);
                    self.driver.held.add(octets);
                }
                let core = &self.core;
                let body = || {
                    let window = core.receive_window(stream_id) as usize;
                    (window, core.expects_content(stream_id))
                };
                let batches = self.driver.batches_wakes;
                if end_stream {
                    inbox.wake(Half::Either, &mut self.wake);
                } else if !batches || !inbox.defers_wake(octets, body) {
                    inbox.wake(Half::Recv, &mut self.wake);
                } else if inbox.begins_to_defer()
                    && !self.driver.deferred_wakes.contains(&stream_id)
                {
                    self.driver.deferred_wakes.push(stream_id);
                }
            }
            Event::Reset { stream_id, code, by, retry_safe, detail } => {
                let reset = StreamReset { stream_id, code, by, retry_safe, detail };
                self.fail_stream(stream_id, Error::from(reset));
            }
            Event::StreamClosed { stream_id, held_slot } => {
                self.has_news = true;
                self.close_stream(stream_id, held_slot);
            }
            Event::SettingsChanged { .. } => {
                self.has_news = true;
                let State { driver, wake, .. } = self;
                wake.append(&mut driver.awaits_settings);
            }
            Event::Goaway { .. } => self.has_news = true,
            Event::SendRoom { stream_id } if stream_id.is_connection() => {
                // Room for a field section: all waiting senders retry.
                for inbox in self.driver.streams.values_mut().filter(|inbox| inbox.is_full) {
                    inbox.is_full = false;
                    inbox.wake(Half::Send, &mut self.wake);
                }
            }
            Event::SendRoom { stream_id } => {
                let Some(inbox) = self.driver.streams.get_mut(&stream_id) else { return };
                inbox.is_full = false;
                inbox.wake(Half::Send, &mut self.wake);
            }
            Event::Promise { promised_stream_id: id, headers, .. } => {
                self.arrive(Arrival { id, headers, end_stream: false, since: now });
            }
            Event::Pong { payload, round_trip_time } => {
                let waits = self.driver.pongs.iter_mut().find(|pong| pong.payload == payload);
                if let Some(pong) = waits {
                    pong.round_trip_time = Some(round_trip_time);
                    self.wake.push(pong.thread.clone());
                }
            }
            // The core handles them itself.
            _ => {}
        }
    }

    /// Wakes readers of large bodies with deferred wakes, for which little has arrived since the
    /// last tick. For the clock.
    pub(crate) fn check_deferred_wakes(&mut self) {
        let Streams { deferred_wakes, streams, .. } = &mut self.driver;
        let wake = &mut self.wake;
        let mut goes_on = |inbox: &mut Inbox| inbox.check_deferred_wake(wake);
        deferred_wakes.retain(|id| streams.get_mut(id).is_some_and(&mut goes_on));
    }

    /// Returns whether there are readers that only the clock wakes, should nothing more arrive.
    pub(crate) fn has_deferred_wakes(&self) -> bool {
        !self.deferred_wakes.is_empty()
    }

    /// Queues the first message of a stream for a handler.
    pub(crate) fn arrive(&mut self, arrival: Arrival) {
        self.streams.insert(arrival.id, Inbox::new(arrival.end_stream));
        self.arrivals.push_back(arrival);
    }

    /// Records why a stream has ended prematurely, unless there is a reason already.
    pub(crate) fn fail_stream(&mut self, id: StreamId, error: Error) {
        let Some(inbox) = self.driver.streams.get_mut(&id) else { return };
        inbox.failure.get_or_insert(error);
        inbox.wake_all(&mut self.wake);
    }

    fn close_stream(&mut self, id: StreamId, held_slot: bool) {
        let Some(inbox) = self.driver.streams.get_mut(&id) else {
            if held_slot {
                self.core.release_slot(id);
            }
            return;
        };
        inbox.is_closed = true;
        inbox.holds_slot = held_slot;
        inbox.wake_all(&mut self.wake);
        if inbox.is_released {
            self.forget(id);
        } else if inbox.failure.is_some() {
            // No handler has started on it, so none needs to.
            let before = self.arrivals.len();
            self.arrivals.retain(|arrival| arrival.id != id);
            if self.arrivals.len() < before {
                self.forget(id);
            }
        }
    }

    /// Records that the application has finished with a stream.
    pub(crate) fn release_stream(&mut self, id: StreamId) {
        if self.driver.streams.get_mut(&id).is_some_and(Inbox::release) {
            self.forget(id);
        }
    }

    /// Removes a stream with which both the core and the application have finished.
    pub(super) fn forget(&mut self, id: StreamId) {
        self.core.release_all(id);
        let Some(inbox) = self.streams.remove(&id) else { return };
        self.held.remove(inbox.held);
        if inbox.holds_slot {
            self.core.release_slot(id);
        }
    }

    /// The connection has ended: wakes all waiting threads.
    pub(super) fn note_end(&mut self) {
        let error = self.end_error();
        let core = &self.core;
        let Streams { streams, arrivals, pongs, awaits_settings, .. } = &mut self.driver;
        // None of them could be answered any more.
        for arrival in arrivals.drain(..) {
            streams.remove(&arrival.id);
        }
        for (id, inbox) in streams.iter_mut() {
            if let Some(error) = error.as_ref().filter(|_| core.is_unsent(*id)) {
                inbox.failure.get_or_insert_with(|| error.clone().unsent());
            }
            inbox.is_closed = true;
            inbox.wake_all(&mut self.wake);
        }
        self.wake.extend(pongs.iter().map(|pong| pong.thread.clone()));
        self.wake.append(awaits_settings);
        self.has_news = true;
    }
}
