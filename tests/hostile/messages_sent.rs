//! Invalid messages that the caller asks us to send: the caller gets an error, nothing that looks
//! complete is sent, and the connection continues. Connection-specific fields of a forwarded
//! HTTP/1.1 response are dropped.

use std::sync::{Mutex, mpsc};
use std::thread;

use h2_sync::client::{Body, Client, Config, Connection, Proxies, RequestBuilder, Versions};
use h2_sync::frame::{Frame, Setting};
use h2_sync::server::{Request, Response};
use h2_sync::{Error, ErrorCode, ErrorKind, Headers, StreamId};
use http::{HeaderMap, HeaderValue, Method};

use crate::bad_fields::{self, Field, case};
use crate::memory::bounded;
use crate::support::{Peer, listener};
use crate::victim::{BoxError, Victim, get, request};

/// Fields that `Client` and `Response` must refuse. Names with upper-case letters are missing,
/// since the types of `http` convert them.
fn bad_fields() -> impl Iterator<Item = Field> {
    let names = bad_fields::colons().into_iter().chain(bad_fields::octets_in_names());
    names.chain(bad_fields::octets_in_values()).chain(bad_fields::white_space())
}

fn client() -> Client {
    let mut config = Config::default();
    config.proxies = Proxies::Never;
    config.versions = Versions::Http2;
    Client::with_config(config).unwrap()
}

#[track_caller]
fn assert_caller(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Caller, "{error}");
}

/// None of these is sent. The next request on the connection is a valid one.
fn not_sent(
    requests: impl FnOnce(&Client, &str) -> Vec<(String, Result<(), Error>)> + Send + 'static,
) {
    bounded(move || {
        let (listener, url) = listener();
        let client = client();
        for (what, result) in requests(&client, &url) {
            case(what);
            assert_caller(&result.unwrap_err());
        }
        let asks = thread::spawn(move || client.get(&*url).send()?.text());
        let mut peer = Peer::accept(&listener);
        let good = loop {
            match peer.next().expect("a frame of the client") {
                // The header section of a request may have been sent before its body turns out to
                // be wrong.
                Frame::Headers(frame) if frame.end_stream => break frame.stream_id,
                Frame::Data(frame) => assert!(!frame.end_stream, "{frame:?}"),
                _ => {}
            }
        };
        assert_eq!(peer.section.as_ref().unwrap().get("bad"), None);
        peer.answer(good, 200, "good");
        assert_eq!(asks.join().unwrap().unwrap(), "good");
    });
}

fn send(request: RequestBuilder<'_>) -> Result<(), Error> {
    request.send().map(drop)
}

#[test]
fn a_request_with_an_invalid_field_is_an_error_of_the_caller() {
    not_sent(|client, url| {
        bad_fields()
            .map(|(name, value)| {
                let request = client.get(url).header("bad", "1").header(&name[..], &value[..]);
                (format!("{name:?}: {value:?}"), send(request))
            })
            .collect()
    });
}

#[test]
fn a_request_with_invalid_content_lengths_is_an_error_of_the_caller() {
    not_sent(|client, url| {
        let lengths = [&["0", "1"][..], &["+0"], &["0, 0"], &[""], &["zero"]];
        lengths
            .iter()
            .map(|lengths| {
                let mut request = client.get(url).header("bad", "1");
                for length in *lengths {
                    request = request.header("content-length", *length);
                }
                (format!("{lengths:?}"), send(request))
            })
            .collect()
    });
}

#[test]
fn a_request_whose_body_contradicts_its_content_length_is_an_error_of_the_caller() {
    not_sent(|client, url| {
        let announced = |length: &str, body: &'static str| {
            let request = client.post(url).header("content-length", length).body(body);
            (format!("{length}: {body}"), send(request))
        };
        let read = |length: u64, body: &'static [u8]| {
            let body = Body::from_reader_with_len(body, length);
            (format!("{length} to be read"), send(client.post(url).body(body)))
        };
        vec![
            announced("5", "four"),
            announced("3", "four"),
            announced("5", ""),
            read(5, b"four"),
            read(3, b"four"),
            read(0, b"four"),
        ]
    });
}

