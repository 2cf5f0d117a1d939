//! Bodies of requests.

use std::fs::File;
use std::io::{self, IoSlice, Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use h2_sync::ErrorKind;
use h2_sync::client::{Body, Client, ConnectHook, ConnectTo};
use h2_sync::transport::{Halves, ReadHalf, Transport, WriteHalf};

use crate::support::{Running, bounded, client, config, octets, serve};

/// A server that answers with the length and checksum of the body.
fn counting() -> Running {
    serve(|request, response| {
        let mut octets = Vec::new();
        request.set_max_body(100 << 20);
        request.read_to_end(&mut octets)?;
        let told = request.field("content-length").unwrap_or("unknown").to_owned();
        write!(response, "{} {} {told}", octets.len(), sum(&octets))
    })
}

fn sum(octets: &[u8]) -> u64 {
    octets.iter().fold(7, |sum, &octet| sum * 31 % 1_000_003 + u64::from(octet))
}

#[test]
fn octets_arrive_whole_however_many_there_are() {
    bounded(|| {
        let (server, client) = (counting(), client());
        for len in [1, 32 << 10, (32 << 10) + 1, 5 << 20] {
            let body = octets(len);
            let expected = format!("{len} {} {len}", sum(&body));
            let text = client.post(server.at("/")).body(body).send().unwrap().text().unwrap();
            assert_eq!(text, expected);
        }
    });
}

#[test]
fn a_reader_of_unknown_length_is_sent_to_its_end() {
    bounded(|| {
        let server = counting();
        let body = octets(3 << 20);
        let expected = format!("{} {} unknown", body.len(), sum(&body));
        // In pieces of odd sizes.
        let reader = OddPieces(io::Cursor::new(body));
        let response = client().post(server.at("/")).body(Body::from_reader(reader)).send();
        assert_eq!(response.unwrap().text().unwrap(), expected);
    });
}

/// A transport that records its writes.
struct Recorded(TcpStream, Arc<Mutex<Vec<Vec<u8>>>>);

impl Transport for Recorded {
    type Reader = ReadHalf<TcpStream>;
    type Writer = RecordedWriter;

    fn split(self) -> io::Result<Halves<Self::Reader, RecordedWriter>> {
        let Halves { reader, writer, closer } = self.0.split()?;
        Ok(Halves { reader, writer: RecordedWriter(writer, self.1), closer })
    }
}

struct RecordedWriter(WriteHalf<TcpStream>, Arc<Mutex<Vec<Vec<u8>>>>);

impl Write for RecordedWriter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.1.lock().unwrap().push(bufs.iter().flat_map(|buf| buf.to_vec()).collect());
        self.0.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[test]
fn small_body_goes_out_in_one_write_with_its_header_section() {
    bounded(|| {
        let (server, writes) = (counting(), Arc::new(Mutex::new(Vec::new())));
        let (address, seen) = (server.handle.local_addr().unwrap(), Arc::clone(&writes));
        let connect =
            move |_: &ConnectTo<'_>| Ok(Recorded(TcpStream::connect(address)?, Arc::clone(&seen)));
        let mut config = config();
        config.connect_hook = Some(ConnectHook::new(connect));
        let client = Client::with_config(config).unwrap();
        for len in [100, 2 << 10, (2 << 10) + 1] {
            let body = octets(len);
            client.post(server.at("/")).body(body.clone()).send().unwrap();
            let writes = std::mem::take(&mut *writes.lock().unwrap());
            let with_body = |write: &&Vec<u8>| write.ends_with(&body[len - 100..]);
            let write = writes.iter().find(with_body).expect("a write with the body");
            assert!(write.len() > len + 9 + 9, "{} octets", write.len());
        }
    });
}

struct OddPieces(io::Cursor<Vec<u8>>);

impl Read for OddPieces {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = buf.len().min(7_919);
        self.0.read(&mut buf[..n])
    }
}

#[test]
fn a_file_is_sent_from_where_it_stands_with_its_length() {
    bounded(|| {
        let server = counting();
        let path = std::env::temp_dir().join(format!("h2-sync-client-{}", std::process::id()));
        std::fs::write(&path, octets(100_000)).unwrap();
        let mut file = File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        file.seek(SeekFrom::Start(1_000)).unwrap();
        let text = client().post(server.at("/")).body(file).send().unwrap().text().unwrap();
        assert_eq!(text, format!("99000 {} 99000", sum(&octets(100_000)[1_000..])));
    });
}

#[test]
fn reader_with_a_wrong_length_fails_only_its_request() {
    bounded(|| {
        let (server, client) = (counting(), client());
        for len in [4, 6] {
            let body = Body::from_reader_with_len(&b"12345"[..], len);
            let error = client.post(server.at("/")).body(body).send().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Caller);
        }
        assert_eq!(client.post(server.at("/")).body("a").send().unwrap().status(), 200);
    });
}

#[test]
fn a_reader_that_fails_fails_the_request_with_its_own_error() {
    bounded(|| {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        let server = counting();
        let response = client().post(server.at("/")).body(Body::from_reader(Broken)).send();
        assert!(response.unwrap_err().to_string().contains("the disk is gone"));
    });
}

#[test]
fn an_echo_of_more_than_all_windows_comes_back_whole() {
    bounded(|| {
        let server = serve(|request, response| io::copy(request, response).map(drop));
        let body = octets(40 << 20);
        let reader = Body::from_reader(io::Cursor::new(body.clone()));
        let mut response = client().post(server.at("/")).body(reader).send().unwrap();
        let mut back = Vec::new();
        response.read_to_end(&mut back).unwrap();
        assert!(back == body);
    });
}
