//! h2, by its frames: its encoder and decoder are not public, but its HEADERS frames take them, and
//! they can be made without being named. What is decoded ends up in a `HeaderMap`, and what is encoded
//! comes out of one.

use std::hint::black_box;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use h2::frame::{BytesStr, Error, Head, Headers as HeadersFrame, Kind, Pseudo};
use h2_sync::Headers;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{Blocks, Sections, cpu_time};

/// HEADERS with END_HEADERS.
const END_HEADERS: u8 = 0x04;
/// More than any section has.
const MAX_SECTION: usize = 1 << 20;

/// Decodes all, and says how long that took. The blocks lie in one buffer, as they do when they come
/// from a socket.
pub fn decode(connections: &Blocks) -> Duration {
    let buffers: Vec<BytesMut> = connections.iter().map(|it| it.concat()[..].into()).collect();
    let start = cpu_time::now();
    for (blocks, mut buffer) in connections.iter().zip(buffers) {
        let mut decoder = Default::default();
        for block in blocks {
            let head = Head::new(Kind::Headers, END_HEADERS, 1.into());
            let block = buffer.split_to(block.len());
            let (mut frame, mut block) = HeadersFrame::load(head, block).unwrap();
            match frame.load_hpack(&mut block, MAX_SECTION, &mut decoder) {
                // Connection-specific fields are left out and all others decoded.
                Ok(()) | Err(Error::MalformedMessage) => black_box(frame),
                Err(error) => panic!("no field block to h2: {error:?}"),
            };
        }
    }
    cpu_time::now() - start
}

/// What h2 makes of some sections: for each connection, pseudo-header fields and all others.
pub type Messages = Vec<Vec<Message>>;

pub struct Message {
    pseudo: Pseudo,
    fields: HeaderMap,
}

pub fn messages_of(connections: &Sections) -> Messages {
    let message = |headers: &Headers| Message::new(headers).unwrap();
    connections.iter().map(|sections| sections.iter().map(message).collect()).collect()
}

/// Encodes all, and says how long that took. The frames are made before: h2 takes them by value.
pub fn encode(connections: &Messages) -> Duration {
    let frames = |messages: &Vec<Message>| messages.iter().map(Message::frame).collect();
    let connections: Vec<Vec<HeadersFrame>> = connections.iter().map(frames).collect();
    let start = cpu_time::now();
    let mut out = BytesMut::with_capacity(MAX_SECTION);
    for frames in connections {
        let mut encoder = Default::default();
        for frame in frames {
            out.clear();
            let rest = frame.encode(&mut encoder, &mut (&mut out).limit(MAX_SECTION));
            assert!(rest.is_none());
            black_box(&out);
        }
    }
    cpu_time::now() - start
}

impl Message {
    fn new(headers: &Headers) -> Option<Self> {
        let (mut pseudo, mut fields) = (Pseudo::default(), HeaderMap::new());
        for field in headers {
            let string = || BytesStr::try_from(Bytes::copy_from_slice(field.value)).ok();
            match field.name {
                b":method" => pseudo.method = Some(field.value.try_into().ok()?),
                b":scheme" => pseudo.scheme = Some(string()?),
                b":authority" => pseudo.authority = Some(string()?),
                b":path" => pseudo.path = Some(string()?),
                b":status" => pseudo.status = Some(field.value.try_into().ok()?),
                name => {
                    let name = HeaderName::from_lowercase(name).ok()?;
                    fields.append(name, HeaderValue::from_bytes(field.value).ok()?);
                }
            }
        }
        Some(Self { pseudo, fields })
    }

    fn frame(&self) -> HeadersFrame {
        let pseudo = Pseudo {
            method: self.pseudo.method.clone(),
            scheme: self.pseudo.scheme.clone(),
            authority: self.pseudo.authority.clone(),
            path: self.pseudo.path.clone(),
            protocol: None,
            status: self.pseudo.status,
        };
        HeadersFrame::new(1.into(), pseudo, self.fields.clone())
    }
}
