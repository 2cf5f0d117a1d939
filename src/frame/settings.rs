//! SETTINGS: RFC 9113, Section 6.5.

use std::fmt;

use super::check;
use super::constants::{DEFAULT_MAX_FRAME_SIZE, MAX_MAX_FRAME_SIZE, MAX_WINDOW};
use super::error::Error;
use super::error_code::ErrorCode;
use super::flags::Flags;
use super::head::Head;
use super::kind::Kind;
use super::stream_id::StreamId;

/// SETTINGS: the sender's configuration, or the acknowledgement of the receiver's (RFC 9113,
/// Section 6.5).
///
/// The entries are kept in the order of the wire, duplicates included: they take effect one after
/// the other (Section 6.5.3).
///
/// # Example
///
/// ```
/// use h2_sync::frame::{Setting, Settings};
///
/// let frame = Settings {
///     ack: false,
///     entries: vec![Setting::HeaderTableSize(4096), Setting::EnablePush(false)],
/// };
/// assert_eq!(frame.to_string(), "SETTINGS length=12 HEADER_TABLE_SIZE=4096 ENABLE_PUSH=0");
/// assert_eq!(Settings::acknowledgement().to_string(), "SETTINGS length=0 flags=ACK");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// ACK: the sender has applied the receiver's SETTINGS. `entries` is empty then.
    pub ack: bool,
    /// The settings, in the order of the wire.
    pub entries: Vec<Setting>,
}

impl Settings {
    /// The most entries that `Display` prints; real peers send fewer.
    const SHOWN: usize = 32;

    /// Creates the acknowledgement of SETTINGS, without allocating.
    pub const fn acknowledgement() -> Self {
        Self { ack: true, entries: Vec::new() }
    }

    pub(super) fn decode(head: &Head, payload: &[u8]) -> Result<Self, Error> {
        // RFC 9113, Section 6.5: SETTINGS on a stream other than 0 is a PROTOCOL_ERROR.
        check::is_on_connection(head)?;
        let ack = head.flags.contains(Flags::ACK);
        let wrong_size = |reason| Error::connection(head, ErrorCode::FrameSizeError, reason);
        // RFC 9113, Section 6.5: an acknowledgement with a payload is a FRAME_SIZE_ERROR.
        if ack && !payload.is_empty() {
            return Err(wrong_size("SETTINGS has both ACK and entries"));
        }
        // RFC 9113, Section 6.5: a length that is not a multiple of 6 is a FRAME_SIZE_ERROR.
        if payload.len() % Setting::LEN != 0 {
            return Err(wrong_size("the length of SETTINGS is not a multiple of 6"));
        }
        let mut entries = Vec::with_capacity(payload.len() / Setting::LEN);
        let mut rest = payload;
        while let Some((&[i0, i1, v0, v1, v2, v3], after)) = rest.split_first_chunk() {
            let id = u16::from_be_bytes([i0, i1]);
            let value = u32::from_be_bytes([v0, v1, v2, v3]);
            entries.push(Setting::decode(head, id, value)?);
            rest = after;
        }
        Ok(Self { ack, entries })
    }

    /// Returns the frame header.
    pub fn head(&self) -> Head {
        let mut flags = Flags::default();
        if self.ack {
            flags.insert(Flags::ACK);
        }
        let payload = self.entries.len() * Setting::LEN;
        Head::new(Kind::SETTINGS, flags, StreamId::CONNECTION, payload)
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
        self.encode_payload(out);
    }

    /// Appends only the payload to `out`. The HTTP2-Settings field of an upgrade holds it in base64
    /// (RFC 7540, Section 3.2.1).
    pub fn encode_payload(&self, out: &mut Vec<u8>) {
        for setting in &self.entries {
            out.extend_from_slice(&setting.id().to_be_bytes());
            out.extend_from_slice(&setting.value().to_be_bytes());
        }
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.head())?;
        for setting in self.entries.iter().take(Self::SHOWN) {
            write!(f, " {setting}")?;
        }
        if self.entries.len() > Self::SHOWN {
            f.write_str(" ...")?;
        }
        Ok(())
    }
}

/// One setting and its value (RFC 9113, Section 6.5.2).
///
/// A decoded value is within the range of its RFC. Whether the receiver may be sent the setting at
/// all depends on the role (a server may not enable push) and is checked by the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// `0x01` SETTINGS_HEADER_TABLE_SIZE: the largest dynamic table of the sender's HPACK decoder,
    /// in octets.
    HeaderTableSize(u32),
    /// `0x02` SETTINGS_ENABLE_PUSH: whether a server may push.
    EnablePush(bool),
    /// `0x03` SETTINGS_MAX_CONCURRENT_STREAMS: how many streams the receiver may have open at once.
    MaxConcurrentStreams(u32),
    /// `0x04` SETTINGS_INITIAL_WINDOW_SIZE: the initial window of a stream, in octets; at most
    /// 2^31-1.
    InitialWindowSize(u32),
    /// `0x05` SETTINGS_MAX_FRAME_SIZE: the largest payload that the sender accepts, in octets; 2^14
    /// to 2^24-1.
    MaxFrameSize(u32),
    /// `0x06` SETTINGS_MAX_HEADER_LIST_SIZE: the largest uncompressed field section that the sender
    /// accepts, in octets; advisory.
    MaxHeaderListSize(u32),
    /// `0x08` SETTINGS_ENABLE_CONNECT_PROTOCOL: whether the server supports extended CONNECT (RFC
    /// 8441, Section 3).
    EnableConnectProtocol(bool),
    /// `0x09` SETTINGS_NO_RFC7540_PRIORITIES: whether the sender ignores the priorities of RFC 7540
    /// (RFC 9218, Section 2.1).
    NoRfc7540Priorities(bool),
    /// An unknown setting, which the receiver ignores.
    Unknown {
        /// The identifier of the setting. Identifiers that have a variant are not valid here.
        id: u16,
        /// The value.
        value: u32,
    },
}

