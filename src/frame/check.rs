//! Checks that several kinds of frame share. Each caller quotes the section of its own kind.

use super::error::Error;
use super::error_code::ErrorCode;
use super::head::Head;

/// The frame has to be on a stream.
#[inline]
pub(super) fn is_on_stream(head: &Head) -> Result<(), Error> {
    if head.stream_id.is_connection() {
        return Err(Error::connection(
            head,
            ErrorCode::ProtocolError,
            "a frame of a stream is on stream 0",
        ));
    }
    Ok(())
}

/// The frame has to be on stream 0.
#[inline]
pub(super) fn is_on_connection(head: &Head) -> Result<(), Error> {
    if !head.stream_id.is_connection() {
        return Err(Error::connection(
            head,
            ErrorCode::ProtocolError,
            "a frame of the connection is on a stream",
        ));
    }
    Ok(())
}

/// The payload has to be `N` octets long, or the connection ends.
#[inline]
pub(super) fn exact<const N: usize>(
    head: &Head,
    payload: &[u8],
    reason: &'static str,
) -> Result<[u8; N], Error> {
    payload.try_into().map_err(|_| too_short(head, reason))
}

/// RFC 9113, Section 4.2: a frame that cannot hold what its kind always has is a
/// FRAME_SIZE_ERROR.
pub(super) fn too_short(head: &Head, reason: &'static str) -> Error {
    Error::connection(head, ErrorCode::FrameSizeError, reason)
}
