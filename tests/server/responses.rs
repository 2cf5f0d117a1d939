//! The responses of handlers, as the client receives them.

use std::io::Write;

use h2_sync::server::{Request, Response};
use h2_sync::{ErrorKind, Headers};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::client::Client;
use crate::support::{bounded, config, gate, request, serve, serve_with};

fn hints() -> HeaderMap {
    let mut hints = HeaderMap::new();
    hints.insert("link", HeaderValue::from_static("</style.css>"));
    hints
}

#[test]
fn the_default_response_is_200_without_a_body() {
    bounded(|| {
        let server = serve(|_, _| Ok(()));
        let reply = Client::of(&server).fetch("/");
        assert_eq!((reply.status(), reply.text()), (Some(200), ""));
        assert_eq!(reply.head.get("content-length"), Some("0"));
    });
}

#[test]
fn a_body_that_is_whole_at_the_return_gets_a_content_length() {
    bounded(|| {
        let server = serve(|_, response| Ok(response.write_all(b"hello world")?));
        let reply = Client::of(&server).fetch("/");
        assert_eq!(reply.head.get("content-length"), Some("11"));
        assert_eq!(reply.text(), "hello world");
    });
}

#[test]
fn a_content_length_of_the_handlers_stays() {
    bounded(|| {
        let server = serve(|_, response| {
            response.set_header("content-length", 5)?;
            Ok(response.write_all(b"hello")?)
        });
        let reply = Client::of(&server).fetch("/");
        assert_eq!(reply.head.get_all("content-length").collect::<Vec<_>>(), [b"5"]);
    });
}

#[test]
fn a_status_has_three_digits_and_is_final() {
    bounded(|| {
        let server = serve(|_, response| {
            for wrong in [0, 99, 100, 101, 103, 199, 1000] {
                let error = response.set_status(wrong).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Caller, "{wrong}");
            }
            assert_eq!(response.status(), StatusCode::OK);
            Ok(response.set_status(StatusCode::IM_A_TEAPOT)?)
        });
        assert_eq!(Client::of(&server).fetch("/").status(), Some(418));
    });
}

#[test]
fn a_field_is_set_or_appended() {
    bounded(|| {
        let server = serve(|_, response| {
            response.set_header("x", "1")?;
            response.set_header("x", "2")?;
            response.append_header("x", "3")?;
            response.headers_mut()?.append("x", HeaderValue::from_static("4"));
            Ok(())
        });
        let reply = Client::of(&server).fetch("/");
        assert_eq!(reply.head.get_all("x").collect::<Vec<_>>(), [b"2", b"3", b"4"]);
    });
}

#[test]
fn a_field_that_is_not_one_is_an_error_of_that_call() {
    bounded(|| {
        let server = serve(|_, response| {
            assert!(response.set_header("not a name", "1").is_err());
            assert!(response.append_header("x", "a\r\nb").is_err());
            assert!(response.headers_mut().unwrap().is_empty());
            Ok(())
        });
        assert_eq!(Client::of(&server).fetch("/").status(), Some(200));
    });
}

#[test]
fn fields_that_http2_has_no_place_for_are_left_out() {
    bounded(|| {
        let server = serve(|_, response| {
            for name in ["connection", "keep-alive", "transfer-encoding", "upgrade"] {
                response.set_header(name, "x")?;
            }
            Ok(response.write_all(b"hello")?)
        });
        let reply = Client::of(&server).fetch("/");
        let names: Vec<_> = reply.head.iter().map(|field| field.name.to_vec()).collect();
        let names: Vec<_> = names.iter().map(|name| std::str::from_utf8(name).unwrap()).collect();
        assert_eq!(names, [":status", "content-length", "date", "server"]);
    });
}

#[test]
fn after_the_header_section_it_cannot_be_changed() {
    bounded(|| {
        let server = serve(|_, response| {
            response.flush()?;
            assert!(response.set_status(404).is_err());
            assert!(response.set_header("x", "1").is_err());
            assert!(response.append_header("x", "1").is_err());
            assert!(response.headers_mut().is_err());
            assert!(response.send_informational(103, &hints()).is_err());
            Ok(response.write_all(b"hello")?)
        });
        let reply = Client::of(&server).fetch("/");
        assert_eq!((reply.status(), reply.text()), (Some(200), "hello"));
        assert_eq!((reply.head.get("x"), reply.interim.len()), (None, 0));
    });
}

