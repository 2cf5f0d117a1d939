//! Pushed responses.

use std::io::Write;

use h2_sync::{Config, ErrorKind};
use http::Request;

use crate::client::Client;
use crate::support::{BoxError, bounded, config, serve, serve_with};

fn handler(
    request: &mut h2_sync::server::Request,
    response: &mut h2_sync::server::Response,
) -> Result<(), BoxError> {
    if request.path() == "/" && response.can_push() {
        let style = Request::get("http://test/style.css").header("accept", "text/css").body(())?;
        response.push(&style)?;
    }
    Ok(write!(response, "{} {:?}", request.path(), request.field("accept"))?)
}

fn takes_pushes() -> Config {
    let mut config = Config::default();
    config.enable_push = true;
    config
}

#[test]
fn handler_answers_promised_requests() {
    bounded(|| {
        let server = serve(handler);
        let mut client = Client::with(&server, takes_pushes());
        let reply = client.fetch("/");
        assert_eq!(reply.text(), "/ None");
        let (promised, id) = client.promises[0].clone();
        assert_eq!((promised.method(), promised.path()), (Some("GET"), Some("/style.css")));
        let pushed = client.reply(id);
        assert_eq!((pushed.status(), pushed.text()), (Some(200), r#"/style.css Some("text/css")"#));
    });
}

#[test]
fn client_that_disables_push_receives_no_promises() {
    bounded(|| {
        let server = serve(|_, response| {
            assert!(!response.can_push());
            let promised = Request::get("http://test/style.css").body(())?;
            assert_eq!(response.push(&promised).unwrap_err().kind(), ErrorKind::Caller);
            Ok(response.write_all(b"hello")?)
        });
        let mut client = Client::of(&server);
        assert_eq!(client.fetch("/").text(), "hello");
        assert!(client.promises.is_empty());
    });
}

#[test]
fn impossible_promise_does_not_delay_others() {
    bounded(|| {
        let server = serve(|request, response| {
            if request.path() == "/" {
                // Not safe, and without an authority.
                assert!(response.push(&Request::post("http://test/").body(())?).is_err());
                assert!(response.push(&Request::get("/a").body(())?).is_err());
                response.push(&Request::get("http://test/b").body(())?)?;
            }
            Ok(write!(response, "{}", request.path())?)
        });
        let mut client = Client::with(&server, takes_pushes());
        assert_eq!(client.fetch("/").text(), "/");
        assert_eq!(client.promises.len(), 1);
        let id = client.promises[0].1;
        assert_eq!(client.reply(id).text(), "/b");
    });
}

#[test]
fn a_promised_response_waits_for_a_handlers_place() {
    bounded(|| {
        let one = config(|config| config.max_handlers = 1);
        let server = serve_with(one, handler);
        let mut client = Client::with(&server, takes_pushes());
        for _ in 0..20 {
            client.promises.clear();
            client.fetch("/");
            let id = client.promises[0].1;
            assert_eq!(client.reply(id).status(), Some(200));
        }
        assert_eq!(server.stats().requests_refused, 0);
    });
}
