//! The content of errors.

use std::error::Error as _;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use h2_sync::client::Client;
use h2_sync::{Error, ErrorCode, ErrorKind, Phase};

use crate::frames::{Peer, listener};
use crate::support::{bounded, client, config, serve};

/// The text of the error and of all its causes.
fn chain(error: &Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        texts.push(cause.to_string());
        source = cause.source();
    }
    texts
}

#[test]
fn error_of_a_refused_connection_has_url_and_system_error() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = client().get(format!("http://{closed}/a?b")).send().unwrap_err();
    assert_eq!(error.url(), Some(&*format!("http://{closed}/a?b")));
    assert!(error.is_connect() && !error.is_timeout() && !error.is_tls());
    assert_eq!(error.phase(), Some(Phase::Connect));
    assert_eq!(error.as_io_error().unwrap().kind(), io::ErrorKind::ConnectionRefused);
    let texts = chain(&error);
    assert_eq!(texts.concat().matches("refused").count(), 1, "{texts:?}");
    // As printed by `main`.
    let text = format!("{error:?}");
    assert!(text.starts_with(&format!("http://{closed}/a?b: connecting to ")), "{text}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn unknown_host_is_an_error_of_the_look_up() {
    bounded(|| {
        let error = client().get("http://name.invalid/").send().unwrap_err();
        assert!(error.is_connect(), "{error}");
        assert_eq!(error.phase(), Some(Phase::Lookup));
        assert!(error.to_string().contains("looking up name.invalid"), "{error}");
    });
}

#[test]
fn errors_of_an_opened_request_have_its_url_and_phase() {
    bounded(|| {
        let server = serve(|request, response| match request.path() {
            "/breaks" => {
                response.flush()?;
                Err(io::Error::other("no more"))
            }
            _ => {
                request.wait_cancelled(Duration::from_secs(60));
                Ok(())
            }
        });
        let client = client();
        let (_send, mut response) = client.get(server.at("/breaks")).open().unwrap();
        assert_eq!(response.response().unwrap().status(), 200);
        let error = response.next_chunk().unwrap_err();
        assert_eq!((error.phase(), error.url()), (Some(Phase::Body), Some(&*server.at("/breaks"))));
        let error = Error::from(response.read(&mut [0]).unwrap_err());
        assert_eq!((error.phase(), error.url()), (Some(Phase::Body), Some(&*server.at("/breaks"))));

        let (_send, mut response) = client.get(server.at("/waits")).open().unwrap();
        response.set_read_timeout(Some(Duration::from_millis(1)));
        let error = response.response().unwrap_err();
        assert!(error.is_timeout(), "{error}");
        assert_eq!(
            (error.phase(), error.url()),
            (Some(Phase::Response), Some(&*server.at("/waits")))
        );
    });
}

#[test]
fn error_of_a_body_that_is_sent_in_pieces_tells_its_url() {
    bounded(|| {
        // The stream is reset.
        let server = serve(|_, response| {
            response.flush()?;
            Err(io::Error::other("no more"))
        });
        let (client, url) = (client(), server.at("/upload"));
        let (mut send, mut response) = client.post(&*url).open().unwrap();
        response.next_chunk().unwrap_err();
        let errors = [
            send.send("more").unwrap_err(),
            Error::from(send.flush().unwrap_err()),
            send.finish().unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.phase(), error.url()), (Some(Phase::Request), Some(&*url)));
        }
    });
}

#[test]
fn late_response_is_a_timeout_of_the_response() {
    bounded(|| {
        let (_server, url) = listener();
        let mut config = config();
        config.response_timeout = Some(Duration::from_millis(50));
        let error = Client::with_config(config).unwrap().get(url).send().unwrap_err();
        assert!(error.is_timeout() && !error.is_connect(), "{error}");
        assert_eq!(error.phase(), Some(Phase::Response));
    });
}

#[test]
fn late_body_is_a_timeout_of_the_body() {
    bounded(|| {
        let (listener, url) = listener();
        std::thread::spawn(move || {
            let mut peer = Peer::accept(&listener);
            let (id, _) = peer.receive_headers();
            peer.send_headers(id, &h2_sync::headers!(":status" => "200"), false);
            peer.send_data(id, "half", false);
            peer.until_cut();
        });
        let mut response = client().get(&*url).send().unwrap();
        response.set_read_timeout(Some(Duration::from_millis(50)));
        let error = Error::from(io::read_to_string(&mut response).unwrap_err());
        assert!(error.is_timeout(), "{error}");
        assert_eq!(error.phase(), Some(Phase::Body));
        assert_eq!(error.url(), Some(&*url));
    });
}

#[test]
fn status_of_a_failed_request_can_be_asked_for() {
    bounded(|| {
        let server = serve(|_, response| Ok(response.set_status(503).map(drop)?));
        let response = client().get(server.at("/")).send().unwrap();
        let error = response.error_for_status().unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), 503);
        assert_eq!(
            error.to_string(),
            format!("{}: the server answered 503 Service Unavailable", server.at("/"))
        );
    });
}

#[test]
fn server_of_http1_alone_is_recognised() {
    bounded(|| {
        let (server, url) = listener();
        std::thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            drop(stream.read(&mut [0; 1024]));
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
            drop(io::copy(&mut stream, &mut io::sink()));
        });
        let error = client().get(url).send().unwrap_err();
        assert!(error.is_http1_only(), "{error:?}");
    });
}

#[test]
fn http_1_1_required_is_recognised() {
    bounded(|| {
        let (listener, url) = listener();
        std::thread::spawn(move || {
            let mut peer = Peer::accept(&listener);
            let (id, _) = peer.receive_headers();
            peer.reset(id, ErrorCode::Http11Required);
            peer.until_cut();
        });
        let error = client().get(url).send().unwrap_err();
        assert!(error.is_http1_only() && error.is_reset(), "{error:?}");
    });
}

#[test]
fn space_around_a_value_is_malformed_unless_it_is_to_be_trimmed() {
    bounded(|| {
        for is_lenient in [true, false] {
            let (listener, url) = listener();
            std::thread::spawn(move || {
                let mut peer = Peer::accept(&listener);
                let (id, _) = peer.receive_headers();
                let fields = h2_sync::headers!(":status" => "200", "x-odd" => " value\t");
                peer.send_headers(id, &fields, true);
                peer.until_cut();
            });
            let mut config = config();
            config.http2.lenient_responses = is_lenient;
            match Client::with_config(config).unwrap().get(url).send() {
                Ok(response) => {
                    assert!(is_lenient);
                    assert_eq!(response.headers()["x-odd"], "value");
                }
                Err(error) => assert!(!is_lenient && error.is_reset(), "{error}"),
            }
        }
    });
}

#[test]
fn too_many_redirects_are_an_error_of_redirects() {
    bounded(|| {
        let server = serve(|_, response| {
            response.set_status(302)?;
            response.set_header("location", "/")?;
            Ok(())
        });
        let error = client().get(server.at("/")).send().unwrap_err();
        assert!(error.is_redirect() && error.kind() == ErrorKind::Peer, "{error}");
    });
}
