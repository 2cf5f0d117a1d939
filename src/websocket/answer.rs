//! The client's fields of the opening handshake, and the checks of the response.

use http::Response;
use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
};

use super::config::Config;
use super::handshake::Handshake;
use super::request::{VERSION, texts};
use crate::convert::lists;
use crate::error::{Error, ErrorKind};
use crate::ws;

/// The most octets of a refusal's body that its error quotes.
pub(super) const SHOWN_MAX: usize = 512;

/// The fields that only the handshake may set.
const OWN: [HeaderName; 4] =
    [SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_EXTENSIONS];

/// Adds the fields of the handshake that HTTP/1.1 and HTTP/2 share.
pub(super) fn add_fields(headers: &mut HeaderMap, config: &Config) -> Result<(), Error> {
    if let Some(name) = OWN.iter().find(|name| headers.contains_key(*name)) {
        return Err(Error::usage(format!("the field {name} is set from the `Config`")));
    }
    headers.insert(SEC_WEBSOCKET_VERSION, VERSION);
    if !config.protocols.is_empty() {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, value(config.protocols.join(", "))?);
    }
    if let Some(compression) = &config.compression {
        headers.insert(SEC_WEBSOCKET_EXTENSIONS, value(ws::offer(compression))?);
    }
    Ok(())
}

/// Returns the HTTP/1.1 field with this key.
pub(super) fn key_field(key: &str) -> Result<(HeaderName, HeaderValue), Error> {
    Ok((SEC_WEBSOCKET_KEY, value(key.to_owned())?))
}

/// Checks a response that opens the WebSocket (RFC 6455, Section 4.1). A response in HTTP/1.1 has to
/// answer the `key`; HTTP/2 has none (RFC 8441, Section 5).
pub(super) fn check(
    response: Response<()>,
    key: Option<&str>,
    config: &Config,
) -> Result<Handshake, Error> {
    let (parts, ()) = response.into_parts();
    let headers = &parts.headers;
    if let Some(key) = key {
        if !lists(headers, &CONNECTION, "upgrade") {
            return Err(wrong("`connection: upgrade` is missing"));
        }
        let expected = ws::accept_key(key.as_bytes());
        let mut answers = headers.get_all(SEC_WEBSOCKET_ACCEPT).iter();
        if answers.next().is_none_or(|answer| answer != &*expected) || answers.next().is_some() {
            return Err(wrong("sec-websocket-accept does not belong to the key that was sent"));
        }
    }
    let protocol = chosen_protocol(headers, config)?;
    let answer = texts(headers, &SEC_WEBSOCKET_EXTENSIONS);
    let deflate = ws::accepted(answer, config.compression.as_ref())?;
    let (version, headers) = (parts.version, parts.headers);
    Ok(Handshake { protocol, deflate, version, headers, peer: None, is_lent: false })
}

/// Returns the sub-protocol that the server has selected, if any. It must be one that was offered.
fn chosen_protocol(headers: &HeaderMap, config: &Config) -> Result<Option<String>, Error> {
    let mut chosen = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let Some(protocol) = chosen.next() else { return Ok(None) };
    match config.protocols.iter().find(|offered| protocol == offered.as_str()) {
        Some(offered) if chosen.next().is_none() => Ok(Some(offered.clone())),
        Some(_) => Err(wrong("the server has chosen two sub-protocols")),
        None => {
            let what = format!("the server has chosen {protocol:?}, which was not offered");
            Err(wrong(&what))
        }
    }
}

fn wrong(what: &str) -> Error {
    Error::text(ErrorKind::Peer, format!("invalid response to the WebSocket handshake: {what}"))
}

