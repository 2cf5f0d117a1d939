//! The table of streams by identifier, and the history of ended ones.

use std::collections::HashMap;

use super::config::Role;
use super::id_hasher::IdHashState;
use super::state::Cause;
use super::stream::{Phase, Stream};
use crate::frame::StreamId;

/// A table of up to this capacity is not shrunk.
const MAX_SPARE: usize = 512;

/// The status of an identifier without a live stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has never been used.
    Idle,
    /// It was skipped: a higher one has been used (RFC 9113, Section 5.1.1).
    Skipped,
    /// It was used, and ended this way.
    Closed(Cause),
    /// It is too old to be remembered.
    Forgotten,
}

/// A stream that the peer knows: its HEADERS or promise have been sent or received, or it has been
/// skipped. On other streams, only frames that open them may be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownStream(StreamId);

impl KnownStream {
    pub(crate) fn id(self) -> StreamId {
        self.0
    }
}

#[derive(Debug)]
pub(crate) struct Streams {
    role: Role,
    live: HashMap<StreamId, Stream, IdHashState>,
    own: History,
    peers: History,
}

impl Streams {
    /// Returns an empty table that remembers `remembered` ended identifiers of each side.
    pub(crate) fn new(role: Role, remembered: u32) -> Self {
        Streams {
            role,
            live: HashMap::default(),
            own: History::new(remembered),
            peers: History::new(remembered),
        }
    }

