//! What becomes of a request when the response is a redirect (RFC 9110, Section 15.4).

use http::header::{
    HeaderName, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH,
    CONTENT_LOCATION, CONTENT_TYPE, COOKIE, EXPECT, HOST, LOCATION, PROXY_AUTHORIZATION,
};
use http::{request, HeaderMap, Method, StatusCode};

use super::origin::Origin;
use super::reference::resolve;
use crate::error::{Error, ErrorKind};

/// What is known of the body alone.
const OF_THE_BODY: [HeaderName; 6] =
    [CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, EXPECT];

/// What is meant for the origin that it was given to, and for no other.
const OF_THE_ORIGIN: [HeaderName; 4] = [AUTHORIZATION, COOKIE, HOST, PROXY_AUTHORIZATION];

/// What the next request has to do with the body of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It has none.
    WithoutBody,
    /// It has the same.
    WithBody,
}

/// Makes the next request of this one. `None` if the response is no redirect that can be followed.
pub(super) fn follow(
    request: &mut request::Parts,
    status: StatusCode,
    response: &HeaderMap,
    has_body: bool,
    can_repeat_body: bool,
) -> Result<Option<Next>, Error> {
    let Some(location) = response.get(LOCATION) else { return Ok(None) };
    let next = match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if request.method == Method::POST => {
            Next::WithoutBody
        }
        StatusCode::SEE_OTHER => Next::WithoutBody,
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => Next::WithBody,
        _ => return Ok(None),
    };
    if next == Next::WithBody && has_body && !can_repeat_body {
        return Ok(None);
    }
    let url = std::str::from_utf8(location.as_bytes()).ok();
    let url = url.and_then(|location| resolve(&request.uri, location));
    let url = url.ok_or_else(|| {
        let what = format!("redirected to {location:?}, which is no URL of http or https");
        Error::text(ErrorKind::Peer, what)
    })?;
    if Origin::of(&url)? != Origin::of(&request.uri)? {
        for name in OF_THE_ORIGIN {
            request.headers.remove(name);
        }
    }
    if next == Next::WithoutBody {
        for name in OF_THE_BODY {
            request.headers.remove(name);
        }
        if request.method != Method::HEAD {
            request.method = Method::GET;
        }
    }
    request.uri = url;
    Ok(Some(next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Request};

    fn followed(
        method: Method,
        status: u16,
        location: &'static str,
    ) -> (request::Parts, Option<Next>) {
        let request = Request::builder().method(method).uri("http://a/b");
        let request =
            request.header("authorization", "secret").header("content-type", "text/plain");
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_static(location));
        let status = StatusCode::from_u16(status).unwrap();
        let next = follow(&mut parts, status, &headers, true, true).unwrap();
        (parts, next)
    }

    #[test]
    fn a_post_becomes_a_get_where_browsers_do_that() {
        for (status, method) in [
            (301, Method::GET),
            (302, Method::GET),
            (303, Method::GET),
            (307, Method::POST),
            (308, Method::POST),
        ] {
            assert_eq!(followed(Method::POST, status, "/c").0.method, method, "{status}");
        }
        assert_eq!(followed(Method::PUT, 302, "/c").0.method, Method::PUT);
        assert_eq!(followed(Method::HEAD, 303, "/c").0.method, Method::HEAD);
    }

    #[test]
    fn what_is_said_of_the_body_goes_with_it() {
        let (parts, next) = followed(Method::POST, 303, "/c");
        assert_eq!(next, Some(Next::WithoutBody));
        assert!(!parts.headers.contains_key("content-type"));
        assert!(followed(Method::POST, 307, "/c").0.headers.contains_key("content-type"));
    }

    #[test]
    fn credentials_stay_with_their_origin() {
        let has_any =
            |location| followed(Method::GET, 302, location).0.headers.contains_key("authorization");
        assert!(has_any("/c") && has_any("http://a:80/c"));
        assert!(!has_any("http://c/") && !has_any("https://a/") && !has_any("http://a:81/"));
    }

    #[test]
    fn other_statuses_are_no_redirects() {
        for status in [200, 300, 304, 404] {
            assert_eq!(followed(Method::GET, status, "/c").1, None);
        }
    }
}
