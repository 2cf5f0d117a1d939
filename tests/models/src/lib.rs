//! The crate's sources in `src/`, unchanged, over a standard library whose locks, threads and time
//! are those of a model checker. [`models`] has the models, and `README.md` tells how to run them.

#[macro_use(thread_local)]
extern crate modelled_std as std;

// As in the crate's own `lib.rs`, without what the features add but for WebSocket.
#[path = "../../../src/budget.rs"]
mod budget;
#[path = "../../../src/client/mod.rs"]
pub mod client;
#[path = "../../../src/convert/mod.rs"]
pub mod convert;
#[path = "../../../src/error.rs"]
pub mod error;
#[path = "../../../src/exchange/mod.rs"]
mod exchange;
#[path = "../../../src/frame/mod.rs"]
pub mod frame;
#[path = "../../../src/h1/mod.rs"]
mod h1;
#[path = "../../../src/halves/mod.rs"]
mod halves;
#[path = "../../../src/histogram.rs"]
mod histogram;
#[path = "../../../src/hpack/mod.rs"]
pub mod hpack;
#[path = "../../../src/http1/mod.rs"]
pub mod http1;
#[path = "../../../src/kernel_thread.rs"]
mod kernel_thread;
#[path = "../../../src/logging.rs"]
mod logging;
#[path = "../../../src/meter.rs"]
mod meter;
#[path = "../../../src/proto/mod.rs"]
pub mod proto;
#[path = "../../../src/server/mod.rs"]
pub mod server;
#[path = "../../../src/session/mod.rs"]
pub mod session;
#[path = "../../../src/transport/mod.rs"]
pub mod transport;
#[path = "../../../src/upgrade/mod.rs"]
pub mod upgrade;
#[path = "../../../src/websocket/mod.rs"]
pub mod websocket;
#[path = "../../../src/wire/mod.rs"]
mod wire;
#[path = "../../../src/ws/mod.rs"]
pub mod ws;

pub use error::{Error, ErrorKind, Phase};
pub use frame::{ErrorCode, StreamId};
pub use hpack::Headers;
pub use proto::{Config, HeadersKind, Role};
pub use session::{Act, Evt, PutError, Reason, Session, new_connection};

pub mod models;
