//! Resolves the target of a redirect relative to the URL of the request (RFC 3986, Section 5.2).

use http::Uri;

use super::url::Url;

/// Resolves `reference` against `base`. `None` if the result is not an `http` or `https` URL, or
/// contains a user or password.
pub(super) fn resolve(base: &Uri, reference: &str) -> Option<Uri> {
    // The fragment is not sent.
    let reference = reference.split_once('#').map_or(reference, |(front, _)| front);
    let (base_scheme, base_authority) = (base.scheme_str()?, base.authority()?.as_str());
    let (scheme, rest) = match scheme_of(reference) {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        None => (base_scheme.to_owned(), reference),
    };
    if scheme != "http" && scheme != "https" {
        return None;
    }
    let (authority, path_and_query) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())),
        // `http:path` has no authority, which HTTP requires.
        None if scheme_of(reference).is_some() => return None,
        None => (base_authority, rest),
    };
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    let is_relative = !rest.starts_with("//");
    let (path, query) = match path {
        "" if is_relative => (base.path().to_owned(), query.or(base.query())),
        path if path.starts_with('/') || !is_relative => (path.to_owned(), query),
        path => {
            let folder = base.path().rfind('/').map_or("/", |end| &base.path()[..=end]);
            (format!("{folder}{path}"), query)
        }
    };
    let path = without_dots(&path);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let url = Url::parse(&format!("{scheme}://{authority}{path}{query}")).ok()?;
    url.user.is_none().then_some(url.uri)
}

/// Splits off the scheme: a letter, then letters, digits, `+`, `-` and `.`, and a colon (RFC 3986,
/// Section 3.1).
fn scheme_of(reference: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = reference.split_once(':')?;
    let starts = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_scheme = |octet: u8| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet);
    (starts && scheme.bytes().all(is_scheme)).then_some((scheme, rest))
}

/// Removes dot segments (RFC 3986, Section 5.2.4) from a path that begins with `/` or is empty.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(base: &str, reference: &str) -> String {
        resolve(&base.parse().unwrap(), reference).map_or("none".to_owned(), |url| url.to_string())
    }

    #[test]
    fn the_examples_of_rfc_3986() {
        let examples = [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q"),
            ("g#s", "http://a/b/c/g"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("./g/.", "http://a/b/c/g/"),
            ("g/../h", "http://a/b/c/h"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
        ];
        for (reference, url) in examples {
            assert_eq!(at("http://a/b/c/d;p?q", reference), url, "{reference:?}");
        }
    }

    #[test]
    fn another_scheme_or_host_is_taken_from_the_reference() {
        assert_eq!(at("http://a/b", "https://c:8/d?e"), "https://c:8/d?e");
        assert_eq!(at("https://a/b", "HTTP://c"), "http://c/");
        assert_eq!(at("https://a/b", "//c?d"), "https://c/?d");
    }

    #[test]
    fn what_is_no_url_of_http_leads_nowhere() {
        for reference in ["mailto:a@b", "javascript:alert(1)", "http:g", "file:///etc", "http://"] {
            assert_eq!(at("http://a/b", reference), "none", "{reference:?}");
        }
    }
}
