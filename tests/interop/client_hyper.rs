//! Our `client::Client` and `client::Connection` against hyper.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use h2_sync::client::{Body, Client, Connection};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::client_support::{OCTETS, Octets, check, config};
use crate::hyper::Echo;

#[test]
fn hyper_echoes_bodies_over_one_connection() {
    let server = Echo::start();
    let client = Client::with_config(config()).unwrap();
    let url = format!("http://{}/", server.address);
    for _ in 0..3 {
        let body = Body::from_reader(Octets { at: 0, end: OCTETS });
        let response = client.post(&*url).body(body).send().unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(check(response).result(OCTETS), Ok(()));
    }
    assert_eq!(client.connections().len(), 1);
    drop(client);
    assert!(server.finish().is_ok());
}

#[test]
fn hyper_echoes_bodies_over_tls() {
    let identity = crate::tls::Identity::new();
    let server = Echo::start_tls(&identity);
    let client = Client::with_config(crate::client_support::config_for(&identity)).unwrap();
    let url = format!("https://localhost:{}/", server.address.port());
    let body = Body::from_reader(Octets { at: 0, end: OCTETS });
    let response = client.post(&*url).body(body).send().unwrap();
    assert_eq!(check(response).result(OCTETS), Ok(()));
    drop(client);
    assert!(server.finish().is_ok());
}

#[test]
fn hyper_echoes_trailers() {
    let server = Echo::start();
    let stream = TcpStream::connect(server.address).unwrap();
    let connection = Connection::start(stream, h2_sync::Config::default()).unwrap();
    let request = http::Request::post(format!("http://{}/", server.address)).body(()).unwrap();
    let (mut send, mut response) = connection.open(&request).unwrap();
    let sending = thread::spawn(move || {
        let mut octets = Vec::new();
        Octets { at: 0, end: OCTETS }.read_to_end(&mut octets).unwrap();
        send.write_all(&octets).unwrap();
        let mut trailers = HeaderMap::new();
        trailers.insert("outcome", HeaderValue::from_static("fine"));
        send.send_trailers(&trailers).unwrap();
    });
    assert_eq!(response.response().unwrap().status(), StatusCode::OK);
    assert_eq!(check(&mut response).result(OCTETS), Ok(()));
    assert_eq!(response.trailers().unwrap().expect("they come back")["outcome"], "fine");
    sending.join().unwrap();
    drop((response, connection));
    assert!(server.finish().is_ok());
}
