//! Messages of DNS (RFC 1035, Section 4): as much as a forwarder and a lookup of addresses need.
//!
//! ```text
//!  2 octets each: id | flags | questions | answers | authorities | additional; then the records
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const HEADER: usize = 12;

/// Flags: this is an answer; it is truncated; recursion is wanted; there is recursion.
const ANSWER: u8 = 0x80;
const TRUNCATED: u8 = 0x02;
const RECURSION_DESIRED: u8 = 0x01;
const RECURSION_AVAILABLE: u8 = 0x80;

/// The resolver has failed (SERVFAIL).
const SERVER_FAILURE: u8 = 2;

/// The largest datagram of a client that announces no size (RFC 1035, Section 4.2.1).
const DATAGRAM: usize = 512;

const CNAME: u16 = 5;
/// The pseudo-record that has the size of datagrams in place of its class (RFC 6891, Section 6.1.2).
const OPT: u16 = 41;
const INTERNET: u16 = 1;

/// The types of records that can be asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    A = 1,
    Aaaa = 28,
}

#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) name: String,
    /// Seconds for which it may be kept.
    pub(crate) ttl: u32,
    pub(crate) data: Data,
}

#[derive(Debug)]
pub(crate) enum Data {
    Address(IpAddr),
    /// The name has another name, which has the addresses.
    Alias(String),
    Other,
}

/// A question for a name.
pub(crate) fn question(name: &str, kind: Kind) -> Result<Vec<u8>, String> {
    let mut message = vec![0, 0, RECURSION_DESIRED, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.trim_end_matches('.').split('.') {
        match u8::try_from(label.len()) {
            Ok(length @ 1..=63) if label.is_ascii() => message.push(length),
            _ => {
                return Err(format!(
                    "invalid name {name:?}: each label must have 1 to 63 ASCII characters"
                ));
            }
        }
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
    if message.len() - HEADER > 255 {
        return Err(format!("invalid name {name:?}: longer than 253 characters"));
    }
    message.extend_from_slice(&(kind as u16).to_be_bytes());
    message.extend_from_slice(&INTERNET.to_be_bytes());
    Ok(message)
}

/// Reads the records of an answer.
pub(crate) fn answers(message: &[u8]) -> Result<Vec<Record>, String> {
    if !is_answer(message) {
        return Err("the resolver's response is not a DNS answer".to_owned());
    }
    match message[3] & 0x0f {
        0 => {}
        3 => return Err("the name does not exist (NXDOMAIN)".to_owned()),
        code => return Err(format!("the resolver has failed with code {code}")),
    }
    let malformed = || "the answer is malformed".to_owned();
    let mut reader = Reader { message, at: HEADER };
    reader.skip_questions().ok_or_else(malformed)?;
    (0..reader.count(6)).map(|_| reader.record().ok_or_else(malformed)).collect()
}

pub(crate) fn is_answer(message: &[u8]) -> bool {
    message.len() >= HEADER && message[2] & ANSWER != 0
}

/// Returns the identifier of a question; `None` for another message.
pub(crate) fn id_of_question(message: &[u8]) -> Option<u16> {
    let is_question = message.len() >= HEADER && message[2] & ANSWER == 0;
    is_question.then(|| u16::from_be_bytes([message[0], message[1]]))
}

/// Sets the identifier. The message has a header.
pub(crate) fn set_id(message: &mut [u8], id: u16) {
    message[..2].copy_from_slice(&id.to_be_bytes());
}

/// The answer to a question that the resolver has not answered.
pub(crate) fn failure(question: &[u8]) -> Vec<u8> {
    let mut message = without_records(question);
    message[2] = ANSWER | question[2] & RECURSION_DESIRED;
    message[3] = RECURSION_AVAILABLE | SERVER_FAILURE;
    message
}

/// An answer without its records, with the flag TC.
pub(crate) fn truncated(answer: &[u8]) -> Vec<u8> {
    let mut message = without_records(answer);
    message[2] |= TRUNCATED;
    message
}

/// The largest datagram that the client of a question takes.
pub(crate) fn datagram_size(question: &[u8]) -> usize {
    let find = || {
        let mut reader = Reader { message: question, at: HEADER };
        reader.skip_questions()?;
        let records = reader.count(6) + reader.count(8) + reader.count(10);
        for _ in 0..records {
            let (kind, class) = reader.skip_record()?;
            if kind == OPT {
                return Some(usize::from(class));
            }
        }
        None
    };
    find().unwrap_or(DATAGRAM).max(DATAGRAM)
}

/// The header and the questions.
fn without_records(message: &[u8]) -> Vec<u8> {
    let mut reader = Reader { message, at: HEADER };
    let questions = reader.skip_questions().map_or(&message[..HEADER], |()| &message[..reader.at]);
    let mut kept = questions.to_vec();
    if kept.len() == HEADER {
        kept[4..6].fill(0);
    }
    kept[6..HEADER].fill(0);
    kept
}

/// Reads a message that has a header, and may be malformed.
struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// The number of records in the header, at this place.
    fn count(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.message[at], self.message[at + 1]])
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let octets = self.message.get(self.at..self.at + length)?;
        self.at += length;
        Some(octets)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn skip_questions(&mut self) -> Option<()> {
        for _ in 0..self.count(4) {
            self.name()?;
            self.take(4)?;
        }
        Some(())
    }

    /// Returns the type and the class.
    fn skip_record(&mut self) -> Option<(u16, u16)> {
        self.name()?;
        let (kind, class) = (self.u16()?, self.u16()?);
        self.u32()?;
        let length = self.u16()?;
        self.take(length.into())?;
        Some((kind, class))
    }

    fn record(&mut self) -> Option<Record> {
        let name = self.name()?;
        let (kind, class, ttl, length) = (self.u16()?, self.u16()?, self.u32()?, self.u16()?);
        let begin = self.at;
        let octets = self.take(length.into())?;
        let data = match (kind, class) {
            (1, INTERNET) => {
                Data::Address(Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?).into())
            }
            (28, INTERNET) => {
                Data::Address(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).into())
            }
            (CNAME, INTERNET) => Data::Alias(Reader { message: self.message, at: begin }.name()?),
            _ => Data::Other,
        };
        Some(Record { name, ttl, data })
    }

    /// Reads a name, which may continue at an earlier place (RFC 1035, Section 4.1.4).
    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        let (mut at, mut after, mut limit) = (self.at, None, self.message.len());
        loop {
            let length = usize::from(*self.message.get(at)?);
            match length >> 6 {
                0 if length == 0 => {
                    self.at = after.unwrap_or(at + 1);
                    return Some(if name.is_empty() { ".".to_owned() } else { name });
                }
                0 => {
                    let label = self.message.get(at + 1..at + 1 + length)?;
                    if !name.is_empty() {
                        name.push('.');
                    }
                    name += &label.escape_ascii().to_string();
                    at += 1 + length;
                }
                3 => {
                    let low = usize::from(*self.message.get(at + 1)?);
                    after = after.or(Some(at + 2));
                    at = (length & 0x3f) << 8 | low;
                    // Only ever backwards, so this ends.
                    if at >= limit {
                        return None;
                    }
                    limit = at;
                }
                _ => return None,
            }
            if name.len() > 4 * 255 {
                return None;
            }
        }
    }
}
