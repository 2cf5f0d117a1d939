//! `http://` URLs in HTTP/1.1 through proxies.

use h2_sync::client::{Client, Proxies, Proxy};

use crate::http1_peer::{Peer1, config, server};
use crate::support::bounded;

fn through(proxy: &str, change: impl FnOnce(&mut h2_sync::client::Config)) -> Client {
    let mut config = config();
    config.proxies = Proxies::All(Proxy::parse(proxy).unwrap());
    change(&mut config);
    Client::with_config(config).unwrap()
}

#[test]
fn proxy_is_asked_in_absolute_form_with_its_credentials() {
    bounded(|| {
        let (peer, url) = server(|server| {
            let mut peer = server.accept();
            (peer.answer("one"), peer.answer("two"))
        });
        let client = through(&url.replace("http://", "http://user:secret@"), |_| {});
        for body in ["one", "two"] {
            let response = client.get("http://origin.invalid:81/a?b").send().unwrap();
            assert_eq!(response.text().unwrap(), body);
        }
        let (one, two) = peer.join().unwrap();
        for head in [one, two] {
            let begin = "GET http://origin.invalid:81/a?b HTTP/1.1\r\nhost: origin.invalid:81\r\n";
            assert!(head.starts_with(begin), "{head}");
            assert!(head.contains("proxy-authorization: Basic dXNlcjpzZWNyZXQ=\r\n"), "{head}");
        }
    });
}

#[test]
fn refusal_of_the_proxy_is_a_response() {
    bounded(|| {
        let (_peer, url) = server(|server| {
            let mut peer = server.accept();
            peer.head();
            peer.write("HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n");
        });
        let response = through(&url, |_| {}).get("http://origin.invalid/").send().unwrap();
        assert_eq!(response.status(), 407);
    });
}

#[test]
fn prior_knowledge_of_http2_goes_through_a_tunnel() {
    bounded(|| {
        let (peer, url) = server(|server| {
            let mut peer: Peer1 = server.accept();
            let head = peer.head();
            peer.write("HTTP/1.1 503 No\r\n\r\n");
            head
        });
        let client = through(&url, |config| config.prior_knowledge = true);
        assert!(client.get("http://origin.invalid/").send().is_err());
        assert!(peer.join().unwrap().starts_with("CONNECT origin.invalid:80 HTTP/1.1\r\n"));
    });
}
