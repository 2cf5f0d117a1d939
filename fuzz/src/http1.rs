//! HTTP/1.1 at both ends: see `messages.rs` for what drives them.

use h2_sync::http1::Config;
use http::Method;

use super::input::Input;
use super::messages::{Log, Seen, fetch, serve};

/// Smaller limits, for inputs that are short.
fn limits(input: &mut Input<'_>) -> Config {
    let mut config = Config::default();
    if input.flag() {
        config.max_head_size = 60 + input.below(200);
        config.max_request_line = 20 + input.below(100);
        config.max_fields = 1 + input.below(50);
        config.max_chunk_line = 4 + input.below(60);
        config.max_body_size = Some(input.below(100) as u64);
        config.max_interim = input.below(4) as u32;
    }
    config
}

/// Any octets as what a client sends.
///
/// - The result does not depend on how the octets come.
/// - What is refused has an answer, and nothing is taken after it.
/// - Messages are taken in order, without gaps, and content is that of the octets.
pub fn http1_server(data: &[u8]) {
    let mut input = Input::new(data);
    let (config, step) = (limits(&mut input), 1 + input.below(40));
    let octets = input.rest();
    let whole = serve(&config, octets, usize::MAX);
    assert_eq!(serve(&config, octets, step), whole);
    check(&whole, octets);
}

/// Any octets as what a server sends.
///
/// - The result does not depend on how the octets come.
/// - Responses are taken in order, without gaps, and content is that of the octets.
pub fn http1_client(data: &[u8]) {
    let mut input = Input::new(data);
    let (config, step) = (limits(&mut input), 1 + input.below(40));
    let methods = methods(&mut input);
    let octets = input.rest();
    let whole = fetch(&config, &methods, octets, usize::MAX);
    assert_eq!(fetch(&config, &methods, octets, step), whole);
    check(&whole, octets);
}

fn methods(input: &mut Input<'_>) -> Vec<Method> {
    let choices = [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS, Method::CONNECT];
    let pick = |_| input.pick(&choices).cloned().unwrap_or_default();
    (0..3).map(pick).collect()
}

/// Messages of a client one at a time, each on a connection of its own and octet by octet, with other
/// octets behind it: no message ends elsewhere or has other content for what stands before or behind.
pub fn http1_messages(data: &[u8]) {
    let config = Config::default();
    let log = serve(&config, data, usize::MAX);
    let messages = log.seen.split_inclusive(|seen| *seen == Seen::End);
    let starts = [0].into_iter().chain(log.ends.iter().copied());
    for ((start, end), seen) in starts.zip(log.ends.iter().copied()).zip(messages) {
        let alone = [&data[start..end], b"\0\r\n\r\nGET"].concat();
        let again = serve(&config, &alone, 1);
        assert_eq!(again.seen.get(..seen.len()), Some(seen));
        assert_eq!(again.ends.first(), Some(&(end - start)));
        assert_eq!(again.messages(), 1);
    }
}

/// What holds for all that one end has seen.
fn check(log: &Log, octets: &[u8]) {
    assert!(log.ends.windows(2).all(|ends| ends[0] < ends[1]), "{:?}", log.ends);
    assert!(log.ends.last().is_none_or(|&end| end <= octets.len()));
    let content = log.content();
    assert!(content.len() <= octets.len());
    if log.refusal().is_none() {
        let Some(Seen::Closed(left) | Seen::Tunnel(left)) = log.seen.last() else {
            panic!("it has no end: {log:?}");
        };
        assert!(octets.ends_with(left));
    }
}
