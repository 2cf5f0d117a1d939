//! Where a request goes to.

use std::fmt;

use http::Uri;

use crate::error::Error;

/// Scheme, host and port (RFC 9110, Section 4.3.1): what a connection is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) is_https: bool,
    /// In lower case; an IPv6 address without its brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Origin {
    /// The origin of an absolute URI.
    pub(super) fn of(uri: &Uri) -> Result<Self, Error> {
        let is_https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(other) => return Err(Error::usage(format!("{other}:// is not HTTP"))),
            None => return Err(Error::usage("a URL begins with http:// or https://")),
        };
        let authority = uri.authority().ok_or(Error::usage("a URL has a host"))?;
        if authority.as_str().contains('@') {
            // RFC 9110, Section 4.2.4: userinfo in a URL is deprecated, and must not be sent.
            return Err(Error::usage("a URL must not have a user and password: use `basic_auth`"));
        }
        let port = match authority.port() {
            Some(port) => Some(port.as_u16()),
            // `example.com:` and `example.com:99999`.
            None if authority.as_str().trim_end_matches(':').len() > authority.host().len() => None,
            None => Some(if is_https { 443 } else { 80 }),
        };
        let port = port.ok_or(Error::usage("the port of the URL is none"))?;
        let host = authority.host();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bare.unwrap_or(host).to_ascii_lowercase();
        if host.is_empty() {
            return Err(Error::usage("the URL has no host"));
        }
        Ok(Origin { is_https, host, port })
    }

    /// Host and port as they stand in a CONNECT request.
    pub(super) fn authority(&self) -> String {
        authority(&self.host, self.port)
    }
}

/// Host and port, with the brackets that an IPv6 address needs.
pub(super) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
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
