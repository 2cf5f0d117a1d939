//! Error codes: RFC 9113, Section 7.

use std::fmt;

/// The reason why a stream is reset or a connection ends (RFC 9113, Section 7).
///
/// RST_STREAM and GOAWAY carry it as 32 bits. An unknown code is kept as [`Other`](Self::Other) and
/// must be treated like [`InternalError`](Self::InternalError). `From<u32>` maps each number to
/// exactly one value, so codes can be compared.
///
/// # Example
///
/// ```
/// use h2_sync::frame::ErrorCode;
///
/// assert_eq!(ErrorCode::from(0x8), ErrorCode::Cancel);
/// assert_eq!(u32::from(ErrorCode::Cancel), 0x8);
/// assert_eq!(ErrorCode::Cancel.to_string(), "CANCEL");
/// assert_eq!(ErrorCode::from(0x2a).to_string(), "0x2a");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// `0x00` NO_ERROR: nothing went wrong, as in a graceful GOAWAY.
    NoError,
    /// `0x01` PROTOCOL_ERROR: a protocol violation for which no more specific code exists.
    ProtocolError,
    /// `0x02` INTERNAL_ERROR: an internal error of the sender of this code.
    InternalError,
    /// `0x03` FLOW_CONTROL_ERROR: the peer exceeded a flow-control window or made one overflow.
    FlowControlError,
    /// `0x04` SETTINGS_TIMEOUT: the peer did not acknowledge SETTINGS in time.
    SettingsTimeout,
    /// `0x05` STREAM_CLOSED: a frame arrived for a stream that its sender had already ended.
    StreamClosed,
    /// `0x06` FRAME_SIZE_ERROR: a frame has an invalid length.
    FrameSizeError,
    /// `0x07` REFUSED_STREAM: the stream was refused before any processing; the request may be
    /// retried.
    RefusedStream,
    /// `0x08` CANCEL: the stream is no longer wanted.
    Cancel,
    /// `0x09` COMPRESSION_ERROR: the HPACK state of the connection is lost.
    CompressionError,
    /// `0x0a` CONNECT_ERROR: the connection behind a CONNECT request was reset or closed.
    ConnectError,
    /// `0x0b` ENHANCE_YOUR_CALM: the peer causes excessive load.
    EnhanceYourCalm,
    /// `0x0c` INADEQUATE_SECURITY: the transport does not meet the minimum security requirements.
    InadequateSecurity,
    /// `0x0d` HTTP_1_1_REQUIRED: the request must be made over HTTP/1.1.
    Http11Required,
    /// Any other code. Values below `0x0e` are not valid here; `From<u32>` never produces them.
    Other(u32),
}

impl From<u32> for ErrorCode {
    fn from(code: u32) -> Self {
        match code {
            0x00 => Self::NoError,
            0x01 => Self::ProtocolError,
            0x02 => Self::InternalError,
            0x03 => Self::FlowControlError,
            0x04 => Self::SettingsTimeout,
            0x05 => Self::StreamClosed,
            0x06 => Self::FrameSizeError,
            0x07 => Self::RefusedStream,
            0x08 => Self::Cancel,
            0x09 => Self::CompressionError,
            0x0a => Self::ConnectError,
            0x0b => Self::EnhanceYourCalm,
            0x0c => Self::InadequateSecurity,
            0x0d => Self::Http11Required,
            other => Self::Other(other),
        }
    }
}

impl From<ErrorCode> for u32 {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::NoError => 0x00,
            ErrorCode::ProtocolError => 0x01,
            ErrorCode::InternalError => 0x02,
            ErrorCode::FlowControlError => 0x03,
            ErrorCode::SettingsTimeout => 0x04,
            ErrorCode::StreamClosed => 0x05,
            ErrorCode::FrameSizeError => 0x06,
            ErrorCode::RefusedStream => 0x07,
            ErrorCode::Cancel => 0x08,
            ErrorCode::CompressionError => 0x09,
            ErrorCode::ConnectError => 0x0a,
            ErrorCode::EnhanceYourCalm => 0x0b,
            ErrorCode::InadequateSecurity => 0x0c,
            ErrorCode::Http11Required => 0x0d,
            ErrorCode::Other(other) => other,
        }
    }
}

/// Prints the name that RFC 9113 gives the code, or its number in hexadecimal.
impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoError => "NO_ERROR",
            Self::ProtocolError => "PROTOCOL_ERROR",
            Self::InternalError => "INTERNAL_ERROR",
            Self::FlowControlError => "FLOW_CONTROL_ERROR",
            Self::SettingsTimeout => "SETTINGS_TIMEOUT",
            Self::StreamClosed => "STREAM_CLOSED",
            Self::FrameSizeError => "FRAME_SIZE_ERROR",
            Self::RefusedStream => "REFUSED_STREAM",
            Self::Cancel => "CANCEL",
            Self::CompressionError => "COMPRESSION_ERROR",
            Self::ConnectError => "CONNECT_ERROR",
            Self::EnhanceYourCalm => "ENHANCE_YOUR_CALM",
            Self::InadequateSecurity => "INADEQUATE_SECURITY",
            Self::Http11Required => "HTTP_1_1_REQUIRED",
            Self::Other(other) => return write!(f, "{other:#x}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_round_trips() {
        for number in (0..=0xff).chain([u32::MAX]) {
            assert_eq!(u32::from(ErrorCode::from(number)), number);
        }
    }

    #[test]
    fn the_fourteen_codes_of_the_rfc_have_names() {
        for number in 0..=0x0d {
            let code = ErrorCode::from(number);
            assert!(!matches!(code, ErrorCode::Other(_)), "{number:#x} has no name");
        }
        assert_eq!(ErrorCode::from(0x0e), ErrorCode::Other(0x0e));
    }

    #[test]
    fn prints_the_name_of_the_rfc_or_the_number_in_hex() {
        assert_eq!(ErrorCode::ProtocolError.to_string(), "PROTOCOL_ERROR");
        assert_eq!(ErrorCode::Http11Required.to_string(), "HTTP_1_1_REQUIRED");
        assert_eq!(ErrorCode::Other(0x2a).to_string(), "0x2a");
    }
}
