//! The table of streams by identifier, and what is remembered of those that are gone.

use std::collections::HashMap;

use super::config::Role;
use super::id_hasher::IdHashState;
use super::state::Cause;
use super::stream::{Phase, Stream};
use crate::frame::StreamId;

/// A table with this much room is not made smaller.
const MAX_SPARE: usize = 512;

/// What an identifier without a live stream stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has never been used.
    Idle,
    /// It was passed over: a higher one has been used (RFC 9113, Section 5.1.1).
    Skipped,
    /// It has been used, and ended like this.
    Closed(Cause),
    /// So many others have come since that nothing is known of it.
    Forgotten,
}

/// A stream that the peer has heard of: its HEADERS or its promise have gone out or come in, or it
/// has been skipped. Of others, nothing but what opens them may be said.
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
    /// An empty table. So many identifiers of each side are remembered after their streams are gone.
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

    /// Identifiers of all streams for which `pick` holds, in ascending order.
    pub(crate) fn ids(&self, pick: impl Fn(&Stream) -> bool) -> Vec<StreamId> {
        let mut ids: Vec<_> =
            self.live.values().filter(|stream| pick(stream)).map(|stream| stream.id).collect();
        ids.sort_unstable();
        ids
    }

    /// Streams of ours above `last` and up to `end`, in ascending order. It costs no more than the
    /// identifiers in between, and no more than the table.
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

    /// Whether we open streams with this identifier.
    pub(crate) fn is_own(&self, id: StreamId) -> bool {
        match self.role {
            Role::Client => id.is_client_initiated(),
            Role::Server => id.is_server_initiated(),
        }
    }

    fn history(&mut self, id: StreamId) -> &mut History {
        if self.is_own(id) {
            &mut self.own
        } else {
            &mut self.peers
        }
    }

    /// The identifier is in use from now on, and all lower idle ones of its side are closed
    /// (RFC 9113, Section 5.1.1).
    pub(crate) fn use_id(&mut self, id: StreamId) {
        self.history(id).advance(id);
    }

    /// The highest identifier that the peer has used.
    pub(crate) fn last_of_peer(&self) -> StreamId {
        self.peers.last
    }

    pub(crate) fn standing(&self, id: StreamId) -> Standing {
        if self.is_own(id) {
            self.own.standing(id)
        } else {
            self.peers.standing(id)
        }
    }

    /// The stream, if the peer has heard of it.
    pub(crate) fn known(&self, id: StreamId) -> Option<KnownStream> {
        (self.standing(id) != Standing::Idle).then_some(KnownStream(id))
    }

    /// Whether a frame for a stream that is gone may have been on its way when we reset it
    /// (RFC 9113, Section 5.1). Of those that are forgotten, that is assumed.
    pub(crate) fn may_be_late(&self, id: StreamId) -> bool {
        matches!(self.standing(id), Standing::Closed(Cause::ResetByUs) | Standing::Forgotten)
    }

    /// Takes a stream out of the table and remembers how it ended.
    pub(crate) fn remove(&mut self, id: StreamId, cause: Cause) -> Option<Stream> {
        let stream = self.live.remove(&id)?;
        // What a peak has taken is given back.
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

    /// The peer's stream was refused before it got into the table.
    pub(crate) fn record(&mut self, id: StreamId, cause: Cause) {
        self.history(id).record(id, cause);
    }

    /// The same where the peer may have sent DATA behind, as far as the window goes that each stream
    /// starts with.
    pub(crate) fn record_refused(&mut self, id: StreamId, window: u32) {
        self.history(id).record(id, Cause::ResetByUs);
        self.history(id).allow(id, window);
    }

    /// Whether DATA for a stream that we have reset was on its way then: the peer had window for it, and
    /// has less from now on.
    pub(crate) fn was_on_its_way(&mut self, id: StreamId, octets: u32, end_stream: bool) -> bool {
        self.standing(id) == Standing::Closed(Cause::ResetByUs)
            && self.history(id).use_up(id, octets, end_stream)
    }

    /// Whether RST_STREAM for a stream that is gone is the first of the peer's: it crossed ours, or came
    /// behind END_STREAM (RFC 9113, Section 5.1). From now on the peer has reset the stream.
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

/// The last identifiers of one side. They only ever go up, so a ring indexed by the identifier
/// itself finds each in one step, and each place says which identifier it is about: what is older
/// need not be cleared when identifiers are skipped.
#[derive(Debug)]
struct History {
    last: StreamId,
    /// As far as it has been used: a connection with a few requests has a small one.
    ring: Vec<Record>,
    /// Octets of DATA that may still come for streams that we have reset, in places like those of the
    /// ring. As far as there are any: most connections never have one.
    awaited: Vec<u32>,
    /// How long the ring can be; 1 at least.
    remembered: u32,
}

/// An identifier that has ended, and how: half of the identifier, since those of one side differ in
/// that, and the cause in the two bits that are free. 0 is no record.
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

    /// So much DATA may come for a stream that has been recorded.
    fn allow(&mut self, id: StreamId, octets: u32) {
        if octets > 0 && self.remembers(id) {
            let index = self.index(id);
            if index >= self.awaited.len() {
                self.awaited.resize(self.len_for(index), 0);
            }
            self.awaited[index] = octets;
        }
    }

    /// Takes DATA off what may come for a stream that has been recorded; `false` if it is too much.
    fn use_up(&mut self, id: StreamId, octets: u32, end_stream: bool) -> bool {
        let index = self.index(id);
        let Some(awaited) = self.awaited.get_mut(index) else { return false };
        // An empty frame costs its sender nothing; it has one that ends the stream.
        let was_allowed = *awaited > 0 && octets <= *awaited && (octets > 0 || end_stream);
        if end_stream {
            *awaited = 0;
        } else if was_allowed {
            *awaited -= octets;
        }
        was_allowed
    }

    /// The length of a ring that has this place.
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
