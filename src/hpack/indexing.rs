//! The three kinds of literal fields.

/// What a literal field wants done with the dynamic table (RFC 7541, Section 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Indexing {
    /// Into the table (Section 6.2.1).
    Incremental,
    /// Not into the table (Section 6.2.2).
    Without,
    /// Nor into that of any intermediary (Section 6.2.3).
    Never,
}

impl Indexing {
    /// The upper bits of the first octet.
    pub(super) fn flags(self) -> u8 {
        match self {
            Self::Incremental => 0x40,
            Self::Without => 0x00,
            Self::Never => 0x10,
        }
    }

    /// How many bits are left for the name's index.
    pub(super) fn prefix(self) -> u32 {
        match self {
            Self::Incremental => 6,
            Self::Without | Self::Never => 4,
        }
    }
}
