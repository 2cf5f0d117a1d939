//! Metadata: the fields that a call has beside its messages.

use std::fmt;

use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, alphabet};
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::status::Status;

/// Base64 that is written without padding, and read with or without it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The metadata of a call: keys, each with one or more values.
///
/// Keys consist of lower-case letters, digits, `_`, `-` and `.`. The values of a key that ends with
/// `-bin` are octets, those of other keys printable ASCII. Keys that begin with `grpc-`, and HTTP
/// fields such as
/// `content-type`, belong to the protocol: they cannot be set, and are not visible here.
///
/// ```
/// use h2_sync_grpc::Metadata;
///
/// let mut metadata = Metadata::new();
/// metadata.insert("authorization", "Bearer abc")?;
/// metadata.insert_bin("trace-bin", [0, 159, 146, 150])?;
/// assert_eq!(metadata.get("authorization"), Some("Bearer abc"));
/// assert_eq!(metadata.get_bin("trace-bin").unwrap()[..], [0, 159, 146, 150]);
/// # Ok::<(), h2_sync_grpc::InvalidMetadata>(())
/// ```
///
/// A key may have several values:
///
/// ```
/// use h2_sync_grpc::{Metadata, MetadataValue};
///
/// let mut metadata = Metadata::new();
/// metadata.append("tag", "a")?;
/// metadata.append("tag", "b")?;
/// metadata.append_bin("id-bin", [1])?;
/// assert_eq!(metadata.get_all("tag").collect::<Vec<_>>(), ["a", "b"]);
/// assert_eq!(metadata.get_all_bin("id-bin").count(), 1);
/// for (key, value) in metadata.iter() {
///     match value {
///         MetadataValue::Text(text) => println!("{key}: {text}"),
///         MetadataValue::Octets(octets) => println!("{key}: {octets:?}"),
///     }
/// }
/// metadata.remove("tag");
/// assert!(!metadata.is_empty());
/// # Ok::<(), h2_sync_grpc::InvalidMetadata>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Metadata(HeaderMap);

/// A value of [`Metadata`].
///
/// [`Metadata`] has an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataValue<'a> {
    /// Printable ASCII.
    Text(&'a str),
    /// Octets, of a key that ends with `-bin`.
    Octets(Bytes),
}

/// The error for a key or value that is not valid in [`Metadata`].
///
/// A method may return it with `?`: it becomes a [`Status`](crate::Status).
///
/// ```
/// use h2_sync_grpc::{Metadata, Status};
///
/// fn tagged(tag: &str) -> Result<Metadata, Status> {
///     let mut metadata = Metadata::new();
///     metadata.insert("tag", tag)?;
///     Ok(metadata)
/// }
///
/// println!("{}", tagged("two\nlines").unwrap_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidMetadata(String);

impl Metadata {
    /// Creates empty metadata.
    pub fn new() -> Self {
        Metadata::default()
    }

    /// Sets a text value, which replaces all values of this key.
    ///
    /// # Errors
    ///
    /// The key or the value is not valid.
    pub fn insert(&mut self, key: &str, value: impl AsRef<str>) -> Result<(), InvalidMetadata> {
        let (key, value) = text(key, value.as_ref())?;
        self.0.insert(key, value);
        Ok(())
    }

    /// Adds a text value after the existing ones of this key.
    ///
    /// # Errors
    ///
    /// Those of [`insert`](Self::insert).
    pub fn append(&mut self, key: &str, value: impl AsRef<str>) -> Result<(), InvalidMetadata> {
        let (key, value) = text(key, value.as_ref())?;
        self.0.append(key, value);
        Ok(())
    }

