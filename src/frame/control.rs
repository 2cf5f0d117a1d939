//! Control frames: RST_STREAM, PING, GOAWAY and WINDOW_UPDATE.

use std::fmt;

use bytes::{Buf, Bytes};

use super::check;
use super::constants::MAX_WINDOW;
use super::display::Quoted;
use super::error::Error;
use super::error_code::ErrorCode;
use super::flags::Flags;
use super::head::Head;
use super::kind::Kind;
use super::stream_id::StreamId;

/// RST_STREAM: ends a stream at once (RFC 9113, Section 6.4).
///
/// ```
/// use h2_sync::frame::{ErrorCode, RstStream, StreamId};
///
/// let frame = RstStream { stream_id: StreamId::new(3).unwrap(), error_code: ErrorCode::Cancel };
/// assert_eq!(frame.to_string(), "RST_STREAM stream=3 length=4 error=CANCEL");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RstStream {
    /// The stream that ends.
    pub stream_id: StreamId,
    /// Why it ends.
    pub error_code: ErrorCode,
}

impl RstStream {
    const LEN: usize = 4;

    #[inline]
    pub(super) fn decode(head: &Head, payload: &[u8]) -> Result<Self, Error> {
        // RFC 9113, Section 6.4: RST_STREAM on stream 0 is a PROTOCOL_ERROR.
        check::is_on_stream(head)?;
        // RFC 9113, Section 6.4: a length other than 4 is a connection error FRAME_SIZE_ERROR.
        let code: [u8; Self::LEN] = check::exact(head, payload, "RST_STREAM is not 4 octets long")?;
        Ok(Self {
            stream_id: head.stream_id,
            error_code: ErrorCode::from(u32::from_be_bytes(code)),
        })
    }

    /// Returns the frame header.
    pub fn head(&self) -> Head {
        Head::new(Kind::RST_STREAM, Flags::default(), self.stream_id, Self::LEN)
    }

    /// Appends the frame to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.head().encode(out);
        out.extend_from_slice(&u32::from(self.error_code).to_be_bytes());
    }
}

impl fmt::Display for RstStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} error={}", self.head(), self.error_code)
    }
}

/// PING: asks the peer to send the same payload back with ACK (RFC 9113, Section 6.7).
///
/// ```
/// use h2_sync::frame::Ping;
///
/// let ping = Ping { ack: false, payload: *b"\0\x01\x02\x03\x04\x05\x06\x07" };
/// assert_eq!(ping.to_string(), "PING length=8 payload=0x0001020304050607");
/// let answer = Ping { ack: true, ..ping };
/// assert_eq!(answer.to_string(), "PING length=8 flags=ACK payload=0x0001020304050607");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    /// ACK: this frame answers a PING with the same payload.
    pub ack: bool,
    /// Eight opaque octets, chosen by the sender of the PING.
    pub payload: [u8; 8],
}

impl Ping {
    const LEN: usize = 8;

    #[inline]
    pub(super) fn decode(head: &Head, payload: &[u8]) -> Result<Self, Error> {
        // RFC 9113, Section 6.7: PING on a stream other than 0 is a PROTOCOL_ERROR.
        check::is_on_connection(head)?;
        // RFC 9113, Section 6.7: a length other than 8 is a connection error FRAME_SIZE_ERROR.
        let payload = check::exact(head, payload, "PING is not 8 octets long")?;
        Ok(Self { ack: head.flags.contains(Flags::ACK), payload })
    }

    /// Returns the frame header.
    pub fn head(&self) -> Head {
        let flags = if self.ack { Flags::ACK } else { Flags::default() };
        Head::new(Kind::PING, flags, StreamId::CONNECTION, Self::LEN)
    }

    /// Appends the frame to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.head().encode(out);
        out.extend_from_slice(&self.payload);
    }
}

impl fmt::Display for Ping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} payload={:#018x}", self.head(), u64::from_be_bytes(self.payload))
    }
}

/// GOAWAY: announces that no stream above `last_stream_id` was or will be processed (RFC 9113,
/// Section 6.8).
///
/// ```
/// use bytes::Bytes;
/// use h2_sync::frame::{ErrorCode, Goaway, StreamId};
///
/// let frame = Goaway {
///     last_stream_id: StreamId::new(5).unwrap(),
///     error_code: ErrorCode::EnhanceYourCalm,
///     debug_data: Bytes::from_static(b"too many pings"),
/// };
/// assert_eq!(
///     frame.to_string(),
///     r#"GOAWAY length=22 last_stream=5 error=ENHANCE_YOUR_CALM debug="too many pings""#
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goaway {
    /// The highest of the receiver's streams that the sender has processed or may still process.
    pub last_stream_id: StreamId,
    /// The reason; NO_ERROR for a graceful shutdown.
    pub error_code: ErrorCode,
    /// Diagnostic text for people. It comes from the peer and may hold any octets.
    pub debug_data: Bytes,
}

