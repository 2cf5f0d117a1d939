//! Which proxy a connection goes through, if any.

use std::env;
use std::fmt;

use http::Uri;

use super::origin::{authority, Origin};
use crate::error::Error;

/// A proxy that carries connections: HTTP CONNECT, or SOCKS5.
///
/// ```
/// use h2_sync::client::Proxy;
///
/// let proxy = Proxy::parse("socks5h://user:secret@127.0.0.1:1080")?;
/// assert_eq!(proxy.to_string(), "socks5h://127.0.0.1:1080");
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub(super) kind: Kind,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: Option<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// CONNECT over HTTP/1.1 (RFC 9110, Section 9.3.6).
    Http,
    /// SOCKS5 (RFC 1928) to an address that we look up.
    Socks5,
    /// SOCKS5 to a name that the proxy looks up.
    Socks5h,
}

impl Proxy {
    /// Reads `http://`, `socks5://` (names are looked up here) or `socks5h://` (names are looked up by
    /// the proxy), with user and password where needed. Without a scheme, `http://` is meant.
    ///
    /// Over the first, `http://` URLs go through CONNECT as well: the proxy sees octets, and need not
    /// know HTTP/2.
    ///
    /// # Errors
    ///
    /// It is none of these. A proxy that is itself spoken to over TLS (`https://`) is not among them.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let wrong = |why: &str| Error::usage(format!("not the URL of a proxy: {why}"));
        let uri: Uri = url.parse().map_err(|_| wrong("it is no URL"))?;
        let (kind, port) = match uri.scheme_str() {
            Some("http") => (Kind::Http, 80),
            Some("socks5") => (Kind::Socks5, 1080),
            Some("socks5h") => (Kind::Socks5h, 1080),
            _ => return Err(wrong("the scheme is not http, socks5 or socks5h")),
        };
        let whole = uri.authority().ok_or_else(|| wrong("it has no host"))?;
        let user = match whole.as_str().rsplit_once('@') {
            None => None,
            Some((user, _)) => {
                let (user, password) = user.split_once(':').unwrap_or((user, ""));
                let decoded = decode(user).zip(decode(password));
                Some(decoded.ok_or_else(|| wrong("user or password have a wrong %-sequence"))?)
            }
        };
        let host = whole.host();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bare.unwrap_or(host).to_owned();
        if host.is_empty() {
            return Err(wrong("it has no host"));
        }
        let rest = whole.as_str().rsplit_once('@').map_or(whole.as_str(), |(_, rest)| rest);
        let port = match uri.port_u16() {
            Some(port) => port,
            // `proxy:99999`, which must not be taken for `proxy`.
            None if rest.trim_end_matches(':') != whole.host() => {
                return Err(wrong("its port is none"))
            }
            None => port,
        };
        Ok(Proxy { kind, host, port, user })
    }
}

/// RFC 3986, Section 2.1.
fn decode(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        if first == b'%' {
            let (digits, behind) = rest.split_at_checked(2)?;
            octets.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = behind;
        } else {
            octets.push(first);
        }
    }
    String::from_utf8(octets).ok()
}

/// The URL, without user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            Kind::Http => "http",
            Kind::Socks5 => "socks5",
            Kind::Socks5h => "socks5h",
        };
        write!(f, "{scheme}://{}", authority(&self.host, self.port))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.to_string()).finish()
    }
}

/// Which proxies a client uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proxies {
    /// Those that the environment names when the client is made: `http_proxy` for `http://` URLs,
    /// `https_proxy` for `https://` URLs, `all_proxy` for both, and `no_proxy` for hosts without one.
    ///
    /// Each is looked for in lower case and in upper case, but for `HTTP_PROXY`: in a CGI program,
    /// that is a header field of the request. `no_proxy` is a list of hosts and IP addresses, with
    /// commas; a host is meant with its subdomains; `*` is all.
    #[default]
    FromEnvironment,
    /// None.
    Never,
    /// This one, for everything.
    All(Proxy),
}

