//! Requests built with a `RequestBuilder`, as the server receives them.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

use h2_sync::client::{
    Body, Client, Config, Multipart, Redirect, RedirectAction, RedirectPolicy, Response,
};
use h2_sync::{ErrorKind, headers};
use http::header::{HeaderMap, HeaderValue};

use crate::peer::{Peer, listener};
use crate::support::{Running, bounded, client, config, connected, serve};

/// A server that echoes the fields and the body.
fn echo() -> Running {
    serve(|request, response| {
        for field in request.fields().iter() {
            let (name, value) = (field.name.escape_ascii(), field.value.escape_ascii());
            writeln!(response, "{name}: {value}")?;
        }
        let mut body = Vec::new();
        request.read_to_end(&mut body)?;
        writeln!(response)?;
        response.write_all(&body)
    })
}

fn with(change: impl FnOnce(&mut Config)) -> Client {
    let mut config = config();
    change(&mut config);
    Client::with_config(config).unwrap()
}

#[track_caller]
fn has(text: &str, line: &str) {
    assert!(text.lines().any(|it| it == line), "no {line:?} in {text}");
}

#[test]
fn url_is_read_as_browsers_read_it() {
    bounded(|| {
        let server = echo();
        let text = |path: &str| client().get(server.at(path)).send().unwrap().text().unwrap();
        has(&text("?q=1"), ":path: /?q=1");
        has(&text("/ä b?ö#fragment"), ":path: /%C3%A4%20b?%C3%B6");
        has(&text(""), ":path: /");
    });
}

#[test]
fn options_without_a_path_is_about_the_server() {
    bounded(|| {
        let server = echo();
        let text = |path: &str| client().options(server.at(path)).send().unwrap().text().unwrap();
        has(&text(""), ":path: *");
        has(&text("/"), ":path: /");
    });
}

