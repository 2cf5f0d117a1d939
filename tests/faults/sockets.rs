//! A Client and a Server whose connection is cut at every octet, over sockets. Their other connections
//! go on, and a request is processed once.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex};

use h2_sync::client::{self, Body, Client, Proxies};
use h2_sync::server::{Handle, Request, Response, Server};
use h2_sync::{Error, ErrorKind};

use crate::exchange::{answer, config, server_config};
use crate::relay::{Direction, Relay};
use crate::sweep::{alone, eventually, nothing_is_left, sweep_beside_others, Went, LONG};

/// How often each request has been processed, by its number.
type Processed = Arc<Mutex<HashMap<String, usize>>>;

fn server() -> (Handle, Processed) {
    let processed = Processed::default();
    let theirs = Arc::clone(&processed);
    let handler = move |request: &mut Request, response: &mut Response| {
        if let Some(number) = request.field("x-number") {
            *theirs.lock().unwrap().entry(number.to_owned()).or_default() += 1;
        }
        answer(request, response)
    };
    let server = Server::bind("127.0.0.1:0").unwrap().config(server_config());
    (server.serve(handler).unwrap(), processed)
}

fn client() -> Client {
    let mut settings = client::Config::default();
    settings.http2 = config();
    settings.proxies = Proxies::Never;
    settings.timeout = Some(10 * LONG);
    settings.user_agent = None;
    Client::with_config(settings).unwrap()
}

fn get(client: &Client, url: &str, number: &str) -> Result<(), Error> {
    let response = client.get(format!("{url}/")).header("x-number", number).send()?;
    assert_eq!((response.status().as_u16(), &*response.text()?), (200, "hello"));
    Ok(())
}

fn post(client: &Client, url: &str, number: &str) -> Result<(), Error> {
    let body = Body::from_reader(io::repeat(b'x').take(100));
    let request = client.post(format!("{url}/echo")).header("x-number", number).body(body);
    let response = request.send()?;
    assert_eq!((response.status().as_u16(), response.text()?), (200, "x".repeat(100)));
    Ok(())
}

fn is_cut_at_every_octet(direction: Direction) {
    let _alone = alone();
    let (server, processed) = server();
    let address = server.local_addr().unwrap();
    // Its threads stay until it ends.
    let faults = sweep_beside_others(move |n| {
        let relay = Relay::start(address, direction, n);
        let (client, url, neighbour) = (client(), relay.url(), format!("http://{address}"));
        let number = |what: &str| format!("{n} {what}");
        get(&client, &neighbour, &number("neighbour before")).unwrap();
        for result in [get(&client, &url, &number("get")), post(&client, &url, &number("post"))] {
            result.unwrap_or_else(|error| is_cut(&error));
        }
        // When it was cut behind the last answer, the client may not know yet.
        if let Err(error) = get(&client, &url, &number("once more")) {
            is_cut(&error);
            get(&client, &url, &number("again")).unwrap();
        }
        get(&client, &neighbour, &number("neighbour after")).unwrap();
        drop(client);
        Went::by(relay.end())
    });
    assert!(faults > 150, "{faults}");
    for (number, times) in &*processed.lock().unwrap() {
        assert_eq!(*times, 1, "{number}");
    }
    eventually("the connections end", || server.stats().connections == 0);
    assert_eq!(server.stats().handlers_running, 0);
    server.shutdown(LONG);
    drop(server);
    nothing_is_left();
}

fn is_cut(error: &Error) {
    assert!(matches!(error.kind(), ErrorKind::Closed | ErrorKind::Transport), "{error:?}");
}

#[test]
fn a_connection_is_cut_after_every_octet_to_the_server() {
    is_cut_at_every_octet(Direction::ToServer);
}

#[test]
fn a_connection_is_cut_after_every_octet_to_the_client() {
    is_cut_at_every_octet(Direction::ToClient);
}