    pub(crate) fn get(&self, id: StreamId) -> Option<&Stream> {
        self.live.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.live.get_mut(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.live.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.live.values_mut()
    }

    /// Returns the identifiers of all streams that match `pick`, in ascending order.
    pub(crate) fn ids(&self, pick: impl Fn(&Stream) -> bool) -> Vec<StreamId> {
        let mut ids: Vec<_> =
            self.live.values().filter(|stream| pick(stream)).map(|stream| stream.id).collect();
        ids.sort_unstable();
        ids
    }

    /// Returns locally opened streams above `last` and up to `end`, in ascending order. The cost is
    /// bounded by the number of identifiers in between and by the size of the table.
    pub(crate) fn own_above(&self, last: StreamId, end: StreamId) -> Vec<StreamId> {
        let end = end.min(self.own.last);
        let is_meant = |id: StreamId| self.is_own(id) && id > last && id <= end;
        let between = end.get().saturating_sub(last.get()) as usize;
        if between > self.live.len() {
            return self.ids(|stream| is_meant(stream.id));
        }
        let ids = (last.get() + 1..=end.get()).map(StreamId::from_wire);
        ids.filter(|&id| is_meant(id) && self.live.contains_key(&id)).collect()
    }

    pub(crate) fn insert(&mut self, stream: Stream) {
        self.live.insert(stream.id, stream);
    }

    /// Whether this side opens streams with this identifier.
    pub(crate) fn is_own(&self, id: StreamId) -> bool {
        match self.role {
            Role::Client => id.is_client_initiated(),
            Role::Server => id.is_server_initiated(),
        }
    }

    fn history(&mut self, id: StreamId) -> &mut History {
        if self.is_own(id) { &mut self.own } else { &mut self.peers }
    }

    /// Marks an identifier as used, and all lower idle ones of its side as closed (RFC 9113,
    /// Section 5.1.1).
    pub(crate) fn use_id(&mut self, id: StreamId) {
        self.history(id).advance(id);
    }

    /// Returns the highest identifier that the peer has used.
    pub(crate) fn last_of_peer(&self) -> StreamId {
        self.peers.last
    }

    pub(crate) fn standing(&self, id: StreamId) -> Standing {
        if self.is_own(id) { self.own.standing(id) } else { self.peers.standing(id) }
    }

    /// Returns the stream if the peer knows it.
    pub(crate) fn known(&self, id: StreamId) -> Option<KnownStream> {
        (self.standing(id) != Standing::Idle).then_some(KnownStream(id))
    }

    /// Whether a frame for an ended stream may have been in flight when this side reset it (RFC
    /// 9113, Section 5.1). This is assumed for forgotten streams.
    pub(crate) fn may_be_late(&self, id: StreamId) -> bool {
        matches!(self.standing(id), Standing::Closed(Cause::ResetByUs) | Standing::Forgotten)
    }

    /// Removes a stream from the table and remembers how it ended.
    pub(crate) fn remove(&mut self, id: StreamId, cause: Cause) -> Option<Stream> {
        let stream = self.live.remove(&id)?;
        // Returns the memory of a peak.
        if self.live.capacity() > MAX_SPARE.max(8 * self.live.len()) {
            self.live.shrink_to(2 * self.live.len());
        }
        self.history(id).record(id, cause);
        if cause == Cause::ResetByUs && stream.recv.phase != Phase::Done {
            let window = u32::try_from(stream.recv.window.signed()).unwrap_or(0);
            self.history(id).allow(id, window);
        }
        Some(stream)
    }

    /// Remembers the end of a stream that was not in the table, because it was refused.
    pub(crate) fn record(&mut self, id: StreamId, cause: Cause) {
        self.history(id).record(id, cause);
    }

    /// Remembers a refused stream for which the peer may have sent DATA, up to the initial window.
    pub(crate) fn record_refused(&mut self, id: StreamId, window: u32) {
        self.history(id).record(id, Cause::ResetByUs);
        self.history(id).allow(id, window);
    }

    /// Whether DATA for a stream that this side reset was in flight at that time: the peer had
    /// window for it, which this reduces.
    pub(crate) fn was_on_its_way(&mut self, id: StreamId, octets: u32, end_stream: bool) -> bool {
        self.standing(id) == Standing::Closed(Cause::ResetByUs)
            && self.history(id).use_up(id, octets, end_stream)
    }

    /// Whether RST_STREAM for an ended stream is the peer's first: it crossed ours, or followed
    /// END_STREAM (RFC 9113, Section 5.1). Marks the stream as reset by the peer.
    pub(crate) fn is_first_reset(&mut self, id: StreamId) -> bool {
        let is_first =
            matches!(self.standing(id), Standing::Closed(Cause::ResetByUs | Cause::EndStream));
        if is_first {
            self.history(id).record(id, Cause::ResetByPeer);
        }
        is_first
    }

    pub(crate) fn clear(&mut self) {
        self.live = HashMap::default();
    }
}

/// The last identifiers of one side. They only increase, so a ring indexed by the identifier finds
/// each in one step. Each entry contains its identifier, so that stale entries need not be cleared
/// when identifiers are skipped.
#[derive(Debug)]
struct History {
    last: StreamId,
    /// Grown as needed: small for a connection with a few requests.
    ring: Vec<Record>,
    /// Octets of DATA that may still arrive for streams that this side reset, indexed like the
    /// ring. Grown as needed: most connections have none.
    awaited: Vec<u32>,
    /// The maximum length of the ring, at least 1.
    remembered: u32,
}

/// An ended identifier and its cause: half of the identifier, since those of one side differ in
/// that, and the cause in the two free bits. 0 means no record.
#[derive(Debug, Clone, Copy, Default)]
struct Record(u32);

impl Record {
    fn new(id: StreamId, cause: Cause) -> Self {
        let cause = match cause {
            Cause::EndStream => 1,
            Cause::ResetByPeer => 2,
            Cause::ResetByUs => 3,
        };
        Record((id.get() >> 1) << 2 | cause)
    }

    fn cause(self, id: StreamId) -> Option<Cause> {
        if self.0 >> 2 != id.get() >> 1 {
            return None;
        }
        match self.0 & 3 {
            1 => Some(Cause::EndStream),
            2 => Some(Cause::ResetByPeer),
            3 => Some(Cause::ResetByUs),
            _ => None,
        }
    }
}

impl History {
    fn new(remembered: u32) -> Self {
        History {
            last: StreamId::default(),
            ring: Vec::new(),
            awaited: Vec::new(),
            remembered: remembered.max(1),
        }
    }

    fn index(&self, id: StreamId) -> usize {
        ((id.get() >> 1) % self.remembered) as usize
    }

    fn advance(&mut self, id: StreamId) {
        debug_assert!(id > self.last);
        self.last = id;
    }

    fn record(&mut self, id: StreamId, cause: Cause) {
        if self.remembers(id) {
            let index = self.index(id);
            if index >= self.ring.len() {
                self.ring.resize(self.len_for(index), Record::default());
            }
            self.ring[index] = Record::new(id, cause);
            if let Some(awaited) = self.awaited.get_mut(index) {
                *awaited = 0;
            }
        }
    }

