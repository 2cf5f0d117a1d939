//! Forms with files.

use std::fmt::Write as _;
use std::io::{Read, Write};

use h2_sync::client::{Client, Config, Multipart, Versions};
use h2_sync::server::{Request, Response, TestResponse};
use h2_sync::{BoxError, Error};

use crate::support::{bounded, serve};

/// Lists the parts. Files are counted while they arrive.
fn list(request: &mut Request, response: &mut Response) -> Result<(), Error> {
    let mut form = request.multipart()?;
    let mut text = String::new();
    while let Some(mut part) = form.next_part()? {
        let (name, file) = (part.name().to_owned(), part.file_name().map(str::to_owned));
        let media_type = part.content_type().unwrap_or("-").to_owned();
        if let Some(file) = file {
            let octets = std::io::copy(&mut part, &mut std::io::sink())?;
            let _ = write!(text, "{name}={octets} of {file} {media_type};");
        } else {
            let _ = write!(text, "{name}={};", part.text()?);
        }
    }
    response.send(text)
}

fn post(body: &'static str, content_type: &str) -> TestResponse {
    let request = Request::builder().method("POST").header("content-type", content_type);
    request.body(body).send_to(list).unwrap()
}

#[test]
fn form_of_a_client_is_read_in_both_versions() {
    bounded(|| {
        let server = serve(|request, response| Ok(list(request, response)?));
        let url = format!("http://{}/", server.local_addr().unwrap());
        for versions in [Versions::Http1, Versions::Http2] {
            let client =
                Client::with_config(Config::default().with(|it| it.versions = versions)).unwrap();
            let file = std::io::repeat(b'\r').take(1 << 20);
            let form = Multipart::new().text("a \"b\"", "é\r\n--x").reader(
                "file",
                "ö.bin",
                "image/png",
                file,
                None,
            );
            let response = client.post(&*url).multipart(form).send().unwrap();
            assert_eq!(
                response.text().unwrap(),
                "a \"b\"=é\r\n--x;file=1048576 of ö.bin image/png;"
            );
        }
    });
}

#[test]
fn form_of_another_type_or_without_boundary_is_refused() {
    assert_eq!(post("a=1", "application/x-www-form-urlencoded").status(), 415);
    assert_eq!(post("--b--", "multipart/form-data").status(), 400);
    assert_eq!(post("--b--", "multipart/form-data; boundary=\"\"").status(), 400);
    assert_eq!(post("--b--", "Multipart/Form-Data; charset=utf-8; BOUNDARY=\"b\"").status(), 200);
}

#[test]
fn malformed_form_is_answered_with_400() {
    for body in ["", "--b\r\n", "--b\r\n\r\nno name\r\n--b--", "--b\r\n: x\r\n\r\n\r\n--b--"] {
        assert_eq!(post(body, "multipart/form-data; boundary=b").status(), 400, "{body:?}");
    }
}

#[test]
fn text_and_names_of_a_form_are_bounded_together_and_files_are_not() {
    let handler = |request: &mut Request, response: &mut Response| -> Result<(), BoxError> {
        request.set_max_body(1000);
        Ok(list(request, response)?)
    };
    let send = |field: &str, content: usize, count: usize| {
        let head = format!("--b\r\ncontent-disposition: form-data; {field}\r\n\r\n");
        let mut body = Vec::new();
        for _ in 0..count {
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(&vec![b'x'; content]);
            body.extend_from_slice(b"\r\n");
        }
        body.write_all(b"--b--").unwrap();
        let request = Request::builder().method("POST").body(body);
        let request = request.header("content-type", "multipart/form-data; boundary=b");
        request.send_to(handler).unwrap().status().as_u16()
    };
    assert_eq!(send("name=a", 900, 1), 200);
    assert_eq!(send("name=a", 1000, 1), 413);
    assert_eq!(send("name=a", 450, 3), 413);
    assert_eq!(send("name=a", 0, 30), 413);
    assert_eq!(send("name=a; filename=b", 100_000, 1), 200);
}

#[test]
fn request_is_usable_while_its_form_is_read() {
    let handler = |request: &mut Request, response: &mut Response| -> Result<(), Error> {
        let mut form = request.multipart()?;
        let path = request.path().to_owned();
        assert!(request.multipart().is_err(), "the body is taken");
        let mut part = form.next_part()?.expect("a part");
        let mut first = [0; 1];
        part.read_exact(&mut first)?;
        response.send(format!("{path} {}", first[0]))
    };
    let body = "--b\r\ncontent-disposition: form-data; name=a\r\n\r\n!rest\r\n--b--";
    let request = Request::builder().method("POST").uri("/p").body(body);
    let request = request.header("content-type", "multipart/form-data; boundary=b");
    assert_eq!(request.send_to(handler).unwrap().text(), "/p 33");
}
