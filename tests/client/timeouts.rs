//! Timeouts.

use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use h2_sync::client::{Body, Client, Config, ResponseHalf, Versions};
use h2_sync::http::Method;
use h2_sync::{Error, ErrorCode, Phase, headers};

use crate::peer::{Peer, listener};
use crate::support::{LONG, bounded, config, serve};

const SHORT: Duration = Duration::from_millis(20);

/// Sends a request to a peer that runs `act`, and returns the error. The connection exists already,
/// so that connecting takes no time.
fn late(
    config: Config,
    ask: impl FnOnce(&Client, &str) -> Error + Send + 'static,
    answer: impl FnOnce(&mut Peer<TcpStream>),
) {
    let (listener, url) = listener();
    let asking = thread::spawn(move || {
        let client = Client::with_config(config).unwrap();
        assert_eq!(client.get(&*url).send().unwrap().status(), 200);
        ask(&client, &url)
    });
    let mut peer = Peer::accept(&listener);
    let (id, _) = peer.receive_headers();
    peer.answer(id, 200, "");
    answer(&mut peer);
    let error = asking.join().unwrap();
    assert!(error.is_timeout(), "{error}");
}

#[test]
fn timeout_resets_its_stream_and_keeps_the_connection() {
    bounded(|| {
        late(
            config(),
            |client, url| {
                let error = client.get(url).timeout(SHORT).send().unwrap_err();
                assert_eq!(client.get(url).send().unwrap().status(), 200);
                assert_eq!(client.connections().len(), 1);
                error
            },
            |peer| {
                let (first, _) = peer.receive_headers();
                assert_eq!(peer.receive_reset(), (first, ErrorCode::Cancel));
                // The next request first probes the connection with a PING.
                peer.answer_ping();
                let (second, _) = peer.receive_headers();
                peer.answer(second, 200, "");
            },
        );
    });
}

#[test]
fn a_response_has_a_time_of_its_own() {
    bounded(|| {
        let (listener, url) = listener();
        let asking = thread::spawn(move || {
            let mut config = config();
            config.response_timeout = Some(SHORT);
            Client::with_config(config).unwrap().get(&*url).send().unwrap_err()
        });
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        assert_eq!(peer.receive_reset(), (id, ErrorCode::Cancel));
        assert!(asking.join().unwrap().is_timeout());
    });
}

#[test]
fn a_request_may_have_a_shorter_time_for_its_response_than_the_client() {
    bounded(|| {
        late(
            config(),
            |client, url| {
                let error = client.get(url).response_timeout(SHORT).send().unwrap_err();
                assert_eq!(error.phase(), Some(Phase::Response));
                let text = format!("{url}: no response came within 20ms (response_timeout)");
                assert_eq!(error.to_string(), text);
                error
            },
            |peer| {
                let (id, _) = peer.receive_headers();
                assert_eq!(peer.receive_reset(), (id, ErrorCode::Cancel));
            },
        );
    });
}

/// A call that waits for the response.
type Wait = fn(&mut ResponseHalf) -> Result<(), Error>;

/// Opens a request, has it sent, and returns the error of the wait for its response.
fn open_and_wait(client: &Client, url: &str, wait: Wait) -> Error {
    let (mut send, mut response) = client.post(url).response_timeout(SHORT).open().unwrap();
    send.send("all of it").unwrap();
    send.finish().unwrap();
    let error = wait(&mut response).unwrap_err();
    assert_eq!(error.phase(), Some(Phase::Response));
    let text = format!("{url}: no response came within 20ms (response_timeout)");
    assert_eq!(error.to_string(), text);
    error
}

#[test]
fn response_has_a_timeout_where_the_caller_sends_the_request() {
    bounded(|| {
        let waits: [Wait; 3] = [
            |response| response.response().map(drop),
            |response| {
                while response.informational()?.is_some() {}
                Ok(())
            },
            |response| response.next_chunk().map(drop),
        ];
        for wait in waits {
            let act = |peer: &mut Peer<TcpStream>| {
                let (id, _) = peer.receive_headers();
                peer.receive_data("all of it".len());
                // Interim responses do not restart the time.
                peer.send_headers(id, &headers!(":status" => "103"), false);
                assert_eq!(peer.receive_reset(), (id, ErrorCode::Cancel));
            };
            late(config(), move |client, url| open_and_wait(client, url, wait), act);
            let silent = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}/", silent.local_addr().unwrap());
            let mut http1 = config();
            http1.versions = Versions::Http1;
            open_and_wait(&Client::with_config(http1).unwrap(), &url, wait);
        }
    });
}

#[test]
fn request_may_take_longer_than_the_timeout_of_its_response() {
    bounded(|| {
        for versions in [Versions::Http2, Versions::Http1] {
            let server = serve(|request, _| io::copy(request, &mut io::sink()).map(drop));
            let mut config = config();
            config.versions = versions;
            let client = Client::with_config(config).unwrap();
            let request = client.post(server.at("/")).response_timeout(SHORT);
            let (mut send, mut response) = request.open().unwrap();
            let waiting = thread::spawn(move || response.response());
            for _ in 0..5 {
                send.send("a piece").unwrap();
                thread::sleep(SHORT);
            }
            assert!(!waiting.is_finished());
            send.finish().unwrap();
        }
    });
}

#[test]
fn response_to_connect_has_a_timeout_from_the_start() {
    bounded(|| {
        let ask = |client: &Client, url: &str| {
            let request = client.request(Method::CONNECT, url).header("host", "a:1");
            let (_send, mut response) = request.response_timeout(SHORT).open().unwrap();
            response.response().unwrap_err()
        };
        let act = |peer: &mut Peer<TcpStream>| {
            let (id, _) = peer.receive_headers();
            assert_eq!(peer.receive_reset(), (id, ErrorCode::Cancel));
        };
        late(config(), ask, act);
    });
}

