//! TLS over a transport, or none.

use h2_sync::{Error, Role};

use crate::drivers::Ends;
use crate::sweep::LONG;

#[derive(Clone)]
pub(crate) enum Security {
    Clear,
    Tls(h2_sync::tls::Connector, h2_sync::tls::Acceptor),
}

const NAME: &str = "test.example";

impl Security {
    /// TLS between two ends that trust each other.
    pub(crate) fn tls() -> Self {
        Security::tls_of(NAME)
    }

    /// The same for a server that is known by this name.
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
            (Security::Tls(connector, _), Role::Client) => {
                Ok(crate::drivers::ends(connector.connect(NAME, ends, 10 * LONG)?))
            }
            (Security::Tls(_, acceptor), Role::Server) => {
                Ok(crate::drivers::ends(acceptor.accept(ends, 10 * LONG)?))
            }
        }
    }
}
