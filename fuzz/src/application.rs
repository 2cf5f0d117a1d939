//! An application that answers what its core tells it.

use std::time::Instant;

use bytes::Bytes;
use h2_sync::HeadersKind;
use h2_sync::frame::ErrorCode;
use h2_sync::headers;
use h2_sync::proto::{Connection, Event};

use super::cores::request;

static BODY: [u8; 20_000] = [b'b'; 20_000];

/// Answers each request in another way. It may ask for what cannot be: the core has to say so.
#[derive(Debug, Default)]
pub struct Application {
    requests: usize,
}

impl Application {
    pub fn react(&mut self, core: &mut Connection, event: &Event, now: Instant) {
        match *event {
            Event::Headers { stream_id, kind: HeadersKind::Request, .. } => {
                self.requests += 1;
                let response = headers!(":status" => "200", "x-request" => format!("{stream_id}"));
                let end_stream = self.requests % 4 == 0;
                if self.requests % 5 == 1 {
                    if let Ok(promised) = core.reserve_stream_id(now) {
                        let _ = core.promise(stream_id, promised, &request("GET"), now);
                        let _ = core.send_headers(promised, &response, end_stream, now);
                        let _ = core.send_data(promised, Bytes::from_static(&BODY), true, now);
                    }
                }
                if self.requests % 7 == 5 {
                    let _ = core.reset(stream_id, ErrorCode::Cancel, now);
                }
                let _ = core.send_headers(stream_id, &response, end_stream, now);
                let data = Bytes::from_static(&BODY[..100 * (self.requests % 200)]);
                let _ = core.send_data(stream_id, data, self.requests % 3 == 0, now);
                if self.requests % 3 == 1 {
                    let _ = core.send_headers(stream_id, &headers!("x-end" => "1"), true, now);
                }
            }
            Event::Data { stream_id, ref data, .. } => {
                let _ = core.release(stream_id, data.len(), now);
            }
            Event::StreamClosed { stream_id, held_slot: true } => {
                core.release_slot(stream_id);
            }
            Event::SendRoom { stream_id } if !stream_id.is_connection() => {
                let _ = core.send_data(stream_id, Bytes::from_static(&BODY), false, now);
            }
            Event::Goaway { .. } => {
                let _ = core.ping(now);
            }
            _ => {}
        }
    }
}