#[test]
fn a_request_may_have_a_shorter_time_for_its_body_than_the_client() {
    bounded(|| {
        late(
            config(),
            |client, url| {
                let request = client.get(url).read_timeout(SHORT);
                let error = request.send().unwrap().bytes().unwrap_err();
                assert_eq!(error.phase(), Some(Phase::Body));
                assert!(error.to_string().ends_with(" within 20ms (read_timeout)"), "{error}");
                error
            },
            |peer| {
                let (id, _) = peer.receive_headers();
                peer.send_headers(id, &headers!(":status" => "200"), false);
                peer.send_data(id, "part", false);
                assert_eq!(peer.receive_reset(), (id, ErrorCode::Cancel));
            },
        );
    });
}

#[test]
fn a_request_may_have_more_time_than_the_client() {
    bounded(|| {
        let (listener, url) = listener();
        let mut config = config();
        config.timeout = Some(SHORT);
        config.response_timeout = Some(SHORT);
        config.read_timeout = Some(SHORT);
        let client = Client::with_config(config).unwrap();
        let other = thread::spawn({
            let (client, url) = (client.clone(), url.clone());
            move || {
                let patient = client.get(&*url).timeout(None).response_timeout(LONG);
                patient.read_timeout(None).send()?.text()
            }
        });
        let mut peer = Peer::accept(&listener);
        let (patient, _) = peer.receive_headers();
        // A request with the client's own `response_timeout` fails meanwhile.
        let hasty = thread::spawn(move || client.get(&*url).timeout(None).send());
        let (id, _) = peer.receive_headers();
        assert_eq!(peer.receive_reset(), (id, ErrorCode::Cancel));
        assert!(hasty.join().unwrap().unwrap_err().is_timeout());
        peer.answer(patient, 200, "late");
        assert_eq!(other.join().unwrap().unwrap(), "late");
    });
}

#[test]
fn a_body_that_stops_coming_is_a_timeout() {
    bounded(|| {
        let mut config = config();
        config.read_timeout = Some(SHORT);
        late(
            config,
            |client, url| {
                let mut response = client.get(url).send().unwrap();
                let error = response.read_to_end(&mut Vec::new()).unwrap_err();
                drop(response);
                error.into()
            },
            |peer| {
                let (id, _) = peer.receive_headers();
                peer.send_headers(id, &headers!(":status" => "200"), false);
                peer.send_data(id, "part", false);
                assert_eq!(peer.receive_reset(), (id, ErrorCode::Cancel));
            },
        );
    });
}

#[test]
fn the_time_for_all_of_it_holds_for_the_body_as_well() {
    bounded(|| {
        late(
            config(),
            |client, url| {
                let response = client.get(url).timeout(10 * SHORT).send();
                let error = response.and_then(|response| response.bytes()).unwrap_err();
                assert!(error.to_string().ends_with(" within 200ms (timeout)"), "{error}");
                error
            },
            |peer| {
                let (id, _) = peer.receive_headers();
                peer.send_headers(id, &headers!(":status" => "200"), false);
                assert_eq!(peer.receive_reset(), (id, ErrorCode::Cancel));
            },
        );
    });
}

#[test]
fn an_upload_that_the_server_does_not_read_times_out() {
    bounded(|| {
        late(
            config(),
            |client, url| {
                let body = Body::from_reader(std::io::repeat(0));
                client.post(url).body(body).timeout(10 * SHORT).send().unwrap_err()
            },
            |peer| {
                let (id, _) = peer.receive_headers();
                assert_eq!(peer.receive_reset(), (id, ErrorCode::Cancel));
            },
        );
    });
}

#[test]
fn threads_time_out_independently() {
    bounded(|| {
        late(
            config(),
            |client, url| {
                let threads: Vec<_> = (1..9)
                    .map(|n| {
                        let (client, url) = (client.clone(), url.to_owned());
                        thread::spawn(move || {
                            client.get(url).timeout(n * SHORT).send().unwrap_err()
                        })
                    })
                    .collect();
                let errors = threads.into_iter().map(|thread| thread.join().unwrap());
                errors.reduce(|one, other| if one.is_timeout() { other } else { one }).unwrap()
            },
            |peer| {
                // The peer lives until the client closes.
                peer.until_goes_away();
            },
        );
    });
}

#[test]
fn a_server_that_says_nothing_fails_the_handshake_in_time() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let mut config = config();
        config.http2.handshake_timeout = Some(SHORT);
        let error = Client::with_config(config).unwrap().get(url).send().unwrap_err();
        assert!(error.is_timeout(), "{error}");
    });
}

#[test]
fn interim_responses_do_not_start_the_time_for_the_response_anew() {
    bounded(|| {
        let (listener, url) = listener();
        let asking = thread::spawn(move || {
            let mut config = config();
            config.response_timeout = Some(10 * SHORT);
            Client::with_config(config).unwrap().get(&*url).send().unwrap_err()
        });
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        peer.stream.set_read_timeout(Some(3 * SHORT)).unwrap();
        // Each arrives in time if the previous one restarts the timeout; in total they take too
        // long.
        let mut octets = [0; 1 << 10];
        for _ in 0..20 {
            peer.send_headers(id, &headers!(":status" => "103"), false);
            if asking.is_finished() {
                break;
            }
            drop(peer.stream.read(&mut octets));
        }
        let error = asking.join().unwrap();
        assert!(error.is_timeout(), "{error}");
    });
}
