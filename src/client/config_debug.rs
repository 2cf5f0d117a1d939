//! The debug output of a client's configuration, without credentials.

use std::fmt;

use super::config::Config;
use super::credentials::masked;

/// Hides credentials.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Destructured, so that a new field cannot be forgotten.
        let Config {
            versions,
            prior_knowledge,
            http2,
            http1,
            #[cfg(feature = "tls")]
            tls,
            proxies,
            resolver,
            connect_hook,
            on_push,
            connect_timeout,
            tls_timeout,
            response_timeout,
            read_timeout,
            timeout,
            expect_timeout,
            max_connections_per_origin,
            max_http1_connections_per_origin,
            max_idle_connections,
            idle_timeout,
            max_connection_age,
            verify_after,
            verify_interval,
            verify_timeout,
            max_retries,
            retry_idempotent,
            max_redirects,
            on_redirect,
            https_only,
            #[cfg(feature = "gzip")]
            gzip,
            #[cfg(feature = "brotli")]
            brotli,
            #[cfg(feature = "zstd")]
            zstd,
            max_inflated,
            #[cfg(feature = "cookies")]
            cookies,
            max_body,
            user_agent,
            default_headers,
        } = self;
        let mut shown = f.debug_struct("Config");
        shown.field("versions", versions);
        shown.field("prior_knowledge", prior_knowledge);
        shown.field("http2", http2);
        shown.field("http1", http1);
        #[cfg(feature = "tls")]
        shown.field("tls", tls);
        shown.field("proxies", proxies);
        shown.field("resolver", resolver);
        shown.field("connect_hook", connect_hook);
        shown.field("on_push", on_push);
        shown.field("connect_timeout", connect_timeout);
        shown.field("tls_timeout", tls_timeout);
        shown.field("response_timeout", response_timeout);
        shown.field("read_timeout", read_timeout);
        shown.field("timeout", timeout);
        shown.field("expect_timeout", expect_timeout);
        shown.field("max_connections_per_origin", max_connections_per_origin);
        shown.field("max_http1_connections_per_origin", max_http1_connections_per_origin);
        shown.field("max_idle_connections", max_idle_connections);
        shown.field("idle_timeout", idle_timeout);
        shown.field("max_connection_age", max_connection_age);
        shown.field("verify_after", verify_after);
        shown.field("verify_interval", verify_interval);
        shown.field("verify_timeout", verify_timeout);
        shown.field("max_retries", max_retries);
        shown.field("retry_idempotent", retry_idempotent);
        shown.field("max_redirects", max_redirects);
        shown.field("on_redirect", on_redirect);
        shown.field("https_only", https_only);
        #[cfg(feature = "gzip")]
        shown.field("gzip", gzip);
        #[cfg(feature = "brotli")]
        shown.field("brotli", brotli);
        #[cfg(feature = "zstd")]
        shown.field("zstd", zstd);
        shown.field("max_inflated", max_inflated);
        #[cfg(feature = "cookies")]
        shown.field("cookies", cookies);
        shown.field("max_body", max_body);
        shown.field("user_agent", user_agent);
        shown.field("default_headers", &masked(default_headers));
        shown.finish()
    }
}