/// Returns the error for a response that does not open a WebSocket, with the beginning of its body.
pub(super) fn refused(response: &http::response::Parts, body: &[u8]) -> Error {
    let status = response.status;
    let mut what = format!("the server refused the WebSocket: {status}");
    if let Some(location) = response.headers.get(http::header::LOCATION) {
        what += &format!(", location {location:?}");
    }
    let shown = String::from_utf8_lossy(body);
    let shown = shown.trim();
    if !shown.is_empty() {
        what += &format!(": {shown}");
    }
    Error::refused(status, what)
}

fn value(text: String) -> Result<HeaderValue, Error> {
    HeaderValue::try_from(text).map_err(|_| Error::usage("invalid field value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const ACCEPT: (&str, &str) = ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");

    fn config() -> Config {
        let protocols = vec!["a".to_owned(), "b".to_owned()];
        Config { protocols, compression: Some(Default::default()), ..Config::default() }
    }

    fn answer(fields: &[(&'static str, &'static str)]) -> Response<()> {
        let mut response = Response::builder().status(101);
        for &(name, value) in fields {
            response = response.header(name, value);
        }
        response.body(()).unwrap()
    }

    #[test]
    fn answer_in_order_is_accepted() {
        let plain = answer(&[("connection", "x, Upgrade"), ACCEPT]);
        let handshake = check(plain, Some(KEY), &config()).unwrap();
        assert_eq!((handshake.protocol(), handshake.deflate()), (None, None));
        assert!(handshake.headers().contains_key("sec-websocket-accept"));
        let rich = answer(&[
            ("connection", "upgrade"),
            ACCEPT,
            ("sec-websocket-protocol", "b"),
            (
                "sec-websocket-extensions",
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            ),
        ]);
        let handshake = check(rich, Some(KEY), &config()).unwrap();
        assert!(handshake.protocol() == Some("b") && handshake.deflate().is_some());
    }

    #[test]
    fn answer_to_another_key_or_offer_is_an_error() {
        let upgrade = ("connection", "upgrade");
        for (fields, text) in [
            (vec![ACCEPT], "`connection: upgrade`"),
            (vec![upgrade], "sec-websocket-accept"),
            (vec![upgrade, ACCEPT, ACCEPT], "sec-websocket-accept"),
            (vec![upgrade, ("sec-websocket-accept", "AAAA")], "sec-websocket-accept"),
            (vec![upgrade, ACCEPT, ("sec-websocket-protocol", "c")], "\"c\", which was not"),
            (vec![upgrade, ACCEPT, ("sec-websocket-protocol", "A")], "\"A\", which was not"),
            (
                vec![
                    upgrade,
                    ACCEPT,
                    ("sec-websocket-protocol", "a"),
                    ("sec-websocket-protocol", "b"),
                ],
                "two sub-protocols",
            ),
            (vec![upgrade, ACCEPT, ("sec-websocket-extensions", "other")], "\"other\""),
        ] {
            let error = check(answer(&fields), Some(KEY), &config()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Peer);
            assert!(error.to_string().contains(text), "{error}");
        }
        let unasked = answer(&[("sec-websocket-extensions", "permessage-deflate")]);
        assert!(check(unasked, None, &Config::default()).is_err());
    }

    #[test]
    fn accept_of_http2_is_passed_over() {
        assert!(check(answer(&[("sec-websocket-accept", "AAAA")]), None, &config()).is_ok());
    }

    #[test]
    fn fields_of_the_handshake_cannot_be_given_beside_the_config() {
        let mut headers = HeaderMap::new();
        add_fields(&mut headers, &config()).unwrap();
        assert_eq!(headers.get("sec-websocket-protocol").unwrap(), "a, b");
        let error = add_fields(&mut headers, &config()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Caller);
    }

    #[test]
    fn refusal_shows_status_location_and_body() {
        let response = Response::builder().status(302).header("location", "/login").body(());
        let error = refused(&response.unwrap().into_parts().0, b" go \xff");
        assert_eq!(error.status().unwrap(), 302);
        let text = "the server refused the WebSocket: 302 Found, location \"/login\": go \u{fffd}";
        assert_eq!(error.to_string(), text);
    }
}