#[test]
fn head_204_and_304_have_no_body_whatever_is_written() {
    bounded(|| {
        let server = serve(|request, response| {
            if let Some(status) = request.query() {
                response.set_status(status.parse::<u16>()?)?;
            }
            match request.path() {
                "/gathered" => response.write_all(b"hello")?,
                "/flushed" => {
                    response.flush()?;
                    response.write_all(b"hello")?;
                    response.flush()?;
                }
                "/large" => response.write_all(&[0; 300_000])?,
                _ => response.send(vec![0; 300_000])?,
            }
            Ok(())
        });
        let mut client = Client::of(&server);
        for path in ["/gathered", "/flushed", "/large", "/sent"] {
            for (method, query) in [("HEAD", ""), ("GET", "?204"), ("GET", "?304")] {
                let reply = client.exchange(&request(method, &format!("{path}{query}")), b"");
                assert!(reply.is_complete, "{method} {path}{query}: {reply:?}");
                assert!(reply.body.is_empty(), "{method} {path}{query}");
            }
        }
    });
}

#[test]
fn status_without_a_body_discards_earlier_writes() {
    bounded(|| {
        let server = serve(|request, response| {
            response.write_all(b"hello")?;
            Ok(response.set_status(request.query().unwrap().parse::<u16>()?)?)
        });
        let mut client = Client::of(&server);
        for status in [204, 304] {
            let reply = client.fetch(&format!("/?{status}"));
            assert_eq!((reply.status(), reply.is_complete), (Some(status), true), "{reply:?}");
            assert!(reply.body.is_empty() && reply.reset.is_none());
        }
    });
}

#[test]
fn head_has_the_length_of_get() {
    bounded(|| {
        let server = serve(|_, response| Ok(response.write_all(b"hello")?));
        let reply = Client::of(&server).exchange(&request("HEAD", "/"), b"");
        assert_eq!(reply.head.get("content-length"), Some("5"));
    });
}

#[test]
fn a_204_has_no_content_length() {
    bounded(|| {
        let server = serve(|_, response| Ok(response.set_status(204)?));
        assert_eq!(Client::of(&server).fetch("/").head.get("content-length"), None);
    });
}

#[test]
fn date_and_server_are_added_and_can_be_switched_off() {
    bounded(|| {
        let server = serve(|_, _| Ok(()));
        let reply = Client::of(&server).fetch("/");
        assert!(httpdate::parse_http_date(reply.head.get("date").unwrap()).is_ok());
        assert_eq!(reply.head.get("server"), Some("h2-sync"));

        let plain = config(|config| {
            config.date = false;
            config.server_name = None;
        });
        let server = serve_with(plain, |_, _| Ok(()));
        let reply = Client::of(&server).fetch("/");
        assert_eq!(reply.head, Headers::new().with(":status", "200").with("content-length", "0"));
    });
}

#[test]
fn trailers_come_behind_the_body() {
    bounded(|| {
        let server = serve(|_, response| {
            response.set_trailers(hints());
            Ok(response.write_all(b"hello")?)
        });
        let reply = Client::of(&server).fetch("/");
        assert_eq!(reply.text(), "hello");
        assert_eq!(reply.trailers.unwrap().get("link"), Some("</style.css>"));
        assert_eq!(reply.head.get("content-length"), None);
    });
}

#[test]
fn informational_responses_come_before_the_final_one() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |_, response| {
            response.send_informational(103, &hints())?;
            at.wait("handler");
            response.send_informational(102, &HeaderMap::new())?;
            Ok(response.write_all(b"hello")?)
        });
        let mut client = Client::of(&server);
        let id = client.get("/");
        // Sent at once.
        client.until(|client| !client.so_far(id).interim.is_empty());
        bolt.open();
        let reply = client.reply(id);
        assert_eq!(
            reply.interim.iter().map(Headers::status).collect::<Vec<_>>(),
            [Some(103), Some(102)]
        );
        assert_eq!(reply.interim[0].get("link"), Some("</style.css>"));
        assert_eq!((reply.status(), reply.text()), (Some(200), "hello"));
    });
}

#[test]
fn an_informational_response_has_an_informational_status() {
    bounded(|| {
        let server = serve(|_, response| {
            for wrong in [99, 101, 200, 404] {
                assert!(response.send_informational(wrong, &hints()).is_err(), "{wrong}");
            }
            Ok(())
        });
        let reply = Client::of(&server).fetch("/");
        assert_eq!((reply.status(), reply.interim.len()), (Some(200), 0));
    });
}

