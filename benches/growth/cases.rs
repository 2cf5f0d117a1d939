//! The rows of the table.

use bytes::Bytes;
use h2_sync::frame::{ErrorCode, Goaway, PriorityUpdate, Setting, Settings, StreamId};
use h2_sync::proto::Role;

use crate::peer::{Prepared, Stage, client_id, some_of};

/// One kind of frame, to a core with some number of streams.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) prepare: fn(usize) -> Prepared,
}

pub(crate) const CASES: &[Case] = &[
    Case { name: "HEADERS", prepare: headers },
    Case { name: "HEADERS that skips 100 × N identifiers, 2^20 remembered", prepare: skipping },
    Case { name: "DATA of 100 octets", prepare: data },
    Case { name: "WINDOW_UPDATE that lets 1,000 octets go out", prepare: credit },
    Case { name: "WINDOW_UPDATE on identifiers chosen to collide", prepare: colliding },
    Case { name: "RST_STREAM of a response that waits", prepare: reset },
    Case { name: "PRIORITY_UPDATE of a response that waits", prepare: priority },
    Case { name: "GOAWAY that refuses no upload", prepare: goaway_of_none },
    Case { name: "GOAWAY that refuses N uploads", prepare: goaway_of_all },
    Case { name: "SETTINGS with 1 × INITIAL_WINDOW_SIZE", prepare: setting },
    Case { name: "SETTINGS with 32 × INITIAL_WINDOW_SIZE", prepare: settings },
    Case { name: "SETTINGS with 32 × MAX_CONCURRENT_STREAMS", prepare: other_settings },
];

fn headers(streams: usize) -> Prepared {
    let mut stage = Stage::receiving(streams);
    (streams..streams + 64).for_each(|n| stage.request(client_id(n), true));
    stage.prepared()
}

/// All of the identifiers up to 2^31 are enough for ten times the most that this skips.
fn skipping(hundreds: usize) -> Prepared {
    let mut stage = Stage::new(Role::Server, 1 << 20, Vec::new());
    (1..=10).for_each(|n| stage.request(client_id(n * hundreds * 100), true));
    stage.prepared()
}

fn data(streams: usize) -> Prepared {
    let mut stage = Stage::receiving(streams);
    some_of(streams).for_each(|n| stage.data(client_id(n), &[0; 100]));
    stage.prepared()
}

fn credit(streams: usize) -> Prepared {
    let mut stage = Stage::responding(streams, 0);
    some_of(streams).for_each(|n| stage.credit(client_id(n), 1_000));
    stage.prepared()
}

/// Identifiers that have the same 14 low bits of their hash, as the table's hash was once
/// (a product with 2^64 ÷ φ): a table of 10,000 would have them all in one place.
fn colliding(streams: usize) -> Prepared {
    let hash = |id: u32| u64::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    let ids = (1..).step_by(2).filter(|&id| hash(id) & 0x3fff == 0).take(streams);
    let ids: Vec<_> = ids.map(StreamId::from_wire).collect();
    let mut stage = Stage::new(Role::Server, 16, Vec::new());
    ids.iter().for_each(|&id| stage.request(id, true));
    stage.deliver();
    some_of(streams).for_each(|n| stage.credit(ids[n], 1));
    stage.prepared()
}

fn reset(streams: usize) -> Prepared {
    let mut stage = Stage::responding(streams, 1 << 20);
    some_of(streams).for_each(|n| stage.reset(client_id(n)));
    stage.prepared()
}

fn priority(streams: usize) -> Prepared {
    let mut stage = Stage::responding(streams, 1 << 20);
    for n in some_of(streams) {
        stage.send(PriorityUpdate {
            prioritized_stream_id: client_id(n),
            field_value: Bytes::from_static(b"u=5"),
        });
    }
    stage.prepared()
}

fn goaway_of_none(streams: usize) -> Prepared {
    goaway(streams, StreamId::MAX)
}

fn goaway_of_all(streams: usize) -> Prepared {
    goaway(streams, StreamId::CONNECTION)
}

fn goaway(streams: usize, last_stream_id: StreamId) -> Prepared {
    let mut stage = Stage::uploading(streams);
    let (error_code, debug_data) = (ErrorCode::NoError, Bytes::new());
    stage.send(Goaway { last_stream_id, error_code, debug_data });
    stage.prepared()
}

fn setting(streams: usize) -> Prepared {
    with_settings(streams, vec![Setting::InitialWindowSize(1 << 21)])
}

fn settings(streams: usize) -> Prepared {
    let entries = (1..=32).map(|more| Setting::InitialWindowSize((1 << 20) + more));
    with_settings(streams, entries.collect())
}

fn other_settings(streams: usize) -> Prepared {
    with_settings(streams, (1..=32).map(Setting::MaxConcurrentStreams).collect())
}

fn with_settings(streams: usize, entries: Vec<Setting>) -> Prepared {
    let mut stage = Stage::responding(streams, 1 << 20);
    stage.send(Settings { ack: false, entries });
    stage.prepared()
}
