//! HPACK, the compression of field sections in HTTP/2 (RFC 7541).
//!
//! A request or response begins with a *field section*: an ordered list of names and values, here
//! [`Headers`]. On the wire it is a *field block*. Both peers keep two tables of fields, so that a
//! repeated field takes one or two octets:
//!
//! - the *static table*, 61 predefined fields (RFC 7541, Appendix A);
//! - the *dynamic table*, the fields that were sent in this direction of the connection, newest
//!   first, the oldest evicted when it is full (RFC 7541, Section 2.3.2).
//!
//! ```text
//!  Headers ──► Encoder ──► field block ──────────────► Decoder ──► Headers
//!                │         HEADERS, CONTINUATION          │
//!          dynamic table      ── the same fields ──  dynamic table
//! ```
//!
//! The two dynamic tables stay equal only if every block is decoded, in order and to its end. So a
//! [`Decoder`] decodes blocks of closed streams too, and continues without storing fields when a
//! section exceeds its [`Limits`]. After an error it cannot be used any more.
//!
//! The first bits of a field's representation give its type (RFC 7541, Section 6):
//!
//! ```text
//!  1xxxxxxx  indexed: name and value from a table
//!  01xxxxxx  literal, which goes into the dynamic table
//!  001xxxxx  no field: the dynamic table's new maximum size
//!  0001xxxx  literal, never indexed: not to be put into any table on the way either
//!  0000xxxx  literal, without indexing
//! ```
//!
//! A number `x` that does not fit continues in further octets, and strings may be Huffman-coded;
//! see [`huffman`].
//!
//! # Example
//!
//! ```
//! use h2_sync::hpack::{Decoder, Encoder, Limits};
//! use h2_sync::headers;
//!
//! let request = headers!(":method" => "GET", ":path" => "/", "user-agent" => "h2-sync");
//!
//! let mut block = Vec::new();
//! Encoder::new().encode(&request, &mut block);
//!
//! let decoded = Decoder::new(Limits::default()).decode(&block, true)?.unwrap();
//! assert_eq!(decoded.headers, request);
//! # Ok::<(), h2_sync::hpack::DecodeError>(())
//! ```

mod decoder;
mod dynamic_table;
mod encoder;
mod error;
mod field;
mod field_list;
mod guess;
mod headers;
pub mod huffman;
mod huffman_table;
mod indexing;
mod integer;
mod policy;
mod reader;
mod repeats;
mod section;
mod static_table;
mod table_entry;
mod table_index;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use error::DecodeError;
pub use field::Field;
pub(crate) use headers::Writer;
pub use headers::{Headers, Iter};
pub use section::{Decoded, Limits};

#[cfg(test)]
mod tests;
