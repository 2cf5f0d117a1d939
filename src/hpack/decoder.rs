//! The [`Decoder`]: field blocks to [`Headers`].

use super::dynamic_table::{DEFAULT_MAX_SIZE, DynamicTable};
use super::field::FIELD_OVERHEAD;
use super::indexing::Indexing;
use super::reader::{Reader, Stop, StringLiteral};
use super::repeats::{MAX_KEPT_SIZE, Repeats};
use super::section::{Decoded, HARD_LIMIT_FACTOR, Limits, Section};
use super::static_table::{self, STATIC_LEN};
use super::table_entry::TableEntry;
use super::{DecodeError, Headers, huffman};
use std::fmt;

/// The most size updates in one block: the lowest size since the last block, and the final one (RFC
/// 7541, Section 4.2).
const MAX_SIZE_UPDATES: u8 = 2;
/// The capacity for the first block: fields, and octets of text.
const FIRST_ROOM: (usize, usize) = (16, 512);
/// The largest capacity to reserve, whatever the size of the previous block.
const MAX_ROOM: (usize, usize) = (64, 4096);

/// Decodes the field blocks that one peer sends on one connection.
///
/// Every block must be decoded, in the order of the wire, including those of closed streams: any
/// block can change the dynamic table that later ones refer to (RFC 9113, Section 4.3).
///
/// ```
/// use h2_sync::hpack::{Decoder, Limits};
///
/// let mut decoder = Decoder::new(Limits::default());
///
/// // A block in two fragments, as in HEADERS and CONTINUATION: a field of the static table, and a
/// // literal that is added to the dynamic table …
/// assert!(decoder.decode(b"\x82\x40\x01a\x03on", false)?.is_none());
/// let first = decoder.decode(b"e", true)?.unwrap().headers;
/// assert_eq!(first.method(), Some("GET"));
/// assert_eq!(first.get("a"), Some("one"));
///
/// // … which the next block refers to.
/// let second = decoder.decode(b"\xbe", true)?.unwrap().headers;
/// assert_eq!(second.get("a"), Some("one"));
/// # Ok::<(), h2_sync::hpack::DecodeError>(())
/// ```
pub struct Decoder {
    table: DynamicTable,
    /// The largest table size that the peer may set.
    max_table_size: usize,
    /// The next block must begin with a size update to at most this.
    required_update: Option<usize>,
    /// The number of size updates, while the block has no field yet.
    updates: Option<u8>,
    section: Section,
    /// The longest representation of one field in a block, in octets.
    max_field_len: usize,
    /// The start of a field that the last fragment cut off.
    tail: Vec<u8>,
    /// The fields and octets of the last block, an estimate for the next one.
    room: (usize, usize),
    /// Blocks that need nothing but the table as it is, with their fields.
    repeats: Repeats<(Vec<u8>, Headers)>,
    /// Whether the block has changed the table.
    has_changed_table: bool,
    failed: Option<DecodeError>,
}

impl Decoder {
    /// Creates a decoder with an empty table of up to 4,096 octets, the initial
    /// SETTINGS_HEADER_TABLE_SIZE (RFC 9113, Section 6.5.2).
    pub fn new(limits: Limits) -> Self {
        Self {
            table: DynamicTable::new(),
            max_table_size: DEFAULT_MAX_SIZE,
            required_update: None,
            updates: Some(0),
            section: Section::new(limits),
            max_field_len: limits.max_section_size.saturating_mul(HARD_LIMIT_FACTOR),
            tail: Vec::new(),
            room: FIRST_ROOM,
            repeats: Repeats::default(),
            has_changed_table: false,
            failed: None,
        }
    }

    /// Sets the maximum table size that the peer may use: the `SETTINGS_HEADER_TABLE_SIZE` that we
    /// sent and the peer has acknowledged.
    ///
    /// If that is less than the table's current maximum, the next block must begin with a size
    /// update. The table keeps its size until then.
    pub fn set_max_table_size(&mut self, bytes: usize) {
        self.max_table_size = bytes;
        // RFC 7541, Section 4.2: after several changes, the lowest one must be signalled.
        if bytes < self.required_update.unwrap_or(self.table.max_size()) {
            self.required_update = Some(bytes);
        }
    }

