//! Certificates and keys out of PEM text.

use std::fs;
use std::path::Path;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::RootCertStore;

use super::failure::Failure;
use crate::error::{Error, ErrorKind};

/// PEM text, and what to call it in an error.
pub(super) struct Pem<'a> {
    pub(super) text: &'a [u8],
    /// "the certificate chain", with its file where it has one.
    pub(super) name: String,
}

impl Pem<'_> {
    /// One certificate at least.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(self.text)
            .collect::<Result<_, _>>()
            .map_err(|error| self.is_bad(error))?;
        if certificates.is_empty() {
            return Err(self.lacks("certificate (BEGIN CERTIFICATE)"));
        }
        Ok(certificates)
    }

    /// The first key.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, Error> {
        PrivateKeyDer::from_pem_slice(self.text).map_err(|error| match error {
            pem::Error::NoItemsFound => {
                self.lacks("private key (BEGIN PRIVATE KEY, unencrypted, or RSA or EC)")
            }
            error => self.is_bad(error),
        })
    }

    /// Puts its certificates among those that are trusted, and returns them.
    pub(super) fn add_to(
        &self,
        roots: &mut RootCertStore,
    ) -> Result<Vec<CertificateDer<'static>>, Error> {
        let certificates = self.certificates()?;
        for certificate in &certificates {
            roots.add(certificate.clone()).map_err(|error| {
                let what = format!("{} has a certificate that is damaged: {error}", self.name);
                Failure::new(what).caused_by(error).into_error(ErrorKind::Caller)
            })?;
        }
        Ok(certificates)
    }

    fn lacks(&self, what: &str) -> Error {
        Failure::new(format!("{} has no {what} in it", self.name)).into_error(ErrorKind::Caller)
    }

    fn is_bad(&self, error: pem::Error) -> Error {
        let what = format!("{} is not valid PEM: {error}", self.name);
        Failure::new(what).caused_by(error).into_error(ErrorKind::Caller)
    }
}

/// Reads a file of PEM text, `what` it is for.
pub(super) fn read(what: &str, path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| {
        let what = format!("cannot read {what} {}: {error}", path.display());
        Failure::new(what).caused_by(error).into_error(ErrorKind::Caller)
    })
}
