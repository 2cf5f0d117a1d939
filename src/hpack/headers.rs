//! [`Headers`], an ordered list of field lines.

use super::field::Field;
use super::field_list::{FieldList, Slot};
use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;

/// An ordered list of field lines: a header section, a trailer section or a promised request.
///
/// The list keeps order and duplicates, and holds pseudo-header fields (`:method`, `:status`, …)
/// like any other. Names and values are kept as given. The rules of RFC 9113, Section 8.2, such as
/// lower-case names, are checked when a message is sent or received.
///
/// Cloning increments a reference count; changing a list that has clones copies it first. All names
/// and values share one allocation, so a list costs three allocations whatever its number of
/// fields.
///
/// Two lists are equal if they have the same fields in the same order, including which are
/// sensitive. `Debug` does not print sensitive values.
///
/// ```
/// use h2_sync::{headers, Headers};
///
/// let headers = headers!(
///     ":status" => "200",
///     "content-type" => "text/plain",
///     "set-cookie" => "a=1",
///     "set-cookie" => "b=2",
/// );
/// assert_eq!(headers.status(), Some(200));
/// assert_eq!(headers.get("content-type"), Some("text/plain"));
/// assert_eq!(headers.get_all("set-cookie").count(), 2);
///
/// let same: Headers = headers.iter().collect();
/// assert_eq!(same, headers);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    list: Arc<FieldList>,
}

/// Creates [`Headers`](crate::hpack::Headers) from `name => value` pairs; both may be any
/// `AsRef<[u8]>`.
///
/// ```
/// use h2_sync::headers;
///
/// let path = format!("/users/{}", 7);
/// let request = headers!(":method" => "GET", ":path" => path, "x-raw" => [0x80, 0x81]);
/// assert_eq!(request.path(), Some("/users/7"));
/// assert!(headers!().is_empty());
/// ```
#[macro_export]
macro_rules! headers {
    ($($name:expr => $value:expr),* $(,)?) => {
        $crate::hpack::Headers::new()$(.with($name, $value))*
    };
}

impl Headers {
    /// Creates an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty list with capacity for `fields` fields and `bytes` octets of names and
    /// values.
    pub fn with_capacity(fields: usize, bytes: usize) -> Self {
        FieldList::with_capacity(fields, bytes).into()
    }

    /// Appends a field.
    ///
    /// # Panics
    ///
    /// If all names and values together exceed 4 GiB.
    pub fn push(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.list_mut().push(Field::new(&name, &value));
    }

    /// Appends a field that is never indexed, such as a password or a token.
    ///
    /// Neither this crate nor an intermediary adds it to a compression table (RFC 7541, Section
    /// 7.1.3), and `Debug` does not print its value.
    ///
    /// # Panics
    ///
    /// If all names and values together exceed 4 GiB.
    pub fn push_sensitive(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.list_mut().push(Field::new_sensitive(&name, &value));
    }

    /// Appends a field and returns the list: [`push`](Self::push) for chaining.
    ///
    /// # Panics
    ///
    /// If all names and values together exceed 4 GiB.
    #[must_use]
    pub fn with(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.push(name, value);
        self
    }

    /// Removes all fields. Unless a clone shares it, the memory is kept.
    pub fn clear(&mut self) {
        match Arc::get_mut(&mut self.list) {
            Some(list) => list.clear(),
            None => *self = Headers::new(),
        }
    }

    /// Keeps only the fields for which `keep` returns true.
    pub fn retain(&mut self, mut keep: impl FnMut(Field<'_>) -> bool) {
        // The text must have no gaps: `section_size` relies on it.
        let mut kept = FieldList::with_capacity(self.len(), self.list.text().len());
        self.iter().filter(|field| keep(*field)).for_each(|field| kept.push(field));
        *self = kept.into();
    }

    /// Removes all fields of this name, and returns their number.
    pub fn remove(&mut self, name: &str) -> usize {
        let before = self.len();
        if self.get_bytes(name).is_some() {
            self.retain(|field| !is_name(field.name, name));
        }
        before - self.len()
    }

    /// Returns the value of the first field of this name whose value is UTF-8.
    ///
    /// Lookups by name ignore the case of ASCII letters (RFC 9110, Section 5.1) and search the list
    /// from its start.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.iter().filter(|field| is_name(field.name, name));
        fields.find_map(|field| std::str::from_utf8(field.value).ok())
    }

