//! What is fuzzed, and what must hold for every input.
//!
//! Each target is a plain function from octets to nothing, which panics where something does not
//! hold. `fuzz_targets/` gives them to libFuzzer; `tests/corpus` includes this very file, and
//! runs them on what libFuzzer has found, with a stable compiler.

mod application;
mod compression;
mod cores;
mod fields;
mod frames;
mod http1;
mod input;
mod joined;
mod messages;
mod multipart;
mod order;
mod receive;
mod script;
mod sections;
mod settings;
mod upgrade;
mod websocket;
#[path = "../../src/proto/tests/wire_order.rs"]
mod wire_order;

use h2_sync::frame;
use h2_sync::proto::Role;

pub use compression::{hpack_decode, hpack_round_trip, huffman};
pub use frames::frame_decode;
pub use http1::{http1_client, http1_messages, http1_server};
pub use joined::two_cores_joined;
pub use multipart::multipart;
pub use receive::{client_receive, server_receive};
pub use sections::header_validation;
pub use settings::settings;
pub use upgrade::{upgrade_request, upgrade_response};
pub use websocket::{websocket_client, websocket_server};