#[test]
fn invalid_status_or_field_is_named_in_the_error() {
    let response = Request::builder().send_to(|_: &mut Request, response: &mut Response| {
        let errors = [
            response.set_status(101),
            response.set_status(99),
            response.send_informational(200, &hints()),
            response.redirect(200, "/"),
            response.set_header("x-a", "a\nb"),
        ];
        let texts: Vec<_> = errors.map(|it| it.unwrap_err().to_string()).into();
        response.send(texts.join("\n"))
    });
    let expected = [
        "invalid status 101 of a final response: must be 200 to 999",
        "invalid status of a final response: must be 200 to 999",
        "invalid status 200 of an interim response: must be 100, or 102 to 199",
        "invalid status 200 of a redirect: must be 301, 302, 303, 307 or 308",
        "invalid value of the header field \"x-a\"",
    ];
    assert_eq!(response.unwrap().text(), expected.join("\n"));
}

#[test]
fn flush_sends_the_header_section_and_buffered_octets() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |_, response| {
            response.set_status(201)?;
            response.write_all(b"hello ")?;
            response.flush()?;
            at.wait("handler");
            Ok(response.write_all(b"world")?)
        });
        let mut client = Client::of(&server);
        let id = client.get("/");
        client.until_body(id, b"hello ");
        assert_eq!(client.so_far(id).status(), Some(201));
        bolt.open();
        assert_eq!(client.reply(id).text(), "hello world");
    });
}

#[test]
fn ticks_come_one_by_one() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |_, response| {
            for n in 0..10 {
                writeln!(response, "{n}")?;
                response.flush()?;
                at.wait("tick");
            }
            Ok(())
        });
        let mut client = Client::of(&server);
        let id = client.get("/");
        let mut body = Vec::new();
        for n in 0..10 {
            writeln!(body, "{n}").unwrap();
            client.until_body(id, &body);
            bolt.comes();
            bolt.let_one();
        }
        assert!(client.reply(id).is_complete);
    });
}

#[test]
fn a_status_that_forbids_content_has_neither_octets_nor_a_length() {
    bounded(|| {
        let server = serve(|request, response| {
            response.set_status(request.path()[1..].parse::<u16>()?)?;
            response.set_header("content-length", 7)?;
            Ok(response.write_all(b"content")?)
        });
        let mut client = Client::of(&server);
        for (path, status) in [("/204", 204), ("/205", 205)] {
            let reply = client.fetch(path);
            assert_eq!((reply.status(), reply.text()), (Some(status), ""));
            assert_eq!(reply.head.get("content-length"), None);
        }
        // The length of the body of a GET with 200.
        let reply = client.fetch("/304");
        assert_eq!((reply.status(), reply.text()), (Some(304), ""));
        assert_eq!(reply.head.get("content-length"), Some("7"));
        assert_eq!(client.fetch("/200").text(), "content");
    });
}

#[test]
fn connect_is_a_tunnel_after_204_as_well() {
    bounded(|| {
        let server = serve(|request, response| {
            response.set_status(204)?;
            response.set_header("content-length", 1)?;
            response.flush()?;
            std::io::copy(request, response)?;
            Ok(())
        });
        let mut client = Client::of(&server);
        let connect = h2_sync::headers!(":method" => "CONNECT", ":authority" => "a.example:1");
        let id = client.open(&connect, false);
        client.send(id, "octets", true);
        let reply = client.reply(id);
        assert_eq!((reply.status(), reply.text()), (Some(204), "octets"));
        assert_eq!(reply.head.get("content-length"), None);
    });
}

#[test]
fn octets_written_after_a_split_of_a_response_to_head_are_dropped() {
    bounded(|| {
        let server = serve(|request, response| {
            let (_, mut send) = response.split(request)?;
            send.write_all(b"not for HEAD")?;
            send.send(vec![7; 100_000])?;
            Ok(send.finish()?)
        });
        let mut client = Client::of(&server);
        let reply = client.exchange(&request("HEAD", "/"), b"");
        assert_eq!((reply.status(), reply.text(), reply.reset), (Some(200), "", None));
        assert_eq!(client.exchange(&request("GET", "/"), b"").body.len(), 100_012);
    });
}
