//! Who does the cryptography.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::ProducesTickets;

use super::failure::Failure;
use crate::error::{Error, ErrorKind};

#[cfg(feature = "tls-aws-lc-rs")]
use rustls::crypto::aws_lc_rs as chosen;
#[cfg(all(feature = "tls-ring", not(feature = "tls-aws-lc-rs")))]
use rustls::crypto::ring as chosen;

/// The provider that the features choose: who asks for aws-lc-rs beside the default gets it.
///
/// The default of the process is not asked first, and not set: whether it is there would depend on
/// what else is linked in.
#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
pub(super) fn provider() -> Result<Arc<CryptoProvider>, Error> {
    Ok(Arc::new(chosen::default_provider()))
}

/// Without either feature, it is the one that the program has set as its default.
#[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc-rs")))]
pub(super) fn provider() -> Result<Arc<CryptoProvider>, Error> {
    CryptoProvider::get_default().cloned().ok_or_else(|| {
        let what = "no cryptography: enable the feature tls-ring or tls-aws-lc-rs, or install a \
            default provider of rustls";
        Failure::new(what).into_error(ErrorKind::Caller)
    })
}

/// What encrypts the tickets by which a client resumes its session; `None` leaves a server with
/// sessions that it keeps in memory.
pub(super) fn ticketer() -> Result<Option<Arc<dyn ProducesTickets>>, Error> {
    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
    return chosen::Ticketer::new().map(Some).map_err(unusable);
    #[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc-rs")))]
    Ok(None)
}

/// A provider that cannot do what is needed.
pub(super) fn unusable(error: rustls::Error) -> Error {
    let what = format!("the cryptography provider does not serve: {error}");
    Failure::new(what).caused_by(error).into_error(ErrorKind::Internal)
}
