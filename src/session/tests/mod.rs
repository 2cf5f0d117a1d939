//! What the outside cannot see: that nothing is owed any more once all has been taken.

mod outbox;
mod waking;
