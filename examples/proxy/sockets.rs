//! WebSockets through the proxy: one at each side, and messages in between, since key, versions and
//! compression belong to a hop (RFC 6455, Section 4; RFC 8441).

use std::thread;

use h2_sync::server::{Request, Response};
use h2_sync::websocket::{self, Builder, CloseCode, Compression, Origins, Reader, Sender};

use crate::{Failure, Proxy};

/// Opens a WebSocket at the upstream, accepts that of the client, and passes messages on.
pub(crate) fn forward(
    proxy: &Proxy,
    request: &mut Request,
    response: &mut Response,
) -> Result<(), Failure> {
    let asked = request.field("sec-websocket-protocol").unwrap_or_default();
    let protocols: Vec<String> = asked.split(',').map(|name| name.trim().to_owned()).collect();
    let protocols = protocols.into_iter().filter(|name| !name.is_empty());
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let url = format!("{}{target}", proxy.upstream.replacen("http", "ws", 1));
    let mut fields = crate::fields::of_request(request);
    let ours = fields.keys().filter(|name| name.as_str().starts_with("sec-websocket-"));
    for name in ours.cloned().collect::<Vec<_>>() {
        fields.remove(name);
    }
    let mut config = websocket::Config::default();
    config.compression = Some(Compression::default());
    // An end that has gone without a Close frame does not answer.
    config.ping_interval = Some(proxy.patience);
    config.ping_timeout = proxy.patience;
    let connect = Builder::new(&proxy.client, url).config(config.clone());
    let upstream = match connect.headers(fields).protocols(protocols).connect() {
        Ok(upstream) => upstream,
        // It has answered, with a refusal.
        Err(error) if error.status().is_some_and(|status| !status.is_success()) => {
            let status = error.status().unwrap_or_default();
            return response.set_status(status).map_err(Failure::Client);
        }
        Err(error) => return Err(Failure::Upstream(error)),
    };

    config.protocols = upstream.protocol().map(str::to_owned).into_iter().collect();
    // The upstream has seen `origin`, and has decided.
    config.origins = Origins::Any;
    let client = websocket::accept(request, response, &config).map_err(Failure::Client)?;

    let (from_client, to_client) = client.split();
    let (from_upstream, to_upstream) = upstream.split();
    thread::scope(|scope| {
        scope.spawn(|| pass_on(from_upstream, &to_client));
        pass_on(from_client, &to_upstream);
    });
    Ok(())
}

/// Passes messages on until one side closes, and then the code of its close.
fn pass_on(mut from: Reader, to: &Sender) {
    let closed = loop {
        match from.read() {
            Ok(Some(message)) => {
                if to.send(message).is_err() {
                    break None;
                }
            }
            Ok(None) => break from.closed(),
            Err(error) => {
                log::debug!("a WebSocket has ended: {error}");
                break None;
            }
        }
    };
    // It may be closed already.
    let _ = match closed {
        Some(close) => to.close(close.code.unwrap_or(CloseCode::NORMAL), &close.reason),
        None => to.close(CloseCode::GOING_AWAY, "the other side has gone"),
    };
}
