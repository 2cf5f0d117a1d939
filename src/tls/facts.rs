//! The parameters that a handshake has negotiated.

use rustls::pki_types::CertificateDer;
use rustls::{CipherSuite, Connection, HandshakeKind, ProtocolVersion};

use super::protocols::H2;

/// The parameters of a TLS connection: a plain copy, for a handler or a log.
///
/// ```
/// use h2_sync::tls::Facts;
///
/// fn describe(tls: &Facts) -> String {
///     let resumed = if tls.is_resumed { ", resumed" } else { "" };
///     let (version, suite) = (tls.protocol_version, tls.cipher_suite);
///     format!("{version:?}, {suite:?} for {:?}{resumed}", tls.server_name)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The negotiated protocol (ALPN): `h2` for HTTP/2. `None` if either side does not support
    /// ALPN.
    pub alpn_protocol: Option<Vec<u8>>,
    /// TLS 1.2 or 1.3.
    pub protocol_version: ProtocolVersion,
    /// The cipher suite that protects the records.
    pub cipher_suite: CipherSuite,
    /// The name that the client has asked for (SNI). `None` if it asked for none. A client that
    /// connects to an IP address sends no SNI, but its own facts have the address here.
    pub server_name: Option<String>,
    /// The peer's certificate, followed by its chain. Empty at a server that does not ask for one.
    pub peer_certificates: Vec<CertificateDer<'static>>,
    /// Whether the handshake resumed an earlier session.
    pub is_resumed: bool,
}

impl Facts {
    /// Reads the parameters of a connection after its handshake.
    pub(super) fn of(tls: &Connection, asked_for: Option<&str>) -> Self {
        let server_name = match tls {
            Connection::Server(tls) => tls.server_name(),
            Connection::Client(_) => asked_for,
        };
        let suite = tls.negotiated_cipher_suite();
        Facts {
            alpn_protocol: tls.alpn_protocol().map(<[u8]>::to_vec),
            // Both are known after the handshake; 0 is never returned.
            protocol_version: tls.protocol_version().unwrap_or(ProtocolVersion::Unknown(0)),
            cipher_suite: suite.map_or(CipherSuite::Unknown(0), |suite| suite.suite()),
            server_name: server_name.map(str::to_owned),
            peer_certificates: tls.peer_certificates().unwrap_or_default().to_vec(),
            is_resumed: tls.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }

    /// Returns whether HTTP/2 was negotiated.
    pub(super) fn is_h2(&self) -> bool {
        self.alpn_protocol.as_deref() == Some(H2)
    }

    /// Returns whether the connection is strong enough for HTTP/2.
    pub(super) fn is_adequate(&self) -> bool {
        match self.protocol_version {
            ProtocolVersion::TLSv1_3 => true,
            // RFC 9113, Section 9.2: TLS 1.2 or later.
            ProtocolVersion::TLSv1_2 => {
                self.cipher_suite.as_str().is_some_and(is_outside_appendix_a)
            }
            _ => false,
        }
    }
}

/// Returns whether a TLS 1.2 suite is not prohibited by RFC 9113, Section 9.2.2 and Appendix A.
/// Those without ephemeral keys are, and those with a stream or block cipher (not an AEAD).
fn is_outside_appendix_a(suite: &str) -> bool {
    let is_ephemeral = suite.starts_with("TLS_ECDHE_") || suite.starts_with("TLS_DHE_");
    let is_aead = ["_GCM_", "_CCM", "_POLY1305"].iter().any(|mode| suite.contains(mode));
    is_ephemeral && is_aead
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(protocol_version: ProtocolVersion, cipher_suite: CipherSuite) -> Facts {
        Facts {
            alpn_protocol: None,
            protocol_version,
            cipher_suite,
            server_name: None,
            peer_certificates: Vec::new(),
            is_resumed: false,
        }
    }

    #[test]
    fn ephemeral_keys_and_an_aead_are_adequate() {
        let adequate = [
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            CipherSuite::TLS_DHE_RSA_WITH_AES_256_GCM_SHA384,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8,
        ];
        for suite in adequate {
            assert!(facts(ProtocolVersion::TLSv1_2, suite).is_adequate(), "{suite:?}");
        }
    }

    #[test]
    fn the_suites_of_appendix_a_are_not_adequate() {
        let prohibited = [
            CipherSuite::TLS_NULL_WITH_NULL_NULL,
            CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_DH_anon_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_DH_RSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_ECDH_ECDSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
            CipherSuite::TLS_PSK_WITH_AES_128_GCM_SHA256,
            CipherSuite::Unknown(0x1234),
        ];
        for suite in prohibited {
            assert!(!facts(ProtocolVersion::TLSv1_2, suite).is_adequate(), "{suite:?}");
        }
    }

    #[test]
    fn versions_before_1_2_are_not_adequate() {
        let suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
        assert!(!facts(ProtocolVersion::TLSv1_1, suite).is_adequate());
        assert!(facts(ProtocolVersion::TLSv1_3, suite).is_adequate());
    }
}
