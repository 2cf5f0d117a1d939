//! The debug output of a client's configuration, without credentials.

use std::fmt;

use super::config::Config;
use super::credentials::masked;

/// Implements `Debug` for [`Config`] from the names of its fields. `default_headers` is shown
/// without credentials.
macro_rules! debug_with {
    ($($(#[$feature:meta])? $field:ident)*) => {
        /// Hides credentials.
        impl fmt::Debug for Config {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // Destructured, so that a new field cannot be forgotten.
                let Config { $($(#[$feature])? $field,)* default_headers } = self;
                let mut shown = f.debug_struct("Config");
                $($(#[$feature])? shown.field(stringify!($field), $field);)*
                shown.field("default_headers", &masked(default_headers)).finish()
            }
        }
    };
}

debug_with! {
    versions prior_knowledge http2 http1
    #[cfg(feature = "tls")] tls
    proxies resolver connect_hook on_push
    connect_timeout tls_timeout response_timeout read_timeout timeout expect_timeout
    max_connections_per_origin max_http1_connections_per_origin max_idle_connections
    idle_timeout max_connection_age verify_after verify_interval verify_timeout
    max_retries retry_idempotent max_redirects on_redirect https_only
    #[cfg(feature = "gzip")] gzip
    #[cfg(feature = "brotli")] brotli
    #[cfg(feature = "zstd")] zstd
    max_inflated
    #[cfg(feature = "cookies")] cookies
    max_body user_agent
}
