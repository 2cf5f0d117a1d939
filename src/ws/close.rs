//! Close frames (RFC 6455, Section 5.5.1).

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::code::CloseCode;
use super::error::{Error, SendError};
use super::text::Text;

/// The most octets of a control frame's payload.
pub(super) const MAX_CONTROL: usize = 125;

/// The code and the reason of a Close frame.
///
/// ```
/// use h2_sync::ws::{Close, CloseCode};
///
/// let close = Close { code: Some(CloseCode::NORMAL), reason: "done".into() };
/// assert_eq!(close.to_string(), "1000 \"done\"");
/// assert_eq!(Close::default().code, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Close {
    /// The code; `None` in a Close frame without one.
    pub code: Option<CloseCode>,
    /// The reason: text for debugging, usually empty.
    pub reason: Text,
}

impl Close {
    /// Reads the payload of a Close frame.
    pub(super) fn decode(payload: &[u8]) -> Result<Self, Error> {
        let Some((code, reason)) = payload.split_first_chunk() else {
            // RFC 6455, Section 5.5.1: if there is a body, its first two octets are the code.
            return match payload {
                [] => Ok(Close::default()),
                _ => Err(Error::protocol("a Close frame with one octet of payload")),
            };
        };
        let code = CloseCode(u16::from_be_bytes(*code));
        if !code.is_sendable() {
            return Err(Error::protocol(format!("a Close frame with code {code}")));
        }
        let reason = Text::try_from(Bytes::copy_from_slice(reason))
            .map_err(|_| Error::data("the reason of a Close frame is not UTF-8"))?;
        Ok(Close { code: Some(code), reason })
    }

    /// The payload of a Close frame.
    pub(super) fn encode(code: Option<CloseCode>, reason: &str) -> Result<Bytes, SendError> {
        let Some(code) = code else {
            return match reason {
                "" => Ok(Bytes::new()),
                _ => Err(SendError::CloseCode(CloseCode::NO_STATUS.0)),
            };
        };
        if !code.is_sendable() {
            return Err(SendError::CloseCode(code.0));
        }
        if reason.len() > MAX_CONTROL - 2 {
            return Err(SendError::ControlTooLong { len: reason.len() });
        }
        let mut payload = BytesMut::with_capacity(2 + reason.len());
        payload.put_u16(code.0);
        payload.put_slice(reason.as_bytes());
        Ok(payload.freeze())
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            None => f.write_str("no code"),
            Some(code) if self.reason.is_empty() => code.fmt(f),
            Some(code) => write!(f, "{code} {:?}", &*self.reason),
        }
    }
}
