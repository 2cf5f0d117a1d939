//! Encoding of frames and field blocks without any checks.

pub(crate) const DATA: u8 = 0x00;
pub(crate) const HEADERS: u8 = 0x01;
pub(crate) const PRIORITY: u8 = 0x02;
pub(crate) const RST_STREAM: u8 = 0x03;
pub(crate) const SETTINGS: u8 = 0x04;
pub(crate) const PUSH_PROMISE: u8 = 0x05;
pub(crate) const PING: u8 = 0x06;
pub(crate) const GOAWAY: u8 = 0x07;
pub(crate) const WINDOW_UPDATE: u8 = 0x08;
pub(crate) const CONTINUATION: u8 = 0x09;
pub(crate) const PRIORITY_UPDATE: u8 = 0x10;
/// A frame type that no RFC defines.
pub(crate) const UNKNOWN: u8 = 0x2a;

pub(crate) const ACK: u8 = 0x01;
pub(crate) const END_STREAM: u8 = 0x01;
pub(crate) const END_HEADERS: u8 = 0x04;
pub(crate) const PADDED: u8 = 0x08;
pub(crate) const WITH_PRIORITY: u8 = 0x20;
/// Both flags of a field section that is a whole message.
pub(crate) const END: u8 = END_STREAM | END_HEADERS;

pub(crate) const HEADER_TABLE_SIZE: u16 = 0x01;
pub(crate) const ENABLE_PUSH: u16 = 0x02;
pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 0x03;
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 0x04;
pub(crate) const MAX_FRAME_SIZE: u16 = 0x05;
pub(crate) const MAX_HEADER_LIST_SIZE: u16 = 0x06;
pub(crate) const ENABLE_CONNECT_PROTOCOL: u16 = 0x08;
pub(crate) const NO_RFC7540_PRIORITIES: u16 = 0x09;

pub(crate) const MAX_WINDOW: u32 = 0x7fff_ffff;
/// The reserved bit before a stream identifier.
pub(crate) const RESERVED: u32 = 0x8000_0000;

/// The frame header.
pub(crate) fn head(length: u32, kind: u8, flags: u8, stream: u32) -> Vec<u8> {
    let mut octets = length.to_be_bytes()[1..].to_vec();
    octets.extend([kind, flags]);
    octets.extend(stream.to_be_bytes());
    octets
}

/// A frame of any type.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut octets = head(payload.len() as u32, kind, flags, stream);
    octets.extend(payload);
    octets
}

pub(crate) fn data(stream: u32, flags: u8, content: impl AsRef<[u8]>) -> Vec<u8> {
    frame(DATA, flags, stream, content)
}

pub(crate) fn headers(stream: u32, flags: u8, block: impl AsRef<[u8]>) -> Vec<u8> {
    frame(HEADERS, flags, stream, block)
}

pub(crate) fn continuation(stream: u32, flags: u8, block: impl AsRef<[u8]>) -> Vec<u8> {
    frame(CONTINUATION, flags, stream, block)
}

pub(crate) fn priority(stream: u32, depends_on: u32) -> Vec<u8> {
    frame(PRIORITY, 0, stream, dependency(depends_on))
}

/// The five octets of a dependency.
pub(crate) fn dependency(depends_on: u32) -> Vec<u8> {
    let mut octets = depends_on.to_be_bytes().to_vec();
    octets.push(15);
    octets
}

pub(crate) fn rst_stream(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, code.to_be_bytes())
}

pub(crate) fn settings(entries: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (id, value) in entries {
        payload.extend(id.to_be_bytes());
        payload.extend(value.to_be_bytes());
    }
    frame(SETTINGS, 0, 0, payload)
}

pub(crate) fn settings_ack() -> Vec<u8> {
    frame(SETTINGS, ACK, 0, [])
}

pub(crate) fn push_promise(stream: u32, promised: u32, block: impl AsRef<[u8]>) -> Vec<u8> {
    let mut payload = promised.to_be_bytes().to_vec();
    payload.extend(block.as_ref());
    frame(PUSH_PROMISE, END_HEADERS, stream, payload)
}

pub(crate) fn ping(payload: &[u8; 8]) -> Vec<u8> {
    frame(PING, 0, 0, payload)
}

pub(crate) fn goaway(last: u32, code: u32) -> Vec<u8> {
    let mut payload = last.to_be_bytes().to_vec();
    payload.extend(code.to_be_bytes());
    frame(GOAWAY, 0, 0, payload)
}

pub(crate) fn window_update(stream: u32, increment: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, increment.to_be_bytes())
}

pub(crate) fn priority_update(prioritized: u32, value: &str) -> Vec<u8> {
    let mut payload = prioritized.to_be_bytes().to_vec();
    payload.extend(value.as_bytes());
    frame(PRIORITY_UPDATE, 0, 0, payload)
}

/// A payload with its pad length and padding.
pub(crate) fn padded(payload: impl AsRef<[u8]>, padding: u8) -> Vec<u8> {
    let mut octets = vec![padding];
    octets.extend(payload.as_ref());
    octets.extend(vec![0; usize::from(padding)]);
    octets
}

/// A field block of literals without indexing (RFC 7541, Section 6.2.2), independent of any table.
pub(crate) fn block<N: AsRef<[u8]>, V: AsRef<[u8]>>(fields: &[(N, V)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0x00);
        string(name.as_ref(), &mut block);
        string(value.as_ref(), &mut block);
    }
    block
}

/// A literal with incremental indexing (RFC 7541, Section 6.2.1): it enters the dynamic table.
pub(crate) fn indexed_literal(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0x40];
    string(name.as_bytes(), &mut block);
    string(value.as_bytes(), &mut block);
    block
}

/// A string literal without Huffman code (RFC 7541, Section 5.2).
fn string(octets: &[u8], out: &mut Vec<u8>) {
    if octets.len() < 127 {
        out.push(octets.len() as u8);
    } else {
        out.push(127);
        let mut rest = octets.len() - 127;
        while rest >= 128 {
            out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }
    out.extend(octets);
}

/// `GET http://test/`, with indices of the static table.
pub(crate) fn get() -> Vec<u8> {
    b"\x82\x86\x84\x01\x04test".to_vec()
}

/// `POST http://test/`.
pub(crate) fn post() -> Vec<u8> {
    b"\x83\x86\x84\x01\x04test".to_vec()
}

/// `:status` 200.
pub(crate) fn ok() -> Vec<u8> {
    vec![0x88]
}

/// A block with `:status` only.
pub(crate) fn status(status: &str) -> Vec<u8> {
    block(&[(":status", status)])
}

/// A block followed by these fields.
pub(crate) fn and<N: AsRef<[u8]>, V: AsRef<[u8]>>(
    mut start: Vec<u8>,
    fields: &[(N, V)],
) -> Vec<u8> {
    start.extend(block(fields));
    start
}
