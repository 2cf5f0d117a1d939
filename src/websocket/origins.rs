//! The origins whose pages may open WebSockets.

/// The origins whose pages may connect to a server (RFC 6455, Section 10.2).
///
/// A browser lets any page connect to any WebSocket, with the cookies of the server, and sends the origin of
/// the page in the field `origin`. A server that authenticates by cookies must check it. Programs other than
/// browsers send no `origin`, and are always accepted.
///
/// ```
/// use h2_sync::websocket::{Config, Origins};
///
/// let origins = Origins::SameAnd(vec!["https://app.example".to_owned()]);
/// let config = Config::default().with(|config| config.origins = origins);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origins {
    /// Pages of the authority that the request is for, over `http` or `https`.
    #[default]
    Same,
    /// Pages of that authority, and of these origins: scheme, host and port without a path, as in
    /// `https://example.com`. `null`, and origins with schemes other than `http` and `https`, such as
    /// `capacitor://localhost`, are compared as text.
    SameAnd(Vec<String>),
    /// Pages of any origin, including sandboxed ones (`null`).
    Any,
}

impl Origins {
    /// Returns whether a page of `origin` may connect with a request for `authority`. These are the values of
    /// the fields `origin`, and `host` or `:authority`.
    ///
    /// ```
    /// use h2_sync::websocket::Origins;
    ///
    /// let origins = Origins::SameAnd(vec!["https://app.example".to_owned()]);
    /// assert!(origins.allow("https://app.example", Some("api.example")));
    /// assert!(origins.allow("https://api.example", Some("api.example")));
    /// assert!(!origins.allow("https://other.example", Some("api.example")));
    /// ```
    pub fn allow(&self, origin: &str, authority: Option<&str>) -> bool {
        let is_listed = match self {
            Origins::Any => return true,
            Origins::Same => false,
            Origins::SameAnd(origins) => origins.iter().any(|listed| is_listed_as(listed, origin)),
        };
        is_listed || authority.is_some_and(|authority| is_same(origin, authority))
    }
}

impl Origins {
    /// Returns whether each listed origin has the form of a page's origin, for example without a path.
    pub(super) fn are_valid(&self) -> bool {
        let Origins::SameAnd(origins) = self else { return true };
        origins.iter().all(|origin| match origin.split_once("://") {
            Some(("http" | "https", _)) => normal(origin).is_some(),
            Some((scheme, rest)) => !scheme.is_empty() && !rest.is_empty() && !rest.contains('/'),
            None => origin == "null",
        })
    }
}

fn is_listed_as(listed: &str, origin: &str) -> bool {
    match normal(origin) {
        Some(origin) => normal(listed) == Some(origin),
        None => listed == origin,
    }
}

/// Returns whether a page of `origin` belongs to the server at `authority`. An authority without a port has
/// the default port of the page's scheme, since a proxy may have changed the scheme of the request.
fn is_same(origin: &str, authority: &str) -> bool {
    let Some((scheme, host, port)) = normal(origin) else { return false };
    normal(&format!("{scheme}://{authority}")) == Some((scheme, host, port))
}

/// Returns scheme, host and port; `None` unless it is an HTTP origin.
fn normal(origin: &str) -> Option<(String, String, u16)> {
    let (scheme, authority) = origin.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default = match &*scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let authority: http::uri::Authority = authority.parse().ok()?;
    if authority.as_str().contains('@') {
        return None;
    }
    let port = authority.port().map_or(Some(default), |port| port.as_str().parse().ok())?;
    Some((scheme, authority.host().to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_of_the_same_authority_is_let_in() {
        for (origin, authority) in [
            ("https://example.com", "example.com"),
            ("http://example.com", "Example.COM"),
            ("https://example.com", "example.com:443"),
            ("http://example.com:80", "example.com"),
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://[::1]:8080", "[::1]:8080"),
        ] {
            assert!(Origins::Same.allow(origin, Some(authority)), "{origin} {authority}");
        }
    }

    #[test]
    fn page_of_another_authority_is_not_let_in() {
        for (origin, authority) in [
            ("https://example.com", "example.org"),
            ("https://example.com", "www.example.com"),
            ("https://example.com.evil.example", "example.com"),
            ("https://example.com", "example.com:8443"),
            ("http://example.com:8080", "example.com"),
            ("https://user@example.com", "example.com"),
            ("null", "example.com"),
            ("null", "null"),
            ("", ""),
            ("file://", "example.com"),
            ("chrome-extension://example.com", "example.com"),
            ("https://example.com:443:443", "example.com"),
        ] {
            assert!(!Origins::Same.allow(origin, Some(authority)), "{origin} {authority}");
        }
        assert!(!Origins::Same.allow("https://example.com", None));
    }

    #[test]
    fn listed_origin_is_let_in_by_scheme_host_and_port() {
        let origins = Origins::SameAnd(vec!["https://app.example".into()]);
        assert!(origins.allow("https://app.example", Some("api.example")));
        assert!(origins.allow("https://App.example:443", Some("api.example")));
        assert!(origins.allow("https://api.example", Some("api.example")));
        for origin in ["http://app.example", "https://app.example:8443", "https://example", "null"]
        {
            assert!(!origins.allow(origin, Some("api.example")), "{origin}");
        }
        assert!(Origins::Any.allow("null", None));
    }

    #[test]
    fn listed_origin_of_another_scheme_is_let_in_by_its_text() {
        let listed = ["capacitor://localhost", "chrome-extension://abcdef", "null"];
        let origins = Origins::SameAnd(listed.map(str::to_owned).into());
        for origin in listed {
            assert!(origins.allow(origin, Some("api.example")), "{origin}");
        }
        for origin in ["capacitor://localhost:1", "chrome-extension://abc", "file://", ""] {
            assert!(!origins.allow(origin, Some("api.example")), "{origin}");
        }
    }

    #[test]
    fn listed_origin_that_no_page_can_have_is_not_valid() {
        let list = |origin: &str| Origins::SameAnd(vec![origin.to_owned()]);
        for origin in ["https://app.example", "http://[::1]:80", "tauri://localhost", "null"] {
            assert!(list(origin).are_valid(), "{origin}");
        }
        for origin in ["https://app.example/", "app.example", "https://", "https://*.example/x", ""]
        {
            assert!(!list(origin).are_valid(), "{origin}");
        }
    }
}
