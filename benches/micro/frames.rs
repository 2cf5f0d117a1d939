//! Frames to octets and back; an item is a frame.

use bytes::{Bytes, BytesMut};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use h2_sync::frame::{
    DEFAULT_MAX_FRAME_SIZE, Data, Frame, Headers, Ping, Setting, Settings, StreamId, WindowUpdate,
};

const KINDS: [&str; 6] = ["DATA", "DATA of 16 KiB", "HEADERS", "PING", "SETTINGS", "WINDOW_UPDATE"];
const COUNT: usize = 100;

fn frame(kind: &str) -> Frame {
    let stream_id = StreamId::new(1).unwrap();
    let data = |len| {
        let data = Bytes::from(vec![0; len]);
        Frame::Data(Data { stream_id, data, end_stream: true, padding: None })
    };
    match kind {
        "DATA" => data(100),
        "DATA of 16 KiB" => data(16 << 10),
        "HEADERS" => Frame::Headers(Headers {
            stream_id,
            fragment: Bytes::from(vec![0x82; 50]),
            end_stream: true,
            end_headers: true,
            priority: None,
            padding: None,
        }),
        "PING" => Frame::Ping(Ping { ack: false, payload: [0; 8] }),
        "SETTINGS" => {
            let entries = vec![Setting::MaxConcurrentStreams(100), Setting::InitialWindowSize(1)];
            Frame::Settings(Settings { ack: false, entries })
        }
        _ => Frame::WindowUpdate(WindowUpdate { stream_id, increment: 1 }),
    }
}

#[divan::bench(args = KINDS)]
fn encode(bencher: Bencher<'_, '_>, kind: &str) {
    let frame = frame(kind);
    let mut out = Vec::new();
    bencher.counter(ItemsCount::new(COUNT)).bench_local(|| {
        out.clear();
        (0..COUNT).for_each(|_| black_box(&frame).encode(&mut out));
        black_box(&out);
    });
}

#[divan::bench(args = KINDS)]
fn decode(bencher: Bencher<'_, '_>, kind: &str) {
    let mut octets = Vec::new();
    (0..COUNT).for_each(|_| frame(kind).encode(&mut octets));
    bencher.counter(ItemsCount::new(COUNT)).with_inputs(|| BytesMut::from(&octets[..])).bench_refs(
        |input| {
            while let Some(frame) = Frame::decode(input, DEFAULT_MAX_FRAME_SIZE).unwrap() {
                black_box(frame);
            }
        },
    );
}