impl Setting {
    /// The length of a setting in octets: a 16-bit identifier and a 32-bit value.
    const LEN: usize = 6;

    /// Decodes a setting and checks its value. `head` is the frame header, for the error.
    fn decode(head: &Head, id: u16, value: u32) -> Result<Self, Error> {
        let invalid = |code, reason| Error::connection(head, code, reason);
        let switch = |reason| match value {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(invalid(ErrorCode::ProtocolError, reason)),
        };
        Ok(match id {
            0x01 => Self::HeaderTableSize(value),
            // RFC 9113, Section 6.5.2: any value other than 0 or 1 is a PROTOCOL_ERROR.
            0x02 => Self::EnablePush(switch("ENABLE_PUSH is neither 0 nor 1")?),
            0x03 => Self::MaxConcurrentStreams(value),
            // RFC 9113, Section 6.5.2: a value over 2^31-1 is a FLOW_CONTROL_ERROR.
            0x04 if value > MAX_WINDOW => {
                return Err(invalid(
                    ErrorCode::FlowControlError,
                    "INITIAL_WINDOW_SIZE is over 2^31-1",
                ));
            }
            0x04 => Self::InitialWindowSize(value),
            // RFC 9113, Section 6.5.2: a value outside of 2^14 to 2^24-1 is a PROTOCOL_ERROR.
            0x05 if !(DEFAULT_MAX_FRAME_SIZE..=MAX_MAX_FRAME_SIZE).contains(&value) => {
                return Err(invalid(
                    ErrorCode::ProtocolError,
                    "MAX_FRAME_SIZE is not between 2^14 and 2^24-1",
                ));
            }
            0x05 => Self::MaxFrameSize(value),
            0x06 => Self::MaxHeaderListSize(value),
            // RFC 8441, Section 3: the value is 0 or 1.
            0x08 => {
                Self::EnableConnectProtocol(switch("ENABLE_CONNECT_PROTOCOL is neither 0 nor 1")?)
            }
            // RFC 9218, Section 2.1: any value other than 0 or 1 is a PROTOCOL_ERROR.
            0x09 => Self::NoRfc7540Priorities(switch("NO_RFC7540_PRIORITIES is neither 0 nor 1")?),
            // RFC 9113, Section 6.5.2: an unknown setting is ignored.
            id => Self::Unknown { id, value },
        })
    }

    /// Returns the identifier of the setting.
    pub const fn id(self) -> u16 {
        match self {
            Self::HeaderTableSize(_) => 0x01,
            Self::EnablePush(_) => 0x02,
            Self::MaxConcurrentStreams(_) => 0x03,
            Self::InitialWindowSize(_) => 0x04,
            Self::MaxFrameSize(_) => 0x05,
            Self::MaxHeaderListSize(_) => 0x06,
            Self::EnableConnectProtocol(_) => 0x08,
            Self::NoRfc7540Priorities(_) => 0x09,
            Self::Unknown { id, .. } => id,
        }
    }

    /// Returns the value as on the wire.
    pub const fn value(self) -> u32 {
        match self {
            Self::HeaderTableSize(value)
            | Self::MaxConcurrentStreams(value)
            | Self::InitialWindowSize(value)
            | Self::MaxFrameSize(value)
            | Self::MaxHeaderListSize(value)
            | Self::Unknown { value, .. } => value,
            Self::EnablePush(on)
            | Self::EnableConnectProtocol(on)
            | Self::NoRfc7540Priorities(on) => on as u32,
        }
    }
}

/// Prints the name without `SETTINGS_`, and the value: `MAX_FRAME_SIZE=16384`.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::HeaderTableSize(_) => "HEADER_TABLE_SIZE",
            Self::EnablePush(_) => "ENABLE_PUSH",
            Self::MaxConcurrentStreams(_) => "MAX_CONCURRENT_STREAMS",
            Self::InitialWindowSize(_) => "INITIAL_WINDOW_SIZE",
            Self::MaxFrameSize(_) => "MAX_FRAME_SIZE",
            Self::MaxHeaderListSize(_) => "MAX_HEADER_LIST_SIZE",
            Self::EnableConnectProtocol(_) => "ENABLE_CONNECT_PROTOCOL",
            Self::NoRfc7540Priorities(_) => "NO_RFC7540_PRIORITIES",
            Self::Unknown { id, value } => return write!(f, "{id:#06x}={value}"),
        };
        write!(f, "{name}={}", self.value())
    }
}