#[test]
fn error_names_the_invalid_part() {
    let client = client();
    for (request, part) in [
        (client.get("example.com"), "\"example.com\": it does not begin with http"),
        (client.get("http://a:99999/"), "\"99999\" is not a port"),
        (client.get("http://a/").header("in valid", "x"), "\"in valid\""),
        (client.get("http://a/").header("x-name", "a\nb"), "\"x-name\""),
        (client.get("http://127.0.0.1:9/").header("connection", "close"), "\"connection\""),
    ] {
        let error = request.send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Caller);
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn query_and_form_are_encoded() {
    bounded(|| {
        let server = echo();
        let client = client();
        let request = client.post(server.at("/?a=1")).query("b c", "d&e").query("page", 2);
        let text = request.form([("x", "ä"), ("y z", "1")]).send().unwrap().text().unwrap();
        has(&text, ":path: /?a=1&b+c=d%26e&page=2");
        has(&text, "content-type: application/x-www-form-urlencoded");
        has(&text, "x=%C3%A4&y+z=1");
        let text = client.patch(server.at("/")).body("p").send().unwrap().text().unwrap();
        has(&text, ":method: PATCH");
    });
}

#[test]
fn form_with_a_file_arrives() {
    bounded(|| {
        let server = echo();
        let form = Multipart::new().text("title", "one").reader(
            "file",
            "a.txt",
            "text/plain",
            io::Cursor::new("content"),
            Some(7),
        );
        let text = client().post(server.at("/")).multipart(form).send().unwrap().text().unwrap();
        assert!(text.contains("content-type: multipart/form-data; boundary="), "{text}");
        assert!(text.contains("content-length: "), "{text}");
        has(&text, "content-disposition: form-data; name=\"file\"; filename=\"a.txt\"");
        has(&text, "content");
    });
}

#[test]
fn user_and_password_of_the_url_become_basic_authentication() {
    bounded(|| {
        let server = echo();
        let url = server.at("/").replace("://", "://a:b@");
        let text = client().get(&*url).send().unwrap().text().unwrap();
        has(&text, "authorization: Basic YTpi");
        has(&text, &format!(":authority: {}", server.handle.local_addr().unwrap()));
        let text = client().get(&*url).bearer_auth("own").send().unwrap().text().unwrap();
        has(&text, "authorization: Bearer own");
    });
}

#[test]
fn host_is_sent_as_the_authority() {
    bounded(|| {
        let server = echo();
        let client = client();
        let request = client.get(server.at("/")).header("host", "virtual.example");
        has(&request.send().unwrap().text().unwrap(), ":authority: virtual.example");
    });
}

#[test]
fn connection_refuses_a_host_that_is_not_the_authority() {
    let connection = connected(|_, _| Ok(()));
    let request = |host: &str| {
        http::Request::get("http://a/").header("host", host.to_owned()).body(()).unwrap()
    };
    assert_eq!(connection.send(&request("b")).unwrap_err().kind(), ErrorKind::Caller);
    assert!(connection.send(&request("a")).is_ok());
    let upgrade = http::Request::get("http://a/").header("upgrade", "x").body(()).unwrap();
    let error = connection.send(&upgrade).unwrap_err();
    assert!(error.to_string().contains("\"upgrade\""), "{error}");
}

#[test]
fn default_headers_go_along_and_give_way() {
    bounded(|| {
        let server = echo();
        let client = with(|config| {
            config.default_headers.insert("x-key", HeaderValue::from_static("default"));
            config.default_headers.insert("accept", HeaderValue::from_static("text/plain"));
        });
        let request = client.get(server.at("/")).header("x-key", "own");
        let text = request.send().unwrap().text().unwrap();
        has(&text, "x-key: own");
        has(&text, "accept: text/plain");
        assert!(!text.contains("default"));
    });
}

#[test]
#[cfg(feature = "gzip")]
fn compression_is_not_asked_for_with_head_or_a_range() {
    bounded(|| {
        let server = serve(|request, response| {
            let asked = request.field("accept-encoding").unwrap_or("none").to_owned();
            response.set_header("x-asked", &*asked)?;
            response.set_header("content-encoding", "gzip")?;
            response.write_all(b"octets")
        });
        let head = client().head(server.at("/")).send().unwrap();
        assert_eq!(head.header("x-asked"), Some("none"));
        assert_eq!(head.header("content-length"), Some("6"));
        let range = client().get(server.at("/")).header("range", "bytes=0-1").send().unwrap();
        assert_eq!(range.header("x-asked"), Some("none"));
        assert_eq!(range.text().unwrap(), "octets");
    });
}

#[test]
fn debug_shows_no_credentials() {
    let client = client();
    let mut fields = HeaderMap::new();
    fields.insert("cookie", HeaderValue::from_static("session=secret"));
    let request = client.get("http://user:secret@a/").headers(fields.clone());
    let request = request.header("proxy-authorization", "secret");
    assert!(!format!("{request:?}").contains("secret"));
    let mut config = config();
    config.default_headers = fields;
    config.default_headers.insert("authorization", HeaderValue::from_static("secret"));
    let shown = format!("{config:?} {config:#?}");
    assert!(shown.contains("max_redirects") && !shown.contains("secret"));
}

#[test]
fn response_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Response>();
    shared::<Client>();
    shared::<h2_sync::Error>();
    drop(Body::empty());
}

#[test]
fn http_can_be_refused() {
    bounded(|| {
        let server = echo();
        let client = with(|config| config.https_only = true);
        let error = client.get(server.at("/")).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Caller);
        assert!(error.to_string().contains("https_only"), "{error}");
    });
}

/// Redirects `/n` to `/n-1`, down to `/0`.
fn countdown() -> Running {
    serve(|request, response| {
        let left: u32 = request.path()[1..].parse().map_err(io::Error::other)?;
        if left > 0 {
            response.set_status(302)?;
            response.set_header("location", format!("/{}", left - 1))?;
            return Ok(());
        }
        response.write_all(b"arrived")
    })
}

#[test]
fn each_redirect_can_be_decided_on() {
    bounded(|| {
        let server = countdown();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let decide = move |redirect: &Redirect<'_>| {
            let hop = (redirect.from.path().to_owned(), redirect.to.path().to_owned());
            log.lock().unwrap().push((hop, redirect.status.as_u16(), redirect.count));
            match redirect.to.path() {
                "/7" => RedirectAction::Stop,
                "/5" => RedirectAction::Fail("no further".to_owned()),
                _ => RedirectAction::Follow,
            }
        };
        let client = with(|config| config.on_redirect = Some(RedirectPolicy::new(decide)));
        assert_eq!(client.get(server.at("/1")).send().unwrap().text().unwrap(), "arrived");
        assert_eq!(*seen.lock().unwrap(), [(("/1".to_owned(), "/0".to_owned()), 302, 0)]);
        let stopped = client.get(server.at("/9")).send().unwrap();
        assert_eq!((stopped.status().as_u16(), stopped.url().path()), (302, "/8"));
        let error = client.get(server.at("/6")).send().unwrap_err();
        assert!(error.is_redirect() && error.to_string().contains("no further"), "{error}");
    });
}