    /// Decodes the next fragment of a block: the field block fragment of a HEADERS, PUSH_PROMISE or
    /// CONTINUATION frame. `end_headers` is that frame's END_HEADERS flag.
    ///
    /// Returns the field section at the end of the block, and `None` before. Fragments may end at
    /// any octet and may be empty.
    ///
    /// # Errors
    ///
    /// If the block is malformed, or far over a limit (see [`DecodeError::is_limit`]). The table
    /// can no longer be used then, and all further calls return the same error.
    pub fn decode(
        &mut self,
        fragment: &[u8],
        end_headers: bool,
    ) -> Result<Option<Decoded>, DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if end_headers {
            if let Some(headers) = self.find_repeated(fragment) {
                return Ok(Some(Decoded { headers, truncated: false }));
            }
        }
        let is_whole = end_headers && self.is_at_start();
        let result = self.decode_fragment(fragment, end_headers);
        if let (true, Ok(Some(decoded))) = (is_whole, &result) {
            self.keep(fragment, decoded);
        }
        if let Err(error) = result {
            self.failed = Some(error);
            (self.tail, self.section) = (Vec::new(), Section::new(Limits::default()));
        }
        result
    }

    /// Returns whether nothing of the current block has come.
    fn is_at_start(&self) -> bool {
        self.updates == Some(0) && self.tail.is_empty()
    }

    /// Returns the fields of a block that was decoded before, with the table as it is.
    #[inline]
    fn find_repeated(&self, block: &[u8]) -> Option<Headers> {
        // RFC 7541, Section 4.2: a block without the size update that is required is an error.
        if !self.is_at_start() || self.required_update.is_some() {
            return None;
        }
        self.repeats.find(|(known, _)| known == block).map(|(_, headers)| headers.clone())
    }

    /// Keeps a block that may come again, unless it has changed the table: it would do so again.
    fn keep(&mut self, block: &[u8], decoded: &Decoded) {
        let has_changed_table = std::mem::take(&mut self.has_changed_table);
        let may_repeat = !has_changed_table && self.repeats.may_repeat(block);
        if may_repeat && decoded.headers.section_size() <= MAX_KEPT_SIZE && !decoded.truncated {
            self.repeats.keep((block.to_vec(), decoded.headers.clone()));
        }
    }

    /// Records that the table has changed, and with it the meaning of all blocks.
    fn note_change(&mut self) {
        self.has_changed_table = true;
        self.repeats.clear();
    }

    /// Returns the size of the dynamic table in octets (RFC 7541, Section 4.1).
    pub fn table_size(&self) -> usize {
        self.table.size()
    }

    /// Returns the number of entries in the dynamic table.
    pub fn table_len(&self) -> usize {
        self.table.len()
    }

    fn decode_fragment(
        &mut self,
        fragment: &[u8],
        end_headers: bool,
    ) -> Result<Option<Decoded>, DecodeError> {
        self.section.reserve(self.room.0, self.room.1);
        if self.tail.is_empty() {
            let used = self.decode_fields(fragment)?;
            self.tail.extend_from_slice(&fragment[used..]);
        } else {
            let mut input = std::mem::take(&mut self.tail);
            input.extend_from_slice(fragment);
            let used = self.decode_fields(&input)?;
            input.drain(..used);
            self.tail = input;
        }
        if !end_headers {
            return Ok(None);
        }
        if !self.tail.is_empty() {
            return Err(DecodeError::Truncated);
        }
        self.end_of_updates()?;
        self.updates = Some(0);
        self.tail = Vec::new();
        let decoded = self.section.take();
        let (fields, size) = (decoded.headers.len(), decoded.headers.section_size());
        self.room = (fields.min(MAX_ROOM.0), (size - FIELD_OVERHEAD * fields).min(MAX_ROOM.1));
        Ok(Some(decoded))
    }

    /// Decodes the complete fields at the start of `input`, and returns how many octets they took.
    fn decode_fields(&mut self, input: &[u8]) -> Result<usize, DecodeError> {
        let mut used = 0;
        // In bounds: `used` is a sum of lengths found in the input.
        while let Some(&first) = input.get(used) {
            let mut reader = Reader::new(&input[used..], self.max_field_len);
            match self.decode_field(first, &mut reader) {
                Ok(()) => used += reader.used(),
                Err(Stop::Incomplete) => break,
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
        Ok(used)
    }

    /// Decodes one representation, identified by the upper bits of its first octet (RFC 7541,
    /// Section 6).
    #[inline]
    fn decode_field(&mut self, first: u8, reader: &mut Reader<'_>) -> Result<(), Stop> {
        if first & 0xe0 == 0x20 {
            return self.decode_size_update(reader.integer(5)?);
        }
        if self.updates.is_some() {
            self.end_of_updates()?;
        }
        match first {
            0x80.. => Ok(self.section.push(entry(&self.table, reader.integer(7)?)?)?),
            0x40.. => self.decode_literal(reader, Indexing::Incremental),
            0x10.. => self.decode_literal(reader, Indexing::Never),
            _ => self.decode_literal(reader, Indexing::Without),
        }
    }

    /// Decodes a literal: an index for the name, or zero and the name, then the value (RFC 7541,
    /// Section 6.2).
    fn decode_literal(&mut self, reader: &mut Reader<'_>, indexing: Indexing) -> Result<(), Stop> {
        let index = reader.integer(indexing.prefix())?;
        let known = if index == 0 { None } else { Some(entry(&self.table, index)?.name()) };
        // The whole field must have arrived before any of it is stored.
        let literal = if index == 0 { Some(reader.string()?) } else { None };
        let value = reader.string()?;

        let text = self.section.begin();
        let start = text.len();
        if let Some(name) = known {
            text.extend_from_slice(name);
        }
        if let Some(name) = literal {
            append(text, &name)?;
        }
        let name_len = text.len() - start;
        append(text, &value)?;

        if indexing == Indexing::Incremental {
            // Also if the section is over its limit, since later blocks may refer to this field.
            let (name, value) = self.section.written().split_at(name_len);
            self.table.insert(name, value);
            self.note_change();
        }
        Ok(self.section.finish(name_len, indexing == Indexing::Never)?)
    }

    /// Decodes a dynamic table size update (RFC 7541, Section 6.3).
    fn decode_size_update(&mut self, size: usize) -> Result<(), Stop> {
        // RFC 7541, Section 4.2: only at the beginning of a block, and at most two.
        let updates = self.updates.filter(|updates| *updates < MAX_SIZE_UPDATES);
        let updates = updates.ok_or(DecodeError::SizeUpdateMisplaced)?;
        // RFC 7541, Section 6.3: at most the limit that SETTINGS has set.
        if size > self.max_table_size {
            return Err(DecodeError::SizeUpdateTooLarge.into());
        }
        self.updates = Some(updates + 1);
        self.required_update = self.required_update.filter(|required| size > *required);
        self.table.set_max_size(size);
        self.note_change();
        Ok(())
    }

    /// Checks, before the first field of a block, that no required size update is missing.
    fn end_of_updates(&mut self) -> Result<(), DecodeError> {
        self.updates = None;
        // RFC 7541, Section 4.2: a lowered limit must be followed by an update before any field.
        match self.required_update {
            Some(_) => Err(DecodeError::SizeUpdateMissing),
            None => Ok(()),
        }
    }
}

/// Returns the entry at an index into the static table followed by the dynamic one (RFC 7541,
/// Section 2.3.3).
#[inline]
fn entry(table: &DynamicTable, index: usize) -> Result<TableEntry<'_>, DecodeError> {
    let entry = match index.checked_sub(STATIC_LEN + 1) {
        Some(distance) => table.get(distance),
        None => static_table::get(index),
    };
    entry.ok_or(DecodeError::InvalidIndex)
}

fn append(text: &mut Vec<u8>, string: &StringLiteral<'_>) -> Result<(), DecodeError> {
    if string.is_huffman {
        huffman::decode(string.octets, text)
    } else {
        text.extend_from_slice(string.octets);
        Ok(())
    }
}

/// Prints no fields, since their values may be confidential.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("table", &self.table)
            .field("max_table_size", &self.max_table_size)
            .field("required_update", &self.required_update)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