    /// Sets a binary value, which replaces all values of this key. The key ends with `-bin`.
    ///
    /// # Errors
    ///
    /// The key is not valid.
    pub fn insert_bin(
        &mut self,
        key: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<(), InvalidMetadata> {
        let (key, value) = octets(key, value.as_ref())?;
        self.0.insert(key, value);
        Ok(())
    }

    /// Adds a binary value after the existing ones of this key. The key ends with `-bin`.
    ///
    /// # Errors
    ///
    /// Those of [`insert_bin`](Self::insert_bin).
    pub fn append_bin(
        &mut self,
        key: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<(), InvalidMetadata> {
        let (key, value) = octets(key, value.as_ref())?;
        self.0.append(key, value);
        Ok(())
    }

    /// Returns the first text value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.get_all(key).next()
    }

    /// Returns all text values of a key, in order.
    pub fn get_all<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a str> {
        let is_text = !is_binary(key) && !is_reserved(key);
        let values = is_text.then(|| self.0.get_all(key).into_iter());
        values.into_iter().flatten().filter_map(|value| value.to_str().ok())
    }

    /// Returns the first binary value of a key that ends with `-bin`.
    pub fn get_bin(&self, key: &str) -> Option<Bytes> {
        self.get_all_bin(key).next()
    }

    /// Returns all binary values of a key that ends with `-bin`, in order. Invalid base64 is
    /// skipped.
    pub fn get_all_bin<'a>(&'a self, key: &str) -> impl Iterator<Item = Bytes> + 'a {
        let is_octets = is_binary(key) && !is_reserved(key);
        let values = is_octets.then(|| self.0.get_all(key).into_iter());
        values.into_iter().flatten().flat_map(decode_all)
    }

    /// Returns all keys with their values. Values that are neither text nor base64 are skipped.
    pub fn iter(&self) -> impl Iterator<Item = (&str, MetadataValue<'_>)> {
        let fields = self.0.iter().filter(|(key, _)| !is_reserved(key.as_str()));
        fields.flat_map(|(key, value)| {
            let key = key.as_str();
            let texts = (!is_binary(key)).then(|| value.to_str().ok().map(MetadataValue::Text));
            let octets = is_binary(key).then(|| decode_all(value).map(MetadataValue::Octets));
            let values = texts.flatten().into_iter().chain(octets.into_iter().flatten());
            values.map(move |value| (key, value))
        })
    }

    /// Removes all values of a key.
    pub fn remove(&mut self, key: &str) {
        if !is_reserved(key) {
            self.0.remove(key);
        }
    }

    /// Returns whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Creates metadata from a field section, which may contain other fields too.
    pub(crate) fn of_fields(fields: HeaderMap) -> Self {
        Metadata(fields)
    }

    /// Returns a field of the protocol from the same section, if it is text.
    pub(crate) fn protocol_field(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    /// Returns the size of a field section as RFC 9113, Section 6.5.2 defines it: the octets of names and
    /// values, and 32 for each field.
    pub(crate) fn section_size(fields: &HeaderMap) -> usize {
        fields.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum()
    }

    /// Adds the metadata to a field section.
    pub(crate) fn write_to(&self, fields: &mut HeaderMap) {
        for (key, value) in &self.0 {
            if !is_reserved(key.as_str()) {
                fields.append(key, value.clone());
            }
        }
    }
}

/// Decodes a field that ends with `-bin`: one value, or several joined by commas.
fn decode_all(value: &HeaderValue) -> impl Iterator<Item = Bytes> + '_ {
    let values = value.as_bytes().split(|octet| *octet == b',');
    values.filter_map(|value| decode_bin(value.trim_ascii()))
}

/// Decodes one value in base64.
pub(crate) fn decode_bin(value: &[u8]) -> Option<Bytes> {
    BASE64.decode(value).ok().map(Bytes::from)
}

/// Encodes octets as a field value.
pub(crate) fn encode_bin(octets: &[u8]) -> HeaderValue {
    // Base64 is printable ASCII.
    HeaderValue::from_str(&BASE64.encode(octets)).unwrap_or(HeaderValue::from_static(""))
}

fn text(key: &str, value: &str) -> Result<(HeaderName, HeaderValue), InvalidMetadata> {
    let name = name(key)?;
    if is_binary(key) {
        let what = format!("the values of {key:?} are binary: use insert_bin or append_bin");
        return Err(InvalidMetadata(what));
    }
    let is_printable = value.bytes().all(|octet| (b' '..=b'~').contains(&octet));
    let mut field = HeaderValue::from_str(value.trim_matches(' ')).ok();
    if key == "authorization" {
        field.iter_mut().for_each(|value| value.set_sensitive(true));
    }
    match field {
        Some(field) if is_printable => Ok((name, field)),
        _ => Err(InvalidMetadata(format!("the value of {key:?} is not printable ASCII"))),
    }
}

fn octets(key: &str, value: &[u8]) -> Result<(HeaderName, HeaderValue), InvalidMetadata> {
    let name = name(key)?;
    if !is_binary(key) {
        let what = format!("the values of {key:?} are text: binary keys end with \"-bin\"");
        return Err(InvalidMetadata(what));
    }
    Ok((name, encode_bin(value)))
}

