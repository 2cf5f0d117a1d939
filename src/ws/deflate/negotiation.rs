//! The negotiation of the parameters (RFC 7692, Section 7.1).

use super::super::error::Error;
use super::list::{Extension, extensions};
use super::options::{Compression, DeflateParams, Direction, MAX_BITS, MIN_BITS};

const NAME: &str = "permessage-deflate";
const SERVER_NO_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";

/// Returns the value of `sec-websocket-extensions` that a client offers.
///
/// ```
/// use h2_sync::ws::{offer, Compression};
///
/// let offered = offer(&Compression::default());
/// assert!(offered.starts_with("permessage-deflate; "));
/// ```
pub fn offer(compression: &Compression) -> String {
    let mut value = Value::new();
    value.flag(SERVER_NO_TAKEOVER, !compression.receive_context_takeover);
    value.flag(CLIENT_NO_TAKEOVER, !compression.send_context_takeover);
    if compression.receive_bits() < MAX_BITS {
        value.bits(SERVER_BITS, compression.receive_bits());
    }
    // Without a value it says that the server may choose one (RFC 7692, Section 7.1.2.2).
    match compression.send_bits() {
        MAX_BITS => value.flag(CLIENT_BITS, true),
        bits => value.bits(CLIENT_BITS, bits),
    }
    value.0
}

/// Selects the first offer that a server can accept. Returns the negotiated parameters, and the value of
/// `sec-websocket-extensions` for the response. `offers` are the values of the request's fields of that name.
/// Returns `None` if no offer can be accepted: the response then has no such field.
pub fn answer<'a>(
    offers: impl IntoIterator<Item = &'a str>,
    compression: &Compression,
) -> Option<(DeflateParams, String)> {
    let mut offers = offers.into_iter().flat_map(extensions);
    offers.find_map(|offer| choose(&Asked::read(&offer).ok()??, compression))
}

/// Checks the server's selection, and returns the negotiated parameters; `None` for no compression. `answer`
/// are the values of the response's `sec-websocket-extensions` fields, `compression` the options that were
/// [offered](offer), if any.
///
/// # Errors
///
/// If the server has selected an extension that was not offered, or parameters that contradict the offer.
pub fn accepted<'a>(
    answer: impl IntoIterator<Item = &'a str>,
    compression: Option<&Compression>,
) -> Result<Option<DeflateParams>, Error> {
    let mut answers = answer.into_iter().flat_map(extensions);
    let Some(extension) = answers.next() else { return Ok(None) };
    let asked = Asked::read(&extension)
        .map_err(|name| Error::protocol(format!("the server's answer has a bad {name:?}")))?;
    let (Some(asked), Some(ours), None) = (asked, compression, answers.next()) else {
        let name = extension.name;
        return Err(Error::protocol(format!("the server has chosen {name:?}, against the offer")));
    };
    if !ours.receive_context_takeover && !asked.server_no_takeover {
        let what = "the server keeps its compression context, which the offer excludes";
        return Err(Error::protocol(what));
    }
    if asked.server_bits.unwrap_or(MAX_BITS) > ours.receive_bits() {
        return Err(Error::protocol("the server's compression window is larger than offered"));
    }
    let send_bits = match asked.client_bits {
        None => ours.send_bits(),
        Some(Some(bits @ MIN_BITS..)) if bits <= ours.send_bits() => bits,
        Some(_) => {
            return Err(Error::protocol(
                "the server asks for a compression window of another size",
            ));
        }
    };
    let send = Direction {
        takeover: ours.send_context_takeover && !asked.client_no_takeover,
        bits: send_bits,
    };
    let receive = Direction {
        takeover: !asked.server_no_takeover,
        bits: asked.server_bits.unwrap_or(MAX_BITS),
    };
    Ok(Some(params(ours, send, receive)))
}

/// Returns the answer of a server to one offer.
fn choose(asked: &Asked, ours: &Compression) -> Option<(DeflateParams, String)> {
    let asked_bits = asked.server_bits.unwrap_or(MAX_BITS);
    if asked_bits < MIN_BITS {
        return None;
    }
    let send = Direction {
        takeover: ours.send_context_takeover && !asked.server_no_takeover,
        bits: asked_bits.min(ours.send_bits()),
    };
    // The parameter must not be sent to a client that has not offered it.
    let client_bits = asked.client_bits.map(|bits| bits.unwrap_or(MAX_BITS));
    let receive = Direction {
        takeover: ours.receive_context_takeover && !asked.client_no_takeover,
        bits: client_bits.map_or(MAX_BITS, |bits| bits.min(ours.receive_bits())),
    };
    let mut value = Value::new();
    value.flag(SERVER_NO_TAKEOVER, !send.takeover);
    value.flag(CLIENT_NO_TAKEOVER, !receive.takeover);
    if asked.server_bits.is_some() || send.bits < MAX_BITS {
        value.bits(SERVER_BITS, send.bits);
    }
    if receive.bits < MAX_BITS {
        value.bits(CLIENT_BITS, receive.bits);
    }
    Some((params(ours, send, receive), value.0))
}

fn params(ours: &Compression, send: Direction, receive: Direction) -> DeflateParams {
    DeflateParams { send, receive, level: ours.level.clamp(1, 9), min_size: ours.min_size }
}

/// The parameters of an offer, or of its answer.
#[derive(Debug, Default)]
struct Asked {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_bits: Option<u8>,
    /// In an offer, it may have no value.
    client_bits: Option<Option<u8>>,
}

impl Asked {
    /// Parses an extension. Returns `None` for another extension. The error is the name of a parameter that
    /// is unknown, invalid or repeated.
    fn read<'a>(extension: &Extension<'a>) -> Result<Option<Self>, &'a str> {
        if !extension.name.eq_ignore_ascii_case(NAME) {
            return Ok(None);
        }
        let mut asked = Asked::default();
        for &(name, value) in &extension.params {
            let is_new = match (name, value) {
                (SERVER_NO_TAKEOVER, None) => {
                    !std::mem::replace(&mut asked.server_no_takeover, true)
                }
                (CLIENT_NO_TAKEOVER, None) => {
                    !std::mem::replace(&mut asked.client_no_takeover, true)
                }
                (SERVER_BITS, Some(bits)) => {
                    asked.server_bits.replace(window_bits(bits).ok_or(name)?).is_none()
                }
                (CLIENT_BITS, None) => asked.client_bits.replace(None).is_none(),
                (CLIENT_BITS, Some(bits)) => {
                    asked.client_bits.replace(Some(window_bits(bits).ok_or(name)?)).is_none()
                }
                _ => false,
            };
            if !is_new {
                return Err(name);
            }
        }
        Ok(Some(asked))
    }
}

/// Parses a number from 8 to 15 without leading zeros.
fn window_bits(value: &str) -> Option<u8> {
    (8..=15).find(|bits| bits.to_string() == value)
}

/// A field value that is being written.
struct Value(String);

impl Value {
    fn new() -> Self {
        Value(NAME.to_owned())
    }

    fn flag(&mut self, name: &str, is_there: bool) {
        if is_there {
            self.0.push_str("; ");
            self.0.push_str(name);
        }
    }

    fn bits(&mut self, name: &str, bits: u8) {
        self.flag(name, true);
        self.0.push_str(&format!("={bits}"));
    }
}

#[cfg(test)]
#[path = "negotiation_tests.rs"]
mod tests;
