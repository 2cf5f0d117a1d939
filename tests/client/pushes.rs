//! Pushed responses.

use std::io::Write;
use std::sync::mpsc;

use h2_sync::client::{Client, PushHandler};

use crate::support::{LONG, bounded, client, config, serve};

fn pushing(
    request: &mut h2_sync::server::Request,
    response: &mut h2_sync::server::Response,
) -> std::io::Result<()> {
    if request.path() == "/style" {
        return response.write_all(b"p {}");
    }
    let can_push = response.can_push();
    if can_push {
        let url = format!("http://{}/style", request.authority().unwrap_or_default());
        response.push(&http::Request::get(url).body(()).unwrap())?;
    }
    write!(response, "{can_push}")
}

#[test]
fn pushes_are_refused_unless_they_are_asked_for() {
    bounded(|| {
        let server = serve(pushing);
        let client = client();
        // SETTINGS go out before the request, so the server knows the client's choice.
        assert_eq!(client.get(server.at("/")).send().unwrap().text().unwrap(), "false");
    });
}

#[test]
fn handler_receives_promises_and_their_responses() {
    bounded(|| {
        let server = serve(pushing);
        let (taken, takes) = mpsc::channel();
        let mut config = config();
        config.on_push = Some(PushHandler::new(move |pushed| {
            let mut response = pushed.response;
            let status = response.response().unwrap().status();
            let text = std::io::read_to_string(response).unwrap();
            taken.send((pushed.request.uri().path().to_owned(), status, text)).unwrap();
        }));
        let client = Client::with_config(config).unwrap();
        assert_eq!(client.get(server.at("/")).send().unwrap().text().unwrap(), "true");
        let (path, status, text) = takes.recv_timeout(LONG).unwrap();
        assert_eq!((&*path, status.as_u16(), &*text), ("/style", 200, "p {}"));
    });
}

#[test]
fn a_push_that_is_dropped_is_cancelled_alone() {
    bounded(|| {
        let server = serve(pushing);
        let (dropped, drops) = mpsc::channel();
        let mut config = config();
        config.on_push = Some(PushHandler::new(move |pushed| {
            drop(pushed);
            dropped.send(()).unwrap();
        }));
        let client = Client::with_config(config).unwrap();
        for _ in 0..3 {
            assert_eq!(client.get(server.at("/")).send().unwrap().text().unwrap(), "true");
            drops.recv_timeout(LONG).unwrap();
        }
        assert_eq!(client.connections().len(), 1);
    });
}
