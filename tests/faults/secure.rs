//! TLS over a transport, or none.

use h2_sync::{Error, Role};

use crate::drivers::Ends;
#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
use crate::sweep::LONG;

#[derive(Clone)]
pub(crate) enum Security {
    Clear,
    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
    Tls(h2_sync::tls::Connector, h2_sync::tls::Acceptor),
}

#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
const NAME: &str = "test.example";

impl Security {
    /// TLS between two ends that trust each other.
    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
    pub(crate) fn tls() -> Self {
        Security::tls_of(NAME)
    }

    /// The same for a server that is known by this name.
    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
    pub(crate) fn tls_of(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let acceptor = h2_sync::tls::Acceptor::from_pem(certificate.as_bytes(), key.as_bytes());
        let connector = h2_sync::tls::Connector::with_only_roots(certificate.as_bytes());
        Security::Tls(connector.unwrap(), acceptor.unwrap())
    }

    /// One end of a connection over `ends`.
    pub(crate) fn open(&self, ends: Ends, role: Role) -> Result<Ends, Error> {
        match (self, role) {
            (Security::Clear, _) => Ok(ends),
            #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
            (Security::Tls(connector, _), Role::Client) => {
                Ok(crate::drivers::ends(connector.connect(NAME, ends, 10 * LONG)?))
            }
            #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
            (Security::Tls(_, acceptor), Role::Server) => {
                Ok(crate::drivers::ends(acceptor.accept(ends, 10 * LONG)?))
            }
        }
    }
}
