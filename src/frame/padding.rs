//! Padding, which DATA, HEADERS and PUSH_PROMISE have in common: RFC 9113, Section 6.1.
//!
//! ```text
//! PADDED set:    pad length (8 bit) │ what the frame is about … │ pad length × 0x00
//! ```

use std::fmt;

use bytes::{Buf, Bytes};

use super::check;
use super::error::Error;
use super::error_code::ErrorCode;
use super::flags::Flags;
use super::head::Head;

/// As many zeros as there can be in one frame.
static ZEROS: [u8; u8::MAX as usize] = [0; u8::MAX as usize];

/// Takes the pad length off the front of the payload, if the frame is padded.
#[inline]
pub(super) fn take_length(head: &Head, payload: &mut Bytes) -> Result<Option<u8>, Error> {
    if !head.flags.contains(Flags::PADDED) {
        return Ok(None);
    }
    match payload.try_get_u8() {
        Ok(length) => Ok(Some(length)),
        Err(_) => Err(check::too_short(head, "a padded frame has no pad length")),
    }
}

/// Takes the padding off the end of what is left after the pad length and all fixed fields.
#[inline]
pub(super) fn strip(head: &Head, payload: &mut Bytes, padding: Option<u8>) -> Result<(), Error> {
    let padding = usize::from(padding.unwrap_or(0));
    // RFC 9113, Sections 6.1, 6.2 and 6.6: padding that does not fit into what is left of the
    // payload is a PROTOCOL_ERROR. Padding that fills it is fine: the content is empty then.
    // What the padding holds is not looked at; to check that it is zero is only a MAY.
    match payload.len().checked_sub(padding) {
        Some(content) => payload.truncate(content),
        None => {
            return Err(Error::connection(
                head,
                ErrorCode::ProtocolError,
                "padding is longer than the payload",
            ))
        }
    }
    Ok(())
}

/// How many octets padding adds to a payload: those of the padding, and the pad length.
pub(super) fn octets(padding: Option<u8>) -> usize {
    padding.map_or(0, |length| 1 + usize::from(length))
}

/// The zeros that follow the content.
pub(super) fn zeros(padding: Option<u8>) -> &'static [u8] {
    // In bounds: there are as many zeros as a u8 can ask for.
    &ZEROS[..usize::from(padding.unwrap_or(0))]
}

/// ` padding=7`, for the trace of a padded frame.
pub(super) fn trace(padding: Option<u8>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    padding.map_or(Ok(()), |length| write!(f, " padding={length}"))
}
