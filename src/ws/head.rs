//! The head of a frame (RFC 6455, Section 5.2).

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::close::MAX_CONTROL;
use super::config::Role;
use super::error::Error;

/// The octets of the longest head.
const MAX_HEAD: usize = 14;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_RSV3: u8 = 0x30;
const MASK: u8 = 0x80;

/// The opcode of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xa,
}

impl Opcode {
    pub(super) fn is_control(self) -> bool {
        self as u8 >= 0x8
    }

    fn decode(octet: u8) -> Option<Self> {
        use Opcode::*;
        [Continuation, Text, Binary, Close, Ping, Pong].into_iter().find(|it| *it as u8 == octet)
    }
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) is_fin: bool,
    /// RSV1: the message is compressed (RFC 7692, Section 6).
    pub(super) is_compressed: bool,
    pub(super) opcode: Opcode,
    pub(super) mask: Option<[u8; 4]>,
    pub(super) len: u64,
}

/// The rules for the peer's frame heads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// This end's role.
    pub(super) role: Role,
    /// permessage-deflate has been negotiated.
    pub(super) has_deflate: bool,
}

impl Head {
    /// Reads a head. Returns `None` if more octets are needed. Faults are found as early as
    /// possible.
    pub(super) fn decode(octets: &[u8], rules: Rules) -> Result<Option<(Head, usize)>, Error> {
        let Some(&first) = octets.first() else { return Ok(None) };
        let (is_fin, is_compressed) = (first & FIN != 0, first & RSV1 != 0);
        let opcode = Opcode::decode(first & 0x0f)
            .ok_or_else(|| Error::protocol(format!("a frame with opcode {:#x}", first & 0x0f)))?;
        let starts_message = matches!(opcode, Opcode::Text | Opcode::Binary);
        // RFC 7692, Section 6.1: RSV1 is set on the first fragment alone, and on no control frame.
        if first & RSV2_RSV3 != 0 || is_compressed && !(rules.has_deflate && starts_message) {
            return Err(Error::protocol("a frame with reserved bits"));
        }
        // RFC 6455, Section 5.4: control frames must not be fragmented.
        if opcode.is_control() && !is_fin {
            return Err(Error::protocol("a fragmented control frame"));
        }
        let Some(&second) = octets.get(1) else { return Ok(None) };
        let is_masked = second & MASK != 0;
        match rules.role {
            Role::Server if !is_masked => {
                return Err(Error::protocol("an unmasked frame from the client"));
            }
            Role::Client if is_masked => {
                return Err(Error::protocol("a masked frame from the server"));
            }
            _ => {}
        }
        if opcode.is_control() && usize::from(second & !MASK) > MAX_CONTROL {
            return Err(Error::protocol("a control frame of more than 125 octets"));
        }
        let mut rest = &octets[2..];
        let len = match second & !MASK {
            126 => rest.try_get_u16().map(|len| (u64::from(len), 126)),
            127 => rest.try_get_u64().map(|len| (len, 1 << 16)),
            len => Ok((u64::from(len), 0)),
        };
        let Ok((len, least)) = len else { return Ok(None) };
        // RFC 6455, Section 5.2: the minimal number of octets, and the most significant bit 0.
        if len < least || len >> 63 != 0 {
            return Err(Error::protocol("a frame length that is not in its shortest encoding"));
        }
        let mask = match (is_masked, rest.split_first_chunk()) {
            (false, _) => None,
            (true, Some((mask, behind))) => {
                rest = behind;
                Some(*mask)
            }
            (true, None) => return Ok(None),
        };
        let head = Head { is_fin, is_compressed, opcode, mask, len };
        Ok(Some((head, octets.len() - rest.len())))
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        let fin = if self.is_fin { FIN } else { 0 };
        let rsv1 = if self.is_compressed { RSV1 } else { 0 };
        let mask = if self.mask.is_some() { MASK } else { 0 };
        out.put_u8(fin | rsv1 | self.opcode as u8);
        match self.len {
            len @ ..=125 => out.put_u8(mask | len as u8),
            len @ ..=0xffff => {
                out.put_u8(mask | 126);
                out.put_u16(len as u16);
            }
            len => {
                out.put_u8(mask | 127);
                out.put_u64(len);
            }
        }
        if let Some(mask) = self.mask {
            out.put_slice(&mask);
        }
    }
}

/// A head that has arrived in part.
#[derive(Debug, Default)]
pub(super) struct HeadBuffer {
    octets: [u8; MAX_HEAD],
    len: usize,
}

impl HeadBuffer {
    /// Takes the next head from the front of `octets`. Returns `None`, with all octets taken, if it
    /// needs more.
    pub(super) fn take(&mut self, octets: &mut Bytes, rules: Rules) -> Result<Option<Head>, Error> {
        if self.len == 0 {
            if let Some((head, len)) = Head::decode(octets, rules)? {
                octets.advance(len);
                return Ok(Some(head));
            }
        }
        // A head is complete before its buffer is full.
        let room = &mut self.octets[self.len..];
        let n = room.len().min(octets.len());
        room[..n].copy_from_slice(&octets[..n]);
        match Head::decode(&self.octets[..self.len + n], rules)? {
            Some((head, len)) => {
                octets.advance(len - self.len);
                self.len = 0;
                Ok(Some(head))
            }
            None => {
                octets.advance(n);
                self.len += n;
                Ok(None)
            }
        }
    }
}
