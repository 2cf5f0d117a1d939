//! x
pub use crate::hpack::Headers as Protocol;
