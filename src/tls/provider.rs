//! The cryptography provider.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::ProducesTickets;

use super::failure::Failure;
use crate::error::{Error, ErrorKind};

#[cfg(feature = "tls-aws-lc-rs")]
use rustls::crypto::aws_lc_rs as chosen;
#[cfg(all(feature = "tls-ring", not(feature = "tls-aws-lc-rs")))]
use rustls::crypto::ring as chosen;

/// The provider that the features select; aws-lc-rs is preferred over the default, ring.
///
/// The process-wide default is neither used nor set, since it depends on what other crates do.
#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
pub(super) fn provider() -> Result<Arc<CryptoProvider>, Error> {
    Ok(Arc::new(chosen::default_provider()))
}

/// Without either feature, the process-wide default provider.
#[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc-rs")))]
pub(super) fn provider() -> Result<Arc<CryptoProvider>, Error> {
    CryptoProvider::get_default().cloned().ok_or_else(|| {
        let what = "no cryptography: enable the feature tls-ring or tls-aws-lc-rs, or install a \
            default provider of rustls";
        Failure::new(what).into_error(ErrorKind::Caller)
    })
}

/// Creates the ticketer that encrypts session tickets. `None` leaves the server with sessions in
/// memory.
pub(super) fn ticketer() -> Result<Option<Arc<dyn ProducesTickets>>, Error> {
    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
    return chosen::Ticketer::new().map(Some).map_err(unusable);
    #[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc-rs")))]
    Ok(None)
}

/// The error for a provider that lacks what TLS needs.
pub(super) fn unusable(error: rustls::Error) -> Error {
    let what = format!("the cryptography provider is unusable: {error}");
    Failure::new(what).caused_by(error).into_error(ErrorKind::Internal)
}
