//! Reading the body of a request that upgrades.

use bytes::{Bytes, BytesMut};

use super::chunked::Chunked;
use super::framing::Framing;
use super::options::Options;
use super::refusal::Refusal;
use super::wire::Wire;
use crate::error::Error;
use crate::transport::Transport;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Why there is no body.
pub(super) enum Failure {
    /// The peer gets an answer.
    Refused(Refusal),
    /// There is nobody to answer any more.
    Lost(Error),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Failure::Refused(refusal)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Lost(error)
    }
}

/// Reads the whole body off the front of the wire. A client that `expects` to be told so is told to
/// go on, unless all of it is there already.
pub(super) fn read<T: Transport>(
    wire: &mut Wire<T>,
    framing: Framing,
    expects: bool,
    options: &Options,
) -> Result<Bytes, Failure> {
    let mut body = Body::new(framing, options)?;
    let mut expects = expects;
    while !body.take(&mut wire.buffer)? {
        if std::mem::take(&mut expects) {
            // RFC 9110, Section 10.1.1: and before the 101 (Section 7.8).
            wire.write(CONTINUE)?;
        }
        if wire.fill()? == 0 {
            return Err(Refusal::bad("the body ends before its time").into());
        }
    }
    Ok(body.octets.freeze())
}

struct Body {
    octets: BytesMut,
    rest: Rest,
}

enum Rest {
    Length(usize),
    Chunked(Chunked),
}

impl Body {
    fn new(framing: Framing, options: &Options) -> Result<Self, Refusal> {
        let max = options.max_body_size;
        let rest = match framing {
            Framing::Length(length) => match usize::try_from(length) {
                Ok(length) if length <= max => Rest::Length(length),
                _ => return Err(Refusal::body_too_large()),
            },
            Framing::Chunked => Rest::Chunked(Chunked::new(max, options.max_head_size)),
        };
        Ok(Body { octets: BytesMut::new(), rest })
    }

    /// Takes what there is. Whether that was all.
    fn take(&mut self, input: &mut BytesMut) -> Result<bool, Refusal> {
        match &mut self.rest {
            Rest::Length(left) => {
                let piece = input.split_to(input.len().min(*left));
                *left -= piece.len();
                if self.octets.is_empty() {
                    self.octets = piece;
                } else {
                    self.octets.unsplit(piece);
                }
                Ok(*left == 0)
            }
            Rest::Chunked(chunked) => chunked.decode(input, &mut self.octets),
        }
    }
}
