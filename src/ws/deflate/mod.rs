//! Compression of messages: permessage-deflate (RFC 7692).

mod contexts;
mod deflater;
mod inflater;
mod list;
mod negotiation;
mod options;

pub(super) use deflater::Deflater;
pub(super) use inflater::Inflater;
pub use negotiation::{accepted, answer, offer};
pub use options::{Compression, DeflateParams};
