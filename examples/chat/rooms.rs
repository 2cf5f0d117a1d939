//! The rooms: their members, and how a line reaches all of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use h2_sync::websocket::{Message, Sender};

/// All rooms by their names. A room is there while it has members.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    rooms: Mutex<HashMap<String, Room>>,
    next_id: AtomicU64,
}

/// The members of a room, by their numbers.
type Room = HashMap<u64, Sender>;

impl Rooms {
    /// Adds a member to a room.
    pub(crate) fn join(&self, room: &str, member: Sender) -> Membership<'_> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.lock().entry(room.to_owned()).or_default().insert(id, member);
        Membership { rooms: self, room: room.to_owned(), id }
    }

    /// A handler that panicked leaves the map as it was, so the lock is good in any case.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Room>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in a room, which is given up when this is dropped.
#[derive(Debug)]
pub(crate) struct Membership<'a> {
    rooms: &'a Rooms,
    room: String,
    id: u64,
}

impl Membership<'_> {
    /// Sends a line to every member of the room, this one included.
    ///
    /// `try_send` never waits for a member: the line goes into a bounded queue, and a member whose queue
    /// is full misses it. So this may be done under the lock, and lines reach all members in one order.
    pub(crate) fn say(&self, line: String) {
        // All members share these octets: cloning a message copies nothing.
        let line = Message::from(line);
        if let Some(room) = self.rooms.lock().get(&self.room) {
            for member in room.values() {
                if let Err(error) = member.try_send(line.clone()) {
                    // One that is closed or has failed: its reader is about to find out.
                    log::debug!("a member of {} misses a line: {error}", self.room);
                }
            }
        }
    }

    /// The number of members in the room.
    pub(crate) fn members(&self) -> usize {
        self.rooms.lock().get(&self.room).map_or(0, HashMap::len)
    }
}

impl Drop for Membership<'_> {
    fn drop(&mut self) {
        let mut rooms = self.rooms.lock();
        if let Some(room) = rooms.get_mut(&self.room) {
            room.remove(&self.id);
            if room.is_empty() {
                rooms.remove(&self.room);
            }
        }
    }
}
