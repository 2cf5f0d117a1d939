//! Redirects over the wire.

use std::io::{self, Read, Write};

use h2_sync::client::{Body, Client};
use h2_sync::server::{Request, Response};

use crate::support::{bounded, client, config, octets, serve};

/// Redirects `/301/path` to `/path` with that status; other paths describe the request.
fn handler(request: &mut Request, response: &mut Response) -> io::Result<()> {
    let target = request.path().to_owned();
    let status = target.get(1..4).and_then(|status| status.parse::<u16>().ok());
    if let Some(status) = status {
        response.set_status(status)?;
        response.set_header("location", &target[4..])?;
        return Ok(());
    }
    let mut body = Vec::new();
    request.read_to_end(&mut body)?;
    let authorization = request.field("authorization").unwrap_or("none").to_owned();
    write!(response, "{} {target} {} {authorization}", request.method(), body.len())
}

#[test]
fn redirects_are_followed_and_reported() {
    bounded(|| {
        let server = serve(handler);
        let response = client().get(server.at("/301/302/303/307/308/end")).send().unwrap();
        assert_eq!(response.facts().redirects, 5);
        assert_eq!(response.url().path(), "/end");
        assert_eq!(response.text().unwrap(), "GET /end 0 none");
    });
}

#[test]
fn a_body_goes_along_where_it_should() {
    bounded(|| {
        let server = serve(handler);
        let (client, body) = (client(), octets(100_000));
        let text = |path: &str| {
            client.post(server.at(path)).body(body.clone()).send().unwrap().text().unwrap()
        };
        assert_eq!(text("/307/end"), "POST /end 100000 none");
        assert_eq!(text("/302/end"), "GET /end 0 none");
    });
}

#[test]
fn redirect_that_needs_a_consumed_body_is_returned() {
    bounded(|| {
        let server = serve(handler);
        let body = Body::from_reader(io::Cursor::new("once"));
        let response = client().post(server.at("/307/end")).body(body).send().unwrap();
        assert_eq!((response.status().as_u16(), response.header("location")), (307, Some("/end")));
    });
}

#[test]
fn a_circle_ends() {
    bounded(|| {
        let server = serve(|_, response| {
            response.set_status(302)?;
            response.set_header("location", "/")?;
            Ok(())
        });
        let error = client().get(server.at("/")).send().unwrap_err();
        assert!(error.to_string().contains("more than 10 redirects"), "{error}");
    });
}

#[test]
fn redirects_can_be_switched_off() {
    bounded(|| {
        let server = serve(handler);
        let mut config = config();
        config.max_redirects = 0;
        let client = Client::with_config(config).unwrap();
        assert_eq!(client.get(server.at("/301/end")).send().unwrap().status(), 301);
    });
}

#[test]
fn credentials_do_not_go_to_another_origin() {
    bounded(|| {
        let other = serve(handler);
        let there = other.at("/end");
        let server = serve(move |request, response| {
            if request.path() == "/away" {
                response.set_status(302)?;
                response.set_header("location", &*there)?;
                return Ok(());
            }
            handler(request, response)
        });
        let client = client();
        let text = |path: &str| {
            client.get(server.at(path)).bearer_auth("x").send().unwrap().text().unwrap()
        };
        assert_eq!(text("/302/end"), "GET /end 0 Bearer x");
        assert_eq!(text("/away"), "GET /end 0 none");
    });
}
