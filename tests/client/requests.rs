//! Requests of a `Client`, and the facts of a response.

use std::io::{self, Read, Write};

use h2_sync::ErrorKind;
use h2_sync::client::{Body, Client, Facts};
use http::header::{HeaderMap, HeaderValue};

use crate::support::{bounded, client, config, serve};

#[test]
fn a_response_has_status_fields_version_and_text() {
    bounded(|| {
        let server = serve(|_, response| {
            response.set_status(404)?;
            response.set_header("x-a", "b")?;
            response.write_all(b"not here")
        });
        let response = client().get(server.at("/")).send().unwrap();
        assert_eq!(response.status(), 404);
        assert_eq!(response.header("x-a"), Some("b"));
        assert_eq!(response.version(), http::Version::HTTP_2);
        assert_eq!(response.text().unwrap(), "not here");
    });
}

#[test]
fn a_request_arrives_as_it_was_put_together() {
    bounded(|| {
        let server = serve(|request, response| {
            let text = format!("{:?}", request.fields());
            response.write_all(text.as_bytes())
        });
        let url = server.at("/path?query");
        let client = client();
        let text = client.put(&*url).header("x-one", "1").header("x-one", "2").body("abc");
        let text = text.send().unwrap().text().unwrap();
        for part in [
            ":method: PUT",
            ":path: /path?query",
            ":scheme: http",
            "x-one: 1",
            "x-one: 2",
            "content-length: 3",
            "user-agent: h2-sync/",
        ] {
            let (name, value) = part.split_once(": ").unwrap();
            assert!(text.contains(name) && text.contains(value), "{part} in {text}");
        }
    });
}

#[test]
fn send_reports_an_invalid_request() {
    let client = client();
    let wrong = [
        client.get("no url").send(),
        client.get("/relative").send(),
        client.get("http://a/").header("in valid", "x").send(),
        client.get("http://a/").header("x", "a\nb").send(),
        client.request(http::Method::CONNECT, "http://a:1/").send(),
    ];
    for result in wrong {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Caller);
    }
}

#[test]
fn the_types_of_the_http_crate_go_in_and_come_out() {
    bounded(|| {
        let server = serve(|_, response| response.write_all(b"hello"));
        let request = http::Request::get(server.at("/")).body(()).unwrap();
        let response = client().run(request).unwrap();
        let facts = response.extensions().get::<Facts>().unwrap();
        assert_eq!((facts.stream_id.unwrap().get(), facts.is_reused()), (1, false));
        assert_eq!(response.into_body().text().unwrap(), "hello");
    });
}

#[test]
fn facts_tell_whether_the_connection_was_there_already() {
    bounded(|| {
        let server = serve(|_, response| response.write_all(b"hello"));
        let client = client();
        let first = client.get(server.at("/")).send().unwrap();
        assert!(first.facts().connect.is_some() && !first.facts().is_reused());
        let second = client.get(server.at("/")).send().unwrap();
        assert!(second.facts().connect.is_none() && second.facts().is_reused());
        assert_eq!(second.facts().stream_id.unwrap().get(), 3);
    });
}

#[test]
fn a_body_over_the_bound_is_not_read_into_memory() {
    bounded(|| {
        let server = serve(|_, response| response.write_all(&[b'x'; 1001]));
        let mut config = config();
        config.max_body = 1000;
        let client = Client::with_config(config).unwrap();
        let error = client.get(server.at("/")).send().unwrap().text().unwrap_err();
        assert!(error.is_body_too_large());
        let mut whole = String::new();
        client.get(server.at("/")).send().unwrap().read_to_string(&mut whole).unwrap();
        assert_eq!(whole.len(), 1001);
    });
}

#[test]
fn trailers_come_after_the_body() {
    bounded(|| {
        let server = serve(|_, response| {
            let mut trailers = HeaderMap::new();
            trailers.insert("x-sum", HeaderValue::from_static("7"));
            response.set_trailers(trailers);
            response.write_all(b"body")
        });
        let mut response = client().get(server.at("/")).send().unwrap();
        assert_eq!(io::read_to_string(&mut response).unwrap(), "body");
        assert_eq!(response.trailers().unwrap().unwrap()["x-sum"], "7");
    });
}

#[test]
fn a_response_to_head_has_no_body() {
    bounded(|| {
        let server = serve(|_, response| response.write_all(b"hello"));
        let response = client().head(server.at("/")).send().unwrap();
        assert_eq!(response.header("content-length"), Some("5"));
        assert_eq!(response.text().unwrap(), "");
    });
}

#[test]
fn credentials_are_sent_and_never_indexed() {
    bounded(|| {
        let server = serve(|request, response| {
            let field = request.fields().iter().find(|field| field.name == b"authorization");
            let field = field.unwrap();
            response.set_header("x-sensitive", field.sensitive.to_string())?;
            response.write_all(field.value)
        });
        let response = client().get(server.at("/")).basic_auth("a", "b").send().unwrap();
        assert_eq!(response.header("x-sensitive"), Some("true"));
        assert_eq!(response.text().unwrap(), "Basic YTpi");
        let response = client().get(server.at("/")).bearer_auth("t").send().unwrap();
        assert_eq!(response.text().unwrap(), "Bearer t");
    });
}

#[test]
fn an_error_of_the_server_can_be_made_one_of_ours() {
    bounded(|| {
        let server = serve(|request, response| {
            response.set_status(if request.path() == "/ok" { 200 } else { 500 })?;
            Ok(())
        });
        let client = client();
        assert!(client.get(server.at("/ok")).send().unwrap().error_for_status().is_ok());
        let error = client.get(server.at("/")).send().unwrap().error_for_status().unwrap_err();
        assert!(error.to_string().contains("500"));
    });
}

#[test]
fn a_refused_connection_is_a_clear_error() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = client().get(format!("http://{closed}/")).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.to_string().contains(&closed.to_string()), "{error}");
}

#[test]
fn an_empty_body_has_its_length_where_one_is_expected() {
    bounded(|| {
        let server = serve(|request, response| {
            response.write_all(request.field("content-length").unwrap_or("none").as_bytes())
        });
        let client = client();
        let text = |response: Result<h2_sync::client::Response, h2_sync::Error>| {
            response.unwrap().text().unwrap()
        };
        assert_eq!(text(client.post(server.at("/")).send()), "0");
        assert_eq!(text(client.get(server.at("/")).send()), "none");
        let unknown = Body::from_reader(io::empty());
        assert_eq!(text(client.post(server.at("/")).body(unknown).send()), "none");
    });
}
