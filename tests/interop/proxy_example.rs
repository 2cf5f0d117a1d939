//! The example `proxy` between our clients and our server, in all pairs of versions.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use h2_sync::client::{self, Client, Versions};
use h2_sync::http::{HeaderMap, HeaderValue};
use h2_sync::server::{self, Handle, Request, Response, Server};
use h2_sync::{BoxError, websocket};

use crate::peer;
use crate::server_examples::{Example, start, start_command};
use crate::websocket::{client, connect};

/// Longer than anything takes.
const LONG: Duration = Duration::from_secs(60);

/// The server behind the proxy. Requests to `/waits` report when they begin, and when the client
/// has gone.
fn upstream() -> (Handle, Receiver<()>) {
    let (sender, news) = mpsc::channel();
    let sender = Mutex::new(sender);
    let handler = move |request: &mut Request, response: &mut Response| -> Result<(), BoxError> {
        match request.path() {
            "/early" => response.send("early")?,
            "/turns" => {
                while let Some(chunk) = request.next_chunk()? {
                    response.send(chunk)?;
                    response.flush()?;
                }
                response.set_trailers(request.trailers()?.unwrap_or_default());
            }
            "/seen" => {
                for (name, value) in request.headers() {
                    writeln!(response, "{name}: {}", value.to_str()?)?;
                }
                response.set_header("keep-alive", "timeout=5")?;
                response.set_header("x-kept", "1")?;
            }
            "/body" => {
                let length = request.field("content-length").unwrap_or("none").to_owned();
                let body = std::io::read_to_string(&mut *request)?;
                response.send(format!("{} {length} {body}", request.method()))?;
            }
            "/waits" => {
                sender.lock().unwrap().send(())?;
                if request.wait_cancelled(LONG) {
                    sender.lock().unwrap().send(())?;
                }
            }
            "/reads" => {
                std::io::copy(request, &mut std::io::sink())?;
            }
            "/breaks" => {
                response.write_all(b"part")?;
                response.flush()?;
                return Err("broken".into());
            }
            "/socket" => {
                let mut socket = websocket::accept(request, response, &crate::websocket::config())?;
                crate::websocket::send_back(&mut socket)?;
            }
            _ => response.set_status(404)?,
        }
        Ok(())
    };
    let mut config = server::Config::default();
    config.websockets = true;
    config.server_name = None;
    (Server::bind("127.0.0.1:0").unwrap().config(config).serve(handler).unwrap(), news)
}

/// Runs a test with a proxy between each version of client and server.
#[track_caller]
fn with_proxies(test: impl Fn(&Client, &Example, &Receiver<()>)) {
    for scheme in ["http", "h2c"] {
        let (server, news) = upstream();
        let url = format!("{scheme}://{}", server.local_addr().unwrap());
        let Some(proxy) = start("proxy", &[&url]) else { return };
        for versions in [Versions::Http1, Versions::Http2] {
            println!("{versions:?} to {scheme}");
            test(&client(versions), &proxy, &news);
        }
    }
}

#[test]
fn upstream_answers_before_the_body_has_ended() {
    with_proxies(|client, proxy, _| {
        let (mut send, mut answer) = client.post(proxy.url("/early")).open().unwrap();
        send.send("part").unwrap();
        send.flush().unwrap();
        answer.set_read_timeout(Some(LONG));
        assert_eq!(answer.response().unwrap().status(), 200);
        let mut text = String::new();
        answer.read_to_string(&mut text).unwrap();
        assert_eq!(text, "early");
    });
}

#[test]
fn large_body_that_the_upstream_does_not_read_is_answered() {
    with_proxies(|client, proxy, _| {
        let request = client.post(proxy.url("/early")).body(vec![0; 8 << 20]);
        assert_eq!(request.timeout(LONG).send().unwrap().text().unwrap(), "early");
    });
}

#[test]
fn bodies_stream_in_turns_and_trailers_pass() {
    with_proxies(|client, proxy, _| {
        let request = client.post(proxy.url("/turns")).header("te", "trailers");
        let (mut send, mut answer) = request.open().unwrap();
        answer.set_read_timeout(Some(LONG));
        for turn in 0..20 {
            let word = format!("turn {turn:2}");
            send.send(word.clone()).unwrap();
            send.flush().unwrap();
            let mut echoed = vec![0; word.len()];
            answer.read_exact(&mut echoed).unwrap();
            assert_eq!(echoed, word.into_bytes());
        }
        let trailers = HeaderMap::from_iter([("sum".parse().unwrap(), HeaderValue::from(6))]);
        send.send_trailers(&trailers).unwrap();
        assert_eq!(answer.trailers().unwrap().unwrap()["sum"], "6");
    });
}

