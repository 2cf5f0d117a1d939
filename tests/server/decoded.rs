//! Parts of requests as handlers get them decoded, and whole responses.

use std::io::Read;

use h2_sync::Headers;
use h2_sync::server::Handle;

use crate::client::{Client, Reply};
use crate::http1::raw;
use crate::support::{bounded, config, get, post, say, serve, serve_with};

#[test]
fn cookie_crumbs_are_one_field() {
    bounded(|| {
        let server = serve(|request, response| {
            let cookies: Vec<_> = request.cookies().collect();
            say(response, (request.field("cookie"), request.cookie("b"), cookies))
        });
        let crumbs = get("/").with("cookie", "a=1").with("cookie", "b=2; c==").with("cookie", "d");
        let expected =
            r#"(Some("a=1; b=2; c==; d"), Some("2"), [("a", "1"), ("b", "2"), ("c", "=")])"#;
        assert_eq!(Client::of(&server).exchange(&crumbs, b"").text(), expected);
        let mut raw = raw(&server);
        raw.send("GET / HTTP/1.1\r\nhost: a\r\ncookie: a=1; b=2; c==; d\r\n\r\n");
        assert_eq!(raw.reply().text(), expected);
    });
}

#[test]
fn request_without_cookies_has_none() {
    bounded(|| {
        let server = serve(|request, response| {
            say(response, (request.field("cookie"), request.cookie("a"), request.cookies().count()))
        });
        assert_eq!(Client::of(&server).fetch("/").text(), "(None, None, 0)");
    });
}

