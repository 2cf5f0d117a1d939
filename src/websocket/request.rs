//! The server's checks of a request that opens a WebSocket, and the responses to invalid ones.

use http::header::{
    ALLOW, CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, StatusCode, Version};

use super::config::Config;
use crate::ws::{self, DeflateParams};

/// The name of the protocol (RFC 6455, Section 11.2; RFC 8441, Section 5).
pub(super) const WEBSOCKET: &str = "websocket";

/// The version of RFC 6455.
pub(super) const VERSION: HeaderValue = HeaderValue::from_static("13");

/// The head of a request, as far as it concerns WebSockets.
pub(super) struct Asked<'a> {
    pub(super) version: Version,
    pub(super) method: &'a Method,
    /// The protocol of an extended CONNECT.
    pub(super) protocol: Option<&'a str>,
    /// Whether the request asks for a WebSocket, in the way of its version.
    pub(super) asks: bool,
    pub(super) authority: Option<&'a str>,
    pub(super) headers: &'a HeaderMap,
}

/// The result of the negotiation at a server.
#[derive(Debug)]
pub(super) struct Agreed {
    pub(super) protocol: Option<String>,
    pub(super) deflate: Option<DeflateParams>,
    /// The fields of the response that announce it.
    pub(super) fields: Vec<(HeaderName, HeaderValue)>,
}

/// The response to a request that does not open a WebSocket.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) fields: Vec<(HeaderName, HeaderValue)>,
    pub(super) text: String,
}

impl Refusal {
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Refusal { status, fields: Vec::new(), text: text.into() }
    }

    fn bad(text: impl Into<String>) -> Self {
        Refusal::new(StatusCode::BAD_REQUEST, text)
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.fields.push((name, value));
        self
    }
}

/// Returns the server's answer to a request.
pub(super) fn agree(asked: &Asked<'_>, config: &Config) -> Result<Agreed, Refusal> {
    match asked.version {
        Version::HTTP_2 => check_http2(asked)?,
        _ => check_http1(asked)?,
    }
    check_version(asked)?;
    check_origin(asked, config)?;
    let mut fields = Vec::new();
    if asked.version != Version::HTTP_2 {
        // RFC 8441, Section 5: HTTP/2 has no use for it.
        let key = key(asked)?;
        fields.push((http::header::SEC_WEBSOCKET_ACCEPT, value(ws::accept_key(key))));
    }
    let protocol = choose_protocol(asked, config)?;
    if let Some(protocol) = &protocol {
        fields.push((SEC_WEBSOCKET_PROTOCOL, value(protocol.clone())));
    }
    let offers = texts(asked.headers, &SEC_WEBSOCKET_EXTENSIONS);
    let chosen = config.compression.as_ref().and_then(|ours| ws::answer(offers, ours));
    let deflate = chosen.map(|(params, answer)| {
        fields.push((SEC_WEBSOCKET_EXTENSIONS, value(answer)));
        params
    });
    Ok(Agreed { protocol, deflate, fields })
}

/// RFC 6455, Section 4.2.1.
fn check_http1(asked: &Asked<'_>) -> Result<(), Refusal> {
    if *asked.method != Method::GET {
        return Err(wrong_method(asked, "GET"));
    }
    if asked.version != Version::HTTP_11 {
        return Err(Refusal::bad(format!("{:?} does not support WebSocket", asked.version)));
    }
    if !asked.asks {
        let text = "this resource is a WebSocket: `upgrade: websocket` is missing, or `connection: upgrade`";
        return Err(upgrade_required(text));
    }
    let has_body = asked.headers.contains_key(TRANSFER_ENCODING)
        || asked.headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
    match has_body {
        true => Err(Refusal::bad("a request that opens a WebSocket has no body")),
        false => Ok(()),
    }
}