#[test]
fn a_request_with_an_invalid_url_is_an_error_of_the_caller() {
    not_sent(|client, url| {
        let with_user = url.replace("http://", "http://%ff:password@");
        let mut bad = vec![
            ("userinfo that is no UTF-8".to_owned(), send(client.get(with_user))),
            ("no authority".to_owned(), send(client.get("/path"))),
            ("no scheme".to_owned(), send(client.get("127.0.0.1"))),
            ("another scheme".to_owned(), send(client.get("ftp://127.0.0.1/"))),
        ];
        for octet in [" ", "\t", "\r\nb: c", "\0", "\\"] {
            for authority in [format!("127.0.0.1{octet}"), format!("127.0.0.1:80{octet}")] {
                bad.push((
                    format!("{authority:?}"),
                    send(client.get(format!("http://{authority}/"))),
                ));
            }
        }
        bad
    });
}

/// Returns the field section of a request with this userinfo, path and fields.
fn sent(user: &str, path: &str, fields: &[(&str, &str)]) -> Headers {
    let (listener, url) = listener();
    let url = url.replace("http://", &format!("http://{user}")).trim_end_matches('/').to_owned();
    let (target, fields) = (format!("{url}{path}"), fields.to_vec());
    thread::scope(|scope| {
        let asks = scope.spawn(move || {
            let client = client();
            let mut request = client.get(target);
            for (name, value) in fields {
                request = request.header(name, value);
            }
            request.send()?.text()
        });
        let mut peer = Peer::accept(&listener);
        let (stream_id, fields) = peer.receive_headers();
        peer.answer(stream_id, 200, "good");
        assert_eq!(asks.join().unwrap().unwrap(), "good");
        fields
    })
}

#[test]
fn invalid_octets_of_a_target_are_percent_encoded() {
    bounded(|| {
        for (path, encoded) in [
            ("/a b", "/a%20b"),
            ("/a\r\nb: c", "/a%0D%0Ab:%20c"),
            ("/a\0\t\u{7f}", "/a%00%09%7F"),
            ("/?a b\r\nc", "/?a%20b%0D%0Ac"),
        ] {
            assert_eq!(sent("", path, &[]).get(":path"), Some(encoded));
        }
    });
}

#[test]
fn user_and_password_of_a_url_are_sent_only_as_authorization() {
    bounded(|| {
        let fields = sent("user:password@", "/", &[]);
        assert_eq!(fields.get("authorization"), Some("Basic dXNlcjpwYXNzd29yZA=="));
        let authority = fields.authority().unwrap();
        assert!(authority.starts_with("127.0.0.1:"), "{authority}");
        assert!(fields.iter().all(|field| !field.value.contains(&b'@')));
        // Neither can inject a field.
        let fields = sent("a%0D%0Ab:c@", "/", &[]);
        assert_eq!(fields.get("authorization"), Some("Basic YQ0KYjpj"));
    });
}

/// None of them is present, except for a valid `te`.
#[track_caller]
fn assert_left_out(fields: &Headers) {
    for (name, _) in bad_fields::connection_specific() {
        let values: Vec<_> =
            fields.iter().filter(|field| field.name == name).map(|field| field.value).collect();
        let allowed: &[&[u8]] = if name == b"te" { &[b"trailers"] } else { &[] };
        assert_eq!(values, allowed);
    }
}

/// RFC 9113, Section 8.2.2. The error must name the field.
#[test]
fn a_request_with_connection_specific_fields_is_an_error_of_the_caller() {
    not_sent(|client, url| {
        let fields = bad_fields::connection_specific();
        let request = |(name, value): Field| {
            let request = client.get(url).header("bad", "1").header(&name[..], &value[..]);
            let (name, result) = (String::from_utf8(name).unwrap(), send(request));
            let error = result.as_ref().unwrap_err().to_string();
            assert!(error.contains(&format!("\"{name}\"")), "{error}");
            (name, result)
        };
        fields.into_iter().map(request).collect()
    });
}

#[test]
fn an_invalid_host_is_an_error_of_the_caller() {
    not_sent(|client, url| {
        let twice = client.get(url).header("bad", "1").header("host", "a").header("host", "a");
        let mut bad = vec![("twice".to_owned(), send(twice))];
        for host in ["", " ", "a b", "a/b", "user@a", "a,b c", "a\tb"] {
            let request = client.get(url).header("bad", "1").header("host", host);
            bad.push((format!("{host:?}"), send(request)));
        }
        bad
    });
}

#[test]
fn host_becomes_the_authority_and_te_keeps_only_trailers() {
    bounded(|| {
        let fields = sent("", "/", &[("a", "b"), ("host", "other"), ("te", "trailers")]);
        assert_left_out(&fields);
        assert_eq!((fields.get("a"), fields.authority()), (Some("b"), Some("other")));
        assert_eq!(fields.get("host"), None);
    });
}

fn trailers(value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([("name".parse().unwrap(), HeaderValue::from_static(value))])
}

