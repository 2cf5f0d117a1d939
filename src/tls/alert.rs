//! Alerts of the peer's after the handshake, in words.

use rustls::{AlertDescription, Error};

/// What the peer says about our certificate after the handshake: in TLS 1.3, a server judges it when
/// the client has finished already.
pub(super) fn late_refusal(error: &Error) -> Option<String> {
    use AlertDescription as A;
    match error {
        Error::AlertReceived(alert @ A::CertificateRequired) => Some(format!(
            "the peer requires a certificate of ours, and none was given (alert {alert:?})"
        )),
        Error::AlertReceived(
            alert @ (A::UnknownCA
            | A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::AccessDenied),
        ) => Some(format!("the peer does not accept our certificate (alert {alert:?})")),
        _ => None,
    }
}