/// RFC 8441, Section 5.
fn check_http2(asked: &Asked<'_>) -> Result<(), Refusal> {
    match asked.protocol {
        Some(_) if asked.asks => Ok(()),
        // RFC 9220, Section 3, for HTTP/3.
        Some(protocol) => {
            let text = format!("the protocol {protocol:?} is not supported");
            Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, text))
        }
        None if *asked.method == Method::GET => {
            let text =
                "this resource is a WebSocket: HTTP/2 opens it by extended CONNECT (RFC 8441)";
            Err(Refusal::bad(text))
        }
        None => Err(wrong_method(asked, "CONNECT")),
    }
}

fn wrong_method(asked: &Asked<'_>, allowed: &'static str) -> Refusal {
    let text = format!("a WebSocket is opened with {allowed}, not with {}", asked.method);
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, text)
        .with(ALLOW, HeaderValue::from_static(allowed))
}

/// RFC 9110, Section 15.5.22.
fn upgrade_required(text: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::UPGRADE_REQUIRED, text)
        .with(UPGRADE, HeaderValue::from_static(WEBSOCKET))
        .with(CONNECTION, HeaderValue::from_static("upgrade"))
        .with(SEC_WEBSOCKET_VERSION, VERSION)
}

/// RFC 6455, Section 4.4.
fn check_version(asked: &Asked<'_>) -> Result<(), Refusal> {
    match one(asked, &SEC_WEBSOCKET_VERSION)? {
        version if version == VERSION => Ok(()),
        version => {
            let text = format!("WebSocket version {version:?} is not supported, only 13");
            Err(match asked.version {
                // 426 asks for another protocol, which HTTP/2 cannot change to.
                Version::HTTP_2 => Refusal::bad(text).with(SEC_WEBSOCKET_VERSION, VERSION),
                _ => upgrade_required(text),
            })
        }
    }
}

/// RFC 6455, Section 10.2.
fn check_origin(asked: &Asked<'_>, config: &Config) -> Result<(), Refusal> {
    for origin in asked.headers.get_all(ORIGIN) {
        let is_allowed =
            origin.to_str().is_ok_and(|origin| config.origins.allow(origin, asked.authority));
        if !is_allowed {
            let text = format!("pages of the origin {origin:?} are not allowed to connect");
            return Err(Refusal::new(StatusCode::FORBIDDEN, text));
        }
    }
    Ok(())
}

fn key<'a>(asked: &Asked<'a>) -> Result<&'a [u8], Refusal> {
    let key = one(asked, &SEC_WEBSOCKET_KEY)?.as_bytes();
    match ws::is_key(key) {
        true => Ok(key),
        false => Err(Refusal::bad("sec-websocket-key is not 16 octets in base64")),
    }
}

/// Returns the first of our protocols that the client offers.
fn choose_protocol(asked: &Asked<'_>, config: &Config) -> Result<Option<String>, Refusal> {
    let offered: Vec<_> = texts(asked.headers, &SEC_WEBSOCKET_PROTOCOL)
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .filter(|protocol| !protocol.is_empty())
        .collect();
    if let Some(protocol) = offered.iter().find(|protocol| !super::config::is_token(protocol)) {
        return Err(Refusal::bad(format!("{protocol:?} is not the name of a sub-protocol")));
    }
    let chosen = config.protocols.iter().find(|ours| offered.contains(&ours.as_str()));
    Ok(chosen.cloned())
}

/// Returns the value of a field that must occur exactly once.
fn one<'a>(asked: &Asked<'a>, name: &HeaderName) -> Result<&'a HeaderValue, Refusal> {
    let mut values = asked.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value),
        (None, _) => Err(Refusal::bad(format!("the field {name} is missing"))),
        (Some(_), Some(_)) => Err(Refusal::bad(format!("the field {name} occurs twice"))),
    }
}

/// Returns the values of a field that are text.
pub(super) fn texts<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
}

