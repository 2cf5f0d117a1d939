//! Checks of counters: each must match what it counts at any time.

use super::super::connection::Connection;
use super::super::slots::SlotKind;
use super::super::state::State;
use super::super::stream::{Phase, Stream};
use crate::frame::StreamId;

/// Checks every counter of a connection against what it counts.
pub(in super::super) fn audit(core: &Connection) {
    let ids = core.streams.ids(|_| true);
    let streams: Vec<&Stream> = ids.iter().filter_map(|&id| core.streams.get(id)).collect();
    let streams = || streams.iter().copied();
    if core.ending.closed.is_some() {
        assert!(ids.is_empty() && core.opener.deferred_len() == 0);
        assert_eq!((core.outgoing.buffered(), core.opener.octets()), (0, 0));
        assert_eq!(core.poll_timeout(), None);
        assert_eq!(core.wants_transmit(), core.outgoing.has_frames());
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

    let deferred = core.opener.deferred_octets();
    let responses: usize = streams()
        .filter_map(|stream| stream.send.response.as_ref())
        .map(|(headers, _)| headers.section_size())
        .sum();
    assert_eq!(core.opener.octets(), deferred + responses, "octets of sections that wait");
    core.input.growth.audit(streams().map(|stream| &stream.recv.window));
    let queued: usize = streams().map(|stream| audit_stream(core, stream)).sum();
    assert_eq!(core.outgoing.buffered(), queued, "octets in the queues");
}

/// Returns the octets that the stream has queued.
fn audit_stream(core: &Connection, stream: &Stream) -> usize {
    let (id, queue) = (stream.id, &stream.send.queue);
    let is_deferred = core.opener.is_deferred(id);
    assert_eq!(stream.state == State::Idle, is_deferred, "{id} is deferred");
    let promises = core.opener.promises_of(id);
    if stream.send.phase == Phase::Body {
        core.outgoing.audit_room(queue);
    }
    if stream.send.response.is_some() && stream.state == State::ReservedLocal && promises == 0 {
        let waits = stream.send.slot_ticket.is_some();
        assert!(!core.has_slot() && waits, "{id} has its slot");
    }
    queue.audit(is_deferred, promises)
}
