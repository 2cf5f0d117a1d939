//! Parses the URL of a request.

use std::borrow::Cow;
use std::fmt::Write;
use std::net::Ipv6Addr;

use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::convert::{is_plain_authority, is_plain_path};
use crate::error::Error;

/// The characters that browsers encode in a query (the URL standard's special-query percent-encode
/// set).
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\'');

/// The characters that browsers encode in a path (the URL standard's path percent-encode set).
const PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'^').add(b'`').add(b'{').add(b'}');

/// A value that converts to a URL: text or a [`Uri`].
///
/// Text is parsed as browsers do: surrounding spaces and the fragment are dropped; spaces,
/// characters outside ASCII and the like are percent-encoded. A user and password become
/// `authorization`. Host names outside ASCII need the feature `idn`.
///
/// ```
/// use h2_sync::client::Client;
///
/// let client = Client::new()?;
/// let url = "https://example.com/naïve search?q=1";
/// let request = client.get(url);
/// assert_eq!(request.url()?, "https://example.com/na%C3%AFve%20search?q=1");
/// # Ok::<(), h2_sync::Error>(())
/// ```
pub trait IntoUrl: sealed::Text {}

impl IntoUrl for &str {}
impl IntoUrl for String {}
impl IntoUrl for &String {}
impl IntoUrl for Cow<'_, str> {}
impl IntoUrl for Uri {}
impl IntoUrl for &Uri {}

pub(super) mod sealed {
    use std::borrow::Cow;

    use http::Uri;

    /// Text that may be a URL.
    pub trait Text {
        #[doc(hidden)]
        fn text(&self) -> Cow<'_, str>;
    }

    impl Text for &str {
        fn text(&self) -> Cow<'_, str> {
            Cow::Borrowed(self)
        }
    }

    impl Text for String {
        fn text(&self) -> Cow<'_, str> {
            Cow::Borrowed(self)
        }
    }

    impl Text for &String {
        fn text(&self) -> Cow<'_, str> {
            Cow::Borrowed(self)
        }
    }

    impl Text for Cow<'_, str> {
        fn text(&self) -> Cow<'_, str> {
            Cow::Borrowed(self)
        }
    }

    impl Text for Uri {
        fn text(&self) -> Cow<'_, str> {
            Cow::Owned(self.to_string())
        }
    }

    impl Text for &Uri {
        fn text(&self) -> Cow<'_, str> {
            Cow::Owned(self.to_string())
        }
    }
}

/// An absolute `http` or `https` URL and the userinfo it contained.
#[derive(Debug)]
pub(super) struct Url {
    /// Without userinfo and fragment.
    pub(super) uri: Uri,
    pub(super) user: Option<(String, String)>,
    /// The URL has a path, at least `/`, or a query.
    pub(super) has_path: bool,
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim_ascii();
        if let Some(uri) = plain(text) {
            return Ok(Url { uri, user: None, has_path: true });
        }
        Url::read(text)
            .map_err(|why| Error::usage(format!("invalid URL {:?}: {why}", without_userinfo(text))))
    }

    fn read(text: &str) -> Result<Self, Cow<'static, str>> {
        let (scheme, rest) =
            text.split_once("://").ok_or("it does not begin with http:// or https://")?;
        let scheme = match scheme {
            scheme if scheme.eq_ignore_ascii_case("http") => "http",
            scheme if scheme.eq_ignore_ascii_case("https") => "https",
            scheme => return Err(format!("the scheme {scheme:?} is not http or https").into()),
        };
        let rest = rest.split_once('#').map_or(rest, |(front, _)| front);
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(credentials(user)?), host),
            None => (None, authority),
        };
        let (host, port) = host_and_port(host)?;
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };

        let mut url = String::with_capacity(text.len() + "/".len());
        url.extend([scheme, "://", &host]);
        if let Some(port) = port {
            // Writing to a `String` does not fail.
            let _ = write!(url, ":{port}");
        }
        url.push_str(if path.is_empty() { "/" } else { "" });
        url.extend(utf8_percent_encode(path, PATH));
        if let Some(query) = query {
            url.push('?');
            url.extend(utf8_percent_encode(query, QUERY));
        }
        let uri = Uri::try_from(url).map_err(|error| error.to_string())?;
        Ok(Url { uri, user, has_path: !target.is_empty() })
    }
}

/// Returns a URL that needs no normalization, as nearly all: a name or an IPv4 address, and a path.
fn plain(text: &str) -> Option<Uri> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"))?.as_bytes();
    let path = rest.iter().position(|&octet| octet == b'/')?;
    let (authority, path) = rest.split_at(path);
    // A port is normalized as a number, and an apostrophe in a query is encoded.
    let is_rewritten = authority.windows(2).any(|pair| pair == b":0") || path.contains(&b'\'');
    let is_plain = is_plain_authority(authority) && is_plain_path(path) && !is_rewritten;
    is_plain.then(|| text.parse().ok())?
}

pub(super) fn credentials(userinfo: &str) -> Result<(String, String), Cow<'static, str>> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let decode = |text| {
        let octets = percent_decode_str(text).decode_utf8();
        octets.map(Cow::into_owned).map_err(|_| "user and password are not UTF-8")
    };
    Ok((decode(user)?, decode(password)?))
}

