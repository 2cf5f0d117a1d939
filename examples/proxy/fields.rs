//! The fields that a proxy passes on, leaves out and adds.

use h2_sync::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use h2_sync::http::{self, Version};
use h2_sync::server::Request;

/// Fields of one connection, which its `connection` need not list (RFC 9110, Section 7.6.1).
const HOP_BY_HOP: [&str; 6] =
    ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];

/// The name of this proxy in `via`.
const NAME: &str = "h2-sync";

/// The fields of a request for the upstream.
pub(crate) fn of_request(request: &Request) -> HeaderMap {
    let mut fields = end_to_end(request.headers());
    // The upstream is told the host that the client has asked for.
    set(&mut fields, header::HOST, request.authority());
    if request.field("te").is_some_and(|te| te.contains("trailers")) {
        // Valid for this hop too, since trailers are passed on.
        set(&mut fields, header::TE, Some("trailers"));
    }
    let client = request.peer_addr().map(|address| address.ip());
    let scheme = request.scheme().unwrap_or("http");
    let shown = client.map(|ip| ip.to_string());
    append(&mut fields, "x-forwarded-for", shown.as_deref());
    set(&mut fields, HeaderName::from_static("x-forwarded-proto"), Some(scheme));
    set(&mut fields, HeaderName::from_static("x-forwarded-host"), request.authority());
    // RFC 7239, Sections 4 and 6: addresses of IPv6 are in brackets, and quoted.
    let client = client.map_or("unknown".to_owned(), |ip| match ip.is_ipv6() {
        true => format!("\"[{ip}]\""),
        false => ip.to_string(),
    });
    append(&mut fields, "forwarded", Some(&format!("for={client};proto={scheme}")));
    append(&mut fields, "via", Some(&via(request.version())));
    fields
}

/// The fields of a response for the client.
pub(crate) fn of_response(response: &http::Response<()>) -> HeaderMap {
    let mut fields = end_to_end(response.headers());
    append(&mut fields, "via", Some(&via(response.version())));
    fields
}

/// RFC 9110, Section 7.6.3.
fn via(version: Version) -> String {
    let version = match version {
        Version::HTTP_2 => "2.0",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    };
    format!("{version} {NAME}")
}

/// The fields without those of the connection.
fn end_to_end(fields: &HeaderMap) -> HeaderMap {
    let mut kept = fields.clone();
    for list in fields.get_all(header::CONNECTION) {
        for name in list.to_str().unwrap_or_default().split(',') {
            kept.remove(name.trim());
        }
    }
    HOP_BY_HOP.into_iter().for_each(|name| drop(kept.remove(name)));
    kept
}

fn set(fields: &mut HeaderMap, name: HeaderName, value: Option<&str>) {
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
        fields.insert(name, value);
    }
}

/// Appends an element to the list that earlier proxies have begun.
fn append(fields: &mut HeaderMap, name: &'static str, element: Option<&str>) {
    if let Some(value) = element.and_then(|element| HeaderValue::from_str(element).ok()) {
        fields.append(name, value);
    }
}
