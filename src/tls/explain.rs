//! Error texts and kinds for failed handshakes.

use std::fmt;

use rustls::{AlertDescription, CertificateError, Error};

use super::handshake_error::HandshakeErrorKind as Kind;
use super::peer::Peer;

/// Returns the kind and text for an error of rustls. `first` holds the first octets from the peer.
pub(super) fn explain(error: &Error, peer: Peer<'_>, first: &[u8]) -> (Kind, String) {
    if let Some(spoken) = not_tls(first) {
        return (Kind::NotTls, format!("{peer} does not speak TLS: it sent {spoken}"));
    }
    match error {
        Error::InvalidCertificate(reason) => (Kind::Certificate, certificate(reason, peer)),
        Error::NoCertificatesPresented => {
            (Kind::Certificate, format!("{peer} sent no certificate"))
        }
        Error::NoApplicationProtocol => {
            (Kind::Protocol, format!("{peer} offers no protocol that we accept (ALPN), such as h2"))
        }
        Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            (Kind::Protocol, format!("{peer} accepts no protocol that we offer (ALPN), such as h2"))
        }
        Error::AlertReceived(alert) => (Kind::Refused, refused(*alert, peer)),
        Error::PeerIncompatible(_) => {
            (Kind::Rules, format!("no common TLS version or cipher suite with {peer}: {error}"))
        }
        _ => (Kind::Rules, format!("the TLS handshake with {peer} failed: {error}")),
    }
}

fn certificate(reason: &CertificateError, peer: Peer<'_>) -> String {
    use CertificateError as E;
    let whose = Whose(peer);
    match reason {
        E::UnknownIssuer => {
            format!("{whose} is signed by an authority that is not trusted (unknown issuer)")
        }
        E::Expired | E::ExpiredContext { .. } => format!("{whose} has expired: {reason}"),
        E::NotValidYet | E::NotValidYetContext { .. } => {
            format!("{whose} is not valid yet, or the local clock is wrong: {reason}")
        }
        E::NotValidForNameContext { expected, presented } => {
            let names: Vec<_> = presented.iter().map(|name| plain(name)).collect();
            let names = if names.is_empty() { "no name".into() } else { names.join(", ") };
            format!("{whose} is valid for {names}, not for {:?}", expected.to_str())
        }
        E::Other(error) => match error.0.downcast_ref() {
            Some(webpki::Error::CaUsedAsEndEntity) => {
                format!("{whose} is that of an authority (CA:TRUE), which is not trusted")
            }
            _ => format!("{whose} is not accepted: {}", error.0),
        },
        _ => format!("{whose} is not accepted: {reason}"),
    }
}

/// Returns a name of a certificate without the notation of rustls: `DnsName("example.com")`.
fn plain(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.map_or(name, |inner| inner.trim_matches('"'))
}

/// Returns the text for an alert from the peer.
fn refused(alert: AlertDescription, peer: Peer<'_>) -> String {
    use AlertDescription as A;
    match alert {
        A::UnknownCA => format!("{peer} does not trust our certificate (alert {alert:?})"),
        A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown
        | A::AccessDenied => format!("{peer} does not accept our certificate (alert {alert:?})"),
        A::CertificateRequired => {
            format!("{peer} requires a certificate from us (alert {alert:?})")
        }
        A::UnrecognisedName => {
            format!("{peer} does not recognise the server name (alert {alert:?})")
        }
        A::ProtocolVersion => format!("{peer} supports no TLS version that we do"),
        _ => format!("{peer} refused the handshake (alert {alert:?})"),
    }
}

/// Describes what the peer sent, if its first octets are not those of a TLS record.
fn not_tls(first: &[u8]) -> Option<String> {
    // RFC 8446, Section 5.1: the record type is 20 to 23, followed by the version, 3.x.
    let is_tls = match first {
        [] => true,
        [kind] => (20..=23).contains(kind),
        [kind, version, ..] => (20..=23).contains(kind) && *version == 3,
    };
    if is_tls {
        return None;
    }
    // A word in capitals and a space, such as `GET /` or `OPTIONS *`.
    let word = first.iter().take_while(|octet| octet.is_ascii_uppercase()).count();
    let is_method = word > 2 && first.get(word).is_none_or(|octet| *octet == b' ');
    Some(match first {
        [b'P', b'R', b'I', b' ', ..] => "an HTTP/2 preface in cleartext".to_owned(),
        [b'H', b'T', b'T', b'P', b'/', ..] => "an HTTP/1.x response in cleartext".to_owned(),
        _ if is_method => "an HTTP/1.x request in cleartext".to_owned(),
        // The frame header of SETTINGS: its type, no flags, stream 0.
        [0, _, _, 4, 0, 0, 0, 0, 0, ..] => "HTTP/2 in cleartext".to_owned(),
        // In bounds: at most the length of `first`.
        _ => format!("{:?}", first[..first.len().min(8)].escape_ascii().to_string()),
    })
}

struct Whose<'a>(Peer<'a>);

impl fmt::Display for Whose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Peer::Client => f.write_str("the certificate of the client"),
            Peer::Server(name) => write!(f, "the certificate of the server {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spoken_instead_of_tls_is_named() {
        let spoken = |first: &[u8]| not_tls(first).unwrap();
        assert!(spoken(b"PRI * HTTP/2.0\r\n\r\n").contains("preface"));
        assert!(spoken(b"GET / HTTP/1.1\r\n").contains("request"));
        assert!(spoken(b"HTTP/1.1 400 Bad").contains("response"));
        assert!(spoken(&[0, 0, 6, 4, 0, 0, 0, 0, 0]).contains("HTTP/2"));
        assert_eq!(spoken(b"SSH-2.0-x"), "\"SSH-2.0-\"");
    }

    #[test]
    fn certificate_errors_are_told_in_plain_words() {
        let other = rustls::OtherError(std::sync::Arc::new(webpki::Error::CaUsedAsEndEntity));
        let text = certificate(&CertificateError::Other(other), Peer::Server("a.example"));
        assert!(
            text.ends_with("is that of an authority (CA:TRUE), which is not trusted"),
            "{text}"
        );

        let expected = rustls::pki_types::ServerName::try_from("a.example").unwrap();
        let presented =
            vec!["DnsName(\"b.example\")".to_owned(), "IpAddress(192.0.2.1)".to_owned()];
        let reason = CertificateError::NotValidForNameContext { expected, presented };
        let text = certificate(&reason, Peer::Server("a.example"));
        assert!(
            text.ends_with("is valid for b.example, 192.0.2.1, not for \"a.example\""),
            "{text}"
        );
    }

    #[test]
    fn partial_tls_records_are_recognised() {
        for first in [&[][..], &[22], &[22, 3], &[21, 3, 3, 0, 2]] {
            assert_eq!(not_tls(first), None);
        }
    }
}
