//! Which proxy a connection uses.

use std::borrow::Cow;
use std::env;
use std::ffi::OsString;
use std::fmt;

use http::HeaderValue;

use super::credentials::basic;
use super::no_proxy::NoProxy;
use super::origin::{Origin, authority};
use super::url::{credentials, host_and_port, without_userinfo};
use crate::error::Error;

/// An HTTP or SOCKS5 proxy.
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
    /// CONNECT over TLS.
    #[cfg(feature = "tls")]
    Https,
    /// SOCKS5 (RFC 1928) to an address that the client resolves.
    Socks5,
    /// SOCKS5 to a name that the proxy resolves.
    Socks5h,
}

impl Proxy {
    /// Parses the URL of a proxy, optionally with user and password. The default scheme is
    /// `http://`.
    ///
    /// | scheme | protocol | names are resolved by |
    /// | --- | --- | --- |
    /// | `http://` | HTTP/1.1 CONNECT | the proxy, which chooses among the addresses |
    /// | `https://` | HTTP/1.1 CONNECT over TLS | the proxy |
    /// | `socks5://` | SOCKS5 (RFC 1928) | the client; every address is tried, as without a proxy |
    /// | `socks5h://` | SOCKS5 | the proxy |
    ///
    /// HTTP proxies carry `https://` URLs in a CONNECT tunnel and see only encrypted octets.
    /// `http://` URLs are requested from the proxy in absolute form (RFC 9112, Section 3.2.2), or
    /// use CONNECT when they mean HTTP/2 ([`prior_knowledge`](super::Config::prior_knowledge)).
    ///
    /// # Errors
    ///
    /// The URL is not one of these. The text gives the reason and omits the password.
    pub fn parse(url: &str) -> Result<Self, Error> {
        Proxy::read(url.trim_ascii()).map_err(|why| {
            Error::usage(format!("invalid proxy URL {:?}: {why}", without_userinfo(url)))
        })
    }

    /// Returns the value of `proxy-authorization`, if the URL has user and password.
    pub(super) fn authorization(&self) -> Result<Option<HeaderValue>, Error> {
        let Some((user, password)) = &self.user else { return Ok(None) };
        let value = HeaderValue::from_str(&basic(user, password));
        let mut value =
            value.map_err(|_| Error::usage("the credentials are not printable text"))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    fn read(url: &str) -> Result<Self, Cow<'static, str>> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (kind, port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Kind::Http, 80),
            #[cfg(feature = "tls")]
            "https" => (Kind::Https, 443),
            "socks5" => (Kind::Socks5, 1080),
            "socks5h" => (Kind::Socks5h, 1080),
            _ => return Err("the scheme is not http, https, socks5 or socks5h".into()),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(credentials(user)?), host),
            None => (None, authority),
        };
        let (host, own) = host_and_port(host)?;
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Proxy { kind, host, port: own.unwrap_or(port), user })
    }
}

/// Writes the URL without user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            Kind::Http => "http",
            #[cfg(feature = "tls")]
            Kind::Https => "https",
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
///
/// ```
/// use h2_sync::client::{Config, NoProxy, Proxies, Proxy};
///
/// let mut config = Config::default();
/// let (proxy, direct) = (Proxy::parse("http://proxy:3128")?, NoProxy::parse("10.0.0.0/8, *.local"));
/// config.proxies = Proxies::AllBut(proxy, direct);
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proxies {
    /// The proxies in the environment when the client is created: `http_proxy` for `http://` URLs,
    /// `https_proxy` for `https://` URLs, `all_proxy` for both, and `no_proxy` for
    /// [exceptions](NoProxy).
    ///
    /// Each variable is read in lower and upper case, except `HTTP_PROXY`: in a CGI program it
    /// contains a header field of the request. An invalid proxy URL in a variable fails the
    /// requests that would use it; the error names the variable.
    #[default]
    FromEnvironment,
    /// No proxy.
    Never,
    /// This proxy for every URL.
    All(Proxy),
    /// This proxy for every URL except those of the given hosts.
    AllBut(Proxy, NoProxy),
}

