//! The field block being received.

use crate::frame::{Dependency, StreamId};

/// A partially received field block.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) stream_id: StreamId,
    pub(super) purpose: Purpose,
    pub(super) continuations: u32,
    pub(super) octets: usize,
}

/// The purpose of a field block.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Headers { end_stream: bool, dependency: Option<Dependency> },
    Promise { promised: StreamId },
}

impl Block {
    pub(super) fn new(stream_id: StreamId, purpose: Purpose) -> Self {
        Block { stream_id, purpose, continuations: 0, octets: 0 }
    }
}
