//! A client and a server whose connection is cut at each octet, over sockets. Their other
//! connections continue. Each request is processed once, except a GET on a reused connection: at
//! most twice.

use std::collections::HashMap;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use h2_sync::client::{self, Body, Client, Proxies, Versions};
use h2_sync::server::{Handle, Request, Response, Server};
use h2_sync::{Error, ErrorKind};

use crate::exchange::{answer, config, server_config};
use crate::relay::{Direction, Relay};
use crate::secure::Security;
use crate::sweep::{LONG, Went, alone, eventually, nothing_is_left, sweep_beside_others};

/// The number of times that each request was processed.
type Processed = Arc<Mutex<HashMap<String, usize>>>;

fn server(security: &Security) -> (Handle, Processed) {
    let processed = Processed::default();
    let theirs = Arc::clone(&processed);
    let handler = move |request: &mut Request, response: &mut Response| {
        if let Some(number) = request.field("x-number") {
            *theirs.lock().unwrap().entry(number.to_owned()).or_default() += 1;
        }
        answer(request, response)
    };
    let server = Server::bind("127.0.0.1:0").unwrap().config(server_config());
    let server = match security {
        Security::Clear => server,
        Security::Tls(_, acceptor) => server.tls(acceptor.clone()),
    };
    (server.serve(handler).unwrap(), processed)
}

fn client(security: &Security) -> Client {
    let mut settings = client::Config::default();
    settings.http2 = config();
    settings.proxies = Proxies::Never;
    settings.versions = Versions::Http2;
    settings.timeout = Some(10 * LONG);
    settings.user_agent = None;
    match security {
        Security::Clear => {}
        Security::Tls(connector, _) => settings.tls = Some(connector.clone()),
    }
    Client::with_config(settings).unwrap()
}

fn url(security: &Security, address: SocketAddr) -> String {
    match security {
        Security::Clear => format!("http://{address}"),
        Security::Tls(..) => format!("https://{address}"),
    }
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

/// Cuts a connection after 0, `stride`, 2 × `stride` … octets.
fn is_cut_again_and_again(direction: Direction, stride: usize, security: &Security) {
    let _alone = alone();
    let (server, processed) = server(security);
    let address = server.local_addr().unwrap();
    let theirs = security.clone();
    // The server's threads stay until it ends.
    let faults = sweep_beside_others(move |n| {
        let relay = Relay::start(address, direction, n * stride);
        let (client, neighbour) = (client(&theirs), url(&theirs, address));
        let url = url(&theirs, relay.address());
        let number = |what: &str| format!("{n} {what}");
        get(&client, &neighbour, &number("neighbour before")).unwrap();
        for result in [get(&client, &url, &number("get")), post(&client, &url, &number("post"))] {
            result.unwrap_or_else(|error| is_cut(&error));
        }
        // After a cut behind the last answer, the client may not have noticed yet.
        if let Err(error) = get(&client, &url, &number("once more")) {
            is_cut(&error);
            get(&client, &url, &number("again")).unwrap();
        }
        get(&client, &neighbour, &number("neighbour after")).unwrap();
        drop(client);
        Went::by(relay.end())
    });
    assert!(faults > 20, "{faults}");
    for (number, times) in &*processed.lock().unwrap() {
        // Only this GET goes over a connection that has answered others and is then cut, so only it
        // may be sent again (RFC 9110, Section 9.2.2), and once.
        let at_most = if number.ends_with("once more") { 2 } else { 1 };
        assert!(*times <= at_most, "{number}: {times}");
    }
    ends(server);
}

/// Asserts that a server without connections shuts down cleanly.
fn ends(server: Handle) {
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
    is_cut_again_and_again(Direction::ToServer, 1, &Security::Clear);
}

#[test]
fn a_connection_is_cut_after_every_octet_to_the_client() {
    is_cut_again_and_again(Direction::ToClient, 1, &Security::Clear);
}

#[test]
fn a_connection_over_tls_is_cut_in_every_record() {
    let security = Security::tls_of("127.0.0.1");
    is_cut_again_and_again(Direction::ToServer, 40, &security);
    is_cut_again_and_again(Direction::ToClient, 40, &security);
}

/// Drops the client and its response after `n` steps, in either order.
fn ask_and_drop(client: Client, url: &str, n: usize, client_first: bool) -> Went {
    let mut client = Some(client);
    let mut step = 0;
    let mut is_over = |client: &mut Option<Client>| {
        step += 1;
        if step - 1 == n && client_first {
            *client = None;
        }
        step - 1 == n && !client_first
    };
    if is_over(&mut client) {
        return Went::Faulty;
    }
    let Some(asking) = &client else { return Went::Faulty };
    let body = Body::from_reader(io::repeat(b'x').take(300_000));
    let mut response = asking.post(format!("{url}/echo")).body(body).send().unwrap();
    for _ in 0..4 {
        if is_over(&mut client) {
            return Went::Faulty;
        }
        response.read_exact(&mut [0; 10_000]).unwrap();
    }
    if is_over(&mut client) {
        return Went::Faulty;
    }
    // A response outlives its client.
    assert_eq!(response.bytes().unwrap().len(), 260_000);
    Went::by(n < step)
}

#[test]
fn clients_and_responses_are_dropped_at_every_step() {
    let _alone = alone();
    let (server, _) = server(&Security::Clear);
    let address = server.local_addr().unwrap();
    for client_first in [false, true] {
        let faults = sweep_beside_others(move |n| {
            let url = url(&Security::Clear, address);
            let went = ask_and_drop(client(&Security::Clear), &url, n, client_first);
            get(&client(&Security::Clear), &url, "neighbour").unwrap();
            went
        });
        assert_eq!(faults, 6);
    }
    ends(server);
}