/// Returns the host in ASCII, with brackets around an IPv6 address, and the port.
pub(super) fn host_and_port(text: &str) -> Result<(Cow<'_, str>, Option<u16>), Cow<'static, str>> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']').ok_or("the host lacks a \"]\"")?;
            if address.parse::<Ipv6Addr>().is_err() {
                return Err(format!("{address:?} is not an IPv6 address").into());
            }
            let host = format!("[{}]", address.to_ascii_lowercase());
            (Cow::Owned(host), rest.strip_prefix(':').unwrap_or(rest))
        }
        None => {
            let (host, port) = text.split_once(':').unwrap_or((text, ""));
            (to_ascii(host)?, port)
        }
    };
    if host.is_empty() {
        return Err("it has no host".into());
    }
    if port.is_empty() {
        return Ok((host, None));
    }
    let is_number = port.bytes().all(|octet| octet.is_ascii_digit());
    match port.parse() {
        Ok(number) if is_number => Ok((host, Some(number))),
        _ => Err(format!("{port:?} is not a port (0 to 65535)").into()),
    }
}

fn to_ascii(host: &str) -> Result<Cow<'_, str>, Cow<'static, str>> {
    if host.is_ascii() {
        let odd =
            |octet: &u8| !octet.is_ascii_alphanumeric() && !b"-._~!$&'()*+,;=%".contains(octet);
        return match host.bytes().find(|octet| odd(octet)) {
            None => Ok(Cow::Borrowed(host)),
            Some(octet) => Err(format!("the host contains {:?}", char::from(octet)).into()),
        };
    }
    #[cfg(feature = "idn")]
    {
        // UTS #46, as browsers do.
        let ascii = idna::domain_to_ascii(host);
        ascii.map(Cow::Owned).map_err(|_| format!("{host:?} is not a host name").into())
    }
    #[cfg(not(feature = "idn"))]
    Err(format!("the host name {host:?} is not ASCII, which needs the feature `idn`").into())
}

/// Returns the text, which may not be a valid URL, without user and password.
pub(super) fn without_userinfo(text: &str) -> Cow<'_, str> {
    let start = text.find("://").map_or(0, |place| place + 3);
    let rest = &text[start..];
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(place) => Cow::Owned(format!("{}{}", &text[..start], &rest[place + 1..])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> String {
        match Url::parse(text) {
            Ok(url) => url.uri.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn plain_url_stays_as_it_is() {
        for text in ["http://a/", "https://a.b:8443/c%20d?e=%zz&f|[]", "http://[::1]:80/a//b/../c"]
        {
            assert_eq!(url(text), text);
        }
    }

    #[test]
    fn plain_url_is_what_reading_it_makes_of_it() {
        for text in
            ["http://a/", "https://a.b:8443/c%20d?e=%zz&f=?$;", "http://127.0.0.1:1//b/../c"]
        {
            assert_eq!(plain(text), Url::read(text).ok().map(|url| url.uri), "{text}");
            assert!(plain(text).is_some(), "{text}");
        }
        for text in
            ["http://a", "http://a?b", "http://a:080/", "http://a/?'", "http://a/#b", "HTTP://a/"]
        {
            assert_eq!(plain(text), None, "{text}");
        }
    }

    #[test]
    fn octets_that_browsers_encode_are_encoded() {
        assert_eq!(
            url("http://a/ä b\"<>^`{}|?ö 'x'<y>#z"),
            "http://a/%C3%A4%20b%22%3C%3E%5E%60%7B%7D|?%C3%B6%20%27x%27%3Cy%3E"
        );
        assert_eq!(url(" http://a/b\n"), "http://a/b");
    }

    #[test]
    fn query_without_path_has_the_path_of_the_root() {
        assert_eq!(url("http://a?q=1"), "http://a/?q=1");
        assert_eq!(url("HTTP://A:80#b/c?d"), "http://A:80/");
    }

    #[test]
    fn error_says_what_is_wrong_and_hides_the_password() {
        for (text, why) in [
            ("example.com", "it does not begin with http:// or https://"),
            ("/path", "it does not begin with"),
            ("ftp://a/", "the scheme \"ftp\" is not http or https"),
            ("http://", "it has no host"),
            ("http://:80/", "it has no host"),
            ("http://user:secret@a:99999/", "\"99999\" is not a port"),
            ("http://a:+1/", "\"+1\" is not a port"),
            ("http://a:b:1/", "\"b:1\" is not a port"),
            ("http://[::1/", "lacks a \"]\""),
            ("http://[x]/", "\"x\" is not an IPv6 address"),
            ("http://a b/", "the host contains ' '"),
            ("http://a<b/", "the host contains '<'"),
        ] {
            let error = url(text);
            assert!(error.starts_with("invalid URL \"") && error.contains(why), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn user_and_password_are_taken_out_and_decoded() {
        let url = Url::parse("http://a%40b:c%3Ad@e/").unwrap();
        assert_eq!(url.uri, "http://e/");
        assert_eq!(url.user, Some(("a@b".to_owned(), "c:d".to_owned())));
        assert!(Url::parse("http://%ff@e/").is_err());
    }

    #[test]
    #[cfg(feature = "idn")]
    fn names_of_other_scripts_are_made_ascii() {
        assert_eq!(url("http://Bücher.example/ß"), "http://xn--bcher-kva.example/%C3%9F");
        assert!(url("http://a\u{ad}\u{2f}").contains("http://a/"));
    }

    #[test]
    #[cfg(not(feature = "idn"))]
    fn names_of_other_scripts_are_an_error_that_names_the_feature() {
        assert!(url("http://bücher.example/").contains("`idn`"));
    }
}