#[test]
fn request_trailers_with_an_invalid_field_are_an_error_of_the_caller() {
    bounded(|| {
        let (listener, _) = listener();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let connection = Connection::start(stream, h2_sync::Config::default()).unwrap();
        let request = http::Request::post("http://test/").body(()).unwrap();
        let (mut send, mut response) = connection.open(&request).unwrap();
        for bad in [" a", "a ", "\ta", " "] {
            assert_caller(&send.send_trailers(&trailers(bad)).unwrap_err());
        }
        send.send_trailers(&trailers("good")).unwrap();
        let mut peer = Peer::accept(&listener);
        let (stream_id, _) = peer.receive_headers();
        let (same_stream, fields) = peer.receive_headers();
        assert_eq!((same_stream, fields.get("name")), (stream_id, Some("good")));
        peer.answer(stream_id, 200, "");
        assert_eq!(response.response().unwrap().status(), 200);
    });
}

/// An invalid operation of a handler, and its error.
type Misdeed = fn(&mut Request, &mut Response) -> Result<(), Error>;

/// A server whose handler does this, and the errors it got.
fn misbehaving(misdeed: Misdeed) -> (Victim, mpsc::Receiver<Error>) {
    let (say, said) = mpsc::channel();
    let say = Mutex::new(say);
    let victim = Victim::new(move |request, response| {
        if request.path() == "/good" {
            return Ok(response.send("good")?);
        }
        let result = misdeed(request, response);
        let given = result.clone();
        if let Err(error) = result {
            say.lock().unwrap().send(error)?;
        }
        given.map_err(BoxError::from)
    });
    (victim, said)
}

/// The client must get this status without a body instead of the handler's response, and the
/// connection continues.
fn answered(status: u16, misdeed: Misdeed) {
    bounded(move || {
        let (victim, said) = misbehaving(misdeed);
        let mut peer = victim.peer();
        assert_eq!(peer.fetch(&get("/bad")), (status, Vec::new()));
        assert_eq!(peer.fetch(&get("/good")), (200, b"good".to_vec()));
        said.try_iter().for_each(|error| assert_caller(&error));
    });
}

#[test]
fn a_handler_cannot_set_a_bad_field() {
    answered(200, |_, response| {
        for (name, value) in bad_fields() {
            case((&name, &value));
            let set = response.set_header(&name[..], &value[..]);
            let appended = response.append_header(&name[..], &value[..]);
            // The types of `http` accept white space at the ends of a value; it is detected later.
            if HeaderValue::from_bytes(&value).is_err() || name != b"name" {
                assert_caller(&set.unwrap_err());
                assert_caller(&appended.unwrap_err());
            } else {
                response.headers_mut()?.remove("name");
            }
        }
        Ok(())
    });
}

#[test]
fn a_response_with_white_space_at_the_end_of_a_value_is_an_error_of_the_handler_and_500() {
    answered(500, |_, response| {
        response.set_header("name", " a")?;
        let error = std::io::Write::flush(response).unwrap_err().into();
        assert_caller(&error);
        Err(error)
    });
    // Also if the handler ignores the error.
    answered(500, |_, response| response.set_header("name", "a "));
}

#[test]
fn a_response_without_a_body_that_announces_one_is_500() {
    answered(500, |_, response| response.set_header("content-length", 1));
}

#[test]
fn a_response_with_invalid_content_lengths_is_500() {
    answered(500, |_, response| {
        response.append_header("content-length", 4)?;
        response.append_header("content-length", 5)?;
        response.send("four")
    });
    answered(500, |_, response| {
        response.set_header("content-length", "4, 4")?;
        response.send("four")
    });
}

/// The client must get RST_STREAM(INTERNAL_ERROR) and no end of the response, and the connection
/// continues.
fn reset<const N: usize>(misdeeds: [Misdeed; N]) {
    for misdeed in misdeeds {
        bounded(move || {
            let (victim, said) = misbehaving(misdeed);
            let mut peer = victim.peer();
            peer.grant(StreamId::CONNECTION, 1 << 20);
            let stream_id = peer.open(&get("/bad"), true);
            peer.grant(stream_id, 1 << 20);
            peer.expect_reset(stream_id, ErrorCode::InternalError);
            assert_eq!(peer.fetch(&get("/good")), (200, b"good".to_vec()));
            said.try_iter().for_each(|error| assert_caller(&error));
        });
    }
}

