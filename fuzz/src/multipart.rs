//! Forms with files, from the body to the handler.

use std::io::Read;

use h2_sync::server::{Request, Response};

use super::input::Input;

/// Not a part of any content that is made here.
const BOUNDARY: &str = "fuzz-7578";

/// A part of a form: its name and its content.
type Part = (String, Vec<u8>);

/// Any octets as a form, or as the contents of the parts of one.
///
/// - The result does not depend on how the content is read.
/// - A form that is valid has the parts that were put into it.
pub fn multipart(data: &[u8]) {
    let mut input = Input::new(data);
    let (is_valid, step) = (input.flag(), 1 + input.below(40));
    // Beyond what is read of a body at a time.
    let filler = vec![b'-'; usize::from(input.octet()) << 8];
    let octets = input.rest();
    if !is_valid {
        let mut body = octets.to_vec();
        body.extend_from_slice(&filler);
        assert_eq!(parse(body.clone(), step), parse(body, 0));
        return;
    }
    let contents = octets.split(|octet| *octet == 0xff).enumerate();
    let parts: Vec<Part> = contents
        .map(|(n, content)| (format!("field {n}"), [&filler[..], content].concat()))
        .filter(|(_, content)| !contains(content, BOUNDARY.as_bytes()))
        .take(8)
        .collect();
    let body = form(&parts);
    for step in [0, step] {
        assert_eq!(parse(body.clone(), step).as_ref(), Some(&parts));
    }
}

fn form(parts: &[Part]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        body.extend_from_slice(format!("--{BOUNDARY}\r\n").as_bytes());
        let disposition = format!("content-disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(disposition.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// The parts of a form, read in pieces of `step` octets, or at once if that is zero; `None` if the form
/// is refused.
fn parse(body: Vec<u8>, step: usize) -> Option<Vec<Part>> {
    let handler = move |request: &mut Request, response: &mut Response| {
        let (mut form, mut all) = (request.multipart()?, Vec::new());
        while let Some(mut part) = form.next_part()? {
            let (name, mut content) = (part.name().to_owned(), Vec::new());
            if step == 0 {
                content = part.bytes()?;
            } else {
                let mut piece = vec![0; step];
                loop {
                    match part.read(&mut piece)? {
                        0 => break,
                        n => content.extend_from_slice(&piece[..n]),
                    }
                }
            }
            for part in [name.as_bytes(), &content] {
                all.extend_from_slice(&(part.len() as u32).to_be_bytes());
                all.extend_from_slice(part);
            }
        }
        response.send(all)
    };
    let request = Request::builder().method("POST").body(body);
    let form = format!("multipart/form-data; boundary={BOUNDARY}");
    let answer = request.header("content-type", &form).send_to(handler).expect("an answer");
    if answer.status() != 200 {
        assert_eq!(answer.status(), 400);
        return None;
    }
    let (mut all, mut parts) = (Input::new(answer.body()), Vec::new());
    let next = |all: &mut Input<'_>| {
        let len = all.u32() as usize;
        all.octets(len).to_vec()
    };
    while !all.is_empty() {
        let name = String::from_utf8(next(&mut all)).expect("a name is text");
        parts.push((name, next(&mut all)));
    }
    Some(parts)
}

fn contains(octets: &[u8], what: &[u8]) -> bool {
    octets.windows(what.len()).any(|window| window == what)
}
