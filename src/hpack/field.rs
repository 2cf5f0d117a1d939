//! A field line: a name, a value, and whether it may be indexed.

use std::fmt;

/// The size of a field beyond its name and value, in octets.
///
/// RFC 7541, Section 4.1: an estimate of the overhead of a table entry.
pub(super) const FIELD_OVERHEAD: usize = 32;

/// A field line: one name with one value, borrowed from [`Headers`](super::Headers) or elsewhere.
///
/// Names and values are arbitrary octets, as in HPACK; whether HTTP allows them is checked
/// elsewhere. [`Display`](fmt::Display) and [`Debug`](fmt::Debug) print `***` for the value of a
/// sensitive field and escape everything but printable ASCII, so that fields can be logged.
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
    /// The name; valid in HTTP/2 only in lower case (RFC 9113, Section 8.2.1).
    pub name: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// Whether the field must never enter a compression table, here or at any intermediary (RFC
    /// 7541, Section 7.1.3). Otherwise the size of a compressed message could reveal the value.
    pub sensitive: bool,
}

impl<'a> Field<'a> {
    /// Creates a field that may be indexed.
    pub fn new<N, V>(name: &'a N, value: &'a V) -> Self
    where
        N: AsRef<[u8]> + ?Sized,
        V: AsRef<[u8]> + ?Sized,
    {
        Self { name: name.as_ref(), value: value.as_ref(), sensitive: false }
    }

    /// Creates a field that is never indexed (RFC 7541, Section 7.1.3).
    pub fn new_sensitive<N, V>(name: &'a N, value: &'a V) -> Self
    where
        N: AsRef<[u8]> + ?Sized,
        V: AsRef<[u8]> + ?Sized,
    {
        Self { name: name.as_ref(), value: value.as_ref(), sensitive: true }
    }

    /// Returns the size of the field, as tables and limits count it: the octets of its name and
    /// value, plus 32 (RFC 7541, Section 4.1; RFC 9113, Section 6.5.2).
    pub fn size(&self) -> usize {
        self.name.len() + self.value.len() + FIELD_OVERHEAD
    }
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, self.name)?;
        f.write_str(": ")?;
        if self.sensitive { f.write_str("***") } else { write_escaped(f, self.value) }
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes octets as text, with everything but printable ASCII as `\xNN`.
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
