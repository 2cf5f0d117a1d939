//! One field line: a name, a value, and whether it may be remembered.

use std::fmt;

/// What a field counts for beside its name and value.
///
/// RFC 7541, Section 4.1: an estimate of what an entry costs an implementation to keep.
pub(super) const FIELD_OVERHEAD: usize = 32;

/// A field line: one name with one value, borrowed from [`Headers`](super::Headers) or anywhere.
///
/// Names and values are octets, as HPACK has them; whether HTTP allows them is checked elsewhere.
/// Both [`Display`](fmt::Display) and [`Debug`](fmt::Debug) show `***` for the value of a sensitive
/// field and escape what is not printable ASCII, so that fields can be logged.
///
/// ```
/// use h2_sync::hpack::Field;
///
/// let field = Field::new("accept", "*/*");
/// assert_eq!(field.to_string(), "accept: */*");
/// assert_eq!(field.size(), 6 + 3 + 32);
///
/// assert_eq!(Field::new_sensitive("cookie", "id=7").to_string(), "cookie: ***");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name; in lower case, if it is to be valid in HTTP/2 (RFC 9113, Section 8.2.1).
    pub name: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// Never to be put into a compression table, here or by any intermediary (RFC 7541,
    /// Section 7.1.3), since the size of a compressed message could then give the value away.
    pub sensitive: bool,
}

impl<'a> Field<'a> {
    /// A field that may be indexed.
    pub fn new<N, V>(name: &'a N, value: &'a V) -> Self
    where
        N: AsRef<[u8]> + ?Sized,
        V: AsRef<[u8]> + ?Sized,
    {
        Self { name: name.as_ref(), value: value.as_ref(), sensitive: false }
    }

    /// A field that is never indexed (RFC 7541, Section 7.1.3).
    pub fn new_sensitive<N, V>(name: &'a N, value: &'a V) -> Self
    where
        N: AsRef<[u8]> + ?Sized,
        V: AsRef<[u8]> + ?Sized,
    {
        Self { name: name.as_ref(), value: value.as_ref(), sensitive: true }
    }

    /// The size that this field counts for, in tables and in limits: the octets of its name and of
    /// its value, and 32 (RFC 7541, Section 4.1; RFC 9113, Section 6.5.2).
    pub fn size(&self) -> usize {
        self.name.len() + self.value.len() + FIELD_OVERHEAD
    }
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, self.name)?;
        f.write_str(": ")?;
        if self.sensitive {
            f.write_str("***")
        } else {
            write_escaped(f, self.value)
        }
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes octets as text, with everything that is not printable ASCII as `\xNN`.
fn write_escaped(f: &mut fmt::Formatter<'_>, octets: &[u8]) -> fmt::Result {
    use fmt::Write as _;
    for &octet in octets {
        match octet {
            b'\\' => f.write_str("\\\\")?,
            b' '..=b'~' => f.write_char(char::from(octet))?,
            _ => write!(f, "\\x{octet:02x}")?,
        }
    }
    Ok(())
}