fn name(key: &str) -> Result<HeaderName, InvalidMetadata> {
    let is_valid = |octet| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.');
    if key.is_empty() || !key.bytes().all(is_valid) {
        let what =
            format!("invalid key {key:?}: only a-z, 0-9, \"_\", \"-\" and \".\" are allowed");
        return Err(InvalidMetadata(what));
    }
    if is_reserved(key) {
        return Err(InvalidMetadata(format!("the key {key:?} is reserved for the protocol")));
    }
    HeaderName::from_bytes(key.as_bytes())
        .map_err(|_| InvalidMetadata(format!("invalid key {key:?}: not a field name")))
}

fn is_binary(key: &str) -> bool {
    key.ends_with("-bin")
}

fn is_reserved(key: &str) -> bool {
    key.starts_with("grpc-")
        || key.starts_with(':')
        || matches!(
            key,
            "connection"
                | "content-length"
                | "content-type"
                | "host"
                | "keep-alive"
                | "proxy-connection"
                | "te"
                | "transfer-encoding"
                | "upgrade"
        )
}

/// Returns the status of a call whose metadata exceeds the limit of the receiver.
pub(crate) fn too_large(size: usize, limit: usize) -> Status {
    let what = format!("metadata of {size} octets exceeds {limit} octets (max_metadata)");
    Status::resource_exhausted(what)
}

/// Sensitive values are masked.
impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for InvalidMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidMetadata {}

impl From<InvalidMetadata> for Status {
    fn from(error: InvalidMetadata) -> Self {
        Status::internal(format!("invalid metadata: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &[(&'static str, &'static str)]) -> Metadata {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(*name, HeaderValue::from_static(value));
        }
        Metadata::of_fields(map)
    }

    #[test]
    fn octets_are_read_with_and_without_padding() {
        let metadata = of(&[("a-bin", "YQ"), ("b-bin", "YQ=="), ("c-bin", ""), ("d-bin", "Y")]);
        assert_eq!(metadata.get_bin("a-bin").unwrap(), "a");
        assert_eq!(metadata.get_bin("b-bin").unwrap(), "a");
        assert_eq!(metadata.get_bin("c-bin").unwrap(), "");
        assert_eq!(metadata.get_bin("d-bin"), None);
    }

    #[test]
    fn values_joined_by_commas_are_separated() {
        let metadata = of(&[("a-bin", "YQ==,Yg"), ("a-bin", " Yw , ZA== "), ("b", "x,y")]);
        let all: Vec<_> = metadata.get_all_bin("a-bin").collect();
        assert_eq!(all, ["a", "b", "c", "d"]);
        assert_eq!(metadata.get_all("b").collect::<Vec<_>>(), ["x,y"]);
    }

    #[test]
    fn octets_are_written_without_padding() {
        let mut metadata = Metadata::new();
        metadata.insert_bin("a-bin", b"a").unwrap();
        metadata.append_bin("a-bin", b"\xff\xfe").unwrap();
        let mut fields = HeaderMap::new();
        metadata.write_to(&mut fields);
        let written: Vec<_> = fields.get_all("a-bin").iter().collect();
        assert_eq!(written, ["YQ", "//4"]);
    }

    #[test]
    fn fields_of_the_protocol_are_not_visible() {
        let metadata = of(&[("grpc-status", "0"), ("content-type", "x"), ("te", "x"), ("k", "v")]);
        assert_eq!(metadata.get("grpc-status"), None);
        let all: Vec<_> = metadata.iter().collect();
        assert_eq!(all, [("k", MetadataValue::Text("v"))]);
        assert!(of(&[("grpc-status", "0")]).is_empty());
    }

    #[test]
    fn invalid_keys_and_values_are_refused() {
        let mut metadata = Metadata::new();
        for key in ["", "Key", "a b", "ä", "grpc-status", "te", ":path", "a:b"] {
            assert!(metadata.insert(key, "v").is_err(), "{key:?}");
        }
        assert!(metadata.insert("k", "line\nbreak").is_err());
        assert!(metadata.insert("k", "ä").is_err());
        assert!(metadata.insert("k-bin", "text").is_err());
        assert!(metadata.insert_bin("k", b"octets").is_err());
        assert!(metadata.is_empty());
        assert!(metadata.insert("k_1.x-y", "~ !").is_ok());
    }

    #[test]
    fn credentials_are_masked() {
        let mut metadata = Metadata::new();
        metadata.insert("authorization", "Bearer abc").unwrap();
        assert!(!format!("{metadata:?}").contains("abc"));
    }
}