/// The evaluated configuration.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    http: Choice,
    https: Choice,
    direct: NoProxy,
}

/// The proxy to use, or why it cannot be used.
type Choice = Result<Option<Proxy>, Error>;

impl Rules {
    pub(super) fn new(proxies: &Proxies) -> Self {
        let (proxy, direct) = match proxies {
            Proxies::FromEnvironment => {
                let text = |value: OsString| value.to_string_lossy().into_owned();
                return Rules::read(|name| env::var_os(name).map(text));
            }
            Proxies::Never => (None, NoProxy::default()),
            Proxies::All(proxy) => (Some(proxy.clone()), NoProxy::default()),
            Proxies::AllBut(proxy, direct) => (Some(proxy.clone()), direct.clone()),
        };
        Rules { http: Ok(proxy.clone()), https: Ok(proxy), direct }
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.trim_ascii().is_empty());
        let read = |names: &[&str]| {
            let found = names.iter().find_map(|name| Some((name, set(name)?)));
            let proxy = found.map(|(name, url)| {
                Proxy::parse(&url).map_err(|error| Error::usage(format!("{name}: {error}")))
            });
            proxy.transpose()
        };
        let direct = set("no_proxy").or_else(|| set("NO_PROXY")).unwrap_or_default();
        Rules {
            http: read(&["http_proxy", "all_proxy", "ALL_PROXY"]),
            https: read(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            direct: NoProxy::parse(&direct),
        }
    }

    /// Returns the proxy for an origin.
    ///
    /// # Errors
    ///
    /// The environment variable for this origin is not a valid proxy URL.
    pub(super) fn proxy_for(&self, origin: &Origin) -> Result<Option<&Proxy>, Error> {
        if self.direct.covers(&origin.host, origin.port) {
            return Ok(None);
        }
        let proxy = if origin.is_https { &self.https } else { &self.http };
        proxy.as_ref().map(Option::as_ref).map_err(Error::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(variables: &[(&str, &str)]) -> Rules {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name);
        Rules::read(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    fn chosen(rules: &Rules, url: &str) -> Option<String> {
        let origin = Origin::of(&url.parse().unwrap()).unwrap();
        rules.proxy_for(&origin).unwrap().map(Proxy::to_string)
    }

    #[test]
    fn user_and_password_are_decoded_and_not_shown() {
        let proxy = Proxy::parse("http://a%40b:p%3Aq@proxy:3128").unwrap();
        assert_eq!(proxy.user, Some(("a@b".to_owned(), "p:q".to_owned())));
        assert_eq!(format!("{proxy} {proxy:?}"), "http://proxy:3128 Proxy(\"http://proxy:3128\")");
    }

    #[test]
    fn invalid_proxy_url_is_told_with_the_reason_and_without_the_password() {
        for (url, why) in [
            ("socks4://proxy", "the scheme is not"),
            ("http://", "it has no host"),
            ("http://%ff@proxy", "not UTF-8"),
            ("http://a:secret@proxy:99999", "\"99999\" is not a port"),
        ] {
            let error = Proxy::parse(url).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("secret"), "{url}: {error}");
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
    fn variable_that_is_not_a_proxy_fails_only_the_requests_that_would_use_it() {
        let rules = rules(&[("https_proxy", "ftp://u:secret@p"), ("no_proxy", "direct.example")]);
        assert_eq!(chosen(&rules, "http://x/"), None);
        assert_eq!(chosen(&rules, "https://direct.example/"), None);
        let origin = Origin::of(&"https://x/".parse().unwrap()).unwrap();
        let error = rules.proxy_for(&origin).unwrap_err().to_string();
        assert!(error.starts_with("https_proxy: ") && error.contains("ftp://p"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn everything_but_the_exceptions_goes_through_the_proxy() {
        let proxy = Proxy::parse("p:1").unwrap();
        let rules = Rules::new(&Proxies::AllBut(proxy, NoProxy::parse("127.0.0.0/8")));
        assert_eq!(chosen(&rules, "http://127.1.2.3/"), None);
        assert_eq!(chosen(&rules, "https://x/").as_deref(), Some("http://p:1"));
    }
}
