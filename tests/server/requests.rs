//! The requests that handlers receive.

use std::io::Read;

use h2_sync::convert::Protocol;
use h2_sync::headers;

use crate::client::Client;
use crate::support::{bounded, config, get, post, request, say, serve, serve_with};

#[test]
fn parts_of_the_target_are_available() {
    bounded(|| {
        let server = serve(|request, response| {
            let target = (request.path(), request.query(), request.authority(), request.scheme());
            say(response, (request.method().as_str(), target))
        });
        let reply = Client::of(&server).fetch("/a/b?c=d");
        let target = ("/a/b", Some("c=d"), Some("test"), Some("http"));
        assert_eq!(reply.text(), format!("{:?}", ("GET", target)));
    });
}

#[test]
fn the_uri_is_whole() {
    bounded(|| {
        let server = serve(|request, response| say(response, request.uri().to_string()));
        let reply = Client::of(&server).fetch("/a?b");
        assert_eq!(reply.text(), r#""http://test/a?b""#);
    });
}

#[test]
fn header_fields_are_available_in_order_and_as_a_map() {
    bounded(|| {
        let server = serve(|request, response| {
            let values: Vec<_> = request.fields().get_all("x").collect();
            assert_eq!(values, [b"1", b"2"]);
            let map = request.headers().get_all("x").iter().collect::<Vec<_>>();
            assert_eq!(map, ["1", "2"]);
            assert!(!request.headers().keys().any(|name| name.as_str().starts_with(':')));
            say(response, request.field("x"))
        });
        let reply = Client::of(&server).exchange(&get("/").with("x", "1").with("x", "2"), b"");
        assert_eq!(reply.text(), r#"Some("1")"#);
    });
}

#[test]
fn it_becomes_a_request_of_the_http_crate() {
    bounded(|| {
        let server = serve(|request, response| {
            let request = request.to_http();
            say(response, (request.method(), request.uri(), request.version(), request.headers()))
        });
        let reply = Client::of(&server).exchange(&post("/p").with("x", "1"), b"body");
        assert_eq!(reply.text(), r#"(POST, http://test/p, HTTP/2.0, {"x": "1"})"#);
    });
}

#[test]
fn the_peers_address_is_that_of_the_client() {
    bounded(|| {
        let server = serve(|request, response| say(response, request.peer_addr()));
        let stream = std::net::TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let address = stream.local_addr().unwrap();
        let reply = Client::over(stream, Default::default()).fetch("/");
        assert_eq!(reply.text(), format!("{:?}", Some(address)));
    });
}

#[test]
fn priority_of_the_request_is_available() {
    bounded(|| {
        let server = serve(|request, response| say(response, request.priority().to_string()));
        let reply = Client::of(&server).exchange(&get("/").with("priority", "u=1, i"), b"");
        assert_eq!(reply.text(), r#""u=1, i""#);
    });
}

#[test]
fn extensions_are_passed_from_layer_to_layer() {
    bounded(|| {
        let server = serve(|request, response| {
            request.extensions_mut().insert(7_u8);
            say(response, request.extensions().get::<u8>())
        });
        assert_eq!(Client::of(&server).fetch("/").text(), "Some(7)");
    });
}

#[test]
fn trailers_come_behind_the_body() {
    bounded(|| {
        let server = serve(|request, response| {
            let mut body = String::new();
            request.read_to_string(&mut body)?;
            let trailers = request.trailers()?.unwrap_or_default();
            say(response, (body, trailers.get("checksum")))
        });
        let mut client = Client::of(&server);
        let id = client.post("/");
        client.send(id, "body", false);
        client.send_trailers(id, headers!("checksum" => "x"));
        assert_eq!(client.reply(id).text(), r#"("body", Some("x"))"#);
    });
}

#[test]
fn asking_for_the_trailers_skips_the_body() {
    bounded(|| {
        let server = serve(|request, response| {
            let trailers = request.trailers()?;
            say(response, trailers.map(|trailers| trailers.len()))
        });
        let mut client = Client::of(&server);
        let id = client.post("/");
        client.send(id, vec![0; 3 << 20], false);
        client.send_trailers(id, headers!("checksum" => "x"));
        assert_eq!(client.reply(id).text(), "Some(1)");
    });
}

#[test]
fn request_without_trailers_has_none() {
    bounded(|| {
        let server = serve(|request, response| say(response, request.trailers()?));
        let reply = Client::of(&server).exchange(&post("/"), b"body");
        assert_eq!(reply.text(), "None");
    });
}

/// The URI and the fields of a request with this target, or 400; `None` if the client refuses it.
#[test]
fn unusual_target_is_passed_on_unchanged_or_answered_with_400() {
    bounded(|| {
        let server = serve(|request, response| {
            assert_eq!(request.headers().get("x").unwrap(), "1", "{:?}", request.fields());
            assert_eq!(request.to_http().uri(), request.uri());
            say(response, request.path())
        });
        let mut client = Client::of(&server);
        let long = format!("/{}", "a".repeat(40_000));
        let paths = [
            "/", "//", "/%", "/%zz", "/|", "/[a]", "/\"", "/<>", "/`", "/\\", "/^", "/{}", "/?",
            "/??", "/a?b?c", "/a:b@c", "/\u{e4}", "/..", "/./..//", "/~", "/;", &long,
        ];
        let authorities = [
            "test", "a:b:c", "a:b", ":", "a:", ":1", "::1", "[::1]:1", "[", "]", "[]", "a.", ".",
            "%41", "a%", "-", "a:99999", "a:123456", "a!", "a_b", "a;b", "(a)", "a*b", "a\"b",
            "a^b", "a`b", "a{b", "a|b", "<a>", "\u{e4}",
        ];
        let schemes = ["http", "https", "HTTP", "h", "ftp", "a+b-c.d"];
        for scheme in schemes {
            for (path, authority) in paths
                .map(|path| (path, "test"))
                .into_iter()
                .chain(authorities.map(|authority| ("/", authority)))
            {
                let fields = headers!(
                    ":method" => "GET", ":scheme" => scheme, ":authority" => authority,
                    ":path" => path, "x" => "1",
                );
                let Some(id) = client.try_open(&fields) else { continue };
                let reply = client.reply(id);
                let told = reply.status() == Some(200)
                    && reply.text() == format!("{:?}", path.split('?').next().unwrap());
                assert!(told || reply.status() == Some(400), "{fields:?}: {reply:?}");
            }
        }
        assert_eq!(server.stats().handlers_panicked, 0);
    });
}

#[test]
fn the_host_field_stands_in_for_the_authority() {
    bounded(|| {
        let server = serve(|request, response| say(response, request.authority()));
        let mut client = Client::of(&server);
        for host in ["a", "a:1", "a%41", "[::1]"] {
            let fields = headers!(
                ":method" => "GET", ":scheme" => "http", ":path" => "/", "host" => host,
            );
            let reply = client.exchange(&fields, b"");
            let told = reply.text() == format!("{:?}", Some(host));
            assert!(told || matches!(reply.status(), Some(400) | None), "{host}: {reply:?}");
        }
        assert_eq!(server.stats().handlers_panicked, 0);
    });
}

#[test]
fn options_may_be_asked_of_the_whole_server() {
    bounded(|| {
        let server = serve(|request, response| {
            say(response, (request.path(), request.uri().to_string(), request.authority()))
        });
        let reply = Client::of(&server).exchange(&request("OPTIONS", "*"), b"");
        assert_eq!(reply.text(), r#"("*", "*", Some("test"))"#);
    });
}

#[test]
fn connect_has_an_authority_alone() {
    bounded(|| {
        let server = serve(|request, response| {
            say(response, (request.path(), request.uri().to_string(), request.scheme()))
        });
        let fields = headers!(":method" => "CONNECT", ":authority" => "example.com:443");
        let reply = Client::of(&server).exchange(&fields, b"");
        assert_eq!(reply.text(), r#"("", "example.com:443", None)"#);
    });
}

#[test]
fn extended_connect_has_its_protocol() {
    bounded(|| {
        let config = config(|config| config.http2.enable_connect_protocol = true);
        let server = serve_with(config, |request, response| {
            let http = request.to_http();
            let protocol = http.extensions().get::<Protocol>().map(Protocol::as_str);
            say(response, (request.protocol(), protocol, request.path()))
        });
        let mut client = Client::of(&server);
        // The setting arrives before any answer.
        client.fetch("/");
        let fields = headers!(
            ":method" => "CONNECT", ":protocol" => "x", ":scheme" => "http",
            ":authority" => "test", ":path" => "/chat",
        );
        let reply = client.exchange(&fields, b"");
        assert_eq!(reply.text(), r#"(Some("x"), Some("x"), "/chat")"#);
    });
}