#[test]
fn body_of_a_get_passes_with_its_length_or_not_at_all() {
    with_proxies(|client, proxy, _| {
        let get = |length: usize| {
            let body = std::io::repeat(b'x').take(length as u64);
            let get = client.get(proxy.url("/body")).body(client::Body::from_reader(body));
            get.timeout(LONG).send().unwrap()
        };
        assert_eq!(get(0).text().unwrap(), "GET none ");
        let text = "x".repeat(20_000);
        assert_eq!(get(text.len()).text().unwrap(), format!("GET 20000 {text}"));
        assert_eq!(get(1 << 20).status(), 411);
    });
}

#[test]
fn request_without_a_body_has_no_chunks() {
    with_proxies(|client, proxy, _| {
        for method in ["DELETE", "OPTIONS", "POST"] {
            let method = method.parse().unwrap();
            let request = client.request(method, proxy.url("/body")).timeout(LONG);
            let text = request.send().unwrap().text().unwrap();
            assert!(text.ends_with(" 0 "), "{text}");
        }
    });
}

#[test]
fn large_bodies_pass_whole() {
    with_proxies(|client, proxy, _| {
        let body: Vec<u8> = (0..4 << 20).map(|n: u32| (n % 251) as u8).collect();
        let request = client.post(proxy.url("/turns")).body(body.clone()).timeout(LONG);
        assert!(request.send().unwrap().bytes().unwrap() == body);
    });
}

#[test]
fn fields_of_the_connection_stay_and_those_of_the_proxy_are_added() {
    with_proxies(|client, proxy, _| {
        let request = client.get(proxy.url("/seen")).header("host", "a.example");
        let request = request.header("x-a", "1").header("x-forwarded-for", "192.0.2.1");
        let response = request.send().unwrap();
        assert_eq!(response.header("x-kept"), Some("1"));
        assert_eq!(response.header("keep-alive"), None);
        assert!(response.header("via").unwrap().ends_with(" h2-sync"));
        let seen = response.text().unwrap();
        for expected in [
            "x-a: 1\n",
            "x-forwarded-for: 192.0.2.1\nx-forwarded-for: 127.0.0.1\n",
            "x-forwarded-host: a.example\n",
            "x-forwarded-proto: http\n",
            "forwarded: for=127.0.0.1;proto=http\n",
        ] {
            assert!(seen.contains(expected), "{expected:?} in {seen}");
        }
        assert!(!seen.contains("connection:") && !seen.contains("transfer-encoding:"), "{seen}");
    });
}

#[test]
fn neither_end_gets_the_name_of_the_proxy_for_that_of_the_other() {
    with_proxies(|_, proxy, _| {
        let config = client::Config::default().with(|config| config.user_agent = None);
        let client = Client::with_config(config).unwrap();
        let response = client.get(proxy.url("/seen")).send().unwrap();
        assert_eq!(response.header("server"), None);
        let seen = response.text().unwrap();
        assert!(!seen.contains("user-agent:"), "{seen}");
    });
}

#[test]
fn invalid_time_is_refused_with_the_help_text() {
    let Some(program) = peer::example("proxy") else { return };
    for times in [["0", "1"], ["soon", "1"], ["1", "0"]] {
        let command = &mut Command::new(&program);
        let output = peer::run(command.args(["127.0.0.1:0", "http://a"]).args(times));
        assert!(!output.success && output.text.contains("usage: proxy"), "{}", output.text);
    }
}

#[test]
fn proxy_of_the_environment_is_not_used() {
    let (server, _news) = upstream();
    let url = format!("http://{}", server.local_addr().unwrap());
    let Some(program) = peer::example("proxy") else { return };
    let mut command = Command::new(program);
    // A port on which no proxy listens.
    command.envs([("http_proxy", "http://127.0.0.1:1"), ("no_proxy", "")]);
    let Some(proxy) = start_command(command, &[&url]) else { return };
    let response = client(Versions::Http1).get(proxy.url("/early")).timeout(LONG).send().unwrap();
    assert_eq!(response.text().unwrap(), "early");
}

