//! Derives the next request from a redirect (RFC 9110, Section 15.4).

use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION,
    CONTENT_TYPE, COOKIE, EXPECT, HOST, HeaderName, LOCATION, PROXY_AUTHORIZATION,
};
use http::{HeaderMap, Method, StatusCode, request};

use super::fields::Asterisk;
use super::origin::Origin;
use super::reference::resolve;
use crate::error::Error;

/// Fields that describe the body.
const OF_THE_BODY: [HeaderName; 6] =
    [CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, EXPECT];

/// Fields meant only for the origin they were set for.
const OF_THE_ORIGIN: [HeaderName; 4] = [AUTHORIZATION, COOKIE, HOST, PROXY_AUTHORIZATION];

/// Whether the next request has the body of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It has none.
    WithoutBody,
    /// It has the same.
    WithBody,
}

/// Turns this request into the next. `None` if the response is not a redirect to follow.
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
    // Many servers send characters outside ASCII unencoded.
    let reference = String::from_utf8(location.as_bytes().to_vec());
    let url = reference.ok().and_then(|reference| resolve(&request.uri, reference.trim_ascii()));
    let url = url.and_then(|url| Some((Origin::of(&url).ok()?, url)));
    let (origin, url) = url.ok_or_else(|| {
        let what = "is not a URL of http or https";
        Error::redirect(format!("the redirect leads to {location:?}, which {what}"))
    })?;
    if origin != Origin::of(&request.uri)? {
        let headers = std::mem::take(&mut request.headers);
        request.headers = without_credentials(headers);
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
    // The new URL has a path.
    request.extensions.remove::<Asterisk>();
    Ok(Some(next))
}

/// Returns the fields without credentials and without values marked as sensitive.
fn without_credentials(headers: HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(headers.len());
    let mut last = None;
    for (name, value) in headers {
        // `HeaderMap` yields the name only with the first of its values.
        last = name.or(last);
        if let Some(name) = last.as_ref().filter(|name| !OF_THE_ORIGIN.contains(name)) {
            if !value.is_sensitive() {
                kept.append(name, value);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
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
        headers.insert(LOCATION, HeaderValue::from_bytes(location.as_bytes()).unwrap());
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
    fn what_is_marked_as_sensitive_stays_with_its_origin_too() {
        let redirected = |location: &'static str| {
            let mut key = HeaderValue::from_static("secret");
            key.set_sensitive(true);
            let request = Request::get("http://a/b").header("x-key", key).header("x-a", "1");
            let (mut parts, ()) = request.header("x-a", "2").body(()).unwrap().into_parts();
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, HeaderValue::from_static(location));
            follow(&mut parts, StatusCode::FOUND, &headers, false, true).unwrap();
            (parts.headers.contains_key("x-key"), parts.headers.get_all("x-a").iter().count())
        };
        assert_eq!(redirected("/c"), (true, 2));
        assert_eq!(redirected("http://c/"), (false, 2));
    }

    #[test]
    fn a_location_that_is_not_quite_a_url_is_made_one() {
        assert_eq!(followed(Method::GET, 302, "/a b?c=\u{e9}").0.uri, "http://a/a%20b?c=%C3%A9");
    }

    #[test]
    fn a_location_that_cannot_be_followed_is_the_fault_of_the_server() {
        for location in ["http://user:secret@c/", "http://c:99999/", "ftp://c/"] {
            let (mut parts, ()) = Request::get("http://a/b").body(()).unwrap().into_parts();
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, HeaderValue::from_static(location));
            let error = follow(&mut parts, StatusCode::FOUND, &headers, false, true).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Peer, "{location}");
        }
    }

    #[test]
    fn other_statuses_are_no_redirects() {
        for status in [200, 300, 304, 404] {
            assert_eq!(followed(Method::GET, status, "/c").1, None);
        }
    }
}
