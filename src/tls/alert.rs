//! TLS failures after the handshake.

use std::io;

use rustls::{AlertDescription, Error};

use super::failure::Failure;
use crate::error::ErrorKind;

/// Converts an error of rustls into the I/O error that a reader returns.
///
/// It wraps an error of kind [`ErrorKind::Tls`], to distinguish it from a failure of the transport.
pub(super) fn into_io_error(error: &Error) -> io::Error {
    in_words(Failure::new(explain(error)).caused_by(error.clone()))
}

/// Wraps a TLS failure that this crate has found, not rustls.
pub(super) fn in_words(failure: Failure) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, failure.into_error(ErrorKind::Tls))
}

fn explain(error: &Error) -> String {
    use AlertDescription as A;
    match error {
        // RFC 8446, Section 4.4.2.4: in TLS 1.3, the server checks the client's certificate after
        // the client has finished its handshake.
        Error::AlertReceived(alert @ A::CertificateRequired) => {
            format!(
                "the peer requires a certificate from us, and none is configured (alert {alert:?})"
            )
        }
        Error::AlertReceived(
            alert @ (A::UnknownCA
            | A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::AccessDenied),
        ) => format!("the peer does not accept our certificate (alert {alert:?})"),
        Error::AlertReceived(alert) => format!("the peer ended TLS with the alert {alert:?}"),
        _ => format!("TLS failed after the handshake: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_is_of_the_kind_tls_and_names_its_alert() {
        for (failure, words) in [
            (Error::AlertReceived(AlertDescription::CertificateRequired), "requires a certificate"),
            (Error::AlertReceived(AlertDescription::UnknownCA), "UnknownCA"),
            (Error::AlertReceived(AlertDescription::InternalError), "InternalError"),
            (Error::DecryptError, "after the handshake"),
        ] {
            let error = crate::error::Error::from(into_io_error(&failure));
            assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
