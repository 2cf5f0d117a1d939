//! Compressed responses over the wire.

use std::io::{BufRead, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use h2_sync::client::Client;

use crate::support::{Running, bounded, client, config, octets, serve};

fn serving(octets: &[u8]) -> Running {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(octets).unwrap();
    let (coded, plain) = (encoder.finish().unwrap(), octets.to_owned());
    serve(move |request, response| {
        let asked = request.field("accept-encoding").unwrap_or_default();
        if !asked.contains("gzip") {
            return response.write_all(&plain);
        }
        response.set_header("content-encoding", "gzip")?;
        response.write_all(&coded)
    })
}

#[test]
fn a_compressed_body_comes_out_plain() {
    bounded(|| {
        let body = octets(3 << 20);
        let server = serving(&body);
        let mut response = client().get(server.at("/")).send().unwrap();
        assert_eq!(response.header("content-encoding"), None);
        assert_eq!(response.header("content-length"), None);
        let mut back = Vec::new();
        response.read_to_end(&mut back).unwrap();
        assert!(back == body);
    });
}

#[test]
fn lines_of_a_body_can_be_read_with_and_without_a_coding() {
    bounded(|| {
        let text: String = (0..5_000).map(|number| format!("line {number}\n")).collect();
        let server = serving(text.as_bytes());
        for coding in ["gzip", "identity"] {
            let mut config = config();
            config.gzip = coding == "gzip";
            let client = Client::with_config(config).unwrap();
            let response = client.get(server.at("/")).send().unwrap();
            let lines: Vec<_> = response.into_body().lines().map(Result::unwrap).collect();
            assert!(lines.iter().eq(text.lines()), "{coding}");
        }
    });
}

#[test]
fn a_coding_that_the_caller_asks_for_is_not_decoded() {
    bounded(|| {
        let server = serving(b"hello");
        let response =
            client().get(server.at("/")).header("accept-encoding", "gzip").send().unwrap();
        assert_eq!(response.header("content-encoding"), Some("gzip"));
        assert_eq!(response.bytes().unwrap()[..2], [0x1f, 0x8b]);
    });
}

#[test]
fn it_can_be_switched_off() {
    bounded(|| {
        let server = serving(b"hello");
        let mut config = config();
        config.gzip = false;
        let client = Client::with_config(config).unwrap();
        assert_eq!(client.get(server.at("/")).send().unwrap().text().unwrap(), "hello");
    });
}

#[test]
fn a_bomb_is_an_error_at_the_bound() {
    bounded(|| {
        let server = serving(&vec![0; 20 << 20]);
        let mut config = config();
        config.max_inflated = 1 << 20;
        let client = Client::with_config(config).unwrap();
        let mut response = client.get(server.at("/")).send().unwrap();
        let error = std::io::copy(&mut response, &mut std::io::sink()).unwrap_err();
        assert!(h2_sync::Error::from(error).is_body_too_large());
    });
}

#[test]
fn an_answer_without_a_body_is_not_inflated() {
    bounded(|| {
        let server = serving(b"hello");
        assert_eq!(client().head(server.at("/")).send().unwrap().text().unwrap(), "");
    });
}