/// Converts text of tokens and base64, which is always a valid field value.
fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::Origins;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let field = |&(name, value): &(&str, &str)| {
            (HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap())
        };
        fields.iter().map(field).collect()
    }

    /// The fields of a request in HTTP/1.1 that is in order.
    fn good() -> HeaderMap {
        let fields = [("sec-websocket-version", "13"), ("sec-websocket-key", KEY)];
        headers(&fields)
    }

    fn http1(headers: &HeaderMap) -> Asked<'_> {
        Asked {
            version: Version::HTTP_11,
            method: &Method::GET,
            protocol: None,
            asks: true,
            authority: Some("example.com"),
            headers,
        }
    }

    fn http2(headers: &HeaderMap) -> Asked<'_> {
        Asked {
            version: Version::HTTP_2,
            method: &Method::CONNECT,
            protocol: Some("websocket"),
            ..http1(headers)
        }
    }

    #[track_caller]
    fn assert_refused(asked: &Asked<'_>, status: u16, text: &str) -> Refusal {
        let refusal = agree(asked, &Config::default()).unwrap_err();
        assert_eq!(refusal.status.as_u16(), status, "{}", refusal.text);
        assert!(refusal.text.contains(text), "{}", refusal.text);
        refusal
    }

    fn field(fields: &[(HeaderName, HeaderValue)], name: &str) -> Option<String> {
        let found = fields.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn request_in_order_is_agreed_to_with_the_answer_to_its_key() {
        let headers = good();
        let agreed = agree(&http1(&headers), &Config::default()).unwrap();
        let accept = field(&agreed.fields, "sec-websocket-accept");
        assert_eq!(accept.as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!((agreed.fields.len(), agreed.protocol), (1, None));
    }

    #[test]
    fn http2_has_no_key() {
        let headers = headers(&[("sec-websocket-version", "13")]);
        assert!(agree(&http2(&headers), &Config::default()).unwrap().fields.is_empty());
    }

    #[test]
    fn request_that_does_not_ask_is_told_how() {
        let headers = good();
        let refusal =
            assert_refused(&Asked { asks: false, ..http1(&headers) }, 426, "`upgrade: websocket`");
        assert_eq!(field(&refusal.fields, "upgrade").as_deref(), Some("websocket"));
        assert_eq!(field(&refusal.fields, "sec-websocket-version").as_deref(), Some("13"));
        let get = Asked { method: &Method::GET, protocol: None, asks: false, ..http2(&headers) };
        assert_refused(&get, 400, "extended CONNECT");
    }

    #[test]
    fn method_has_to_be_that_of_the_version() {
        let headers = good();
        let refusal =
            assert_refused(&Asked { method: &Method::POST, ..http1(&headers) }, 405, "POST");
        assert_eq!(field(&refusal.fields, "allow").as_deref(), Some("GET"));
        let post = Asked { method: &Method::POST, protocol: None, asks: false, ..http2(&headers) };
        let refusal = assert_refused(&post, 405, "POST");
        assert_eq!(field(&refusal.fields, "allow").as_deref(), Some("CONNECT"));
    }

    #[test]
    fn extended_connect_for_another_protocol_is_not_implemented() {
        let headers = good();
        let asked = Asked { protocol: Some("connect-udp"), asks: false, ..http2(&headers) };
        assert_refused(&asked, 501, "\"connect-udp\" is not supported");
    }

    #[test]
    fn fields_have_to_be_there_once_and_in_order() {
        for (name, value, status, text) in [
            ("sec-websocket-version", None, 400, "sec-websocket-version is missing"),
            ("sec-websocket-version", Some("12"), 426, "version \"12\""),
            ("sec-websocket-version", Some("13, 8"), 426, "version"),
            ("sec-websocket-key", None, 400, "sec-websocket-key is missing"),
            ("sec-websocket-key", Some("c2hvcnQ="), 400, "16 octets"),
            ("sec-websocket-key", Some("not base64 at all !!!!!!"), 400, "16 octets"),
            ("sec-websocket-protocol", Some("a b"), 400, "\"a b\" is not the name"),
            ("content-length", Some("1"), 400, "no body"),
            ("transfer-encoding", Some("chunked"), 400, "no body"),
        ] {
            let mut headers = good();
            headers.remove(name);
            headers.extend(
                value.map(|value| (HeaderName::from_static(name), HeaderValue::from_static(value))),
            );
            assert_refused(&http1(&headers), status, text);
        }
        let mut headers = good();
        headers.append("sec-websocket-key", HeaderValue::from_static(KEY));
        assert_refused(&http1(&headers), 400, "sec-websocket-key occurs twice");
        headers.insert("content-length", HeaderValue::from_static("0"));
        headers.insert("sec-websocket-key", HeaderValue::from_static(KEY));
        assert!(agree(&http1(&headers), &Config::default()).is_ok());
    }

    #[test]
    fn wrong_version_is_400_in_http2_which_cannot_upgrade() {
        let headers = headers(&[("sec-websocket-version", "8")]);
        let refusal = assert_refused(&http2(&headers), 400, "version \"8\"");
        assert_eq!(refusal.fields.len(), 1);
        assert_eq!(field(&refusal.fields, "sec-websocket-version").as_deref(), Some("13"));
    }

    #[test]
    fn page_of_a_foreign_origin_is_refused_unless_it_is_allowed() {
        let mut headers = good();
        headers.insert(ORIGIN, HeaderValue::from_static("https://example.com"));
        assert!(agree(&http1(&headers), &Config::default()).is_ok());
        headers.insert(ORIGIN, HeaderValue::from_static("https://evil.example"));
        assert_refused(&http1(&headers), 403, "\"https://evil.example\" are not allowed");
        let config = Config { origins: Origins::Any, ..Config::default() };
        assert!(agree(&http1(&headers), &config).is_ok());
        headers.insert(ORIGIN, HeaderValue::from_static("https://example.com"));
        headers.append(ORIGIN, HeaderValue::from_static("https://evil.example"));
        assert_refused(&http1(&headers), 403, "evil");
    }

    #[test]
    fn first_sub_protocol_of_the_server_that_is_offered_is_chosen() {
        let ours = |protocols: &[&str]| Config {
            protocols: protocols.iter().map(|&name| name.to_owned()).collect(),
            ..Config::default()
        };
        let mut headers = good();
        headers.append("sec-websocket-protocol", HeaderValue::from_static("a , b"));
        headers.append("sec-websocket-protocol", HeaderValue::from_static("c"));
        for (config, chosen) in [
            (ours(&["c", "a"]), Some("c")),
            (ours(&["d", "b", "a"]), Some("b")),
            (ours(&["d", "A"]), None),
            (ours(&[]), None),
        ] {
            let agreed = agree(&http1(&headers), &config).unwrap();
            assert_eq!(agreed.protocol.as_deref(), chosen);
            assert_eq!(field(&agreed.fields, "sec-websocket-protocol").as_deref(), chosen);
        }
    }

    #[test]
    fn compression_is_agreed_to_where_both_ends_want_it() {
        let mut headers = good();
        let with = Config { compression: Some(Default::default()), ..Config::default() };
        assert_eq!(agree(&http1(&headers), &with).unwrap().deflate, None);
        headers.insert("sec-websocket-extensions", HeaderValue::from_static("permessage-deflate"));
        let agreed = agree(&http1(&headers), &with).unwrap();
        assert!(agreed.deflate.is_some());
        let chosen = field(&agreed.fields, "sec-websocket-extensions").unwrap();
        assert!(chosen.starts_with("permessage-deflate"), "{chosen}");
        let agreed = agree(&http1(&headers), &Config::default()).unwrap();
        assert!(agreed.deflate.is_none() && agreed.fields.len() == 1);
    }
}