/// What has been read of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    http: Option<Proxy>,
    https: Option<Proxy>,
    never: Vec<String>,
}

impl Rules {
    pub(super) fn new(proxies: &Proxies) -> Result<Self, Error> {
        match proxies {
            Proxies::FromEnvironment => Rules::read(|name| env::var(name).ok()),
            Proxies::Never => Ok(Rules::default()),
            Proxies::All(proxy) => {
                let proxy = Some(proxy.clone());
                Ok(Rules { http: proxy.clone(), https: proxy, never: Vec::new() })
            }
        }
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let read = |names: &[&str]| {
            let url = names.iter().find_map(|name| variable(name).filter(|url| !url.is_empty()));
            url.map(|url| Proxy::parse(&url)).transpose()
        };
        let never = variable("no_proxy").or_else(|| variable("NO_PROXY")).unwrap_or_default();
        let never = never.split(',').map(|host| host.trim().to_ascii_lowercase());
        Ok(Rules {
            http: read(&["http_proxy", "all_proxy", "ALL_PROXY"])?,
            https: read(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])?,
            never: never.filter(|host| !host.is_empty()).collect(),
        })
    }

    pub(super) fn proxy_for(&self, origin: &Origin) -> Option<&Proxy> {
        let proxy = if origin.is_https { self.https.as_ref() } else { self.http.as_ref() };
        proxy.filter(|_| !self.never.iter().any(|host| covers(host, &origin.host)))
    }
}

/// Whether an entry of `no_proxy` is about this host.
fn covers(entry: &str, host: &str) -> bool {
    let entry = entry.trim_start_matches('.').trim_matches(['[', ']']);
    let is_subdomain = || host.strip_suffix(entry).is_some_and(|front| front.ends_with('.'));
    entry == "*" || host == entry || (!entry.is_empty() && is_subdomain())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(variables: &[(&str, &str)]) -> Rules {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name);
        Rules::read(|name| find(name).map(|(_, value)| (*value).to_owned())).unwrap()
    }

    fn chosen(rules: &Rules, url: &str) -> Option<String> {
        let origin = Origin::of(&url.parse().unwrap()).unwrap();
        rules.proxy_for(&origin).map(Proxy::to_string)
    }

    #[test]
    fn user_and_password_are_decoded_and_not_shown() {
        let proxy = Proxy::parse("http://a%40b:p%3Aq@proxy:3128").unwrap();
        assert_eq!(proxy.user, Some(("a@b".to_owned(), "p:q".to_owned())));
        assert_eq!(format!("{proxy} {proxy:?}"), "http://proxy:3128 Proxy(\"http://proxy:3128\")");
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        for url in [
            "https://proxy",
            "socks4://proxy",
            "http://",
            "http://%zz@proxy",
            "http://a:b@proxy:99999",
        ] {
            assert!(Proxy::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn each_scheme_has_its_variable_and_all_proxy_is_for_the_rest() {
        let rules = rules(&[("http_proxy", "a:1"), ("ALL_PROXY", "socks5://b")]);
        assert_eq!(chosen(&rules, "http://x/").as_deref(), Some("http://a:1"));
        assert_eq!(chosen(&rules, "https://x/").as_deref(), Some("socks5://b:1080"));
    }

    #[test]
    fn http_proxy_in_upper_case_is_not_believed() {
        assert_eq!(chosen(&rules(&[("HTTP_PROXY", "a:1")]), "http://x/"), None);
    }

    #[test]
    fn no_proxy_means_hosts_with_their_subdomains() {
        let rules =
            rules(&[("all_proxy", "a:1"), ("no_proxy", "example.com, .local,127.0.0.1,[::1]")]);
        for url in [
            "http://example.com/",
            "http://a.example.com",
            "http://b.local",
            "http://127.0.0.1:8",
            "http://[::1]/",
        ] {
            assert_eq!(chosen(&rules, url), None, "{url}");
        }
        assert!(chosen(&rules, "http://badexample.com/").is_some());
    }
}
