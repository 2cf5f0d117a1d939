//! The parts of a server by themselves. The whole of it is tested from outside, in `tests/server`.

mod clock;
mod lending;
mod permits;
mod pool;

use std::time::Duration;

/// Nothing here takes so long, on however slow a machine.
const LONG: Duration = Duration::from_secs(100);