#[test]
fn upload_may_take_longer_than_the_upstream_for_its_response() {
    for scheme in ["http", "h2c"] {
        let (server, _news) = upstream();
        let url = format!("{scheme}://{}", server.local_addr().unwrap());
        let Some(proxy) = start("proxy", &[&url, "1"]) else { return };
        for versions in [Versions::Http1, Versions::Http2] {
            let (mut send, mut answer) = client(versions).post(proxy.url("/body")).open().unwrap();
            for _ in 0..12 {
                send.send("x").unwrap();
                std::thread::sleep(Duration::from_millis(200));
            }
            send.finish().unwrap();
            answer.set_read_timeout(Some(LONG));
            assert_eq!(answer.response().unwrap().status(), 200);
        }
    }
}

#[test]
fn body_that_never_ends_ends_where_the_upstream_does_not_answer() {
    for scheme in ["http", "h2c"] {
        let (server, _news) = upstream();
        let url = format!("{scheme}://{}", server.local_addr().unwrap());
        let Some(proxy) = start("proxy", &[&url, "1", "2"]) else { return };
        for (versions, path) in [
            (Versions::Http1, "/reads"),
            (Versions::Http2, "/reads"),
            (Versions::Http1, "/waits"),
            (Versions::Http2, "/waits"),
        ] {
            let (mut send, mut answer) = client(versions).post(proxy.url(path)).open().unwrap();
            let (answered, is_answered) = mpsc::channel::<()>();
            let sending = std::thread::spawn(move || {
                let pause = Duration::from_millis(50);
                while is_answered.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                    let _ = send.send("x");
                }
            });
            answer.set_read_timeout(Some(LONG));
            assert_eq!(answer.response().unwrap().status(), 408, "{versions:?} {path} {scheme}");
            drop(answered);
            sending.join().unwrap();
        }
    }
}

#[test]
fn client_that_goes_cancels_the_request_at_the_upstream() {
    with_proxies(|client, proxy, news| {
        let mut request = client.get(proxy.url("/waits"));
        let cancel = request.cancel_handle();
        std::thread::scope(|scope| {
            scope.spawn(|| request.send().unwrap_err());
            news.recv_timeout(LONG).expect("the request reaches the upstream");
            cancel.cancel();
        });
        news.recv_timeout(LONG).expect("the upstream learns that the client has gone");
    });
}

#[test]
fn response_that_breaks_off_does_not_look_complete() {
    with_proxies(|client, proxy, _| {
        let response = client.get(proxy.url("/breaks")).timeout(LONG).send().unwrap();
        assert_eq!(response.status(), 200);
        response.text().unwrap_err();
    });
}

#[test]
fn websockets_pass_with_their_protocol_and_the_code_of_their_close() {
    with_proxies(|client, proxy, _| {
        let mut socket = connect(client, proxy.address(), "/socket");
        assert_eq!(socket.protocol(), Some("second"));
        for n in 0..100 {
            let line = format!("{n} {}", "x".repeat(n * 100));
            socket.send(line.clone()).unwrap();
            let echoed = socket.read().unwrap().unwrap();
            assert_eq!(echoed.as_text(), Some(&*line));
        }
        let close = socket.close(4000, "enough").unwrap();
        assert_eq!(close.code, Some(4000.into()));
    });
}

#[test]
fn websocket_ends_when_its_client_does_not_answer_a_ping() {
    let (server, _news) = upstream();
    let url = format!("http://{}", server.local_addr().unwrap());
    let Some(proxy) = start("proxy", &[&url, "1"]) else { return };
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    client.set_read_timeout(Some(LONG)).unwrap();
    let request = "GET /socket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    client.write_all(request.as_bytes()).unwrap();
    let mut received = Vec::new();
    let ended = client.read_to_end(&mut received);
    assert!(received.starts_with(b"HTTP/1.1 101 "), "{}", received.escape_ascii());
    if let Err(error) = ended {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
}

#[test]
fn absent_upstream_is_502_and_a_silent_one_504() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    for scheme in ["http", "h2c"] {
        let Some(silent) = start("proxy", &[&format!("{scheme}://{address}"), "1"]) else { return };
        for versions in [Versions::Http1, Versions::Http2] {
            let client = client(versions);
            let request = client.post(silent.url("/")).body("body").timeout(LONG);
            assert_eq!(request.send().unwrap().status(), 504);
        }
    }
    drop(listener);
    let Some(absent) = start("proxy", &[&format!("http://{address}")]) else { return };
    let response = client(Versions::Http1).get(absent.url("/")).timeout(LONG).send().unwrap();
    assert_eq!(response.status(), 502);
}
