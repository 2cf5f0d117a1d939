//! The [`Encoder`]: fields to field blocks.

use super::dynamic_table::{DEFAULT_MAX_SIZE, DynamicTable};
use super::guess::Guess;
use super::indexing::Indexing;
use super::policy::indexing;
use super::repeats::Repeats;
use super::static_table::{self, STATIC_LEN};
use super::table_index::{Hashes, TableIndex};
use super::{Field, Headers, huffman, integer};
use std::fmt;

/// Encodes the field blocks that one side sends on a connection.
///
/// Every encoded block must be sent, in the same order, because it may refer to fields of earlier
/// blocks.
///
/// Fields are added to the dynamic table, with these exceptions:
/// - `authorization`, `proxy-authorization`, cookies shorter than 20 octets, and fields that are
///   marked as sensitive are sent as never indexed (RFC 7541, Section 7.1.3);
/// - `:path`, `content-length`, `etag` and other fields that differ in most messages, and fields
///   that would take more than three quarters of the table, are sent without indexing.
///
/// Strings are Huffman-coded where that makes them shorter.
///
/// ```
/// use h2_sync::{headers, hpack::Encoder};
///
/// let mut encoder = Encoder::new();
/// let request = headers!(":method" => "GET", ":path" => "/", "user-agent" => "example");
///
/// let (mut first, mut second) = (Vec::new(), Vec::new());
/// encoder.encode(&request, &mut first);
/// encoder.encode(&request, &mut second);
/// assert_eq!(first.len(), 9);
/// assert_eq!(second, [0x82, 0x84, 0xbe]);
/// ```
pub struct Encoder {
    table: DynamicTable,
    index: TableIndex,
    guess: Guess,
    /// The largest table size to use, even if the peer allows more.
    cap: usize,
    pending: Option<SizeUpdate>,
    /// Sections whose blocks refer to the table as it is.
    repeats: Repeats<Repeated>,
    /// The number of sections that were kept so far.
    kept: u64,
}

/// A section and its block.
struct Repeated {
    number: u64,
    headers: Headers,
    block: Vec<u8>,
}

/// Changes of the maximum table size that have not been signalled to the peer.
#[derive(Clone, Copy, Debug)]
struct SizeUpdate {
    lowest: usize,
    last: usize,
}

impl Encoder {
    /// Creates an encoder with a table of up to 4,096 octets, even if the peer allows more.
    pub fn new() -> Self {
        Self::with_table_cap(DEFAULT_MAX_SIZE)
    }

    /// Creates an encoder with a table of up to `cap` octets, as far as the peer allows it.
    ///
    /// More than 4,096 octets are used only after [`set_max_table_size`](Self::set_max_table_size)
    /// has allowed them. The table takes up to three times its size in memory.
    pub fn with_table_cap(cap: usize) -> Self {
        let mut encoder = Self {
            table: DynamicTable::new(),
            index: TableIndex::new(cap),
            guess: Guess::default(),
            cap,
            pending: None,
            repeats: Repeats::default(),
            kept: 0,
        };
        encoder.set_max_table_size(DEFAULT_MAX_SIZE);
        encoder
    }

    /// Sets the maximum table size that the peer allows: its `SETTINGS_HEADER_TABLE_SIZE`.
    ///
    /// If the table's size changes, the next block begins with a size update (RFC 7541, Section
    /// 4.2).
    pub fn set_max_table_size(&mut self, bytes: usize) {
        let size = bytes.min(self.cap);
        let before = self.pending.map_or(self.table.max_size(), |pending| pending.last);
        if size != before {
            let lowest = self.pending.map_or(size, |pending| pending.lowest.min(size));
            self.pending = Some(SizeUpdate { lowest, last: size });
        }
    }

