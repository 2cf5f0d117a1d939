//! Unit tests of the server. `tests/server` tests it as a whole.

mod clock;
mod ending;
mod inline;
mod lending;
mod permits;
mod poller;
mod pool;

use std::time::Duration;

/// A generous timeout for slow machines.
const LONG: Duration = Duration::from_secs(100);