#[test]
fn segments_of_a_path_are_decoded_one_by_one() {
    bounded(|| {
        let server =
            serve(|request, response| say(response, request.path_segments().collect::<Vec<_>>()));
        let mut client = Client::of(&server);
        for (path, segments) in [
            ("/", r#"[""]"#),
            ("/a%2Fb/caf%C3%A9/", r#"["a/b", "café", ""]"#),
            ("/%ff/%zz?x=/y", r#"["�", "%zz"]"#),
            ("//a", r#"["", "a"]"#),
        ] {
            assert_eq!(client.fetch(path).text(), segments, "{path}");
        }
    });
}

#[test]
fn query_is_decoded() {
    bounded(|| {
        let server = serve(|request, response| {
            let pairs: Vec<_> = request.query_pairs().collect();
            say(response, (request.query_value("b"), request.query_value("x"), pairs))
        });
        let mut client = Client::of(&server);
        let expected = r#"(Some("R&D é"), None, [("a", ""), ("b", "R&D é"), ("b", "2")])"#;
        assert_eq!(client.fetch("/?a&b=R%26D+%C3%A9&b=2").text(), expected);
        assert_eq!(client.fetch("/").text(), "(None, None, [])");
    });
}

#[test]
fn path_is_decoded_if_it_is_text() {
    bounded(|| {
        let server = serve(|request, response| say(response, request.decoded_path()));
        let mut client = Client::of(&server);
        assert_eq!(client.fetch("/caf%C3%A9/a%2Fb+c?d%20e").text(), r#"Some("/café/a/b+c")"#);
        assert_eq!(client.fetch("/%ff").text(), "None");
    });
}

/// Characters that the `Uri` of the `http` crate does not have.
#[test]
fn target_that_is_no_uri_reaches_the_handler() {
    bounded(|| {
        let server = serve(|request, response| {
            say(response, (request.decoded_path(), request.query_value("q"), request.uri().query()))
        });
        let expected = r#"(Some("/<a>"), Some("\"b\" <c>"), Some("q=%22b%22+%3Cc%3E"))"#;
        let target = r#"/<a>?q="b"+<c>"#;
        assert_eq!(Client::of(&server).fetch(target).text(), expected);
        let mut raw = raw(&server);
        raw.send(format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"));
        assert_eq!(raw.reply().text(), expected);
    });
}

#[test]
fn body_is_there_until_it_has_been_read() {
    bounded(|| {
        let server = serve(|request, response| {
            let before = request.has_body();
            let octets = request.read_to_end(&mut Vec::new())?;
            say(response, (before, octets))
        });
        let mut client = Client::of(&server);
        assert_eq!(client.fetch("/").text(), "(false, 0)");
        assert_eq!(client.exchange(&post("/"), b"body").text(), "(true, 4)");
        let mut raw = raw(&server);
        raw.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody");
        assert_eq!(raw.reply().text(), "(true, 4)");
        raw.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_eq!(raw.reply().text(), "(false, 0)");
    });
}

/// A server that says which fields a form has.
fn form_server() -> Handle {
    serve_with(config(|config| config.max_body = 100), |request, response| {
        let fields = request.form()?;
        say(response, fields)
    })
}

fn send_form(server: &Handle, content_type: &str, body: &[u8]) -> Reply {
    Client::of(server).exchange(&post("/").with("content-type", content_type), body)
}

#[test]
fn form_is_read() {
    bounded(|| {
        let server = form_server();
        let content_type = "application/x-www-form-URLencoded; charset=utf-8";
        let reply = send_form(&server, content_type, b"user=ada+l&tag=a%3Db&tag=");
        assert_eq!(reply.text(), r#"[("user", "ada l"), ("tag", "a=b"), ("tag", "")]"#);
    });
}

#[test]
fn form_of_another_type_is_answered_with_415() {
    bounded(|| {
        let server = form_server();
        assert_eq!(send_form(&server, "text/plain", b"a=b").status(), Some(415));
        assert_eq!(Client::of(&server).exchange(&post("/"), b"a=b").status(), Some(415));
    });
}

#[test]
fn form_over_max_body_is_answered_with_413() {
    bounded(|| {
        let reply = send_form(&form_server(), "application/x-www-form-urlencoded", &[b'a'; 101]);
        assert_eq!(reply.status(), Some(413));
    });
}

fn redirect_server() -> Handle {
    serve(|request, response| {
        let status: u16 = request.query_value("status").unwrap_or_default().parse()?;
        let location = request.query_value("to").unwrap_or_default().into_owned();
        response.redirect(status, &location)?;
        Ok(())
    })
}

fn location(headers: &Headers) -> (Option<u16>, Option<&str>) {
    (headers.status(), headers.get("location"))
}

#[test]
fn redirect_has_status_and_location() {
    bounded(|| {
        let server = redirect_server();
        let reply = Client::of(&server).fetch("/?status=303&to=/done?a=b");
        assert_eq!(location(&reply.head), (Some(303), Some("/done?a=b")));
        let reply = Client::of(&server).fetch("/?status=308&to=/caf%C3%A9%23top");
        assert_eq!(location(&reply.head), (Some(308), Some("/caf%C3%A9#top")));
    });
}

#[test]
fn redirect_with_another_status_is_an_error() {
    bounded(|| {
        let server = redirect_server();
        let mut client = Client::of(&server);
        for target in ["/?status=200&to=/", "/?status=304&to=/", "/?status=303&to=/a+b"] {
            assert_eq!(location(&client.fetch(target).head), (Some(500), None), "{target}");
        }
    });
}

#[cfg(feature = "json")]
mod json {
    use super::*;

    fn server() -> Handle {
        serve(|request, response| {
            let numbers: Vec<u8> = request.json()?;
            response.json(&numbers.iter().map(|number| number + 1).collect::<Vec<_>>())?;
            Ok(())
        })
    }

    #[test]
    fn value_goes_in_and_out() {
        bounded(|| {
            let reply = Client::of(&server()).exchange(&post("/"), b"[1, 2]");
            assert_eq!(reply.text(), "[2,3]");
            assert_eq!(reply.head.get("content-type"), Some("application/json"));
        });
    }

    #[test]
    fn body_that_is_no_json_is_answered_with_400() {
        bounded(|| {
            let reply = Client::of(&server()).exchange(&post("/"), b"[1, 256]");
            assert_eq!(reply.status(), Some(400));
        });
    }
}
