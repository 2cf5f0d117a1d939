//! Tests of internals: what is owed is given back, and sleeping threads are woken.

mod outbox;
mod waking;
