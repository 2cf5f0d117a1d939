//! Sums that have to be right at any time: whoever counts has to count back.

use super::super::connection::Connection;
use super::super::scheduler::Place;
use super::super::slots::SlotKind;
use super::super::state::State;
use super::super::stream::{Item, Phase, Stream};
use crate::frame::StreamId;

/// Checks every counter of a connection against what it counts.
pub(in super::super) fn audit(core: &Connection) {
    let ids = core.streams.ids(|_| true);
    let streams = || ids.iter().filter_map(|&id| core.streams.get(id));
    if core.closed.is_some() {
        assert!(ids.is_empty() && core.opener.deferred_len() == 0);
        assert_eq!((core.send_buffered, core.opener.octets()), (0, 0));
        assert_eq!(core.poll_timeout(), None);
        assert_eq!(core.wants_transmit(), !core.fifo.is_empty());
        return;
    }
    let is_own = |id: StreamId| core.streams.is_own(id);
    let in_use = |own| streams().filter(|s| s.slot.is_some() && is_own(s.id) == own).count();
    let promised = streams().filter(|stream| stream.promise.is_some()).count();
    for (kind, in_use) in [
        (SlotKind::Own, in_use(true)),
        (SlotKind::Peer, in_use(false)),
        (SlotKind::Promised, promised),
    ] {
        let parked = core.slots.parked(kind);
        assert_eq!(core.slots.taken(kind), in_use + parked, "slots of {kind:?}");
        assert!(parked == 0 || core.config.hold_slots);
    }
    let of_server = |s: &&Stream| !is_own(s.id) && s.id.is_server_initiated();
    assert_eq!(promised, streams().filter(of_server).count(), "promised streams");

    let queued: usize = streams().map(|stream| stream.send.queued).sum();
    assert_eq!(core.send_buffered, queued, "octets in the queues");
    let deferred = core.opener.deferred_octets();
    let responses: usize = streams()
        .filter_map(|stream| stream.send.response.as_ref())
        .map(|(headers, _)| headers.section_size())
        .sum();
    assert_eq!(core.opener.octets(), deferred + responses, "octets of sections that wait");
    streams().for_each(|stream| audit_stream(core, stream));
}

fn audit_stream(core: &Connection, stream: &Stream) {
    let send = &stream.send;
    let id = stream.id;
    let queued: usize = send
        .queue
        .iter()
        .map(|item| match item {
            Item::Data { data, .. } => data.len(),
            Item::Trailers(trailers) => trailers.section_size(),
        })
        .sum();
    assert_eq!(send.queued, queued, "octets in the queue of {id}");
    assert_eq!(stream.state == State::Idle, core.opener.is_deferred(id), "{id} is deferred");
    let promises = core.opener.promises_of(id);
    assert_eq!(send.deferred_promises as usize, promises, "promises of {id}");

    if stream.is_sendable() {
        assert!(send.scheduled.is_some(), "{id} could send and is forgotten");
    }
    if stream.is_stalled() {
        assert!(send.scheduled.is_some() || send.stall.is_some(), "nobody watches {id}");
    }
    if let Some(turn) = &send.scheduled {
        let as_free = turn.place() == Place::Free;
        assert_eq!(as_free, !stream.has_data_next(), "{id} stands in the wrong line");
    }
    if let Some(octets) = send.wants_room.filter(|_| send.phase == Phase::Body) {
        let half = |size: usize| size / 2;
        let own = core.has_own_room(send, octets)
            && send.queued <= half(core.config.max_stream_send_buffer)
            && send.queue.len() <= 512;
        let many = send.queued + octets > half(core.config.max_send_buffer) / 8;
        let shared = core.shares_room(send, octets)
            && (!many || core.send_buffered <= half(core.config.max_send_buffer));
        assert!(!own || !shared, "{id} has room and has not been told");
    }
    if send.response.is_some() && stream.state == State::ReservedLocal && promises == 0 {
        assert!(!core.has_slot() && send.slot_ticket.is_some(), "{id} has its slot");
    }
}