    /// Appends the field block of these fields to `out`.
    ///
    /// Accepts [`&Headers`](super::Headers) and any other iterator of fields.
    pub fn encode<'a>(&mut self, fields: impl IntoIterator<Item = Field<'a>>, out: &mut Vec<u8>) {
        self.write_size_updates(out);
        self.guess.other_came(0);
        for field in fields {
            self.write_field(&field, out);
        }
    }

    /// Appends the field block of a section, which may be one that was encoded before.
    pub(crate) fn encode_section(&mut self, headers: &Headers, out: &mut Vec<u8>) {
        if let Some(repeated) = self.find_repeated(headers) {
            return out.extend_from_slice(&repeated.block);
        }
        let (begin, newest) = (out.len(), self.index.newest());
        let may_repeat = self.pending.is_none() && self.repeats.may_repeat(headers.text());
        self.encode(headers, out);
        // A block that has added to the table would do so again.
        if may_repeat && self.index.newest() == newest {
            self.kept += 1;
            let (headers, block) = (headers.iter().collect(), out[begin..].to_vec());
            self.repeats.keep(Repeated { number: self.kept, headers, block });
        }
    }

    /// Returns a number that identifies a section which is kept, among all that ever were.
    pub(crate) fn number_of_repeated(&self, headers: &Headers) -> Option<u64> {
        self.find_repeated(headers).map(|repeated| repeated.number)
    }

    #[inline]
    fn find_repeated(&self, headers: &Headers) -> Option<&Repeated> {
        let is_it = |repeated: &&Repeated| repeated.headers == *headers;
        self.repeats.find(is_it).filter(|_| self.pending.is_none())
    }

    /// Writes the pending size updates: the lowest and the last (RFC 7541, Section 4.2).
    fn write_size_updates(&mut self, out: &mut Vec<u8>) {
        let Some(SizeUpdate { lowest, last }) = self.pending.take() else { return };
        if lowest < last {
            self.write_size_update(lowest, out);
        }
        self.write_size_update(last, out);
    }

    fn write_size_update(&mut self, size: usize, out: &mut Vec<u8>) {
        self.repeats.clear();
        self.table.set_max_size(size);
        self.index.evict_to(self.table.len());
        integer::encode(size, 5, 0x20, out);
    }

    fn write_field(&mut self, field: &Field<'_>, out: &mut Vec<u8>) {
        if let Some(distance) = self.guess_field(field) {
            return self.write_entry(distance, out);
        }
        let static_name = static_table::find_name(field.name);
        let indexing = indexing(field, static_name, self.table.max_size());
        if indexing != Indexing::Never {
            let index = static_name.and_then(|first| static_table::find_value(first, field.value));
            if let Some(index) = index {
                self.guess.other_came(index);
                return integer::encode(index, 7, 0x80, out);
            }
        }
        if indexing != Indexing::Incremental {
            self.guess.other_came(static_name.unwrap_or(0));
            return self.write_literal(field, self.find_name(field, static_name), indexing, out);
        }
        let hashes = Hashes::new(field, static_name);
        if let Some(distance) = self.find_field(field, hashes) {
            return self.write_entry(distance, out);
        }
        self.write_literal(field, self.find_name(field, static_name), indexing, out);
        self.insert(field, hashes);
    }

    /// Returns the distance of the predicted dynamic table entry, if it equals this field.
    #[inline]
    fn guess_field(&self, field: &Field<'_>) -> Option<usize> {
        let distance = self.index.newest().wrapping_sub(self.guess.next()?) as usize;
        // RFC 7541, Section 7.1.3: a sensitive field must not be sent as an index.
        (!field.sensitive && self.is_field(distance, field)).then_some(distance)
    }

    /// Returns the distance of a dynamic table entry that equals this field.
    #[inline]
    fn find_field(&self, field: &Field<'_>, hashes: Hashes) -> Option<usize> {
        self.index.find_field(hashes.field, |distance| self.is_field(distance, field))
    }

    #[inline]
    fn is_field(&self, distance: usize, field: &Field<'_>) -> bool {
        let entry = self.table.get(distance);
        entry.is_some_and(|entry| entry.name() == field.name && entry.value() == field.value)
    }

    /// Returns the index of an entry of either table with this field's name, or 0.
    fn find_name(&self, field: &Field<'_>, static_name: Option<usize>) -> usize {
        if let Some(index) = static_name {
            return index;
        }
        let distance = self.index.find_name(Hashes::of_name(field.name), |distance| {
            self.table.get(distance).is_some_and(|entry| entry.name() == field.name)
        });
        distance.map_or(0, |distance| STATIC_LEN + 1 + distance)
    }

    /// Writes the index of a dynamic table entry (RFC 7541, Section 6.1).
    #[inline]
    fn write_entry(&mut self, distance: usize, out: &mut Vec<u8>) {
        self.guess.entry_came(self.index.newest().wrapping_sub(distance as u32));
        integer::encode(STATIC_LEN + 1 + distance, 7, 0x80, out);
    }

    /// Writes a literal: the index of the name, or zero and the name, then the value (RFC 7541,
    /// Section 6.2).
    fn write_literal(&self, field: &Field<'_>, name: usize, indexing: Indexing, out: &mut Vec<u8>) {
        integer::encode(name, indexing.prefix(), indexing.flags(), out);
        if name == 0 {
            write_string(field.name, out);
        }
        write_string(field.value, out);
    }

    fn insert(&mut self, field: &Field<'_>, hashes: Hashes) {
        self.repeats.clear();
        self.table.insert(field.name, field.value);
        self.index.insert(hashes);
        self.guess.entry_came(self.index.newest());
        self.index.evict_to(self.table.len());
    }
}

/// Writes a string literal, Huffman-coded if that is shorter (RFC 7541, Section 5.2).
fn write_string(text: &[u8], out: &mut Vec<u8>) {
    let coded_len = huffman::encoded_len(text);
    if coded_len < text.len() {
        integer::encode(coded_len, 7, 0x80, out);
        huffman::encode(text, out);
    } else {
        integer::encode(text.len(), 7, 0x00, out);
        out.extend_from_slice(text);
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Prints no fields, since their values may be confidential.
impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("table", &self.table)
            .field("cap", &self.cap)
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}
