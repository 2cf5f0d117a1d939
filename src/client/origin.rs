//! The origin of a request.

use std::borrow::Cow;
use std::fmt;

use http::Uri;

use super::url::{host_and_port, without_userinfo};
use crate::error::Error;

/// Scheme, host and port (RFC 9110, Section 4.3.1). Connections are pooled by origin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) is_https: bool,
    /// In lower case; an IPv6 address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Origin {
    /// Returns the origin of an absolute URI.
    pub(super) fn of(uri: &Uri) -> Result<Self, Error> {
        let is_https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(Error::usage(format!("the URL {uri} is not one of http or https"))),
        };
        let no_host = || Error::usage(format!("the URL {uri} has no host"));
        let authority = uri.authority().ok_or_else(no_host)?;
        // RFC 9110, Section 4.2.4: userinfo in a URL is deprecated, and must not be sent.
        let (host, port) = match authority.as_str().contains('@') {
            true => Err(Cow::Borrowed("it contains user and password")),
            false => host_and_port(authority.as_str()),
        }
        .map_err(|why| {
            Error::usage(format!("invalid URL {:?}: {why}", without_userinfo(&uri.to_string())))
        })?;
        let host = bare_host(&host).to_ascii_lowercase();
        let port = port.unwrap_or(if is_https { 443 } else { 80 });
        Ok(Origin { is_https, host, port })
    }

    /// Returns host and port as in a CONNECT request.
    pub(super) fn authority(&self) -> String {
        authority(&self.host, self.port)
    }
}

/// Returns a host without the brackets of an IPv6 address.
pub(super) fn bare_host(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Returns host and port, with brackets around an IPv6 address.
pub(super) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Result<String, String> {
        let uri = url.parse().map_err(|error: http::uri::InvalidUri| error.to_string())?;
        Origin::of(&uri).map(|origin| origin.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_port_is_that_of_the_scheme_unless_it_is_given() {
        assert_eq!(origin("http://Example.com/a").unwrap(), "http://example.com:80");
        assert_eq!(origin("https://example.com").unwrap(), "https://example.com:443");
        assert_eq!(origin("http://[::1]:8080/").unwrap(), "http://[::1]:8080");
    }

    #[test]
    fn what_is_no_url_of_http_is_refused() {
        for url in ["ftp://a/", "/path", "example.com", "http://user:secret@a/", "http://a:99999/"]
        {
            assert!(origin(url).is_err(), "{url}");
        }
    }
}