impl Goaway {
    /// The length of the fields before the debug data, in octets.
    const FIXED: usize = 8;

    #[inline]
    pub(super) fn decode(head: &Head, mut payload: Bytes) -> Result<Self, Error> {
        // RFC 9113, Section 6.8: GOAWAY on a stream other than 0 is a PROTOCOL_ERROR.
        check::is_on_connection(head)?;
        // RFC 9113, Section 4.2: a payload too short for both fields is a FRAME_SIZE_ERROR.
        let (Ok(last_stream_id), Ok(error_code)) = (payload.try_get_u32(), payload.try_get_u32())
        else {
            return Err(check::too_short(head, "GOAWAY is shorter than 8 octets"));
        };
        Ok(Self {
            last_stream_id: StreamId::from_wire(last_stream_id),
            error_code: ErrorCode::from(error_code),
            debug_data: payload,
        })
    }

    /// Returns the frame header.
    pub fn head(&self) -> Head {
        let payload = Self::FIXED + self.debug_data.len();
        Head::new(Kind::GOAWAY, Flags::default(), StreamId::CONNECTION, payload)
    }

    /// Appends the frame to `out`.
    ///
    /// # Panics
    ///
    /// In debug builds, if the payload is over 2^24-1 octets.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let head = self.head();
        out.reserve(head.frame_len());
        head.encode(out);
        out.extend_from_slice(&self.last_stream_id.get().to_be_bytes());
        out.extend_from_slice(&u32::from(self.error_code).to_be_bytes());
        out.extend_from_slice(&self.debug_data);
    }
}

impl fmt::Display for Goaway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { last_stream_id, error_code, debug_data } = self;
        write!(f, "{} last_stream={last_stream_id} error={error_code}", self.head())?;
        if !debug_data.is_empty() {
            write!(f, " debug={}", Quoted(debug_data))?;
        }
        Ok(())
    }
}

/// WINDOW_UPDATE: lets the receiver send more DATA (RFC 9113, Section 6.9).
///
/// ```
/// use h2_sync::frame::{StreamId, WindowUpdate};
///
/// let frame = WindowUpdate { stream_id: StreamId::CONNECTION, increment: 65_535 };
/// assert_eq!(frame.to_string(), "WINDOW_UPDATE stream=0 length=4 increment=65535");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowUpdate {
    /// The stream whose window grows, or [`StreamId::CONNECTION`] for the connection's window.
    pub stream_id: StreamId,
    /// The increment in octets: 1 to 2^31-1.
    pub increment: u32,
}

impl WindowUpdate {
    const LEN: usize = 4;

    #[inline]
    pub(super) fn decode(head: &Head, payload: &[u8]) -> Result<Self, Error> {
        // RFC 9113, Section 6.9: a length other than 4 is a connection error FRAME_SIZE_ERROR.
        let octets: [u8; Self::LEN] =
            check::exact(head, payload, "WINDOW_UPDATE is not 4 octets long")?;
        // RFC 9113, Section 6.9: the first bit is reserved.
        let increment = u32::from_be_bytes(octets) & MAX_WINDOW;
        // RFC 9113, Section 6.9: an increment of 0 is a PROTOCOL_ERROR: a stream error on a stream,
        // a connection error on stream 0.
        if increment == 0 {
            let (code, reason) = (ErrorCode::ProtocolError, "WINDOW_UPDATE has an increment of 0");
            return Err(if head.stream_id.is_connection() {
                Error::connection(head, code, reason)
            } else {
                Error::stream(head, code, reason)
            });
        }
        Ok(Self { stream_id: head.stream_id, increment })
    }

    /// Returns the frame header.
    pub fn head(&self) -> Head {
        Head::new(Kind::WINDOW_UPDATE, Flags::default(), self.stream_id, Self::LEN)
    }

    /// Appends the frame to `out`, with the reserved bit before the increment set to zero.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.head().encode(out);
        out.extend_from_slice(&(self.increment & MAX_WINDOW).to_be_bytes());
    }
}

impl fmt::Display for WindowUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} increment={}", self.head(), self.increment)
    }
}