#[test]
fn a_response_whose_body_is_not_its_content_length_is_reset() {
    reset::<4>([
        |_, response| {
            response.set_header("content-length", 5)?;
            response.send("four")
        },
        |_, response| {
            response.set_header("content-length", 3)?;
            response.send("four")
        },
        |_, response| {
            response.set_header("content-length", 5)?;
            std::io::Write::flush(response)?;
            response.send("four")
        },
        |_, response| {
            response.set_header("content-length", 3)?;
            std::io::Write::flush(response)?;
            response.send("four")
        },
    ]);
}

#[test]
fn a_response_whose_trailers_have_a_bad_field_is_reset() {
    reset::<3>([
        |_, response| {
            response.set_trailers(trailers(" a"));
            Ok(())
        },
        |_, response| {
            std::io::Write::flush(response)?;
            response.set_trailers(trailers(" a"));
            Ok(())
        },
        |_, response| {
            response.send(vec![b'.'; 100_000])?;
            response.set_trailers(trailers("a "));
            Ok(())
        },
    ]);
}

#[test]
fn an_invalid_status_cannot_be_set() {
    answered(200, |_, response| {
        for status in [0, 20, 99, 100, 101, 103, 199, 1_000, 65_535] {
            assert_caller(&response.set_status(status).unwrap_err());
        }
        for status in [0, 99, 101, 200, 204, 500] {
            let sent = response.send_informational(status, &HeaderMap::new());
            assert_caller(&sent.unwrap_err());
        }
        Ok(())
    });
}

#[test]
fn an_informational_response_with_a_bad_field_is_an_error_of_the_handler() {
    answered(200, |_, response| {
        for bad in [" a", "a ", "\ta"] {
            assert_caller(&response.send_informational(103, &trailers(bad)).unwrap_err());
        }
        Ok(())
    });
}

#[test]
fn a_response_goes_out_without_connection_specific_fields() {
    bounded(|| {
        let (victim, _) = misbehaving(|_, response| {
            for (name, value) in bad_fields::connection_specific() {
                response.append_header(&name[..], &value[..])?;
            }
            response.set_header("a", "b")?;
            response.set_trailers(HeaderMap::from_iter([
                (http::header::TRANSFER_ENCODING, HeaderValue::from_static("chunked")),
                (http::header::ETAG, HeaderValue::from_static("\"e\"")),
            ]));
            response.send("body")
        });
        let mut peer = victim.peer();
        peer.open(&get("/"), true);
        let (_, fields) = peer.receive_headers();
        assert_left_out(&fields);
        assert_eq!(fields.get("a"), Some("b"));
        let (_, trailers) = peer.receive_headers();
        assert_eq!((trailers.len(), trailers.get("etag")), (1, Some("\"e\"")));
    });
}

#[test]
fn no_body_is_sent_with_204_304_or_in_response_to_head() {
    bounded(|| {
        let (victim, _) = misbehaving(|request, response| {
            if request.path() != "/head" {
                response.set_status(&request.path()[1..])?;
            }
            std::io::Write::write_all(response, b"written")?;
            response.send("body")?;
            response.set_trailers(trailers("a"));
            Ok(())
        });
        let mut peer = victim.peer();
        for (method, path, status) in
            [("GET", "/204", 204), ("GET", "/304", 304), ("HEAD", "/head", 200)]
        {
            assert_eq!(peer.fetch(&request(method, path)), (status, Vec::new()));
            assert_eq!(peer.fetch(&get("/good")), (200, b"good".to_vec()));
        }
    });
}

#[test]
fn a_promise_with_an_unsafe_method_is_an_error_of_the_handler() {
    bounded(|| {
        let (victim, said) = misbehaving(|_, response| {
            let promise = |method: Method, url: &str, field: Option<&'static str>| {
                let mut request = http::Request::builder().method(method).uri(url);
                if let Some(value) = field {
                    request = request.header("name", value);
                }
                request.body(()).unwrap()
            };
            let bad = [
                promise(Method::POST, "http://test/", None),
                promise(Method::DELETE, "http://test/", None),
                promise(Method::GET, "/no-authority", None),
                promise(Method::GET, "http://test/", Some(" a")),
            ];
            for request in &bad {
                assert_caller(&response.push(request).unwrap_err());
            }
            response.send("done")
        });
        let mut peer = Peer::connect_with(victim.address(), vec![Setting::EnablePush(true)]);
        assert_eq!(peer.fetch(&get("/")), (200, b"done".to_vec()));
        assert_eq!(peer.seen.frames(h2_sync::frame::Kind::PUSH_PROMISE), 0);
        assert!(said.try_recv().is_err(), "the handler must not fail");
    });
}
