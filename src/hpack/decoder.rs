//! From field blocks to [`Headers`].

use super::dynamic_table::{DynamicTable, DEFAULT_MAX_SIZE};
use super::field::FIELD_OVERHEAD;
use super::indexing::Indexing;
use super::reader::{Reader, Stop, StringLiteral};
use super::section::{Decoded, Limits, Section, HARD_LIMIT_FACTOR};
use super::static_table::{self, STATIC_LEN};
use super::table_entry::TableEntry;
use super::{huffman, DecodeError};
use std::fmt;

/// RFC 7541, Section 4.2: the least and the last size since the block before.
const MAX_SIZE_UPDATES: u8 = 2;
/// Fields and octets to make room for at the start of the first block.
const FIRST_ROOM: (usize, usize) = (16, 512);
/// The most to make room for, however large the block before was.
const MAX_ROOM: (usize, usize) = (64, 4096);

/// Decodes the field blocks that one peer sends on one connection.
///
/// Every block must come through here, in the order of the wire, also for streams that are closed:
/// any of them may change the table that the next ones refer to (RFC 9113, Section 4.3).
///
/// ```
/// use h2_sync::hpack::{Decoder, Limits};
///
/// let mut decoder = Decoder::new(Limits::default());
///
/// // A block in two fragments, as HEADERS and CONTINUATION bring it: a field of the static table,
/// // and a literal that enters the dynamic table …
/// assert!(decoder.decode(b"\x82\x40\x01a\x03on", false)?.is_none());
/// let first = decoder.decode(b"e", true)?.unwrap().headers;
/// assert_eq!(first.method(), Some("GET"));
/// assert_eq!(first.get("a"), Some("one"));
///
/// // … where the next block finds it.
/// let second = decoder.decode(b"\xbe", true)?.unwrap().headers;
/// assert_eq!(second.get("a"), Some("one"));
/// # Ok::<(), h2_sync::hpack::DecodeError>(())
/// ```
pub struct Decoder {
    table: DynamicTable,
    /// What the peer may set the table's size to.
    max_table_size: usize,
    /// The next block must begin with a size update to this or less.
    required_update: Option<usize>,
    /// The block so far has nothing but size updates, so many of them.
    updates: Option<u8>,
    section: Section,
    /// The longest that a field may be in its block.
    max_field_len: usize,
    /// The beginning of a field whose end was not in the fragment.
    tail: Vec<u8>,
    /// Fields and octets that the last block had: the next one is probably like it.
    room: (usize, usize),
    failed: Option<DecodeError>,
}

impl Decoder {
    /// A decoder with an empty table of up to 4,096 octets, as RFC 9113, Section 6.5.2 has it until
    /// settings say otherwise.
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
            failed: None,
        }
    }

    /// Sets how large the peer may make the table: the `SETTINGS_HEADER_TABLE_SIZE` that we sent
    /// and that the peer has acknowledged.
    ///
    /// If that is less than the table's present maximum, the next block has to begin with a size
    /// update; until then the table stays as it is.
    pub fn set_max_table_size(&mut self, bytes: usize) {
        self.max_table_size = bytes;
        // RFC 7541, Section 4.2: of several changes the least must be signalled.
        if bytes < self.required_update.unwrap_or(self.table.max_size()) {
            self.required_update = Some(bytes);
        }
    }

    /// Decodes the next fragment of a block: the field block fragment of a HEADERS, PUSH_PROMISE or
    /// CONTINUATION frame. `end_headers` is that frame's END_HEADERS flag.
    ///
    /// Returns the field section at the end of the block, and `None` before. Fragments may end
    /// anywhere, and may be empty.
    ///
    /// # Errors
    ///
    /// If the block is malformed, or far over a limit (see [`DecodeError::is_limit`]). The table is
    /// of no use then, and all further calls return the same error.
    pub fn decode(
        &mut self,
        fragment: &[u8],
        end_headers: bool,
    ) -> Result<Option<Decoded>, DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.decode_fragment(fragment, end_headers);
        if let Err(error) = result {
            self.failed = Some(error);
            (self.tail, self.section) = (Vec::new(), Section::new(Limits::default()));
        }
        result
    }

    /// The size of the dynamic table (RFC 7541, Section 4.1).
    pub fn table_size(&self) -> usize {
        self.table.size()
    }

    /// The number of entries in the dynamic table.
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

    /// Decodes as many fields as are complete, and says how many octets they took.
    fn decode_fields(&mut self, input: &[u8]) -> Result<usize, DecodeError> {
        let mut used = 0;
        // `used` is a sum of lengths that were found in the input.
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

    /// Decodes one representation, told by the upper bits of its first octet (RFC 7541, Section 6).
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

    /// RFC 7541, Section 6.2: an index for the name, or zero and the name; then the value.
    fn decode_literal(&mut self, reader: &mut Reader<'_>, indexing: Indexing) -> Result<(), Stop> {
        let index = reader.integer(indexing.prefix())?;
        let known = if index == 0 { None } else { Some(entry(&self.table, index)?.name()) };
        // All of the field has to be there before any of it is written.
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
            // Even if the section is over its limit: the next block may refer to this field.
            let (name, value) = self.section.written().split_at(name_len);
            self.table.insert(name, value);
        }
        Ok(self.section.finish(name_len, indexing == Indexing::Never)?)
    }

    /// RFC 7541, Section 6.3.
    fn decode_size_update(&mut self, size: usize) -> Result<(), Stop> {
        // RFC 7541, Section 4.2: at the beginning of a block, and two at most.
        let updates = self.updates.filter(|updates| *updates < MAX_SIZE_UPDATES);
        let updates = updates.ok_or(DecodeError::SizeUpdateMisplaced)?;
        // RFC 7541, Section 6.3: not over the limit that the protocol, by its settings, has set.
        if size > self.max_table_size {
            return Err(DecodeError::SizeUpdateTooLarge.into());
        }
        self.updates = Some(updates + 1);
        self.required_update = self.required_update.filter(|required| size > *required);
        self.table.set_max_size(size);
        Ok(())
    }

    /// What comes now is no size update any more.
    fn end_of_updates(&mut self) -> Result<(), DecodeError> {
        self.updates = None;
        // RFC 7541, Section 4.2: a lower limit must be followed by an update, before any field.
        match self.required_update {
            Some(_) => Err(DecodeError::SizeUpdateMissing),
            None => Ok(()),
        }
    }
}

/// The entry at an index into both tables, one after the other (RFC 7541, Section 2.3.3).
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

/// Shows no fields, since their values may be nobody's business.
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
