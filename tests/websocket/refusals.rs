//! Requests that open no WebSocket: what is answered, and that the connection goes on.

use h2_sync::websocket::{self, Origins};
use http::{Method, Version};

use crate::by_hand::request;
use crate::memory::bounded;
use crate::sites::{Site, WAYS, Way, assert_echo, config, echo};
use crate::support::http1::{Raw, Reply};

/// What the server answers to a request in HTTP/1.1, after which the connection takes another.
fn answer(site: &Site, request: &str) -> Reply {
    let mut raw = Raw::connect(site.handle.local_addr().unwrap());
    raw.send(request);
    let reply = raw.reply();
    if !reply.closes() && reply.status != 101 {
        assert_eq!(raw.get("/").body, b"plain");
    }
    reply
}

#[test]
fn each_wrong_request_in_http11_is_answered_with_its_status_and_a_text() {
    bounded(|| {
        let site = Site::echoing(Way::Http1);
        let good = request("");
        for (wrong, status, text) in [
            (good.replace("upgrade: websocket\r\n", ""), 426, "`upgrade: websocket` is missing"),
            (good.replace("connection: Upgrade\r\n", ""), 426, "`connection: upgrade`"),
            (good.replace("upgrade: websocket", "upgrade: other"), 426, "is missing"),
            (good.replace("version: 13", "version: 12"), 426, "version \"12\""),
            (good.replace("sec-websocket-version: 13\r\n", ""), 400, "version is missing"),
            (good.replace("sec-websocket-key", "x-key"), 400, "sec-websocket-key is missing"),
            (good.replace("dGhl", "!!!!"), 400, "16 octets in base64"),
            (good.replace("GET", "POST"), 405, "not with POST"),
            (good.replace("HTTP/1.1", "HTTP/1.0"), 400, "HTTP/1.0"),
            (request("origin: https://evil.example\r\n"), 403, "\"https://evil.example\""),
            (request("origin: null\r\n"), 403, "\"null\""),
            (request("sec-websocket-protocol: a b\r\n"), 400, "\"a b\""),
        ] {
            let reply = answer(&site, &wrong);
            assert_eq!(reply.status, status, "{wrong} {}", reply.text());
            assert!(reply.text().contains(text), "{}", reply.text());
            if status == 426 {
                assert_eq!(reply.field("upgrade"), Some("websocket"));
                assert_eq!(reply.field("sec-websocket-version"), Some("13"));
            }
            if status == 405 {
                assert_eq!(reply.field("allow"), Some("GET"));
            }
        }
        // A refusal is the client's fault, not the handler's.
        assert_eq!(site.handle.stats().handlers_failed, 0);
        assert_eq!(answer(&site, &good).status, 101);
    });
}

#[test]
fn request_in_http2_that_does_not_ask_is_answered() {
    bounded(|| {
        let site = Site::echoing(Way::Http2);
        let client = site.client(Way::Http2);
        let url = site.plain() + "ws";
        let get = client.get(&*url).send().unwrap();
        assert_eq!((get.version(), get.status().as_u16()), (Version::HTTP_2, 400));
        assert!(get.text().unwrap().contains("extended CONNECT"));
        let post = client.request(Method::POST, &*url).send().unwrap();
        assert_eq!((post.status().as_u16(), post.header("allow")), (405, Some("CONNECT")));
    });
}

#[test]
fn extended_connect_for_another_protocol_is_not_implemented() {
    bounded(|| {
        let site = Site::echoing(Way::Http2);
        let client = site.client(Way::Http2);
        match client.get(site.plain() + "ws").upgrade("connect-udp").unwrap() {
            h2_sync::client::Upgraded::Refused(response) => assert_eq!(response.status(), 501),
            h2_sync::client::Upgraded::Switched(tunnel) => panic!("{tunnel:?}"),
        }
        assert_echo(&mut websocket::connect(&client, site.ws()).unwrap(), "hello");
    });
}

#[test]
fn refusal_is_an_error_of_connect_with_status_and_text() {
    bounded(|| {
        for &way in WAYS {
            let site = Site::echoing(way);
            let client = site.client(way);
            let builder = websocket::Builder::new(&client, site.ws());
            let error = builder.header("origin", "https://evil.example").connect().unwrap_err();
            assert_eq!(error.status().unwrap(), 403, "{error}");
            assert!(error.to_string().contains("403 Forbidden: pages of"), "{error}");
        }
    });
}

#[test]
fn ordinary_response_in_http11_is_an_error_with_the_beginning_of_its_body() {
    bounded(|| {
        let site =
            Site::of(Way::Http1, crate::sites::server_config(), |request, response| match request
                .path()
            {
                "/moved" => {
                    response.set_status(302)?;
                    response.set_header("location", "/login")
                }
                _ => response.send("x".repeat(10_000)),
            });
        let client = site.client(Way::Http1);
        let error = websocket::connect(&client, format!("{}/moved", site.url)).unwrap_err();
        assert_eq!(error.status().unwrap(), 302, "{error}");
        assert!(error.to_string().contains("302 Found, location \"/login\""), "{error}");
        let error = websocket::connect(&client, site.ws()).unwrap_err();
        assert_eq!(error.status().unwrap(), 200, "{error}");
        let shown = error.to_string().matches('x').count();
        assert!((512..600).contains(&shown), "{error}");
    });
}

#[test]
fn page_of_an_origin_that_is_allowed_is_let_in() {
    bounded(|| {
        for &way in WAYS {
            let origins = Origins::SameAnd(vec!["https://app.example".to_owned()]);
            let site = Site::with(way, config(|config| config.origins = origins), echo);
            let client = site.client(way);
            let authority = site.url.split("://").nth(1).unwrap();
            for origin in ["https://app.example".to_owned(), format!("http://{authority}")] {
                let builder = websocket::Builder::new(&client, site.ws());
                let mut socket = builder.header("origin", origin).connect().unwrap();
                assert_echo(&mut socket, "hello");
            }
        }
    });
}

#[test]
fn config_out_of_range_is_an_error_at_both_ends() {
    bounded(|| {
        let bad = || config(|config| config.max_message = 1);
        let site = Site::of(Way::Http1, crate::sites::server_config(), move |request, response| {
            let error = websocket::accept(request, response, &bad()).unwrap_err();
            response.send(error.to_string())
        });
        let mut raw = Raw::connect(site.handle.local_addr().unwrap());
        raw.send(request(""));
        let reply = raw.reply();
        assert!(reply.text().contains("`max_message` must be"), "{}", reply.text());
        let client = site.client(Way::Http1);
        let builder = websocket::Builder::new(&client, site.ws()).config(bad());
        assert!(builder.connect().unwrap_err().to_string().contains("`max_message` must be"));
    });
}
