//! A certificate chain with its private key, as rustls uses them.

use rustls::sign::CertifiedKey;
use rustls::{Error as TlsError, InconsistentKeys};

use super::failure::Failure;
use super::pem::Pem;
use super::provider::provider;
use crate::error::{Error, ErrorKind};

/// Parses a chain and its key, and checks that they belong together.
pub(super) fn parse(chain: &Pem<'_>, key: &Pem<'_>) -> Result<CertifiedKey, Error> {
    let (certificates, private_key) = (chain.certificates()?, key.key()?);
    let provider = provider()?;
    CertifiedKey::from_der(certificates, private_key, &provider).map_err(|error| {
        let (chain, key) = (&chain.name, &key.name);
        let what = match error {
            TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                format!("{key} does not belong to the first certificate in {chain}")
            }
            TlsError::InvalidCertificate(_) => format!("{chain} is damaged: {error}"),
            _ => format!("{key} cannot be used: {error}"),
        };
        Failure::new(what).caused_by(error).into_error(ErrorKind::Caller)
    })
}
