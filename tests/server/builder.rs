//! Handlers that are tested without a server: `Request::builder`.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use h2_sync::Error;
use h2_sync::http::{HeaderMap, HeaderValue, Version};
use h2_sync::server::{Config, Peer, Request, Response};

use crate::support::bounded;

/// Runs a test with a request in each version.
fn in_both_versions(test: impl Fn(Version) + Send + 'static) {
    bounded(move || [Version::HTTP_2, Version::HTTP_11].into_iter().for_each(test));
}

fn echo(request: &mut Request, response: &mut Response) -> io::Result<()> {
    io::copy(request, response).map(drop)
}

#[test]
fn handler_receives_the_built_request() {
    in_both_versions(|version| {
        let seen = move |request: &mut Request, response: &mut Response| {
            assert_eq!(request.version(), version);
            let mut body = String::new();
            request.read_to_string(&mut body)?;
            let trailer = request.trailers()?.map(|trailers| trailers["sum"].clone());
            response.send(format!(
                "{} {} {:?} {:?} {:?} {:?} {body} {trailer:?}",
                request.method(),
                request.uri(),
                request.authority(),
                request.query_value("b"),
                request.field("x-a"),
                request.peer_addr(),
            ))?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        };
        let trailers = HeaderMap::from_iter([("sum".parse().unwrap(), HeaderValue::from(6))]);
        let request = Request::builder().method("PUT").uri("/a?b=c+d").version(version);
        let request = request.header("x-a", "1").header("host", "a.example");
        let request = request.body("hello").trailers(trailers);
        let response = request.peer(Peer::at(([192, 0, 2, 1], 9).into())).send_to(seen).unwrap();
        let expected = "PUT http://a.example/a?b=c+d Some(\"a.example\") Some(\"c d\") Some(\"1\") \
                        Some(192.0.2.1:9) hello Some(\"6\")";
        assert_eq!(response.text(), expected);
    });
}

#[test]
fn test_gets_the_whole_response() {
    in_both_versions(|version| {
        let handler = |_: &mut Request, response: &mut Response| {
            let mut hints = HeaderMap::new();
            hints.insert("link", HeaderValue::from_static("</a.css>"));
            response.send_informational(103, &hints)?;
            response.set_status(201)?;
            response.set_header("x-a", "1")?;
            response.set_trailers(HeaderMap::from_iter([(
                "sum".parse().unwrap(),
                HeaderValue::from(6),
            )]));
            response.send("hello")
        };
        let request = Request::builder().version(version).header("te", "trailers");
        let response = request.send_to(handler).unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.header("x-a"), Some("1"));
        assert!(response.headers().contains_key("date"));
        assert_eq!(response.body(), "hello".as_bytes());
        assert_eq!(response.trailers()["sum"], "6");
        let [hints] = response.informational() else { panic!("{response:?}") };
        assert_eq!(
            (hints.status().as_u16(), &hints.headers()["link"]),
            (103, &"</a.css>".parse().unwrap())
        );
    });
}

#[test]
fn large_body_passes_in_both_directions() {
    in_both_versions(|version| {
        let body = vec![7; 5 << 20];
        let request = Request::builder().method("POST").version(version).body(body.clone());
        assert!(request.send_to(echo).unwrap().body() == &body);
    });
}

#[test]
fn unread_body_does_not_delay_the_response() {
    in_both_versions(|version| {
        let refuse = |_: &mut Request, response: &mut Response| response.set_status(403);
        let request = Request::builder().method("POST").version(version).body(vec![7; 5 << 20]);
        assert_eq!(request.send_to(refuse).unwrap().status(), 403);
    });
}

#[test]
fn errors_and_panics_are_answered_as_by_a_server() {
    in_both_versions(|version| {
        let request = || Request::builder().method("POST").version(version);
        let fails = |_: &mut Request, _: &mut Response| Err::<(), _>("no");
        assert_eq!(request().send_to(fails).unwrap().status(), 500);
        let panics = |_: &mut Request, _: &mut Response| -> Result<(), Error> { panic!("no") };
        assert_eq!(request().send_to(panics).unwrap().status(), 500);
        let form = |request: &mut Request, _: &mut Response| request.form().map(drop);
        assert_eq!(request().body("a=b").send_to(form).unwrap().status(), 415);
        let form_type = "application/x-www-form-urlencoded";
        let valid = request().header("content-type", form_type).body("a=b");
        assert_eq!(valid.send_to(form).unwrap().status(), 200);
        let all = |request: &mut Request, _: &mut Response| {
            request.read_to_end(&mut Vec::new()).map(drop)
        };
        let small = Config::default().with(|config| config.max_body = 2);
        assert_eq!(request().body("abc").config(small).send_to(all).unwrap().status(), 413);
    });
}

#[test]
fn response_that_breaks_off_is_an_error() {
    in_both_versions(|version| {
        let breaks_off = |_: &mut Request, response: &mut Response| {
            response.write_all(b"hel")?;
            response.flush()?;
            Err::<(), io::Error>(io::Error::other("no"))
        };
        assert!(Request::builder().version(version).send_to(breaks_off).is_err());
    });
}

#[test]
fn response_that_does_not_come_is_a_timeout() {
    in_both_versions(|version| {
        let waits = |request: &mut Request, _: &mut Response| {
            while !request.wait_cancelled(Duration::from_secs(1)) {}
            Ok::<_, Error>(())
        };
        let request = Request::builder().version(version).read_timeout(Duration::from_millis(5));
        let error = request.send_to(waits).unwrap_err();
        assert!(error.is_timeout(), "{error}");
    });
}

#[test]
fn handler_is_dropped_when_the_response_is_there() {
    in_both_versions(|version| {
        let state = Arc::new(());
        let held = Arc::clone(&state);
        let handler = move |_: &mut Request, response: &mut Response| {
            response.send(format!("{}", Arc::strong_count(&held)))
        };
        assert_eq!(Request::builder().version(version).send_to(handler).unwrap().text(), "2");
        assert_eq!(Arc::strong_count(&state), 1);
    });
}

#[test]
fn invalid_parts_are_named() {
    let error =
        |request: h2_sync::server::RequestBuilder| request.send_to(echo).unwrap_err().to_string();
    let of = Request::builder;
    assert!(error(of().uri("a b")).contains("invalid URI \"a b\""));
    assert!(error(of().header("a b", "c")).contains("\"a b\""));
    assert!(error(of().method("A B")).contains("method"));
    assert!(error(of().method("CONNECT")).contains("CONNECT"));
    assert!(error(of().version(Version::HTTP_3)).contains("HTTP/3"));
}
