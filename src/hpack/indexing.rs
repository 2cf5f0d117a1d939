//! The three kinds of literal fields.

/// How a literal field affects the dynamic table (RFC 7541, Section 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Indexing {
    /// Added to the dynamic table (Section 6.2.1).
    Incremental,
    /// Not added to the dynamic table (Section 6.2.2).
    Without,
    /// Never added, by intermediaries either (Section 6.2.3).
    Never,
}

impl Indexing {
    /// The upper bits of the first octet, which identify the representation.
    pub(super) fn flags(self) -> u8 {
        match self {
            Self::Incremental => 0x40,
            Self::Without => 0x00,
            Self::Never => 0x10,
        }
    }

    /// The number of bits that are left for the index of the name.
    pub(super) fn prefix(self) -> u32 {
        match self {
            Self::Incremental => 6,
            Self::Without | Self::Never => 4,
        }
    }
}