#[test]
#[cfg(feature = "cookies")]
fn cookies_are_kept_and_sent_back() {
    use h2_sync::client::CookieJar;

    bounded(|| {
        let server = serve(|request, response| {
            if request.path() == "/set" {
                response.set_header("set-cookie", "session=1; Path=/in")?;
                response.set_status(302)?;
                response.set_header("location", "/in/side")?;
                return Ok(());
            }
            response.write_all(request.field("cookie").unwrap_or("none").as_bytes())
        });
        let jar = CookieJar::new();
        let client = with(|config| config.cookies = Some(jar.clone()));
        let text = |path: &str| client.get(server.at(path)).send().unwrap().text().unwrap();
        assert_eq!(text("/in"), "none");
        // Also within the redirects of one request.
        assert_eq!(text("/set"), "session=1");
        assert_eq!((text("/in"), text("/out")), ("session=1".to_owned(), "none".to_owned()));
        assert_eq!(jar.get(&server.at("/in"), "session").as_deref(), Some("1"));
        let own = client.get(server.at("/in")).header("cookie", "own=2").send().unwrap();
        assert_eq!(own.text().unwrap(), "own=2");
        assert!(!format!("{jar:?}").contains("session"));
        jar.clear();
        assert_eq!(text("/in"), "none");
    });
}

#[test]
#[cfg(all(feature = "brotli", feature = "zstd", feature = "gzip"))]
fn other_codings_are_asked_for_and_undone() {
    bounded(|| {
        // `hello, hello, hello!` in brotli.
        let coded = [
            139, 9, 128, 104, 101, 108, 108, 111, 44, 32, 104, 101, 108, 108, 111, 44, 32, 104,
            101, 108, 108, 111, 33, 3,
        ];
        let server = serve(move |request, response| {
            assert_eq!(request.field("accept-encoding"), Some("br, zstd, gzip"));
            response.set_header("content-encoding", "br")?;
            response.write_all(&coded)
        });
        let response = client().get(server.at("/")).send().unwrap();
        assert_eq!(response.header("content-encoding"), None);
        assert_eq!(response.text().unwrap(), "hello, hello, hello!");
    });
}

#[test]
fn errors_of_a_request_that_cannot_be_built_tell_its_url() {
    let client = client();
    let url = "http://127.0.0.1:9/a";
    let requests = [
        client.get(url).header("a b", "x"),
        client.get(url).header("x-a", "x\r\ny"),
        client.get(url).basic_auth("a:b", "secret"),
        client.get(url).bearer_auth("secret\n"),
        client.request(http::Method::CONNECT, url),
    ];
    for request in requests {
        let error = request.send().unwrap_err();
        assert_eq!((error.kind(), error.url()), (ErrorKind::Caller, Some(url)), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn tunnel_is_opened_through_a_proxy_that_speaks_http2() {
    bounded(|| {
        let (listener, url) = listener();
        let client = client();
        let request =
            http::Request::connect(&*url).header("host", "a.example:443").body(()).unwrap();
        let (mut send, mut response) = client.open(request).unwrap();
        let mut proxy = Peer::accept(&listener);
        let (id, fields) = proxy.receive_headers();
        // RFC 9113, Section 8.5: neither scheme nor path, and the authority of the target.
        assert_eq!(fields.get(":method"), Some("CONNECT"));
        assert_eq!(fields.get(":authority"), Some("a.example:443"));
        assert_eq!((fields.get(":scheme"), fields.get(":path")), (None, None));
        proxy.send_headers(id, &headers!(":status" => "200"), false);
        assert_eq!(response.response().unwrap().status(), 200);
        send.send("hello").unwrap();
        proxy.receive_data(5);
        proxy.send_data(id, "back", true);
        assert_eq!(std::io::read_to_string(response).unwrap(), "back");
    });
}
