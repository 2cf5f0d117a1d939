//! The end of a stream: by close_notify, by truncation, by an invalid record, or locally.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::process::{Command, Stdio};
use std::thread;

use h2_sync::transport::{Halves, Transport, duplex};

use crate::support::*;

#[test]
fn a_clean_end_is_read_as_the_end() {
    bounded(|| {
        let (client, mut server) = connected(tcp());
        let mut halves = client.split().unwrap();
        halves.writer.write_all(b"last words").unwrap();
        halves.closer.shutdown_write().unwrap();
        let mut heard = String::new();
        server.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "last words");
        // Only our direction has ended.
        server.write_all(b"answer").unwrap();
        drop(server);
        let mut heard = String::new();
        halves.reader.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "answer");
        assert_eq!(halves.writer.write(b"more").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn dropping_the_stream_ends_it_cleanly() {
    bounded(|| {
        let (mut client, server) = connected(duplex(1 << 16));
        drop(server);
        assert_eq!(client.read(&mut [0; 9]).unwrap(), 0);
        assert_eq!(client.read(&mut [0; 9]).unwrap(), 0);
    });
}

#[test]
fn closing_ends_it_cleanly_for_the_peer_and_for_us() {
    bounded(|| {
        let (client, mut server) = connected(tcp());
        let Halves { mut reader, mut writer, closer } = client.split().unwrap();
        let reading = thread::spawn(move || reader.read(&mut [0; 9]).map(|read| (reader, read)));
        closer.close().unwrap();
        let (mut reader, read) = reading.join().unwrap().unwrap();
        assert_eq!((read, reader.read(&mut [0; 9]).unwrap()), (0, 0));
        assert_eq!(writer.write(b"more").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(server.read(&mut [0; 9]).unwrap(), 0);
    });
}

#[test]
fn dropping_both_halves_closes_it_while_a_closer_is_held() {
    bounded(|| {
        let (client, mut server) = connected(tcp());
        let Halves { reader, writer, closer } = client.split().unwrap();
        drop((reader, writer));
        assert_eq!(server.read(&mut [0; 9]).unwrap(), 0);
        closer.shutdown_write().unwrap();
        closer.close().unwrap();
    });
}

#[test]
fn a_transport_that_ends_without_close_notify_is_an_error() {
    bounded(|| {
        let (mut tls, near, mut server) = connected_by_hand();
        tls.writer().write_all(b"all of it?").unwrap();
        tls.complete_io(&mut &near).unwrap();
        near.shutdown(Shutdown::Write).unwrap();
        // The data is available first, then the error, which persists.
        let mut heard = Vec::new();
        let error = server.read_to_end(&mut heard).unwrap_err();
        assert_eq!((&heard[..], error.kind()), (&b"all of it?"[..], io::ErrorKind::UnexpectedEof));
        assert!(error.to_string().contains("close_notify"), "{error}");
        let again = server.read(&mut [0; 9]).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::UnexpectedEof);
    });
}

#[test]
fn a_transport_that_ends_within_a_record_is_an_error() {
    bounded(|| {
        let (mut tls, near, mut server) = connected_by_hand();
        tls.writer().write_all(&[1; 1000]).unwrap();
        let mut record = Vec::new();
        tls.write_tls(&mut record).unwrap();
        (&near).write_all(&record[..500]).unwrap();
        near.shutdown(Shutdown::Write).unwrap();
        let error = server.read(&mut [0; 9]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    });
}

#[test]
fn an_invalid_record_is_an_error_after_earlier_data_and_causes_an_alert() {
    bounded(|| {
        let (mut tls, near, mut server) = connected_by_hand();
        let mut records = Vec::new();
        tls.writer().write_all(b"good").unwrap();
        tls.write_tls(&mut records).unwrap();
        tls.writer().write_all(b"evil").unwrap();
        tls.write_tls(&mut records).unwrap();
        *records.last_mut().unwrap() ^= 1;
        (&near).write_all(&records).unwrap();
        let mut heard = [0; 9];
        assert_eq!(server.read(&mut heard).unwrap(), 4);
        for _ in 0..2 {
            let error = server.read(&mut heard).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
        // The alert is sent when our direction is shut.
        server.closer().shutdown_write().unwrap();
        let error = loop {
            match tls.complete_io(&mut &near) {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("BadRecordMac"), "{error}");
    });
}

/// RFC 9113, Section 9.2.1. Clients of rustls never renegotiate, so this uses OpenSSL.
#[test]
fn a_renegotiation_ends_the_connection() {
    bounded(|| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut openssl = Command::new("openssl");
        openssl.args(["s_client", "-tls1_2", "-alpn", "h2", "-connect"]);
        openssl.arg(listener.local_addr().unwrap().to_string());
        openssl.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(mut client) = openssl.spawn() else { return println!("skipped: no openssl") };
        let mut server = ends().1.accept(listener.accept().unwrap().0, LONG).unwrap();
        // A line with only this letter is a command.
        client.stdin.as_mut().unwrap().write_all(b"R\n").unwrap();
        let error = server.read(&mut [0; 9]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("renegotiation"), "{error}");
        client.kill().unwrap();
        client.wait().unwrap();
    });
}
