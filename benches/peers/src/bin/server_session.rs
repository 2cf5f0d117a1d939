//! `h2_sync::Session`: one thread per connection takes the events of all its streams, and puts what
//! there is to say to all that had come in one step.

use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use h2_sync::tls::Acceptor;
use h2_sync::{Act, Config, ErrorCode, Evt, Headers, HeadersKind, Reason, Role, Session, StreamId};
use peers::{AnyError, Args, BINARY, HELLO, Route, SERVER, TEXT, date, piece};

/// For a handshake, and for a client that does not read.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<(), AnyError> {
    let args = Args::parse();
    let tls = args.tls_config()?.map(|config| Arc::new(Acceptor::from_config(config)));
    let listener = TcpListener::bind(args.address)?;
    args.announce(listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept()?;
        let tls = tls.clone();
        thread::spawn(move || {
            if let Err(error) = connect(stream, tls.as_deref()).and_then(|session| serve(&session))
            {
                eprintln!("server_session: {error}");
            }
        });
    }
}

fn connect(stream: TcpStream, tls: Option<&Acceptor>) -> Result<Session, AnyError> {
    let config = Config::default();
    Ok(match tls {
        None => Session::with_config(stream, Role::Server, config)?,
        Some(tls) => {
            let stream = tls.accept(stream, PATIENCE).map_err(|error| error.error().clone())?;
            Session::with_config(stream, Role::Server, config)?
        }
    })
}

fn serve(session: &Session) -> Result<(), AnyError> {
    // Uploads, and their octets so far.
    let mut sinks = HashMap::new();
    let (mut evts, mut acts) = (Vec::new(), Vec::new());
    loop {
        session.take_evts(&mut evts)?;
        for evt in evts.drain(..) {
            if let Evt::Closed { reason } = evt {
                return match reason {
                    Reason::Error(error) => Err(error.into()),
                    _ => Ok(()),
                };
            }
            answer(session, evt, &mut sinks, &mut acts);
        }
        put(session, &mut acts);
    }
}

/// Adds what there is to do about an event to `acts`.
fn answer(session: &Session, evt: Evt, sinks: &mut HashMap<StreamId, usize>, acts: &mut Vec<Act>) {
    match evt {
        Evt::RecvHeaders { stream_identifier: id, headers, kind: HeadersKind::Request, .. } => {
            match headers.path().map_or(Route::Unknown, Route::of) {
                Route::Hello => full(id, TEXT, HELLO, acts),
                Route::Bytes(octets) => {
                    acts.push(head(id, BINARY, Some(octets)));
                    let mut left = octets;
                    while left > 0 {
                        let data = piece(left);
                        left -= data.len() as u64;
                        let is_end_stream = left == 0;
                        acts.push(Act::SendData { stream_identifier: id, data, is_end_stream });
                        if left > 0 {
                            put(session, acts);
                        }
                    }
                }
                Route::Echo => acts.push(head(id, BINARY, None)),
                Route::Sink => {
                    sinks.insert(id, 0);
                }
                Route::Unknown => {
                    let headers = h2_sync::headers!(":status" => "404");
                    let is_end_stream = true;
                    acts.push(Act::SendHeaders { stream_identifier: id, headers, is_end_stream });
                }
            }
        }
        Evt::RecvData { stream_identifier: id, data, is_end_stream } => {
            let Some(octets) = sinks.get_mut(&id) else {
                // An echo. Should it be the body of a request that has been answered, the stream is
                // gone, and putting it is an error that says so.
                acts.push(Act::SendData { stream_identifier: id, data, is_end_stream });
                return;
            };
            *octets += data.len();
            if is_end_stream {
                full(id, TEXT, octets.to_string().as_bytes(), acts);
                sinks.remove(&id);
            }
        }
        Evt::Reset { stream_identifier, .. } => {
            sinks.remove(&stream_identifier);
        }
        _ => {}
    }
}

fn full(stream_identifier: StreamId, kind: &str, body: &[u8], acts: &mut Vec<Act>) {
    acts.push(head(stream_identifier, kind, Some(body.len() as u64)));
    let data = body.to_vec().into();
    acts.push(Act::SendData { stream_identifier, data, is_end_stream: true });
}

fn head(stream_identifier: StreamId, kind: &str, length: Option<u64>) -> Act {
    let mut headers = Headers::with_capacity(5, 128);
    headers.push(":status", "200");
    headers.push("content-type", kind);
    if let Some(length) = length {
        headers.push("content-length", length.to_string());
    }
    headers.push("date", date());
    headers.push("server", SERVER);
    Act::SendHeaders { stream_identifier, headers, is_end_stream: length == Some(0) }
}

/// Puts all actions, and waits for room if the buffer is full.
fn put(session: &Session, acts: &mut Vec<Act>) {
    while let Err(error) = session.write_acts(acts) {
        // The first one that is left is the one that could not be done.
        let act = acts.remove(0);
        let stream_identifier = match act {
            Act::SendHeaders { stream_identifier, .. } => stream_identifier,
            Act::SendData { stream_identifier, .. } => stream_identifier,
            _ => continue,
        };
        if !error.is_full() || session.put_act_timeout(act, PATIENCE).is_err() {
            // The client has reset the stream, or does not read what it has asked for.
            let error_code = ErrorCode::InternalError;
            let _ = session.put_act(Act::Reset { stream_identifier, error_code });
        }
    }
}
