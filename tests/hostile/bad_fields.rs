//! Fields that are invalid in every message (RFC 9113, Section 8.2).

/// Name and value.
pub(crate) type Field = (Vec<u8>, Vec<u8>);

/// Prints the current case, which is shown if the test fails.
#[track_caller]
pub(crate) fn case(what: impl std::fmt::Debug) {
    eprintln!("{what:x?}");
}

fn field(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Field {
    (name.as_ref().to_vec(), value.as_ref().to_vec())
}

/// Section 8.2.1: names with upper-case letters.
pub(crate) fn upper_case() -> Vec<Field> {
    let letters = (b'A'..=b'Z').map(|letter| field([b'a', letter, b'b'], "v"));
    letters.chain([field("Host", "test"), field("TE", "trailers"), field("A", "v")]).collect()
}

/// Section 8.2.1: names with a colon, except as the first octet.
pub(crate) fn colons() -> Vec<Field> {
    ["a:", "a:b", "host:", "transfer-encoding: chunked\r\na:"].map(|name| field(name, "v")).into()
}

/// Section 8.2.1: names with CR, LF, NUL, another control character, white space, or a non-ASCII
/// octet, at each position; and empty names.
pub(crate) fn octets_in_names() -> Vec<Field> {
    let octets = (0x00..=0x20).chain(0x7f..=0xff);
    let mut fields: Vec<_> = octets.map(|octet| field([b'a', octet, b'b'], "v")).collect();
    for octet in [b'\r', b'\n', 0, b' ', b'\t'] {
        fields.extend([field([octet, b'a'], "v"), field([b'a', octet], "v"), field([octet], "v")]);
    }
    fields.push(field("", "v"));
    fields.push(field("", ""));
    fields
}

/// Section 8.2.1: values with CR, LF or NUL, at each position.
pub(crate) fn octets_in_values() -> Vec<Field> {
    let mut fields = Vec::new();
    for octet in [b'\r', b'\n', 0] {
        for value in [vec![octet], vec![b'a', octet, b'b'], vec![octet, b'a'], vec![b'a', octet]] {
            fields.push(field("name", &value));
            // Fields that the protocol interprets are subject to the same rules.
            fields.push(field("cookie", value));
        }
    }
    fields.push(field("name", "a\r\ntransfer-encoding: chunked"));
    fields.push(field("name", "a\r\n\r\nGET /other HTTP/1.1\r\n"));
    fields
}

/// Section 8.2.1: values with leading or trailing white space.
pub(crate) fn white_space() -> Vec<Field> {
    [" ", "\t", " a", "a ", "\ta", "a\t", " a b "].map(|value| field("name", value)).into()
}

/// Section 8.2.2: connection-specific fields, and `te` with a value other than `trailers`.
pub(crate) fn connection_specific() -> Vec<Field> {
    vec![
        field("connection", "close"),
        field("connection", "keep-alive"),
        field("connection", ""),
        field("keep-alive", "timeout=5"),
        field("proxy-connection", "keep-alive"),
        field("transfer-encoding", "chunked"),
        field("transfer-encoding", "identity"),
        field("upgrade", "websocket"),
        field("upgrade", "h2c"),
        field("te", "gzip"),
        field("te", "trailers, gzip"),
        field("te", "trailers;q=1"),
        field("te", ""),
    ]
}

/// All invalid fields.
pub(crate) fn all() -> impl Iterator<Item = Field> {
    [upper_case(), colons(), octets_in_names(), octets_in_values(), white_space()]
        .into_iter()
        .flatten()
        .chain(connection_specific())
}
