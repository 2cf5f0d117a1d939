//! Field lines of a fuzzer's making.

use super::input::Input;

/// What HTTP or HPACK treats in a way of its own.
const NAMES: &[&str] = &[
    ":method",
    ":scheme",
    ":authority",
    ":path",
    ":status",
    ":protocol",
    "host",
    "content-length",
    "te",
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
    "cookie",
    "authorization",
    "etag",
    "priority",
    "x-a",
    "X-A",
    "",
    ":",
];

const VALUES: &[&str] = &[
    "",
    "GET",
    "HEAD",
    "POST",
    "CONNECT",
    "OPTIONS",
    "http",
    "https",
    "h2-sync",
    "/",
    "*",
    "example.com",
    "example.com:443",
    "user@example.com",
    "0",
    "5",
    "+5",
    "18446744073709551616",
    "trailers",
    "100",
    "101",
    "200",
    "204",
    "304",
    "431",
    "websocket",
    "u=1, i",
    " x",
    "x\t",
    "a\r\nb: c",
    "\0",
];

/// A name, a value, and whether the field is sensitive.
pub fn read_field(input: &mut Input<'_>) -> (Vec<u8>, Vec<u8>, bool) {
    let control = input.octet();
    let name = read_word(input, control & 0x01 != 0, NAMES);
    let value = read_word(input, control & 0x02 != 0, VALUES);
    (name, value, control & 0x04 != 0)
}

fn read_word(input: &mut Input<'_>, is_free: bool, known: &[&str]) -> Vec<u8> {
    if is_free {
        return input.string().to_vec();
    }
    input.pick(known).map(|word| word.as_bytes().to_vec()).unwrap_or_default()
}