    /// Returns the value of the first field of this name.
    pub fn get_bytes(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|field| is_name(field.name, name)).map(|field| field.value)
    }

    /// Returns the values of all fields of this name, in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(|field| is_name(field.name, name)).map(|field| field.value)
    }

    /// Returns the `:status` of a response, if it has three digits.
    pub fn status(&self) -> Option<u16> {
        let status = self.get(":status")?;
        let is_status = status.len() == 3 && status.bytes().all(|digit| digit.is_ascii_digit());
        is_status.then(|| status.parse().ok()).flatten()
    }

    /// Returns the `:method` of a request.
    pub fn method(&self) -> Option<&str> {
        self.get(":method")
    }

    /// Returns the `:scheme` of a request.
    pub fn scheme(&self) -> Option<&str> {
        self.get(":scheme")
    }

    /// Returns the `:authority` of a request.
    pub fn authority(&self) -> Option<&str> {
        self.get(":authority")
    }

    /// Returns the `:path` of a request, including the query.
    pub fn path(&self) -> Option<&str> {
        self.get(":path")
    }

    /// Iterates over the fields in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { text: self.list.text(), slots: self.list.slots().iter() }
    }

    /// Returns the number of fields.
    pub fn len(&self) -> usize {
        self.list.slots().len()
    }

    /// Returns whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.list.slots().is_empty()
    }

    /// Returns the size that `SETTINGS_MAX_HEADER_LIST_SIZE` limits: the octets of all names and
    /// values, plus 32 for each field (RFC 9113, Section 6.5.2).
    ///
    /// Takes constant time.
    pub fn section_size(&self) -> usize {
        self.list.section_size()
    }

    /// The names and values of all fields, without gaps.
    pub(crate) fn text(&self) -> &[u8] {
        self.list.text()
    }

    /// A writer for several fields. It makes the list unique once; `push` does so for each field,
    /// which costs about as much as the field itself.
    pub(crate) fn writer(&mut self) -> Writer<'_> {
        Writer { list: self.list_mut() }
    }

    /// A writer that replaces the fields of the list.
    pub(crate) fn rewrite(&mut self) -> Writer<'_> {
        let list = self.list_mut();
        list.clear();
        Writer { list }
    }

    /// Returns whether this is a clone of `other`, or the other way round.
    pub(crate) fn is_clone_of(&self, other: &Headers) -> bool {
        Arc::ptr_eq(&self.list, &other.list)
    }

    /// Returns whether there are clones of this list.
    pub(crate) fn has_clones(&self) -> bool {
        Arc::strong_count(&self.list) > 1
    }

    fn list_mut(&mut self) -> &mut FieldList {
        Arc::make_mut(&mut self.list)
    }
}

/// Appends fields to [`Headers`].
pub(crate) struct Writer<'a> {
    list: &'a mut FieldList,
}

impl Writer<'_> {
    pub(crate) fn push(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.list.push(Field::new(&name, &value));
    }

    pub(crate) fn push_sensitive(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.list.push(Field::new_sensitive(&name, &value));
    }
}

/// Compares a field name without regard to case (RFC 9110, Section 5.1).
fn is_name(name: &[u8], wanted: &str) -> bool {
    let wanted = wanted.as_bytes();
    // Fast path: names are usually in lower case, and most differ in length.
    name.len() == wanted.len() && (name == wanted || name.eq_ignore_ascii_case(wanted))
}

/// An iterator over the fields of [`Headers`], in order.
#[derive(Clone)]
pub struct Iter<'a> {
    text: &'a [u8],
    slots: std::slice::Iter<'a, Slot>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        self.slots.next().map(|slot| slot.field(self.text))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.slots.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.slots.next_back().map(|slot| slot.field(self.text))
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = Field<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl From<FieldList> for Headers {
    fn from(list: FieldList) -> Self {
        Self { list: Arc::new(list) }
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>, const K: usize> From<[(N, V); K]> for Headers {
    fn from(fields: [(N, V); K]) -> Self {
        fields.into_iter().collect()
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let mut headers = Self::new();
        headers.extend(fields);
        headers
    }
}

impl<'a> FromIterator<Field<'a>> for Headers {
    fn from_iter<I: IntoIterator<Item = Field<'a>>>(fields: I) -> Self {
        let mut headers = Self::new();
        headers.extend(fields);
        headers
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> Extend<(N, V)> for Headers {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, fields: I) {
        let list = self.list_mut();
        fields.into_iter().for_each(|(name, value)| list.push(Field::new(&name, &value)));
    }
}

impl<'a> Extend<Field<'a>> for Headers {
    fn extend<I: IntoIterator<Item = Field<'a>>>(&mut self, fields: I) {
        let list = self.list_mut();
        fields.into_iter().for_each(|field| list.push(field));
    }
}