    /// Allows this much DATA for a recorded stream.
    fn allow(&mut self, id: StreamId, octets: u32) {
        if octets > 0 && self.remembers(id) {
            let index = self.index(id);
            if index >= self.awaited.len() {
                self.awaited.resize(self.len_for(index), 0);
            }
            self.awaited[index] = octets;
        }
    }

    /// Subtracts DATA from what is allowed for a recorded stream. Returns `false` if it exceeds
    /// that.
    fn use_up(&mut self, id: StreamId, octets: u32, end_stream: bool) -> bool {
        let index = self.index(id);
        let Some(awaited) = self.awaited.get_mut(index) else { return false };
        // An empty frame costs its sender nothing, so only one that ends the stream is allowed.
        let was_allowed = *awaited > 0 && octets <= *awaited && (octets > 0 || end_stream);
        if end_stream {
            *awaited = 0;
        } else if was_allowed {
            *awaited -= octets;
        }
        was_allowed
    }

    /// Returns the length of a ring that includes this index.
    fn len_for(&self, index: usize) -> usize {
        (index + 1).next_power_of_two().max(32).min(self.remembered as usize)
    }

    fn remembers(&self, id: StreamId) -> bool {
        id <= self.last && ((self.last.get() - id.get()) >> 1) < self.remembered
    }

    fn standing(&self, id: StreamId) -> Standing {
        if id > self.last {
            Standing::Idle
        } else if self.remembers(id) {
            let record = self.ring.get(self.index(id)).copied().unwrap_or_default();
            record.cause(id).map_or(Standing::Skipped, Standing::Closed)
        } else {
            Standing::Forgotten
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REMEMBERED: u32 = 1_024;

    fn id(n: u32) -> StreamId {
        StreamId::from_wire(n)
    }

    #[test]
    fn an_identifier_is_idle_until_it_or_a_higher_one_is_used() {
        let mut streams = Streams::new(Role::Server, REMEMBERED);
        assert_eq!(streams.standing(id(5)), Standing::Idle);
        streams.use_id(id(5));
        assert_eq!(streams.standing(id(3)), Standing::Skipped);
        assert_eq!(streams.standing(id(7)), Standing::Idle);
        assert_eq!(streams.standing(id(2)), Standing::Idle, "the other side's numbers are apart");
    }

    #[test]
    fn the_end_of_a_stream_is_remembered_until_a_thousand_more_have_come() {
        let mut streams = Streams::new(Role::Server, REMEMBERED);
        streams.use_id(id(1));
        streams.insert(Stream::new(id(1), 0, 0, None));
        streams.remove(id(1), Cause::ResetByPeer);
        for n in 1..REMEMBERED {
            streams.use_id(id(2 * n + 1));
        }
        assert_eq!(streams.standing(id(1)), Standing::Closed(Cause::ResetByPeer));
        streams.use_id(id(2 * REMEMBERED + 1));
        assert_eq!(streams.standing(id(1)), Standing::Forgotten);
        assert_eq!(streams.standing(id(2 * REMEMBERED + 1)), Standing::Skipped);
    }

    #[test]
    fn as_many_are_remembered_as_is_asked_for() {
        for remembered in [1, 3, 100] {
            let mut streams = Streams::new(Role::Server, remembered);
            for n in 0..1_000 {
                streams.use_id(id(2 * n + 1));
                streams.record(id(2 * n + 1), Cause::EndStream);
                let oldest = n.saturating_sub(remembered - 1);
                assert_eq!(
                    streams.standing(id(2 * oldest + 1)),
                    Standing::Closed(Cause::EndStream)
                );
                if oldest > 0 {
                    assert_eq!(streams.standing(id(2 * oldest - 1)), Standing::Forgotten);
                }
            }
        }
    }

    #[test]
    fn a_jump_over_many_identifiers_forgets_what_was_before() {
        let mut streams = Streams::new(Role::Server, REMEMBERED);
        streams.use_id(id(1));
        streams.record(id(1), Cause::EndStream);
        streams.use_id(id(1_000_001));
        assert_eq!(streams.standing(id(1)), Standing::Forgotten);
        assert_eq!(streams.standing(id(999_999)), Standing::Skipped);
        streams.use_id(id(1_000_005));
        streams.record(id(1_000_005), Cause::EndStream);
        assert_eq!(streams.standing(id(1_000_003)), Standing::Skipped);
        assert_eq!(streams.standing(id(1_000_005)), Standing::Closed(Cause::EndStream));
    }
}
