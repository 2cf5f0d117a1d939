//! Parsing of certificates and keys in PEM text.

use std::fs;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::failure::Failure;
use crate::error::{Error, ErrorKind};

/// A PEM text with its name for errors.
pub(super) struct Pem<'a> {
    pub(super) text: &'a [u8],
    /// "the certificate chain", followed by its file if it has one.
    pub(super) name: String,
}

impl Pem<'_> {
    /// Returns the certificates, at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(self.text)
            .collect::<Result<_, _>>()
            .map_err(|error| self.is_bad(error))?;
        if certificates.is_empty() {
            return Err(self.lacks("certificate (BEGIN CERTIFICATE)"));
        }
        Ok(certificates)
    }

    /// Returns the first key.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, Error> {
        PrivateKeyDer::from_pem_slice(self.text).map_err(|error| match error {
            pem::Error::NoItemsFound => {
                self.lacks("private key (BEGIN PRIVATE KEY, unencrypted, or RSA or EC)")
            }
            error => self.is_bad(error),
        })
    }

    /// Adds the certificates to a store of trusted ones, and returns them.
    pub(super) fn add_to(
        &self,
        roots: &mut RootCertStore,
    ) -> Result<Vec<CertificateDer<'static>>, Error> {
        let certificates = self.certificates()?;
        for certificate in &certificates {
            roots.add(certificate.clone()).map_err(|error| {
                let what = format!("{} contains an invalid certificate: {error}", self.name);
                Failure::new(what).caused_by(error).into_error(ErrorKind::Caller)
            })?;
        }
        Ok(certificates)
    }

    fn lacks(&self, what: &str) -> Error {
        Failure::new(format!("{} contains no {what}", self.name)).into_error(ErrorKind::Caller)
    }

    fn is_bad(&self, error: pem::Error) -> Error {
        let what = format!("{} is not valid PEM: {error}", self.name);
        Failure::new(what).caused_by(error).into_error(ErrorKind::Caller)
    }
}

/// Reads a PEM file. `what` is its purpose, for the error.
pub(super) fn read(what: &str, path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| {
        let what = format!("cannot read {what} {}: {error}", path.display());
        Failure::new(what).caused_by(error).into_error(ErrorKind::Caller)
    })
}
