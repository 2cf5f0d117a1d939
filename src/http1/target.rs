//! Parsing of request targets (RFC 9112, Section 3.2), and the check of `host` against them.

use bytes::Bytes;
use http::{Method, Uri};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

use super::error::Error;
use super::host::{HostPort, default_port};

/// Parses the target of a request.
pub(super) fn parse(method: &Method, target: Bytes) -> Result<Uri, Error> {
    let is_connect = *method == Method::CONNECT;
    match target.first() {
        Some(b'/') if !is_connect => {}
        Some(b'*') if !is_connect => {
            // RFC 9112, Section 3.2.4: the asterisk is for OPTIONS only.
            if *method != Method::OPTIONS || target.len() > 1 {
                return Err(Error::malformed("the request target * is only valid with OPTIONS"));
            }
        }
        // RFC 9112, Section 3.2.3: host and port are both required.
        _ if is_connect => {
            if HostPort::parse(&target).is_none_or(|it| it.port.is_none_or(|port| port == 0)) {
                return Err(Error::malformed("the target of CONNECT is not a host and a port"));
            }
        }
        _ => check_absolute(&target)?,
    }
    // `http` would drop a fragment, which RFC 9112, Section 3.2 does not allow.
    if target.contains(&b'#') {
        return Err(Error::malformed("the request target has a fragment"));
    }
    let uri = Uri::from_maybe_shared(target.clone())
        .or_else(|error| encoded_target(&target).ok_or(error).and_then(Uri::from_maybe_shared))
        .map_err(|error| Error::malformed(format!("invalid request target: {error}")))?;
    Ok(with_path(uri))
}

/// What a URI cannot have in its path or query (RFC 3986, Appendix A), though clients send it.
const NOT_IN_URIS: &AsciiSet = &CONTROLS
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Returns a path and query, or a whole URI, with the octets percent-encoded that it cannot have.
/// `None` for one with spaces or control characters, which would end the target in HTTP/1.1.
pub(crate) fn encoded_target(target: &[u8]) -> Option<String> {
    let ends_it = |octet: &u8| octet.is_ascii_control() || *octet == b' ';
    (!target.iter().any(ends_it)).then(|| percent_encode(target, NOT_IN_URIS).to_string())
}

/// Adds the path `/` to a URI with a query but no path (RFC 9110, Section 4.2.3).
fn with_path(uri: Uri) -> Uri {
    let query = uri.path_and_query().map(|it| it.as_str()).filter(|it| it.starts_with('?'));
    let Some(path) = query.map(|query| format!("/{query}")) else { return uri };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = path.parse().ok();
    Uri::from_parts(parts).unwrap_or(uri)
}

/// Checks an absolute target: a scheme, an authority without userinfo, a path (RFC 9112, Section
/// 3.2.2).
fn check_absolute(target: &[u8]) -> Result<(), Error> {
    let colon = target.iter().position(|&octet| octet == b':');
    let (scheme, rest) = target.split_at(colon.unwrap_or(0));
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(octet));
    let Some(rest) = rest.strip_prefix(b"://").filter(|_| is_scheme) else {
        return Err(Error::malformed("the request target is neither a path nor an absolute URI"));
    };
    let end = rest.iter().position(|octet| b"/?#".contains(octet)).unwrap_or(rest.len());
    match HostPort::parse(&rest[..end]) {
        Some(_) => Ok(()),
        None => Err(Error::malformed("the request target has no valid host")),
    }
}

/// Checks that the `host` field is valid and agrees with the host of an absolute target (RFC 9112,
/// Section 3.2). A host that differs is refused, since an intermediary may have routed by the
/// field.
pub(super) fn check_host(uri: &Uri, host: &[u8]) -> Result<(), Error> {
    let parsed = HostPort::parse(host);
    let Some(authority) = uri.authority() else {
        // An empty field means that the target has no authority.
        return match parsed.is_some() || host.is_empty() {
            true => Ok(()),
            false => {
                Err(Error::malformed("the host field is not a valid host with an optional port"))
            }
        };
    };
    let default_port = uri.scheme_str().map_or(0, default_port);
    let agrees = HostPort::parse(authority.as_str().as_bytes())
        .zip(parsed)
        .is_some_and(|(target, host)| target.agrees(&host, default_port));
    match agrees {
        true => Ok(()),
        false => {
            Err(Error::malformed("the host field differs from the host of the request target"))
        }
    }
}
