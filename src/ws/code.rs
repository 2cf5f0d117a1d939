//! Close codes (RFC 6455, Section 7.4).

use std::fmt;

/// A status code that tells why a connection is closed (RFC 6455, Section 7.4).
///
/// ```
/// use h2_sync::ws::CloseCode;
///
/// assert_eq!(CloseCode::from(1001), CloseCode::GOING_AWAY);
/// assert!(CloseCode(4_000).is_sendable()); // for the application
/// assert!(!CloseCode::ABNORMAL.is_sendable());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// 1000: the purpose of the connection has been fulfilled.
    pub const NORMAL: Self = CloseCode(1000);
    /// 1001: the endpoint goes away: a server shuts down, or a user leaves a page.
    pub const GOING_AWAY: Self = CloseCode(1001);
    /// 1002: the peer broke a rule of the protocol.
    pub const PROTOCOL_ERROR: Self = CloseCode(1002);
    /// 1003: the endpoint does not accept this type of message.
    pub const UNSUPPORTED: Self = CloseCode(1003);
    /// 1005: the Close frame has no code. Never sent.
    pub const NO_STATUS: Self = CloseCode(1005);
    /// 1006: the connection ended without a Close frame. Never sent.
    pub const ABNORMAL: Self = CloseCode(1006);
    /// 1007: text that is not UTF-8, or data that cannot be inflated.
    pub const INVALID_DATA: Self = CloseCode(1007);
    /// 1008: a message violates the endpoint's policy.
    pub const POLICY: Self = CloseCode(1008);
    /// 1009: a message is too big.
    pub const TOO_BIG: Self = CloseCode(1009);
    /// 1010: the server has not negotiated an extension that the client needs.
    pub const EXTENSION_NEEDED: Self = CloseCode(1010);
    /// 1011: the endpoint has failed.
    pub const INTERNAL_ERROR: Self = CloseCode(1011);
    /// 1012: the service restarts.
    pub const RESTART: Self = CloseCode(1012);
    /// 1013: the service is overloaded.
    pub const TRY_AGAIN: Self = CloseCode(1013);

    /// Whether a Close frame may carry it: a registered code that can be sent, or 3000 to 4999.
    pub fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        CloseCode(code)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}
