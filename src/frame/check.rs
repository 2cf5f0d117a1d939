//! Checks that several frame types share. Each caller quotes the section of its own type.

use super::error::Error;
use super::error_code::ErrorCode;
use super::head::Head;

/// Checks that the frame is on a stream.
#[inline]
pub(super) fn is_on_stream(head: &Head) -> Result<(), Error> {
    if head.stream_id.is_connection() {
        return Err(Error::connection(
            head,
            ErrorCode::ProtocolError,
            "a stream frame is on stream 0",
        ));
    }
    Ok(())
}

/// Checks that the frame is on stream 0.
#[inline]
pub(super) fn is_on_connection(head: &Head) -> Result<(), Error> {
    if !head.stream_id.is_connection() {
        return Err(Error::connection(
            head,
            ErrorCode::ProtocolError,
            "a connection frame is on a stream",
        ));
    }
    Ok(())
}

/// Returns the payload if it is exactly `N` octets long, or a FRAME_SIZE_ERROR of the connection.
#[inline]
pub(super) fn exact<const N: usize>(
    head: &Head,
    payload: &[u8],
    reason: &'static str,
) -> Result<[u8; N], Error> {
    payload.try_into().map_err(|_| too_short(head, reason))
}

/// A connection error FRAME_SIZE_ERROR: the payload is too small for the frame's mandatory fields
/// (RFC 9113, Section 4.2).
pub(super) fn too_short(head: &Head, reason: &'static str) -> Error {
    Error::connection(head, ErrorCode::FrameSizeError, reason)
}
