//! What was sent, and what has arrived.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use h2_sync::frame::StreamId;
use h2_sync::proto::Role;

/// One direction of a stream.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Lane {
    pub(super) sent: usize,
    pub(super) has_sent_end: bool,
    pub(super) got: usize,
    pub(super) has_got_end: bool,
}

/// All lanes, by the side that sends on them.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    lanes: BTreeMap<(bool, StreamId), Lane>,
    /// Streams that were reset, by either side and for any reason.
    cut: BTreeSet<StreamId>,
    /// Promises that the client has seen.
    promised: BTreeSet<StreamId>,
}

impl Ledger {
    pub(super) fn lane(&mut self, sender: Role, id: StreamId) -> &mut Lane {
        self.lanes.entry((sender == Role::Client, id)).or_default()
    }

    /// Streams on which this side has not sent the end.
    pub(super) fn open(&self, sender: Role) -> Vec<StreamId> {
        let lanes = self.lanes.iter();
        lanes
            .filter(|((is_client, _), lane)| {
                *is_client == (sender == Role::Client) && !lane.has_sent_end
            })
            .map(|((_, id), _)| *id)
            .collect()
    }

    pub(super) fn cut(&mut self, id: StreamId) {
        self.cut.insert(id);
    }

    pub(super) fn is_cut(&self, id: StreamId) -> bool {
        self.cut.contains(&id)
    }

    pub(super) fn saw_promise(&mut self, id: StreamId) {
        self.promised.insert(id);
    }

    pub(super) fn receive(&mut self, sender: Role, id: StreamId, data: &[u8]) {
        let lane = self.lane(sender, id);
        let from = lane.got;
        lane.got += data.len();
        assert!(lane.got <= lane.sent, "stream {id}: more than was sent");
        assert!(payload(sender, id, from, data.len()) == data, "stream {id}: other octets");
    }

    pub(super) fn receive_end(&mut self, sender: Role, id: StreamId) {
        let lane = self.lane(sender, id);
        lane.has_got_end = true;
        assert!(lane.has_sent_end, "stream {id}: an end that was not sent");
        assert_eq!(lane.got, lane.sent, "stream {id}: octets are missing");
    }

    /// What was sent has arrived, unless its stream was reset.
    pub(super) fn check_complete(&self, check_promised: bool) {
        for (&(is_client, id), lane) in &self.lanes {
            let is_promised = id.is_server_initiated();
            if self.cut.contains(&id)
                || (is_promised && (!check_promised || !self.promised.contains(&id)))
            {
                continue;
            }
            let sender = if is_client { "client" } else { "server" };
            assert!(lane.has_got_end, "stream {id}: the {sender}'s end is missing: {lane:?}");
        }
    }
}

/// Octets that tell of which stream they are, and where they belong in it.
pub(super) fn payload(sender: Role, id: StreamId, from: usize, len: usize) -> Bytes {
    let seed = id.get() as usize * 7 + usize::from(sender == Role::Client);
    (from..from + len).map(|at| (at * 31 + (at >> 8) + seed) as u8).collect()
}
