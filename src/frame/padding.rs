//! Padding of DATA, HEADERS and PUSH_PROMISE: RFC 9113, Section 6.1.
//!
//! ```text
//! PADDED set:    pad length (8 bit) │ content … │ pad length × 0x00
//! ```

use std::fmt;

use bytes::{Buf, Bytes};

use super::check;
use super::error::Error;
use super::error_code::ErrorCode;
use super::flags::Flags;
use super::head::Head;

/// The longest padding of one frame.
static ZEROS: [u8; u8::MAX as usize] = [0; u8::MAX as usize];

/// Removes the pad length from the front of the payload, if the frame is padded.
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

/// Removes the padding from the end of the payload, after all fixed fields have been removed.
#[inline]
pub(super) fn strip(head: &Head, payload: &mut Bytes, padding: Option<u8>) -> Result<(), Error> {
    let padding = usize::from(padding.unwrap_or(0));
    // RFC 9113, Sections 6.1, 6.2 and 6.6: padding longer than the rest of the payload is a
    // PROTOCOL_ERROR. Padding of the same length leaves an empty content. Checking that padding is
    // zero is only a MAY and is not done.
    match payload.len().checked_sub(padding) {
        Some(content) => payload.truncate(content),
        None => {
            return Err(Error::connection(
                head,
                ErrorCode::ProtocolError,
                "padding is longer than the payload",
            ));
        }
    }
    Ok(())
}

/// Returns how many octets padding adds to a payload: the padding and the pad length field.
pub(super) fn octets(padding: Option<u8>) -> usize {
    padding.map_or(0, |length| 1 + usize::from(length))
}

/// Returns the padding that follows the content.
pub(super) fn zeros(padding: Option<u8>) -> &'static [u8] {
    // In bounds: `ZEROS` has the maximum of a u8 as its length.
    &ZEROS[..usize::from(padding.unwrap_or(0))]
}

/// Prints ` padding=7` in the trace of a padded frame.
pub(super) fn trace(padding: Option<u8>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    padding.map_or(Ok(()), |length| write!(f, " padding={length}"))
}
